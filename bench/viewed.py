"""Whole jobs with further photos on the embedded stack: ``/transform`` to ``completed``, with one photo and with three.

``python -m bench.viewed --data DIR [--limit N]`` takes the things of ``bench.views``. Each is photographed from the
front, from behind and from its left, before a plain ground. A job is made of the front alone, then one of all three,
each session with pictures that are new to the stack. The photos are uploaded before the clock starts: their upload is
``/init``'s and ``/views``'.

``CPU s`` is the processor time of all of the stack's processes in a job: on a machine that has other work too, it says
more than the clock does.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.e2e import MEMORY_BUDGET_MB, PROMPT
from bench.measure import PeakMemory, closing_line, machine, median, table
from bench.stack import Up, jpeg, unseen, up
from bench.throughput import processor_seconds
from bench.views import FURTHER, named_things
from lensora.client import Client
from lensora.core.words import ViewSide
from quality.gl import Renderer, TexturedMesh, load_mesh
from quality.views.photographer import photographed, seed_of

BUDGET_S = 8.0
"""Of a job with three photos, in the median."""

PHOTO_PX, GROUND = 1024, 205.0
"""Side of the photos, and the level of the ground that they are taken before."""


MARGIN = 0.125
"""Ground around the photo on each side, shares of its side: the thing is found in a picture, and is not all of it."""

WHOLE = (MARGIN / (1.0 + 2.0 * MARGIN), MARGIN / (1.0 + 2.0 * MARGIN)) + (1.0 - MARGIN / (1.0 + 2.0 * MARGIN),) * 2
"""What was the photo of that picture."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run both jobs of each thing, one after the other."""
    parser = argparse.ArgumentParser(prog="bench.viewed", description=(__doc__ or "").split("\n", maxsplit=1)[0])
    options, chosen = named_things(parser, arguments)
    print(machine())
    rows, seconds, spent = [], defaultdict(list), defaultdict(list)
    with up() as stack, PeakMemory(stack.pid) as memory:
        for thing in chosen:
            photos = taken(load_mesh(options.data / f"{thing.name}.glb"), seed_of(thing.name))
            for count in (1, 1 + len(FURTHER)):
                took, cpu_s, used = asked(stack, photos, FURTHER[: count - 1])
                rows.append((thing.name, count, took, cpu_s, " ".join(used) or "-"))
                seconds[count].append(took)
                spent[count].append(cpu_s)
    table(("thing", "photos", "total s", "CPU s", "used"), rows)
    three = median(seconds[1 + len(FURTHER)])
    print(f"budget: {BUDGET_S} s with three photos, median {three:.2f} s: {'met' if three <= BUDGET_S else 'NOT met'}")
    verdict = "met" if memory.peak_mb <= MEMORY_BUDGET_MB else "NOT met"
    print(f"budget: {MEMORY_BUDGET_MB:.0f} MiB for the whole stack, peak {memory.peak_mb:.0f} MiB: {verdict}")
    closing_line(
        {
            "things": len(chosen),
            **{f"job_{count}_p50_s": median(values) for count, values in seconds.items()},
            **{f"job_{count}_max_s": max(values) for count, values in seconds.items()},
            **{f"cpu_{count}_p50_s": median(values) for count, values in spent.items()},
            "peak_rss_mb": memory.peak_mb,
        }
    )


def taken(mesh: TexturedMesh, seed: int) -> dict[str, bytes]:
    """The photos of a thing by side, JPEG files."""
    with Renderer(PHOTO_PX) as renderer:
        session = photographed(renderer, mesh, seed, FURTHER)
    return {side: jpeg(_before_ground(photo)) for side, photo in session.photos.items()}


def _before_ground(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 with ground around it."""
    alpha = photo[..., 3:].astype(np.float32) / 255.0
    shown = photo[..., :3] * alpha + GROUND * (1.0 - alpha)
    margin = round(MARGIN * len(photo))
    return np.pad(shown.astype(np.uint8), ((margin, margin), (margin, margin), (0, 0)), constant_values=int(GROUND))


def asked(stack: Up, photos: dict[str, bytes], further: Sequence[str]) -> tuple[float, float, list[str]]:
    """A job of the front and these further photos: its seconds, its CPU seconds, and the sides that were used."""
    with Client(stack.base_url, stack.api_key) as client:
        session = client.init(unseen(photos["front"], len(further)))
        for side in further:
            # A box of one's own is believed: what is measured here is the job.
            client.add_view(session.session_id, photos[side], view=ViewSide(side), bbox=WHOLE)
        before, started = sum(processor_seconds(stack.pid).values()), time.perf_counter()
        result = client.wait(client.transform(session.session_id, PROMPT))
        seconds = time.perf_counter() - started
        cpu_s = sum(processor_seconds(stack.pid).values()) - before
    if result.status != "completed":
        raise SystemExit(f"a job ended as {result.status}")
    views = (result.quality and result.quality.views) or ()
    return seconds, cpu_s, [str(view.side) for view in views if view.used]


if __name__ == "__main__":
    main()
