"""The photo's camera and the rest pose against truth: ``python -m bench.staging --data FOLDER``.

Every reserved object of a folder of GLB files (``quality.split``; all must stand as they stand on a table, +Y up) is
drawn from known cameras. From each picture the mesh stage tells the camera and makes its raw mesh, and the render
stage rests it. Printed are how far the pitch is off, how often what it rests on is right, and the gap between the
subject and the ground.

``--fit`` looks at made objects instead, which neither the network nor this bench's figures have seen, and prints how
far each kind of evidence is off: for the numbers of ``services.mesh.viewpoint``. ``--rules`` leaves the network out.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.measure import closing_line, machine, table
from quality.gl import TexturedMesh, load_mesh, random_lighting, random_pose
from quality.gl.renderer import Renderer
from quality.network import shape_network
from quality.split import part_of
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import Explained, explain
from services.mesh.network import ShapeNetwork
from services.mesh.view import View
from services.mesh.viewpoint import estimate_camera
from services.render.rest import UP, centre_of_mass, planted, resting, tilt_to_fall
from training.objects import make

PICTURE_PX = 384

RIGHT_DEG = 25.0
"""A rest pose is right if its up is within this of the truth: the next face of a box is 90 degrees away."""

SURE_DEG = 10.0
"""Estimates that say they are off by less than this count as sure."""


@dataclass(frozen=True)
class Staged:
    """What came of one picture; degrees, and shares of the subject's height."""

    name: str
    kind: str
    pitch_error: float
    doubt: float
    rest_error: float
    gap: float
    carried: bool


MADE_SEEDS = range(900_600, 900_700)
"""Made objects for fitting: not trained on, and not among the samples that the judge was fitted on."""


def subjects(folder: Path, limit: int, rng: np.random.Generator, *, fit: bool) -> Iterator[tuple[str, TexturedMesh]]:
    """Names and meshes: the folder's reserved ones, or made ones."""
    if fit:
        yield from ((f"made_{seed}", make(seed)[0]) for seed in MADE_SEEDS[:limit])
        return
    files = [path for path in sorted(folder.rglob("*.glb")) if part_of(path.stem) == "unseen"]
    yield from ((files[index].stem, load_mesh(files[index])) for index in rng.permutation(len(files))[:limit])


def staged_views(given: argparse.Namespace) -> Iterator[Staged]:
    """Draw, estimate, model and rest each object."""
    rng = np.random.default_rng(given.seed)
    network = None if given.rules else shape_network()
    with Renderer(PICTURE_PX) as renderer:
        for name, mesh in subjects(given.data, given.limit, rng, fit=given.fit):
            shown = renderer.upload(mesh)
            for _ in range(given.views):
                picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
                pose, up = picture.camera.pose, picture.camera.world_to_view[:, 1]
                yield _looked_at(name, read_cutout(picture.rgba), pose.pitch, up, network)
            shown.release()


def _looked_at(
    name: str, cutout: Cutout, pitch: float, up: NDArray[np.float64], network: ShapeNetwork | None
) -> Staged:
    view = View(cutout, None if network is None else network.predict(cutout))
    seen = estimate_camera(cutout, explained=Explained(view, explain(view)))
    raw = SilhouetteBackend(network).reconstruct(cutout, lambda _phase, _share: None)
    assert raw.camera is not None
    points = raw.solid.vertices / float(np.ptp(raw.solid.vertices, axis=0).max())
    to_view = raw.camera.to_view[:, :3] / np.cbrt(np.linalg.det(raw.camera.to_view[:, :3]))
    rest = resting(points, raw.solid.faces, to_view.T @ seen.up, math.hypot(seen.pitch_doubt, seen.roll_doubt))
    rested = to_view @ rest.turn.T @ UP
    standing = planted(points @ rest.turn.T, rest.dent)
    tall = float(np.ptp(standing[:, 1]))
    mass = centre_of_mass(standing, raw.solid.faces)
    carried = tilt_to_fall(standing, mass, -UP, 0.005 * tall) > 0.0
    return Staged(
        name,
        raw.method,
        math.degrees(seen.pitch - pitch),
        math.degrees(seen.pitch_doubt),
        math.degrees(math.acos(float(np.clip(rested @ up, -1.0, 1.0)))),
        float(np.sort(standing[:, 1])[2]) / tall,
        carried,
    )


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
    rows = list(staged_views(given))
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
            right = float(np.mean([row.rest_error <= RIGHT_DEG for row in part]))
            carried = float(np.mean([row.carried for row in part]))
            median, most = np.percentile(error[chosen], [50, 90])
            lines.append([name, len(part), median, most, 100.0 * right, 100.0 * carried])
    table(["pictures", "number", "pitch off, median deg", "90%", "rest right, %", "carried, %"], lines)
    closing_line(
        {
            "pitch_error_p50_deg": float(np.median(error)),
            "pitch_error_p90_deg": float(np.percentile(error, 90)),
            "sure_pitch_error_p50_deg": float(np.median(error[sure])) if sure.any() else None,
            "sure_share": float(sure.mean()),
            "rest_right_share": float(np.mean([row.rest_error <= RIGHT_DEG for row in rows])),
            "carried_share": float(np.mean([row.carried for row in rows])),
            "gap_max_share": max(row.gap for row in rows),
        }
    )


if __name__ == "__main__":
    main()
