"""The photo's camera and the rest pose against truth: ``python -m bench.staging --data FOLDER``.

Every reserved object of a folder of GLB files (``quality.split``; all must stand as they stand on a table, +Y up) is
drawn from known cameras. From each picture the mesh stage tells the camera and makes its raw mesh, and the render
stage rests it. Printed are how far the pitch is off, how often what it rests on is right, and the gap between the
subject and the ground.

``--fit`` looks at the objects that are not reserved instead, and prints how far each kind of evidence is off: the
numbers of ``services.mesh.viewpoint.ViewpointRules``.
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
from quality.gl import load_mesh, random_lighting, random_pose
from quality.gl.renderer import Renderer
from quality.split import is_reserved
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.viewpoint import estimate_camera
from services.render.rest import RULES, UP, centre_of_mass, planted, resting, tilt_to_fall

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


def staged_views(folder: Path, views: int, limit: int, seed: int, reserved: bool) -> Iterator[Staged]:
    """Draw, estimate, model and rest each object."""
    files = [path for path in sorted(folder.rglob("*.glb")) if is_reserved(path.stem) == reserved]
    rng = np.random.default_rng(seed)
    chosen = [files[index] for index in rng.permutation(len(files))[:limit]]
    with Renderer(PICTURE_PX) as renderer:
        for path in chosen:
            shown = renderer.upload(load_mesh(path))
            for _ in range(views):
                picture = renderer.draw(shown, random_pose(rng), random_lighting(rng))
                pose, up = picture.camera.pose, picture.camera.world_to_view[:, 1]
                yield _looked_at(path.stem, read_cutout(picture.rgba), pose.pitch, up)
            shown.release()


def _looked_at(name: str, cutout: Cutout, pitch: float, up: NDArray[np.float64]) -> Staged:
    seen = estimate_camera(cutout)
    raw = SilhouetteBackend().reconstruct(cutout, lambda _phase, _share: None)
    assert raw.camera is not None
    points = raw.solid.vertices / float(np.ptp(raw.solid.vertices, axis=0).max())
    to_view = raw.camera.to_view[:, :3] / np.cbrt(np.linalg.det(raw.camera.to_view[:, :3]))
    rest = resting(points, raw.solid.faces, to_view.T @ seen.up, math.hypot(seen.pitch_doubt, seen.roll_doubt))
    rested = to_view @ rest.turn.T @ UP
    dent = RULES.contact if rest.tip >= RULES.least_tip else RULES.dent
    standing = planted(points @ rest.turn.T, dent)
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
    parser.add_argument("--fit", action="store_true", help="look at the objects that are not reserved")
    given = parser.parse_args()
    before = time.perf_counter()
    rows = list(staged_views(given.data, given.views, given.limit, given.seed, reserved=not given.fit))
    if not rows:
        sys.exit(f"no GLB of the wanted part under {given.data}")
    which = "tune" if given.fit else "reserved"
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
