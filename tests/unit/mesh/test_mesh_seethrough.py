"""Glass: what is seen through it is not painted on it, and the model is as transparent as the cutout."""

from __future__ import annotations

import io
from collections.abc import Callable

import cv2
import numpy as np
import trimesh
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.model import Model
from services.mesh.shape.outline import Axis, axis_camera
from services.mesh.shape.vessel import turned_solid
from services.mesh.texturing.seethrough import evened, see_through

Bytes = NDArray[np.uint8]

GLASS_TOP = 150
"""Row below which the jar is glass."""


def jar(lit_photo: Callable[..., Bytes], alpha: int) -> Bytes:
    """A jar from 15 degrees above, whose lower part is glass with a dark arc seen through it."""
    view = axis_camera(PhotoCamera.frontal((160.0, 160.0), 130.0), Axis(0.0, 0.0, 1.0), np.radians(15.0))
    photo = lit_photo(turned_solid(np.linspace(-0.7, 0.7, 40), np.full(40, 0.5)), view, 320, (200, 190, 170))
    lower = np.arange(320)[:, None] > GLASS_TOP
    cv2.ellipse(photo, (160, 240), (50, 40), 0, 180, 360, (70, 70, 70, 255), 4)
    photo[..., 3] = np.where((photo[..., 3] > 0) & lower, alpha, photo[..., 3])
    return photo


def material_of(model: Model) -> trimesh.visual.material.PBRMaterial:
    """As another library reads it."""
    scene = trimesh.load(io.BytesIO(model.glb), file_type="glb", process=False)
    (mesh,) = scene.geometry.values()
    return mesh.visual.material


def test_glass_is_known_and_evened(lit_photo: Callable[..., Bytes]) -> None:
    """The arc that is seen through the glass goes; the lid above it stays to the byte."""
    cutout = read_cutout(jar(lit_photo, 140))
    glass = see_through(cutout)
    assert glass is not None
    even = evened(cutout, glass)
    top = cutout.origin[1] * -1 + GLASS_TOP
    lid = slice(0, top - 8)
    assert np.array_equal(even.photo[lid][cutout.safe[lid]], cutout.photo[lid][cutout.safe[lid]])
    inner = cv2.erode(glass.astype(np.uint8), np.ones((21, 21), np.uint8)) > 0
    steps = [
        float(np.abs(np.diff(c.photo.astype(np.float32).mean(axis=2), axis=0))[inner[1:]].max()) for c in (cutout, even)
    ]
    assert steps[0] > 30.0
    assert steps[1] < 6.0


def test_a_glass_body_is_blended_and_an_opaque_one_is_not(
    lit_photo: Callable[..., Bytes], made_turned: Callable[[Bytes], Model]
) -> None:
    """The texture's alpha is the cutout's in the glass and full on the lid; without glass there is no alpha at all."""
    clear, solid = made_turned(jar(lit_photo, 140)), made_turned(jar(lit_photo, 255))
    material = material_of(clear)
    assert material.alphaMode == "BLEND"
    alpha = np.asarray(material.baseColorTexture)[..., 3]
    uv = np.asarray(clear.surface.uvs)
    at = alpha[(uv[:, 1] * (alpha.shape[0] - 1)).astype(int), (uv[:, 0] * (alpha.shape[1] - 1)).astype(int)]
    share = clear.surface.positions[:, 1] / clear.surface.positions[:, 1].max()
    assert np.abs(at[(share > 0.1) & (share < 0.4)].astype(int) - 140).max() < 12
    assert at[share > 0.8].min() > 240
    assert material_of(solid).alphaMode != "BLEND"
    assert material_of(solid).baseColorTexture.mode == "RGB"
