"""Train the shape network for a number of minutes, or go on training it.

``python -m training.train --data CACHE --out FOLDER --minutes 60``. FOLDER holds ``checkpoint.pt`` (everything to go on
with), ``log.csv`` (one line a report) and ``reserved.csv`` (soft IoU per kind on reserved objects). A run that finds a
checkpoint goes on from it; every run's learning rate falls along a cosine over its own minutes. Shards that appear in
CACHE meanwhile are taken up. On CPUs, workers are processes of one thread each that average their gradients: on a busy
machine that is several times faster than threads that wait for each other. A GPU is used if there is one.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import distributed, multiprocessing

from training.batches import Batch, Cache
from training.descent import Descent
from training.log import add_line
from training.losses import mistakes
from training.network import ShapeNet, Size
from training.restore import restored


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes:
        data: the cache, with ``train`` and ``reserved``.
        out: where the checkpoint and the logs lie.
        minutes: of this run.
        pretrained: the ONNX file of EfficientNet-Lite0; read where there is neither a checkpoint nor ``start``.
        start: an exported network to go on from where there is no checkpoint.
        rate: highest learning rate.
        batch: pictures a step and worker.
        workers: processes on CPUs.
        seed: of weights and order.
        warmup: steps until the rate is full.
        decay: of weights.
        memory: steps over which the averaged weights look back, once there are as many.
        report: steps between lines of the log.
        save_s: seconds between checkpoints.
        compiled: whether the network is compiled first: a minute at the start, a quarter faster from then on. It needs
            a C++ compiler.
    """

    data: Path
    out: Path
    minutes: float
    pretrained: Path | None = None
    start: Path | None = None
    rate: float = 8.0e-4
    batch: int = 8
    workers: int = 1
    seed: int = 0
    warmup: int = 150
    decay: float = 0.03
    memory: int = 1000
    report: int = 40
    save_s: float = 180.0
    compiled: bool = False

    @property
    def checkpoint(self) -> Path:
        """What a later run goes on from."""
        return self.out / "checkpoint.pt"

    def rate_at(self, share: float, step: int) -> float:
        """The learning rate when ``share`` of the minutes is over and ``step`` steps of this run are done."""
        fallen = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * share))
        return self.rate * min(1.0, (step + 1) / self.warmup) * fallen


class Trainer:
    """One worker: its network, the averaged one, and how far they are."""

    def __init__(self, rank: int, plan: Plan) -> None:
        self.rank = rank
        self.plan = plan
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.size = Size()
        torch.manual_seed(plan.seed)
        self.net = ShapeNet(self.size).to(self.device, memory_format=torch.channels_last)
        self.checkpoint = plan.checkpoint
        goes_on = self.checkpoint.exists()
        if plan.pretrained and not plan.start and not goes_on:
            self.net.backbone.load(plan.pretrained)
        if plan.start and not goes_on:
            weights = restored(plan.start, {name: tuple(w.shape) for name, w in self.net.state_dict().items()})
            self.net.load_state_dict({name: torch.from_numpy(weight) for name, weight in weights.items()})
        self.mean = ShapeNet(self.size).to(self.device)
        self.mean.load_state_dict(self.net.state_dict())
        for weight in self.mean.parameters():
            weight.requires_grad_(False)
        self.answers = torch.compile(self.net) if plan.compiled else self.net
        self.descent = Descent(self.net, plan.rate, plan.decay)
        self.step, self.seen, self.minutes = 0, 0, 0.0
        if goes_on:
            self._resume()

    def train(self) -> None:
        """Descend until the minutes are over."""
        plan = self.plan
        cache = Cache(plan.data / "train")
        rng = np.random.default_rng((plan.seed, self.step, self.rank))
        order = rng.permutation(cache.refresh())
        began = saved = time.monotonic()
        before, first = self.minutes, self.step
        sums: dict[str, float] = defaultdict(float)
        summed = 0
        while (share := self._agreed((time.monotonic() - began) / 60.0 / plan.minutes)) < 1.0:
            rate = plan.rate_at(share, self.step - first)
            self.descent.set_rate(rate)
            if len(order) < plan.batch:
                order = rng.permutation(cache.refresh())
            for name, value in self._descend(cache.batch(order[: plan.batch], rng)).items():
                sums[name] += value
            summed += 1
            order = order[plan.batch :]
            self.minutes = before + (time.monotonic() - began) / 60.0
            if self.rank == 0 and self.step % plan.report == 0:
                row = {"minutes": round(self.minutes, 2), "step": self.step, "images": self.seen, "rate": f"{rate:.2e}"}
                means = {name: round(total / summed, 4) for name, total in sums.items()}
                add_line(plan.out / "log.csv", row | means)
                sums.clear()
                summed = 0
            if self.rank == 0 and time.monotonic() - saved > plan.save_s:
                saved = time.monotonic()
                self.save()

    def _descend(self, batch: Batch) -> dict[str, float]:
        picture = torch.from_numpy(batch.picture).to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            answer = self.answers(picture)
        wrong = mistakes(answer, batch, self.device)
        self.descent.forget_gradients()
        wrong.total.backward()
        trained = [p for p in self.net.parameters() if p.grad is not None]
        if self.plan.workers > 1:
            _averaged(trained, self.plan.workers)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        self.descent.step()
        self.step += 1
        self.seen += self.plan.batch * self.plan.workers
        with torch.no_grad():
            forget = max(1.0 / self.plan.memory, 1.0 / (self.step + 1))
            torch._foreach_lerp_(list(self.mean.parameters()), list(self.net.parameters()), forget)
        return wrong.numbers()

    def _agreed(self, share: float) -> float:
        """The share of the time that is over, by the clock of the worker that is farthest: all stop at one step."""
        if self.plan.workers == 1:
            return share
        flag = torch.tensor([share])
        distributed.all_reduce(flag, op=distributed.ReduceOp.MAX)
        return float(flag)

    def save(self) -> None:
        """Write everything that going on needs."""
        part = self.checkpoint.with_suffix(".part")
        state = {"net": self.net.state_dict(), "mean": self.mean.state_dict(), "descent": self.descent.state()}
        numbers = {"step": self.step, "seen": self.seen, "minutes": self.minutes, "size": asdict(self.size)}
        torch.save(state | numbers, part)
        part.replace(self.checkpoint)

    def _resume(self) -> None:
        try:
            saved = torch.load(self.checkpoint, map_location=self.device)
            self.net.load_state_dict(saved["net"])
            self.mean.load_state_dict(saved["mean"])
            self.descent.resume(saved["descent"])
        except (EOFError, KeyError, RuntimeError, TypeError, ValueError, UnpicklingError) as error:
            reason = f"is broken, or of a network of another size ({type(error).__name__})"
            raise SystemExit(f"{self.checkpoint} {reason}: move it away to begin anew") from error
        self.step, self.seen, self.minutes = saved["step"], saved["seen"], saved["minutes"]


def work(rank: int, plan: Plan) -> None:
    """One worker's whole run."""
    torch.set_num_threads(1)
    if plan.workers > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", GLOO_SOCKET_IFNAME="lo")
        os.environ.setdefault("MASTER_PORT", "29517")
        distributed.init_process_group("gloo", rank=rank, world_size=plan.workers)
    trainer = Trainer(rank, plan)
    trainer.train()
    if rank == 0:
        trainer.save()
        print(measured(trainer.mean, plan, trainer.seen, trainer.device), flush=True)
    if plan.workers > 1:
        distributed.destroy_process_group()


@torch.no_grad()
def measured(net: ShapeNet, plan: Plan, seen: int, device: torch.device) -> dict[str, float]:
    """Soft IoU per kind, and the median error of pitch, on the reserved objects; a line for ``reserved.csv``."""
    cache = Cache(plan.data / "reserved")
    overlap: dict[str, list[float]] = defaultdict(list)
    pitch: list[float] = []
    numbers = np.arange(cache.refresh())
    if not len(numbers):
        return {}
    rng = np.random.default_rng(0)
    for start in range(0, len(numbers), 32):
        batch = cache.batch(numbers[start : start + 32], rng, disturb=False)
        wrong = mistakes(net(torch.from_numpy(batch.picture).to(device)), batch, device)
        for kind, value in zip(batch.kinds, wrong.overlap.tolist(), strict=True):
            overlap[kind].append(value)
        pitch += wrong.pitch.tolist()
    row: dict[str, float] = {"images": seen, "pitch_median_deg": round(math.degrees(float(np.median(pitch))), 2)}
    row |= {kind: round(float(np.mean(values)), 4) for kind, values in sorted(overlap.items())}
    row["mean"] = round(float(np.mean([v for values in overlap.values() for v in values])), 4)
    add_line(plan.out / "reserved.csv", row)
    return row


def _averaged(weights: list[torch.nn.Parameter], workers: int) -> None:
    """Every worker's gradients become their mean."""
    grads = [weight.grad for weight in weights if weight.grad is not None]
    flat = torch.cat([grad.reshape(-1) for grad in grads])
    distributed.all_reduce(flat)
    flat /= workers
    start = 0
    for grad in grads:
        grad.copy_(flat[start : start + grad.numel()].view_as(grad))
        start += grad.numel()


def number(text: str) -> float:
    """An option's number over 0."""
    value = float(text)
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"must be over 0, not {text}")
    return value


def whole_number(text: str) -> int:
    """An option's number of 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, not {text}")
    return value


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="training.train", description="Train the shape network.")
    parser.add_argument("--data", type=Path, required=True, help="cache written by training.shards")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=number, required=True)
    parser.add_argument("--pretrained", type=Path, help="efficientnet-lite0.onnx, for the first run")
    parser.add_argument("--start", type=Path, help="lensora-shape.onnx to go on from where there is no checkpoint")
    parser.add_argument("--batch", type=whole_number, default=Plan.batch, help="pictures a step and worker")
    parser.add_argument("--rate", type=float, default=Plan.rate)
    parser.add_argument("--workers", type=whole_number, default=Plan.workers)
    parser.add_argument("--seed", type=int, default=Plan.seed)
    parser.add_argument("--compile", action="store_true", help="compile the network first: needs a C++ compiler")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    workers = 1 if torch.cuda.is_available() else options.workers
    plan = Plan(
        options.data,
        options.out,
        options.minutes,
        options.pretrained,
        options.start,
        options.rate,
        options.batch,
        workers=workers,
        seed=options.seed,
        compiled=options.compile,
    )
    if not plan.checkpoint.exists() and not plan.start:
        if plan.pretrained is None:
            parser.error(f"there is no {plan.checkpoint} to go on from: --pretrained or --start is needed")
        if not plan.pretrained.exists():
            parser.error(
                f"--pretrained {plan.pretrained}: no such file; lensora models pull efficientnet-lite0 fetches it"
            )
    if workers == 1:
        work(0, plan)
    else:
        multiprocessing.start_processes(work, (plan,), workers, start_method="spawn")


if __name__ == "__main__":
    main()
