"""The gate: the whole mesh stage on the corpus' ``unseen`` part, held to committed figures.

``python -m quality.gate`` makes one model of every object anew, from its first or its second view in turn (``--all``:
of both), prints a table and fails if a figure has fallen by more than its noise. ``--commit`` writes the figures to
``gate.toml`` instead, to be reviewed and committed with the change that moved them. ``make test`` runs it: two
processes, no volume IoU, no baselines (inflation's figures are committed too).

Old and new figures are compared object by object, so that what counts as noise is what the change did unevenly, not how
different the objects are: a mean may fall by one standard error of the mean difference (bootstrap by object), or by
``Figure.slack``, whichever is more.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quality.measure.noise import by_object, paired_error, worst_decile
from quality.measure.sample import Sample, samples_in

HERE = Path(__file__).parent
UNSEEN = HERE / "corpus" / "unseen"
COMMITTED = HERE / "gate.toml"

SURFACE_SAMPLES = 8_000
"""Points on a surface for the F-score: 20,000 move it by under 0.003."""

Values = Mapping[str, float]
"""One sample's measured values by name: fscore, inflation, iou, ssim, color_error, back_ssim, back_histogram."""


@dataclass(frozen=True)
class Figure:
    """One line of the gate's table.

    ``value``: from a sample's values to the number, None where the sample has none. ``statistic``: over objects.
    ``sign``: 1 where more is better, -1 where less is. ``slack``: how far it may fall whatever its noise.
    """

    name: str
    value: Callable[[Values], float | None]
    slack: float
    sign: int = 1
    statistic: Callable[[NDArray[np.float64]], float] = lambda values: float(values.mean())


FIGURES = (
    Figure("mean F-score", lambda v: v["fscore"], 0.004),
    Figure("worst decile of F-score", lambda v: v["fscore"], 0.01, statistic=worst_decile),
    Figure("worst margin over inflation", lambda v: v["fscore"] - v["inflation"], 0.01, statistic=np.min),
    Figure("mean silhouette IoU", lambda v: v["iou"], 0.001),
    Figure("texture: mean SSIM", lambda v: v.get("ssim"), 0.004),
    Figure("texture: mean colour error", lambda v: v.get("color_error"), 0.1, sign=-1),
    Figure("back: mean SSIM", lambda v: v.get("back_ssim"), 0.005),
    Figure("back: mean histogram distance", lambda v: v.get("back_histogram"), 0.2, sign=-1),
)


@dataclass(frozen=True)
class Line:
    """A figure, compared."""

    name: str
    committed: float
    measured: float
    allowed: float

    @property
    def passes(self) -> bool:
        """Whether it has not fallen by more than it may; ``allowed`` has the figure's sign."""
        return self.measured >= self.allowed if self.allowed <= self.committed else self.measured <= self.allowed


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and exit with 1 if something fell."""
    parser = argparse.ArgumentParser(prog="quality.gate", description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=UNSEEN)
    parser.add_argument("--commit", action="store_true", help="write gate.toml instead of comparing with it")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="both views of every object: twice the time")
    options = parser.parse_args(arguments)
    started = time.perf_counter()
    samples = samples_in(options.data) if options.all else one_view_each(samples_in(options.data))
    if not samples:
        raise SystemExit(f"--data {options.data}: no folder in it holds input.png or input.jpg, mask.png and a mesh")
    committed = {} if options.commit else tomllib.loads(COMMITTED.read_text())["samples"]
    measured = measured_in_parallel(samples, options.processes, {n: v["inflation"] for n, v in committed.items()})
    took = time.perf_counter() - started
    things = {sample.name: sample.thing for sample in samples}
    if options.commit:
        COMMITTED.write_text(written(measured))
        print(f"{len(measured)} samples in {took:.0f} s, written to {COMMITTED}")
        committed = measured
    if not set(measured) <= set(committed):
        raise SystemExit(f"{COMMITTED} is of other samples than {options.data}: run quality.gate --commit")
    lines = compared(committed, measured, things)
    print(table(lines))
    print(f"{len(measured)} samples of {len(set(things.values()))} objects in {took:.0f} s")
    fallen = [line.name for line in lines if not line.passes]
    if fallen:
        print(samples_that_fell(committed, measured))
        raise SystemExit(f"the gate is shut: {', '.join(fallen)} fell by more than noise")


def one_view_each(samples: Sequence[Sample]) -> list[Sample]:
    """One sample of every object: the first view of one object, the second of the next, and so on."""
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.thing, []).append(sample)
    return [views[number % len(views)] for number, (_, views) in enumerate(sorted(groups.items()))]


def compared(committed: Mapping[str, Values], measured: Mapping[str, Values], things: Mapping[str, str]) -> list[Line]:
    """Each figure's committed and measured number, and how low (or high) it may be."""
    lines = []
    for figure in FIGURES:
        names = [n for n in sorted(measured) if figure.value(measured[n]) is not None]
        of = [things[name] for name in names]
        old = by_object([float(figure.value(committed[name]) or 0.0) for name in names], of)
        new = by_object([float(figure.value(measured[name]) or 0.0) for name in names], of)
        drop = max(figure.slack, paired_error(old, new, figure.statistic))
        before = figure.statistic(old)
        lines.append(Line(figure.name, before, figure.statistic(new), before - figure.sign * drop))
    return lines


def table(lines: Sequence[Line]) -> str:
    """For people."""
    rows = [f"{'figure':<34}{'committed':>11}{'measured':>11}{'at worst':>11}"]
    rows += [
        f"{line.name:<34}{line.committed:>11.4f}{line.measured:>11.4f}{line.allowed:>11.4f}"
        f"  {'' if line.passes else 'FELL'}".rstrip()
        for line in lines
    ]
    return "\n".join(rows)


def samples_that_fell(committed: Mapping[str, Values], measured: Mapping[str, Values], count: int = 8) -> str:
    """The samples whose F-score or texture fell most."""
    rows = []
    for key, sign in (("fscore", 1), ("ssim", 1), ("color_error", -1), ("iou", 1)):
        falls = sorted((sign * (measured[n][key] - committed[n][key]), n) for n in measured if key in measured[n])
        rows += [
            f"  {key:<14}{name:<40}{committed[name][key]:>9.3f} -> {measured[name][key]:.3f}"
            for fall, name in falls[:count]
            if fall < -0.005
        ]
    return "\n".join(rows)


def written(measured: Mapping[str, Values]) -> str:
    """The text of ``gate.toml``."""
    head = "# Written by `python -m quality.gate --commit`: what the gate holds the mesh stage to.\n\n[samples]\n"
    rows = []
    for name, values in sorted(measured.items()):
        fields = ", ".join(f"{key} = {value:.4f}" for key, value in values.items())
        rows.append(f'"{name}" = {{ {fields} }}')
    return head + "\n".join(rows) + "\n"


def measured_in_parallel(
    samples: Sequence[Sample], processes: int, inflation: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Every sample's values; ``inflation``: the baseline's F-score where it is known already."""
    # One thread to a process: two processes fill two cores better than two threads in each step.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LP_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        tasks = {s.name: pool.submit(measure, s, inflation.get(s.name)) for s in samples}
        return {name: task.result() for name, task in tasks.items()}


def measure(sample: Sample, inflation: float | None) -> dict[str, float]:
    """One sample's values, in a process of the pool."""
    # Only here: the parent neither makes nor draws anything.
    from quality import baselines  # noqa: PLC0415
    from quality.measure.drawing import Drawer  # noqa: PLC0415
    from quality.measure.shape import Truth  # noqa: PLC0415
    from quality.trial import tried  # noqa: PLC0415

    truth = Truth(sample.truth(), samples=SURFACE_SAMPLES, with_volume=False)
    with Drawer() as drawer:
        trial, _ = tried(sample, truth, drawer)
    if inflation is None:
        inflation = truth.compare(baselines.inflation(sample.rgba())).fscore
    values = {
        "fscore": trial.shape.fscore,
        "inflation": inflation,
        "iou": trial.iou,
        "ssim": trial.texture.ssim,
        "color_error": trial.texture.color_error,
    }
    if trial.back is not None:
        values |= {"back_ssim": trial.back.ssim, "back_histogram": trial.back.histogram}
    return values


if __name__ == "__main__":
    main(sys.argv[1:])
