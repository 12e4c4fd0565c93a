"""Small subjects that tests of the mesh stage draw for themselves."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.camera import PhotoCamera
from services.mesh.model import Model, ModelRequest, create_model
from services.mesh.raster import covering, far_to_near
from services.mesh.solid import Solid

Bytes = NDArray[np.uint8]


def _lit_photo(solid: Solid, camera: PhotoCamera, side: int, albedo: tuple[int, int, int] = (190, 150, 90)) -> Bytes:
    """(side, side, 4) RGBA photo of a plain solid under one light, over magenta that the matte hides."""
    pixels, depth = camera.project(solid.vertices)
    covered = covering(pixels, solid.faces, (side, side), far_to_near(depth, solid.faces))
    cross = solid.cross()
    unit = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-12)
    light = np.array([-0.5, 0.6, 0.65])
    turn = camera.to_view[:, :3] / np.linalg.norm(camera.to_view[0, :3])
    brightness = 0.35 + 0.65 * np.clip((unit @ turn.T) @ (light / np.linalg.norm(light)), 0.0, 1.0)
    photo = np.empty((side, side, 4), np.uint8)
    photo[..., :3] = (255, 0, 255)
    inside = covered >= 0
    photo[inside, :3] = (np.array(albedo) * brightness[covered[inside], None]).astype(np.uint8)
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
