"""A disk without room for a long time: does the stack stay, is anything lost, does it go on when there is room?

``python -m bench.disk --folder F [--minutes 60]``. F lies on a file system of its own that may be filled, such as
``mount -t tmpfs -o size=64m none F``. ``lensora up`` has its home there. A job runs and another one waits when a
ballast file takes all that is left; what the stack frees meanwhile is taken again. Requests go on all the time. Then
the ballast goes, and every job, every credit and a new job are looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from bench.measure import MIB, closing_line, machine, table
from bench.stack import Up, photos, up
from gateway.jobs.records import TRANSFORM_CREDITS
from lensora.client import Client
from lensora.core.errors import LensoraError

MOST_FREE_BYTES = 1_000_000_000
"""A larger file system is likelier one that others need."""
PAUSE_S = 5.0
PATIENCE_S = 300.0
FILM = {"size": 256, "fps": 12, "seconds": 1.0}


@dataclass
class Seen:
    """What happened while the disk was full."""

    answers: Counter[str] = field(default_factory=Counter)
    processes_mb: list[float] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)


class Ballast:
    """A file that takes whatever room there is."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def grow(self) -> None:
        """Take what is left, to the last byte."""
        with self._path.open("ab", buffering=0) as file:
            for size in (1_000_000, 4_096, 64, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"\0" * size) == size:
                        pass

    def drop(self) -> None:
        """Give all of it back."""
        self._path.unlink(missing_ok=True)


def watch(stack: Up, photo: bytes, ballast: Ballast, minutes: float) -> Seen:
    """Ask again and again, with the disk kept full."""
    seen, headers = Seen(), {"Authorization": f"Bearer {stack.api_key}"}
    end = time.monotonic() + 60.0 * minutes
    with httpx.Client(base_url=stack.base_url, timeout=30.0, trust_env=False) as api:
        while time.monotonic() < end:
            ballast.grow()
            asked: dict[str, Callable[[], httpx.Response]] = {
                "/healthz": lambda: api.get("/healthz"),
                "/v1/studio/init": lambda: api.post("/v1/studio/init", headers=headers, files={"image": photo}),
                "/v1/studio/jobs": lambda: api.get("/v1/studio/jobs", headers=headers),
            }
            for path, ask in asked.items():
                try:
                    answer = ask()
                    later = " later" if "retry-after" in answer.headers else ""
                    seen.answers[f"{path} {answer.status_code}{later}"] += 1
                except httpx.HTTPError as error:
                    seen.answers[f"{path} {type(error).__name__}"] += 1
            if not psutil.pid_exists(stack.pid):
                seen.dead.append("lensora up")
                break
            memory = 0.0
            for process in psutil.Process(stack.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    memory += process.memory_info().rss / MIB
            seen.processes_mb.append(memory)
            time.sleep(PAUSE_S)
    return seen


@contextlib.contextmanager
def _file_elsewhere() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "said"


def until_ready(stack: Up) -> float:
    """Seconds until everything answers again. Raises SystemExit where it never does."""
    began = time.monotonic()
    while time.monotonic() - began < PATIENCE_S:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{stack.base_url}/readyz", timeout=10.0, trust_env=False).status_code == 200:
                return time.monotonic() - began
        time.sleep(0.2)
    raise SystemExit("the stack did not come back")


def bench(folder: Path, minutes: float) -> int:
    """The exit status says whether what must hold held."""
    photo = next(iter(photos(None).values()))
    ballast = Ballast(folder)
    with _file_elsewhere() as said, up(folder, said=said) as stack, Client(stack.base_url, stack.api_key) as client:
        session = client.init(photo).session_id
        before = client.account().balance
        jobs = [client.transform(session, "remove", output=dict(FILM)).job_id for _ in range(4)]
        try:
            seen = watch(stack, photo, ballast, minutes)
        finally:
            ballast.drop()
        ready_s = until_ready(stack)
        results = []
        for job_id in jobs:
            with contextlib.suppress(LensoraError):
                results.append(client.wait(job_id, timeout_s=PATIENCE_S))
        ends = Counter(str(result.status) for result in results)
        spent = before - client.account().balance
        fresh = client.wait(client.transform(client.init(photo).session_id, "remove", output=dict(FILM)).job_id)
        verify = [str(Path(sys.executable).parent / "lensora"), "credits", "verify", "--home", str(stack.home)]
        books_right = subprocess.run(verify, check=False, stdout=subprocess.DEVNULL).returncode == 0
        starts = Counter(re.findall(r"^.*?(\w+)\W+died with status", said.read_text(), re.MULTILINE))
        logs_mb = sum(path.stat().st_size for path in (stack.home / "logs").iterdir()) / 1e6
    refused = sum(count for what, count in seen.answers.items() if what == "/v1/studio/init 503 later")
    other = sum(count for what, count in seen.answers.items() if what.startswith("/v1/studio/init")) - refused
    figures: dict[str, float | int | str | None] = {
        "full_minutes": minutes,
        "requests": sum(seen.answers.values()),
        "init_refused_503": refused,
        "init_otherwise": other,
        "healthz_not_200": sum(
            n for what, n in seen.answers.items() if what.startswith("/healthz") and "200" not in what
        ),
        "job_store_starts": starts["redis"],
        "other_starts": starts.total() - starts["redis"],
        "memory_first_mb": seen.processes_mb[0] if seen.processes_mb else None,
        "memory_peak_mb": max(seen.processes_mb, default=0.0),
        "stack_ended": len(seen.dead),
        "ready_again_s": ready_s,
        "jobs": len(jobs),
        "jobs_completed": ends["completed"],
        "jobs_failed_and_refunded": sum(1 for one in results if one.status == "failed" and one.credits_refunded),
        "credits_spent": spent,
        "credits_owed": TRANSFORM_CREDITS * ends["completed"],
        "books_right": int(books_right),
        "new_job_completed": int(fresh.status == "completed"),
        "logs_mb": logs_mb,
    }
    table(("what", "figure"), list(figures.items()))
    table(("answer while the disk was full", "times"), sorted(seen.answers.items()))
    closing_line(figures)
    whole = len(jobs) == ends["completed"] + ends["failed"] and spent == TRANSFORM_CREDITS * ends["completed"]
    held = whole and books_right and not seen.dead and not other and fresh.status == "completed"
    return 0 if held else 1


def main() -> int:
    """Print what was seen, and the closing line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="not needed; taken so that every bench can be called alike")
    parser.add_argument("--folder", type=Path, required=True, help="on a file system that may be filled")
    parser.add_argument("--minutes", type=float, default=60.0, help="with a full disk")
    options = parser.parse_args()
    room = os.statvfs(options.folder)
    if room.f_bavail * room.f_frsize > MOST_FREE_BYTES:
        raise SystemExit(f"{options.folder} has over {MOST_FREE_BYTES / 1e9:g} GB free: name a small file system")
    print(machine())
    return bench(options.folder, options.minutes)


if __name__ == "__main__":
    sys.exit(main())
