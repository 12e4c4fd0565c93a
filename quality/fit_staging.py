"""Choose how far an unsure network is believed, and when a photo's up is followed: ``python -m quality.fit_staging``.

It looks at objects of the part ``held`` (``quality.split``), which the network has not seen and on which nothing is
reported. For each value of ``NetworkTrust.half`` and of ``RestRules.least_turn`` and ``reach`` it prints what it does
to pitch and rest. To be run again after the network has been trained further; ``bench.staging`` then says what the
values do on the part ``unseen``. A value is changed only where another one is clearly better. ``inf`` is the plain way
in the first table (the network's word as it is), 0 in the second (the photo's up is followed always).
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from quality.network import shape_network
from quality.staging import Pictured, meshes, pictured, staged, things_in
from services.mesh.viewpoint import TRUST, NetworkTrust
from services.render.rest import RULES, RestRules

HALVES = (12.0, 18.0, 25.0, 35.0, 50.0, math.inf)
"""Degrees, tried for ``half``."""

TURNS = (0.0, 10.0, 20.0, 25.0, 30.0, 35.0, 40.0)
"""Degrees, tried for ``least_turn``: the higher, the more stands as its file has it and does not lean."""

REACHES = (10.0, 20.0, 30.0)
"""Degrees, tried for ``reach``."""

SPLITS = 400
"""Times that half of the objects are drawn, for the spread of a figure."""


def row(pictures: Sequence[Pictured], trust: NetworkTrust = TRUST, rules: RestRules = RULES) -> str:
    """The figures of one setting, and the spread of two of them from one half of the objects to another."""
    results = [staged(each, trust, rules) for each in pictures]
    off = np.abs([each.pitch_error for each in results])
    right = np.array([each.right for each in results])
    names = sorted({each.name for each in results})
    place = np.array([names.index(each.name) for each in results])
    random, halves = np.random.default_rng(0), []
    for _ in range(SPLITS):
        chosen = (random.random(len(names)) < 0.5)[place]
        if chosen.any():
            halves.append((off[chosen].mean(), right[chosen].mean()))
    spread = np.std(halves, axis=0)
    shares = [float(np.mean([getattr(each, what) for each in results])) for what in ("stays", "carried")]
    median, most = np.percentile(off, [50, 90])
    return (
        f"{median:7.2f} {most:7.1f} {off.mean():6.2f} +- {spread[0]:.2f}   {100 * right.mean():5.1f} +- "
        f"{100 * spread[1]:.1f} {100 * shares[0]:7.1f} {100 * shares[1]:8.1f}"
    )


def main() -> None:
    """Look at the objects, and print a table for each number."""
    parser = argparse.ArgumentParser(prog="python -m quality.fit_staging", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of GLB files")
    parser.add_argument("--views", type=int, default=3, help="pictures of each object")
    parser.add_argument("--limit", type=int, default=100, help="objects at most")
    given = parser.parse_args()
    things = things_in(given.data, ("held",))[: given.limit]
    if not things:
        sys.exit(f"no GLB of the part held under {given.data}")
    pictures = list(pictured(meshes(things), shape_network(), given.views, np.random.default_rng(11)))
    head = "pitch off: 50%     90%   mean             right, %       stays  carried\n"
    sys.stdout.write(f"{len(pictures)} pictures of {len(things)} objects\n\n{'half':12}{head}")
    for half in HALVES:
        sys.stdout.write(f"{half:<12}{row(pictures, replace(TRUST, half=math.radians(half)))}\n")
    sys.stdout.write(f"\n{'turn, reach':12}{head}")
    for turn in TURNS:
        for reach in REACHES:
            rules = replace(RULES, least_turn=math.radians(turn), reach=math.radians(reach))
            sys.stdout.write(f"{f'{turn:g}, {reach:g}':12}{row(pictures, rules=rules)}\n")


if __name__ == "__main__":
    main()
