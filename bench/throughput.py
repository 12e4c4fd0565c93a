"""Several customers at once on the embedded stack: jobs an hour, waiting times, memory, and processor time of a job.

No two jobs have the same picture. Settings under trial go in by the environment, such as
``LENSORA_CUTOUTS_AT_ONCE=2 make bench-throughput``. ``--small`` is for what many jobs do to memory: pictures of 640
pixels and films of 256 pixels and a second, through the same stages.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import statistics
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import psutil
from PIL import Image, ImageOps
from pydantic import SecretStr

from bench.measure import MIB, PeakMemory, closing_line, machine, table
from bench.stack import Up, jpeg, photos, unseen, up
from gateway.jobs.store import open_store
from gateway.settings import RedisSettings
from lensora.client import Client
from lensora.core.errors import Unavailable

MEMORY_BUDGET_MB = 3072.0
CREDITS = 1_000_000
PROMPTS = ("on a marble countertop with soft natural light", "on a beach at sunset", "on a wooden desk by a window")
SMALL_PX = 640
SMALL_FILM: Mapping[str, float] = {"size": 256, "fps": 12, "seconds": 1.0}
MARKS = {
    "detect": "services.detect",
    "segment": "services.segment",
    "mesh": "services.mesh",
    "render": "services.render",
    "gateway": "gateway http",
    "worker": "gateway worker",
}
"""What tells the stack's processes apart, by the end of their command lines."""


@dataclass(frozen=True)
class Ride:
    """One upload and its job: when it ended, the seconds of each part, and how often the upload was refused (503)."""

    ended_s: float
    init_s: float
    job_s: float
    completed: bool
    refused: int


def main() -> None:
    """Run the jobs, each customer one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of photos; without it scikit-image's coffee cup")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--customers", type=int, default=4)
    parser.add_argument("--small", action="store_true", help="quick jobs")
    arguments = parser.parse_args()
    pictures = list(photos(arguments.data).values())
    output = None
    if arguments.small:
        pictures, output = [shrunk(picture) for picture in pictures], SMALL_FILM
    print(machine(), "; load average", os.getloadavg()[0])
    with up() as stack, PeakMemory(stack.pid) as memory:
        keys = asyncio.run(accounts(stack, arguments.customers))
        # The first job of each kind pays for what is loaded once, and does not count.
        ride(stack, keys[0], pictures[0], PROMPTS[0], time.perf_counter(), output)
        before = processor_seconds(stack.pid)
        began = time.perf_counter()
        sizes = Sizes(memory, began)
        with sizes, ThreadPoolExecutor(arguments.customers) as pool:
            orders = zip(itertools.cycle(keys), itertools.cycle(pictures), itertools.cycle(PROMPTS), strict=False)
            running = [
                pool.submit(ride, stack, key, unseen(photo, 1 + number), prompt, began, output)
                for number, (key, photo, prompt) in enumerate(itertools.islice(orders, arguments.jobs))
            ]
            rides = [future.result() for future in running]
        seconds = time.perf_counter() - began
        after = processor_seconds(stack.pid)
        peaks = {name: peak / MIB for name, peak in peak_bytes(stack.pid, memory).items()}
    tell(rides, seconds, {name: (after[name] - before[name]) / len(rides) for name in MARKS}, sizes.sampled, peaks)


async def accounts(stack: Up, count: int) -> list[str]:
    """Keys of so many new customers."""
    store = open_store(RedisSettings(redis_url=SecretStr(stack.redis_url)))
    try:
        keys = []
        for number in range(count):
            account = f"customer-{number}"
            await store.accounts.create(account)
            await store.credits.grant(account, CREDITS, reference=f"bench {number}")
            keys.append((await store.keys.create(account))[1])
        return keys
    finally:
        await store.close()


def shrunk(photo: bytes) -> bytes:
    """The picture with its longer side of ``SMALL_PX``."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(photo))).convert("RGB")
    picture.thumbnail((SMALL_PX, SMALL_PX))
    return jpeg(np.asarray(picture))


def ride(
    stack: Up, key: str, photo: bytes, prompt: str, began: float, output: Mapping[str, float] | None = None
) -> Ride:
    """One upload and its job, as a customer waits for them."""
    refused = 0
    with Client(stack.base_url, key) as client:
        started = time.perf_counter()
        while True:
            try:
                session = client.init(photo)
                break
            except Unavailable:
                # Its time counts: a customer's program would do the same.
                refused += 1
                time.sleep(1.0)
        looked = time.perf_counter()
        result = client.wait(client.transform(session.session_id, prompt, output=output))
        ended = time.perf_counter()
    return Ride(ended - began, looked - started, ended - looked, result.status == "completed", refused)


class Sizes:
    """Memory of the stack, once a second."""

    def __init__(self, memory: PeakMemory, began: float) -> None:
        self.sampled: list[tuple[float, float]] = []
        self._memory, self._began = memory, began
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Sizes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(1.0):
            self.sampled.append((time.perf_counter() - self._began, self._memory.now_bytes / MIB))


def processor_seconds(pid: int) -> dict[str, float]:
    """Processor seconds that each process of the stack has used so far."""
    spent = dict.fromkeys(MARKS, 0.0)
    for name, process in named(pid):
        with contextlib.suppress(psutil.Error):
            used = process.cpu_times()
            spent[name] += used.user + used.system
    return spent


def peak_bytes(pid: int, memory: PeakMemory) -> dict[str, int]:
    """The most memory that each process of the stack has had, at whatever time."""
    return {name: memory.peak_by_process.get(process.pid, 0) for name, process in named(pid)}


def named(pid: int) -> Iterator[tuple[str, psutil.Process]]:
    """The stack's processes, by their names in ``MARKS``."""
    for process in psutil.Process(pid).children(recursive=True):
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        for name, mark in MARKS.items():
            if words.endswith(mark):
                yield name, process


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of them stay under or at."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def tell(
    rides: Sequence[Ride],
    seconds: float,
    costs: Mapping[str, float],
    sizes: Sequence[tuple[float, float]],
    peaks: Mapping[str, float],
) -> None:
    """Print what came of it."""
    done = [one for one in rides if one.completed]
    if not done:
        raise SystemExit("no job completed: is the stack whole? see `lensora up` without --quiet")
    quarter = max(1, len(sizes) // 4)
    first, last = (max(size for _, size in part) for part in (sizes[:quarter], sizes[-quarter:]))
    peak = max(size for _, size in sizes)
    figures = {
        "jobs": len(rides),
        "completed": len(done),
        "uploads_refused": sum(one.refused for one in rides),
        "jobs_per_hour": len(done) / seconds * 3600.0,
        "init_p50_s": statistics.median(one.init_s for one in rides),
        "init_p99_s": quantile([one.init_s for one in rides], 0.99),
        "job_p50_s": statistics.median(one.job_s for one in rides),
        "job_p99_s": quantile([one.job_s for one in rides], 0.99),
        "memory_first_quarter_mb": first,
        "memory_last_quarter_mb": last,
        "memory_peak_mb": peak,
        **{f"{name}_peak_mb": peak for name, peak in peaks.items()},
        **{f"{name}_cpu_s": cost for name, cost in costs.items()},
        "cpu_s": sum(costs.values()),
    }
    table(("what", "figure"), figures.items())
    verdict = "met" if peak <= MEMORY_BUDGET_MB else "NOT met"
    print(f"budget: {MEMORY_BUDGET_MB:.0f} MiB for the whole stack, peak {peak:.0f} MiB: {verdict}")
    closing_line(figures)


if __name__ == "__main__":
    main()
