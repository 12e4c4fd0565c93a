"""How well the finished model, seen from the photo's own view, agrees with the photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout, kept_thin
from services.mesh.finish.surface import Surface
from services.mesh.raster import covering, far_to_near, weights_at


@dataclass(frozen=True)
class FidelityRules:
    """How the drawn model is compared with the photo.

    Attributes:
        view_px: longer side of the picture that is compared.
        ssim_c1, ssim_c2: window and constants of Wang et al. 2004.
    """

    view_px: int = 384
    ssim_sigma: float = 1.5
    ssim_c1: float = (0.01 * 255) ** 2
    ssim_c2: float = (0.03 * 255) ** 2


RULES = FidelityRules()


@dataclass(frozen=True)
class Fidelity:
    """Agreement with the photo from its own view.

    Attributes:
        silhouette_iou: 0..1.
        image_similarity: mean structural similarity inside both silhouettes, -1..1.
    """

    silhouette_iou: float
    image_similarity: float


def picture_of(
    surface: Surface, texture: NDArray[np.uint8], camera: PhotoCamera, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The model's own colours, unlit, and its silhouette.

    Args:
        surface: in the camera's world.
        texture: (s, s, 3) uint8.
        camera: in pixels of the result.
        size: (width, height).

    Returns:
        (height, width, 3) uint8 and (height, width) bool.
    """
    pixels, depth = camera.project(surface.positions)
    faces = surface.faces.astype(np.int64)
    # Twice as fine and then halved: the drawing touches half a pixel too much.
    covered = covering(pixels * 2.0, faces, (size[0] * 2, size[1] * 2), far_to_near(depth, faces, pixels))
    rows, columns, face, weights = weights_at(covered, pixels * 2.0, faces)
    glance()
    corners, shares = faces[face].T, weights.T
    near = [share / depth.astype(np.float32)[corner] for share, corner in zip(shares, corners, strict=True)]
    total = (near[0] + near[1] + near[2]) / np.float32(texture.shape[0])
    u, v = (
        (near[0] * axis[corners[0]] + near[1] * axis[corners[1]] + near[2] * axis[corners[2]]) / total
        for axis in surface.uvs.T
    )
    last = texture.shape[0] - 1
    texel = np.clip(v.astype(np.int64), 0, last) * texture.shape[0] + np.clip(u.astype(np.int64), 0, last)
    large = np.zeros((size[1] * 2, size[0] * 2, 3), np.uint8)
    large[rows, columns] = texture.reshape(-1, 3)[texel]
    drawn = (covered >= 0).astype(np.float32)
    # Undo the half pixel of the doubled picture that drawing adds all around.
    inside = cv2.erode(drawn, np.ones((2, 2), np.uint8), anchor=(0, 0))
    # Wires thinner than a pixel count as what they cover, here and in the photo.
    mask = kept_thin(np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_AREA), np.float32)) >= 0.5
    return cv2.resize(large, size, interpolation=cv2.INTER_AREA).astype(np.uint8), np.asarray(mask)


def fidelity_of(surface: Surface, texture: NDArray[np.uint8], camera: PhotoCamera, cutout: Cutout) -> Fidelity:
    """Re-render from the photo's view and compare with the photo.

    Args:
        surface: the model.
        texture: its base colour.
        camera: the photo's, in the model's frame, pixels of ``cutout.rgb``.
        cutout: the photo.
    """
    height, width = cutout.mask.shape
    factor = min(1.0, RULES.view_px / max(height, width))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    picture, seen = picture_of(surface, texture, camera.scaled(factor), size)
    mask = kept_thin(np.asarray(cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA), np.float32)) >= 0.5
    union = float((seen | mask).sum())
    iou = float((seen & mask).sum()) / union if union else 0.0
    photo = np.asarray(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    inner = cv2.erode((seen & mask).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    similarity = _similarity(picture, photo)
    return Fidelity(round(iou, 4), round(float(similarity[inner].mean()) if inner.any() else 0.0, 4))


def _similarity(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The map of structural similarity of two pictures' luminance."""
    a = cv2.cvtColor(first, cv2.COLOR_RGB2GRAY).astype(np.float32)
    b = cv2.cvtColor(second, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def soft(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), RULES.ssim_sigma), dtype=np.float32)

    mean_a, mean_b = soft(a), soft(b)
    var_a, var_b = soft(a * a) - mean_a**2, soft(b * b) - mean_b**2
    both = soft(a * b) - mean_a * mean_b
    top = (2 * mean_a * mean_b + RULES.ssim_c1) * (2 * both + RULES.ssim_c2)
    return np.asarray(
        top / ((mean_a**2 + mean_b**2 + RULES.ssim_c1) * (var_a + var_b + RULES.ssim_c2)), dtype=np.float32
    )
