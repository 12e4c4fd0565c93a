"""A silhouette's axis of mirror symmetry, and what of it belongs to a body about that axis."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera

Floats = NDArray[np.float32]

ROLLS_DEG = tuple(float(r) for r in range(-12, 13, 3))
"""Leans of the axis that are tried: hand-held photos are rarely further off."""


@dataclass(frozen=True)
class OutlineRules:
    """How the axis of a silhouette is found. Set by hand before the corpus was split.

    Attributes:
        limb_share: parts thinner than this share of the thickest one do not count for the axis: a mug's handle does
            not, its body does.
        symmetric: with this share of the silhouette mirrored there is no handle, only noise: the body is all of it.
    """

    limb_share: float = 0.35
    symmetric: float = 0.96


RULES = OutlineRules()


@dataclass(frozen=True)
class Axis:
    """The silhouette's axis of mirror symmetry.

    Attributes:
        roll: radians, lean of the axis against the image's vertical; positive leans to the left.
        offset: view units, where the axis crosses the horizontal through the view's origin.
        symmetry: share of the silhouette that its mirror image covers, 0..1.
    """

    roll: float
    offset: float
    symmetry: float


@dataclass(frozen=True)
class Outline:
    """What a turned body is fitted to.

    Attributes:
        whole: (h, w) bool, the subject's silhouette.
        mask: (h, w) bool, its mirror-symmetric part, holes filled: without handles and spouts.
        signed: (h, w) float32, pixels to the contour of ``mask``, positive inside.
        axis: of symmetry.
        camera: frontal, in pixels of ``mask``.
    """

    whole: NDArray[np.bool_]
    mask: NDArray[np.bool_]
    signed: Floats
    axis: Axis
    camera: PhotoCamera


def outline_of(alpha: Floats, camera: PhotoCamera) -> Outline:
    """Find the axis, and what of the silhouette belongs to a body about it.

    Args:
        alpha: (h, w) float32 in 0..1, about ``FIT_SIDE_PX`` on its longer side, below 0.5 along the border.
        camera: frontal, in pixels of ``alpha``.
    """
    whole = alpha >= 0.5
    axis = find_axis(_without_limbs(whole), camera)
    core = whole & mirrored(whole, camera, axis)
    axis = replace(axis, symmetry=float(core.sum()) / max(float(whole.sum()), 1.0))
    # What has no mirror image is a handle or a spout: it must not shape the body.
    mask = filled(whole if axis.symmetry >= RULES.symmetric else core)
    return Outline(whole, mask, signed_distance(mask), axis, camera)


def find_axis(mask: NDArray[np.bool_], camera: PhotoCamera) -> Axis:
    """Find the axis under which the mask is most nearly its own mirror image.

    Args:
        mask: (h, w) bool.
        camera: frontal, in pixels of the mask.
    """
    height, width = mask.shape
    solid = mask.astype(np.float32)
    total = float(solid.sum())
    best = Axis(0.0, 0.0, -1.0)
    rolls = list(ROLLS_DEG)
    for stage in range(2):
        if stage == 1:
            middle = float(np.degrees(best.roll))
            rolls = [middle + d for d in (-2.0, -1.0, 1.0, 2.0)]
        for roll_deg in rolls:
            turn = cv2.getRotationMatrix2D((camera.center[0] - 0.5, camera.center[1] - 0.5), -roll_deg, 1.0)
            turned = cv2.warpAffine(solid, turn, (width, height), flags=cv2.INTER_LINEAR)
            spectrum = np.fft.rfft(turned, 2 * width, axis=1)
            overlap = np.fft.irfft((spectrum**2).sum(axis=0), 2 * width)
            peak = int(np.argmax(overlap))
            symmetry = float(overlap[peak]) / total
            # An upright axis is the likelier one where several do as well.
            if symmetry - 4e-4 * abs(roll_deg) > best.symmetry - 4e-4 * abs(float(np.degrees(best.roll))):
                offset = (peak / 2.0 + 0.5 - camera.center[0]) / camera.pixels
                best = Axis(float(np.radians(roll_deg)), offset, min(symmetry, 1.0))
    return best


def _without_limbs(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask without what is much thinner than its thickest part, holes closed."""
    solid = mask.astype(np.uint8)
    radius = max(1, round(RULES.limb_share * float(cv2.distanceTransform(solid, cv2.DIST_L2, 5).max())))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=8)
    if count < 2:
        return filled(mask)
    return filled(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def mirrored(mask: NDArray[np.bool_], camera: PhotoCamera, axis: Axis) -> NDArray[np.bool_]:
    """The mask's mirror image about the axis, in the same picture."""
    c, s = np.cos(axis.roll), np.sin(axis.roll)
    normal = np.array([c, -s])
    middle = np.array(camera.center) - 0.5 + axis.offset * camera.pixels * normal
    turn = np.eye(2) - 2.0 * np.outer(normal, normal)
    move = np.hstack([turn, (middle - turn @ middle)[:, None]])
    size = (mask.shape[1], mask.shape[0])
    return np.asarray(cv2.warpAffine(mask.astype(np.float32), move, size, flags=cv2.INTER_LINEAR) >= 0.5)


def filled(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask with its holes closed."""
    outside = np.zeros((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    outside[1:-1, 1:-1] = mask
    cv2.floodFill(outside, None, (0, 0), 2)
    return np.asarray(outside[1:-1, 1:-1] != 2)


def signed_distance(mask: NDArray[np.bool_]) -> Floats:
    """Pixels to the contour, positive inside."""
    solid = mask.astype(np.uint8)
    inner = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
    outer = cv2.distanceTransform(1 - solid, cv2.DIST_L2, 5)
    return np.asarray(np.where(mask, inner - 0.5, 0.5 - outer), dtype=np.float32)


def axis_camera(camera: PhotoCamera, axis: Axis, pitch: float) -> PhotoCamera:
    """The photo's camera in a frame whose y axis is the given axis, seen from ``pitch`` radians above.

    An upright axis beside the picture's middle is seen leaning outwards at its nearer end: that is taken off its roll.
    """
    c, s = np.cos(pitch), np.sin(pitch)
    look_down = np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])
    roll = axis.roll + np.arctan(axis.offset * np.tan(pitch) / camera.distance)
    cr, sr = np.cos(roll), np.sin(roll)
    lean = np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]])
    offset = lean @ np.array([axis.offset, 0.0, 0.0])
    return camera.turned(lean @ look_down, offset)
