"""Whole jobs on the embedded stack: ``/transform`` to ``completed``, each stage's time, and the stack's memory.

``CPU s`` is the processor time of all of the stack's processes in a job: on a machine that has other work too, it says
more than the clock does.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

from bench.measure import PeakMemory, closing_line, has_amx, machine, median, table
from bench.stack import photos, unseen, up
from bench.throughput import processor_seconds
from lensora.client import Client

BUDGET_S = {True: 4.0, False: 5.0}
"""Of a job in the median, with AMX and without."""
MEMORY_BUDGET_MB = 3072.0
PROMPT = "on a marble countertop with soft natural light"


def main() -> None:
    """Run every photo through the whole pipeline, one job after the other, each with a picture that is new to it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of photos; without it scikit-image's coffee cup")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--camera", default="turntable", choices=("turntable", "dolly", "cinematic"))
    arguments = parser.parse_args()
    samples = photos(arguments.data)
    print(machine())
    rows, totals, spent_s, stages_s = [], [], [], defaultdict(list)
    with up() as stack, PeakMemory(stack.pid) as memory, Client(stack.base_url, stack.api_key) as client:
        for name, photo in samples.items():
            for number in range(arguments.repeats):
                session = client.init(unseen(photo, number))
                before = sum(processor_seconds(stack.pid).values())
                started = time.perf_counter()
                ticket = client.transform(session.session_id, PROMPT, camera_preset=arguments.camera)
                result = client.wait(ticket)
                seconds = time.perf_counter() - started
                spent = sum(processor_seconds(stack.pid).values()) - before
                stages = {stage.name: (stage.ms or 0) / 1000 for stage in result.stages}
                rows.append((name, str(result.status), seconds, spent, *(stages.get(key, 0.0) for key in STAGES)))
                if result.status == "completed":
                    totals.append(seconds)
                    spent_s.append(spent)
                    for key, value in stages.items():
                        stages_s[key].append(value)
    table(("photo", "status", "total s", "CPU s", *STAGES), rows)
    total, peak = median(totals), memory.peak_mb
    budget_s = BUDGET_S[has_amx()]
    print(f"budget: {budget_s} s, median {total:.2f} s: {'met' if total <= budget_s else 'NOT met'}")
    verdict = "met" if peak <= MEMORY_BUDGET_MB else "NOT met"
    print(f"budget: {MEMORY_BUDGET_MB:.0f} MiB for the whole stack, peak {peak:.0f} MiB: {verdict}")
    closing_line(
        {
            "jobs": len(rows),
            "completed": len(totals),
            "e2e_p50_s": total,
            "e2e_max_s": max(totals, default=float("nan")),
            "cpu_p50_s": median(spent_s),
            "peak_rss_mb": peak,
            **{f"{key.replace('-', '_')}_p50_s": median(stages_s[key]) for key in STAGES},
        }
    )


STAGES = ("cropping", "removing-bg", "generating-bg", "compositing", "generating-3d", "rendering-video")


if __name__ == "__main__":
    main()
