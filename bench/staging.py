"""The photo's camera and the rest pose against truth: ``python -m bench.staging --data FOLDER``.

Every object of the part ``unseen`` (``quality.split``) of a folder of GLB files is drawn from known cameras. From each
picture the mesh stage tells the camera and makes its raw mesh, and the render stage rests it. The stage is told what
the thing is called, in the words of its file's name. Printed are how far the pitch is off, how often what it rests on
is right, how often it rests on that or on anything else that the true thing stays on, and the gap between the subject
and the ground.

``--fit`` looks at made objects instead, which neither the network nor this bench's figures have seen, and prints how
far each kind of evidence is off: for the numbers of ``services.mesh.viewpoint``. ``--rules`` leaves the network out.
``quality.fit_staging`` chooses what can be chosen on other objects.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.measure import closing_line, machine, table
from quality.gl import TexturedMesh
from quality.network import shape_network
from quality.staging import meshes, pictured, staged, things_in
from training.objects import make

SURE_DEG = 10.0
"""Estimates that say they are off by less than this count as sure."""

SHARES = {"right": "rest right", "stays": "rest stays", "carried": "carried"}
"""What of ``Staged`` is counted, and how it is headed."""

MADE_SEEDS = range(900_600, 900_700)
"""Made objects for fitting: not trained on, and not among the samples that the judge was fitted on."""


def subjects(
    folder: Path, limit: int, rng: np.random.Generator, *, fit: bool
) -> Iterator[tuple[str, str, TexturedMesh]]:
    """Names, what they are called, and meshes: the folder's reserved ones, or made ones."""
    if fit:
        return ((f"made_{seed}", "", make(seed)[0]) for seed in MADE_SEEDS[:limit])
    things = things_in(folder, ("unseen",))
    return meshes([things[index] for index in rng.permutation(len(things))[:limit]])


def main() -> None:
    """Measure, print the table and the closing line."""
    parser = argparse.ArgumentParser(prog="python -m bench.staging", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("quality/corpus/meshes"), help="folder of GLB files")
    parser.add_argument("--views", type=int, default=2, help="pictures of each object")
    parser.add_argument("--limit", type=int, default=60, help="objects at most")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--fit", action="store_true", help="look at made objects")
    parser.add_argument("--rules", action="store_true", help="leave the shape network out")
    given = parser.parse_args()
    before = time.perf_counter()
    rng = np.random.default_rng(given.seed)
    network = None if given.rules else shape_network()
    things = subjects(given.data, given.limit, rng, fit=given.fit)
    rows = [staged(each) for each in pictured(things, network, given.views, rng)]
    if not rows:
        sys.exit(f"no GLB of the wanted part under {given.data}")
    which = "made" if given.fit else "reserved"
    sys.stdout.write(f"{machine()}\n{len(rows)} pictures of {which} objects, {time.perf_counter() - before:.0f} s\n\n")
    error = np.abs([row.pitch_error for row in rows])
    sure = np.array([row.doubt < SURE_DEG for row in rows])
    groups = [("all", np.ones(len(rows), bool)), ("sure", sure), ("not sure", ~sure)]
    groups += [(kind, np.array([row.kind == kind for row in rows])) for kind in sorted({row.kind for row in rows})]
    lines = []
    for name, chosen in groups:
        if chosen.any():
            part = [row for row, wanted in zip(rows, chosen, strict=True) if wanted]
            shares = [100.0 * float(np.mean([getattr(row, what) for row in part])) for what in SHARES]
            lines.append([name, len(part), *np.percentile(error[chosen], [50, 90]).tolist(), *shares])
    table(["pictures", "number", "pitch off, median deg", "90%", *(f"{SHARES[what]}, %" for what in SHARES)], lines)
    closing_line(
        {
            "pitch_error_p50_deg": float(np.median(error)),
            "pitch_error_p90_deg": float(np.percentile(error, 90)),
            "sure_pitch_error_p50_deg": float(np.median(error[sure])) if sure.any() else None,
            "sure_share": float(sure.mean()),
            **{
                f"{SHARES[what].replace(' ', '_')}_share": float(np.mean([getattr(row, what) for row in rows]))
                for what in SHARES
            },
            "gap_max_share": max(row.gap for row in rows),
        }
    )


if __name__ == "__main__":
    main()
