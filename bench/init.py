"""Time of ``POST /v1/studio/init`` on a 12-megapixel JPEG, over HTTP, on the embedded stack."""

from __future__ import annotations

import argparse
import time

from bench.measure import closing_line, has_amx, machine, median, table
from bench.stack import photo_of_12_megapixels, photos, up
from lensora.client import Client

BUDGET_S = {True: 0.7, False: 1.0}
"""In the median, with AMX and without."""


def main() -> None:
    """Upload each photo several times, after one upload that warms up and does not count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of photos; without it a made 12-megapixel JPEG is used")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    samples = photos(arguments.data) if arguments.data else {"12 MP JPEG": photo_of_12_megapixels()}
    print(machine())
    rows, all_s, detect_s = [], [], []
    with up() as stack, Client(stack.base_url, stack.api_key) as client:
        client.init(next(iter(samples.values())))
        for name, photo in samples.items():
            times, detections = [], []
            for _ in range(arguments.repeats):
                started = time.perf_counter()
                session = client.init(photo)
                times.append(time.perf_counter() - started)
                detections.append(session.vlm_elapsed_ms / 1000)
            rows.append((name, f"{len(photo) / 1e6:.2f}", median(times), max(times), median(detections)))
            all_s += times
            detect_s += detections
    table(("photo", "MB", "median s", "max s", "detect s"), rows)
    budget_s = BUDGET_S[has_amx()]
    print(f"budget: {budget_s} s, median {median(all_s):.2f} s: {'met' if median(all_s) <= budget_s else 'NOT met'}")
    closing_line({"init_p50_s": median(all_s), "detect_p50_s": median(detect_s), "budget_s": budget_s})


if __name__ == "__main__":
    main()
