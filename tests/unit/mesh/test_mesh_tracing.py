"""Turned bodies that are moved onto the subject's own outline, and how far a model may be turned from the photo."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import trimesh

from services.mesh.backends import RawMesh, Report
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.kinds.turned import Turned
from services.mesh.kinds.turned.tracing import traced
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.raster import covering
from services.mesh.solid import Solid
from services.mesh.view import View

SIDE = 200


def agreement(solid: Solid, camera: PhotoCamera, mask: np.ndarray) -> float:
    """IoU of the solid's silhouette with a mask."""
    seen = covering(camera.project(solid.vertices)[0], solid.faces, (SIDE, SIDE)) >= 0
    return float((seen & mask).sum() / (seen | mask).sum())


def lopsided() -> np.ndarray:
    """A round thing with one cheek larger than the other, a flattened foot and a thin stem."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (95, 110), (68, 60), 12, 0, 360, 1, -1)
    mask[162:] = 0
    cv2.line(mask, (96, 52), (104, 20), 1, 3)
    return mask.astype(bool)


def test_a_round_body_follows_a_lopsided_outline() -> None:
    """Every row spans what the photo's row spans; depth stays; the stem that it lacks does not stretch it."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.62)
    camera = PhotoCamera.frontal((100.0, 100.0), 92.0)
    solid, mask = Solid(ball.vertices, ball.faces.astype(np.int64)), lopsided()
    moved = traced(solid, camera, mask)
    assert agreement(solid, camera, mask) < 0.9
    assert agreement(moved, camera, mask) > 0.96
    assert moved.is_closed()
    assert np.allclose(camera.view(moved.vertices)[:, 2], solid.vertices[:, 2])
    assert camera.project(moved.vertices)[0][:, 1].min() > 44.0, "the body ends below the stem"


def test_what_is_nearly_turned_is_built_as_turned() -> None:
    """An apple with one cheek larger than the other is as deep as it is wide, not a blob that leans."""
    rgba = np.zeros((SIDE, SIDE, 4), np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(mask, (95, 104), (70, 55), 30, 0, 360, 255, -1, cv2.LINE_AA)
    rows, columns = np.indices(mask.shape)
    light = np.clip(1.0 - np.hypot((columns - 95) / 70, (rows - 104) / 55) ** 2, 0.0, 1.0)
    rgba[..., :3] = (np.array([190, 60, 40]) * (0.35 + 0.65 * light[..., None])).astype(np.uint8)
    rgba[..., 3] = mask
    cutout = read_cutout(rgba)
    traced_body = Turned().propose(View(cutout))[1]
    wide, _, deep = np.ptp(traced_body.solid.vertices, axis=0)
    assert 0.9 < deep / wide < 1.1
    height, width = cutout.mask.shape
    seen = covering(traced_body.camera.project(traced_body.solid.vertices)[0], traced_body.solid.faces, (width, height))
    assert float(((seen >= 0) & cutout.mask).sum() / ((seen >= 0) | cutout.mask).sum()) > 0.97


class AskewBox:
    """A backend whose box shows its narrow end squarely and its wide side at 60 degrees."""

    name = "turned"

    def __init__(self, reach: float) -> None:
        self._reach = reach

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """See ``MeshBackend``."""
        del report, timeout_s
        box = trimesh.creation.box((0.4, 0.6, 1.2)).subdivide().subdivide()
        turn = np.hstack(
            [trimesh.transformations.rotation_matrix(np.radians(-30.0), [0, 1, 0])[:3, :3], np.zeros((3, 1))]
        )
        solid = Solid(box.vertices, box.faces.astype(np.int64)).moved(turn)
        raw = RawMesh(solid, cutout.camera, None, None, "turned")
        return replace(raw, reach=self._reach)


@pytest.mark.parametrize(("reach_deg", "turned_deg"), [(80.0, 60.0), (30.0, 0.0)])
def test_a_model_is_turned_no_farther_from_the_photo_than_its_backend_allows(
    reach_deg: float, turned_deg: float
) -> None:
    """The largest side comes to the front where it is known; where it is a guess the photo's view stays in front."""
    rgba = np.full((SIDE, SIDE, 4), (120, 140, 160, 0), np.uint8)
    cv2.rectangle(rgba, (50, 50), (150, 150), (120, 140, 160, 255), -1)
    model: Model = create_model(rgba, ModelRequest(), AskewBox(np.radians(reach_deg)), lambda *_: None)
    assert model.camera is not None
    eye = model.camera.position()
    assert abs(np.degrees(np.arctan2(eye[0], eye[2]))) == pytest.approx(turned_deg, abs=3.0)


def test_a_lattice_stays_within_the_budget() -> None:
    """A tower of struts with over a hundred holes is a model of the default size, not an error."""
    rgba = np.full((SIDE, SIDE, 4), (120, 140, 160, 0), np.uint8)
    rgba[10:190, 40:160, 3] = 255
    for top in range(16, 184, 14):
        for left in range(46, 154, 11):
            rgba[top : top + 9, left : left + 7, 3] = 0
    model = create_model(rgba, ModelRequest(), SilhouetteBackend(), lambda *_: None)
    assert len(model.surface.faces) <= 20_000
    assert model.solid.is_closed()
