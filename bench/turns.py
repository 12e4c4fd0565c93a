"""Two checkouts asked by turns: what a change is worth on a machine that has other work too.

``python -m bench.turns --before FOLDER [--data PHOTOS]``: a stack of this checkout and one of the other are both up;
each picture goes to one and then to the other. The folder is a checkout whose stubs are built (``python
build_protos.py``); it runs with this one's packages. Ratios and processor time count; seconds on the clock are those of
the machine as it is.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from pathlib import Path

from bench.measure import closing_line, machine, median, table
from bench.stack import Up, photos, unseen, up
from bench.throughput import MARKS, processor_seconds
from lensora.client import Client

PROMPT = "on a marble countertop with soft natural light"
STAGES = ("removing-bg", "generating-bg", "compositing", "generating-3d", "rendering-video")

Figures = dict[str, list[float]]


def main() -> None:
    """Ask both, and print what each took and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--data", help="folder of photos; without it scikit-image's coffee cup")
    parser.add_argument("--repeats", type=int, default=1)
    arguments = parser.parse_args()
    pictures = photos(arguments.data)
    print(machine(), "; load average", os.getloadavg()[0])
    with up(checkout=arguments.before.resolve()) as before, up() as after:
        stacks = {"before": before, "after": after}
        found: dict[str, Figures] = {name: defaultdict(list) for name in stacks}
        for stack in stacks.values():  # what is loaded once does not count
            asked(stack, unseen(next(iter(pictures.values())), 8), defaultdict(list))
        turn = list(stacks)
        for number in range(arguments.repeats):
            for photo in pictures.values():
                for name in turn:
                    asked(stacks[name], unseen(photo, number), found[name])
                turn.reverse()
    rows, closing = [], {}
    for what in found["after"]:
        one, other = median(found["before"][what]), median(found["after"][what])
        rows.append((what, one, other, other / one if one else float("nan")))
        key = what.replace("-", "_").replace(",", "").replace(" ", "_")
        closing |= {f"{key}_before": one, f"{key}_after": other}
    table(("medians", "before", "after", "after / before"), rows)
    closing_line(closing)


def asked(stack: Up, photo: bytes, figures: Figures) -> None:
    """One upload and its job; what they took is added to the figures."""
    with Client(stack.base_url, stack.api_key) as client:
        spent, started = processor_seconds(stack.pid), time.perf_counter()
        session = client.init(photo)
        figures["init, s"].append(time.perf_counter() - started)
        between = processor_seconds(stack.pid)
        figures["init, CPU s"].append(sum(between.values()) - sum(spent.values()))
        started = time.perf_counter()
        result = client.wait(client.transform(session.session_id, PROMPT))
        seconds = time.perf_counter() - started
    if result.status != "completed":
        raise SystemExit(f"a job ended as {result.status}")
    after = processor_seconds(stack.pid)
    figures["job, s"].append(seconds)
    figures["job, CPU s"].append(sum(after.values()) - sum(between.values()))
    for name in MARKS:
        figures[f"{name}, CPU s"].append(after[name] - between[name])
    took = {stage.name: (stage.ms or 0) / 1000 for stage in result.stages}
    for name in STAGES:
        figures[f"{name}, s"].append(took.get(name, 0.0))


if __name__ == "__main__":
    main()
