"""What stands out beside a body: handles, spouts, ears."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera, inverse
from services.mesh.shape.inflation import inflated_square
from services.mesh.shape.relief import relief
from services.mesh.solid import Solid
from services.mesh.view import Grid

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

REACH = 0.05
"""How far a part is carried into its body, view units, so that the union holds it fast."""


def parts_beside(mask: Mask, body: Mask, least_share: float = 0.012) -> Mask:
    """What of the silhouette the body leaves over and is thick enough to be a part: handles, spouts, ears."""
    left = (mask & ~body).astype(np.uint8)
    width = max(3, round(0.018 * max(mask.shape)) | 1)
    core = cv2.morphologyEx(left, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width)))
    grown = np.asarray(cv2.dilate(core, np.ones((3, 3), np.uint8)), np.uint8) & left
    count, labels, stats, _ = cv2.connectedComponentsWithStats(grown, connectivity=8)
    keep = stats[:, cv2.CC_STAT_AREA] >= least_share * float(mask.sum())
    keep[0] = False
    return np.asarray(keep[labels]) if count > 1 else np.zeros(mask.shape, bool)


def grown_matte(grid: Grid, parts: Mask) -> Floats:
    """The matte of the parts alone, grown into what they stand on by ``REACH``."""
    px = max(2, round(REACH * grid.camera.pixels))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * px + 1, 2 * px + 1))
    near = cv2.GaussianBlur(cv2.dilate(parts.astype(np.uint8), kernel).astype(np.float32), (0, 0), 1.0)
    return np.asarray(np.minimum(grid.alpha, near), dtype=np.float32)


def upright_part(grid: Grid, parts: Mask, pitch: float, body: PhotoCamera) -> Solid:
    """Parts inflated in the plane through a body's axis that faces the viewer, in the body's frame.

    Args:
        grid: of the whole subject.
        parts: (h, w) bool on it.
        pitch: radians, how far the camera looks down on the axis.
        body: the camera in the body's frame.
    """
    matte = grown_matte(grid, parts)
    rows = np.arange(matte.shape[0], dtype=np.float32)[:, None]
    # The axis leans towards the viewer at the top: its depth grows with the height in the picture.
    lean = np.float32(np.tan(pitch)) * (np.float32(grid.camera.center[1]) - rows - np.float32(0.5))
    offset = np.broadcast_to(lean, matte.shape).astype(np.float32)
    return relief(matte, inflated_square(matte), grid.camera, offset=offset).moved(inverse(body.to_view))
