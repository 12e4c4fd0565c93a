"""Uploads changed at random: what ``/init`` answers, how long that takes, and how much memory decoding takes.

Without ``--http`` the files go through the very code that the gateway and the services read them with, in a process of
its own; with it, to a gateway over HTTP, which is slower.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx

from bench.measure import closing_line, machine, table
from gateway.http.testing import installation
from lensora.core.errors import InvalidImage
from lensora.imaging.photo import decode
from lensora.testing.mutation import mutated

WORKING_SIDE_PX = 1024
SLOW_S = 5.0
"""No answer may take longer."""


def main() -> None:
    """Send the files, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--minutes", type=float, default=60.0, help="after them no further file is sent")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--http", action="store_true", help="over HTTP, to a gateway with a detector that only decodes")
    arguments = parser.parse_args()
    print(machine())
    if arguments.http:
        with tempfile.TemporaryDirectory(prefix="lensora-photos-") as folder, installation(Path(folder)) as stack:
            # A key for each ten thousand credits would be limited by its rate before by its balance.
            keys = [stack.gateway.api_key(10_000_000) for _ in range(64)]
            with httpx.Client(timeout=60.0) as client:
                turn = iter(range(arguments.files))

                def ask(data: bytes) -> str:
                    key = keys[next(turn) % len(keys)]
                    answer = client.post(
                        f"{stack.gateway.base_url}/v1/studio/init",
                        files={"image": data},
                        headers={"Authorization": f"Bearer {key}"},
                    )
                    return str(answer.status_code)

                run(arguments.files, arguments.seed, ask, arguments.minutes)
    else:
        run(arguments.files, arguments.seed, read, arguments.minutes)


def read(data: bytes) -> str:
    """The status that the file would be answered with."""
    try:
        decode(data, longest_side_px=WORKING_SIDE_PX)
    except InvalidImage:
        return "400"
    except Exception as error:
        return f"500 {type(error).__name__}"
    return "200"


def run(files: int, seed: int, ask: Callable[[bytes], str], minutes: float) -> None:
    """Print answers, times and memory."""
    end = time.monotonic() + 60.0 * minutes
    answers: Counter[str] = Counter()
    slowest, before = 0.0, resident("VmRSS")
    for data in mutated(files, seed):
        if time.monotonic() > end:
            break
        started = time.perf_counter()
        answers[ask(data)] += 1
        slowest = max(slowest, time.perf_counter() - started)
    grown = (resident("VmHWM") - before) / 1e6
    table(("answer", "files"), sorted(answers.items()))
    print(f"slowest {slowest:.2f} s (limit {SLOW_S:g} s); memory grew by {grown:.0f} MB at its peak")
    closing_line(
        {
            "files": answers.total(),
            "answers_5xx": sum(count for status, count in answers.items() if status.startswith("5")),
            "slowest_s": round(slowest, 3),
            "memory_mb": round(grown),
        }
    )


def resident(name: str) -> int:
    """Memory of this process, bytes: ``VmRSS`` now, ``VmHWM`` at its peak."""
    found = re.search(name + r":\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


if __name__ == "__main__":
    main()
