"""Small subjects that tests of the mesh stage draw for themselves."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from quality.measure.drawing import Drawer
from quality.measure.glb import FinishedModel, SourceView
from services.mesh.backends import RawMesh, Report
from services.mesh.backends.silhouette import SilhouetteBackend, raw_mesh
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.kinds.turned import Turned
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.solid import Solid
from services.mesh.view import View

Bytes = NDArray[np.uint8]


def _lit_photo(solid: Solid, camera: PhotoCamera, side: int, albedo: tuple[int, int, int] = (190, 150, 90)) -> Bytes:
    """(side, side, 4) RGBA photo of a plain solid under one light, over magenta that the matte hides.

    Drawn by the measures' OpenGL renderer from the pinhole that ``PhotoCamera`` documents, not by the stage's own
    projection and rasteriser: an error of convention there must not cancel out here.
    """
    unit = float(np.cbrt(np.linalg.det(camera.to_view[:, :3])))
    to_camera = camera.to_view / unit
    to_camera[2, 3] -= camera.distance / unit
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    cross = np.cross(b - a, c - a)
    normals = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
    light = np.array([-0.5, 0.6, 0.65])
    brightness = 0.35 + 0.65 * np.clip((normals @ to_camera[:, :3].T) @ (light / np.linalg.norm(light)), 0.0, 1.0)
    # One texel to a face, looked up in its middle.
    across = 256
    texture = np.zeros((-(-len(solid.faces) // across), across, 3), np.uint8)
    texture.reshape(-1, 3)[: len(solid.faces)] = np.array(albedo) * brightness[:, None]
    row, column = np.divmod(np.arange(len(solid.faces)), across)
    middle = np.stack([(column + 0.5) / across, 1.0 - (row + 0.5) / len(texture)], axis=1)
    corners = solid.vertices[solid.faces].reshape(-1, 3)
    model = FinishedModel(corners, np.arange(len(corners)).reshape(-1, 3), np.repeat(middle, 3, axis=0), texture, {})
    with Drawer() as drawer:
        view = SourceView(to_camera, camera.pixels * camera.distance, camera.center)
        drawn = drawer.draw(model, view, (side, side))
    photo = np.empty((side, side, 4), np.uint8)
    photo[..., :3] = (255, 0, 255)
    inside = drawn[..., 3] >= 128
    photo[inside, :3] = drawn[inside, :3]
    photo[..., 3] = np.where(inside, 255, 0)
    return photo


def _flat_photo(mask: NDArray[np.integer] | NDArray[np.bool_], color: tuple[int, int, int] = (190, 150, 90)) -> Bytes:
    """A cutout of one colour over magenta."""
    photo = np.empty((*mask.shape, 4), np.uint8)
    photo[..., :3] = (255, 0, 255)
    photo[mask > 0, :3] = color
    photo[..., 3] = np.where(mask > 0, 255, 0)
    return photo


@pytest.fixture(scope="session")
def lit_photo() -> Callable[..., Bytes]:
    """Draws a lit photo of a solid: (solid, camera, side, albedo)."""
    return _lit_photo


@pytest.fixture(scope="session")
def flat_photo() -> Callable[..., Bytes]:
    """Draws a cutout of one colour: (mask, color)."""
    return _flat_photo


@pytest.fixture(scope="session")
def made() -> Callable[[Bytes], Model]:
    """Makes a model with the default settings."""

    def make(rgba: Bytes) -> Model:
        return create_model(rgba, ModelRequest(name="thing"), SilhouetteBackend(), lambda _phase, _done: None)

    return make


class TurnedAlone:
    """A backend that takes a thing for a turned one, whatever the judge thinks of drawings."""

    name = "turned-alone"

    def reconstruct(self, cutout: Cutout, report: Report, timeout_s: float | None = None) -> RawMesh:
        """See ``MeshBackend``."""
        del report, timeout_s
        return raw_mesh(Turned().propose(View(cutout))[0], 1.0)


@pytest.fixture(scope="session")
def made_turned() -> Callable[[Bytes], Model]:
    """Makes a turned thing's model with the default settings."""

    def make(rgba: Bytes) -> Model:
        return create_model(rgba, ModelRequest(name="thing"), TurnedAlone(), lambda _phase, _done: None)

    return make


@pytest.fixture(scope="session")
def blob_photo() -> Bytes:
    """A two-lobed free shape with blue dots on its front."""
    mask = np.zeros((220, 260), np.uint8)
    cv2.circle(mask, (90, 120), 66, 1, -1)
    cv2.circle(mask, (180, 90), 44, 1, -1)
    cv2.rectangle(mask, (60, 150), (84, 208), 1, -1)
    photo = _flat_photo(mask)
    for x, y in ((70, 100), (110, 130), (180, 90)):
        cv2.circle(photo, (x, y), 9, (20, 40, 200, 255), -1)
    return photo


@pytest.fixture(scope="session")
def blob_model(made: Callable[[Bytes], Model], blob_photo: Bytes) -> Model:
    """Its model."""
    return made(blob_photo)
