"""Auto-orient: the largest face square to the camera at angle 0, standing on the ground, in metres."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.mesh.solid import Solid

Doubles = NDArray[np.float64]

LONGEST_SIDE_M = 0.3
"""One photo has no scale: a tabletop thing of 30 cm is the guess that puts most products right in augmented reality."""

UPRIGHT_LIMIT = 0.5
"""A face counts as a side when its normal's vertical part is under this: within 30 degrees of upright."""

FACE_WIDTH_DEG = 12.0
"""Normals within about this of each other are one face."""

CLEAR_LEAD = 1.2
"""A turn is made only for a face this many times as large as the one in front: round things keep the photo's view."""

FACE_SHARE = 0.16
"""A face holds at least this share of all that stands upright: twice what its width gathers on a round thing. A box's
smaller faces hold more, a potted plant's belly does not."""

TIE = 0.93
"""Faces within this share of the largest are as large: the nearest to the viewer is taken (front before back)."""


def facing_yaw(solid: Solid, reach: float = np.pi) -> float:
    """The turn about +y, in radians, that brings the solid's largest side to face +z.

    Computed from the triangles alone, so it holds for a mesh from anywhere whose up is +y. 0 for a solid without a side
    that stands out.

    Args:
        solid: closed or not, +y up.
        reach: radians, the farthest turn that may be chosen.
    """
    cross = solid.cross()
    area = np.linalg.norm(cross, axis=1)
    unit = cross / np.maximum(area, 1e-20)[:, None]
    side = (np.abs(unit[:, 1]) < UPRIGHT_LIMIT) & (area > 0)
    if not side.any():
        return 0.0
    heading = np.arctan2(unit[side, 0], unit[side, 2])
    weight = area[side] * np.hypot(unit[side, 0], unit[side, 2])
    bins = 720
    histogram = np.bincount(np.floor((heading / (2 * np.pi) % 1.0) * bins).astype(int) % bins, weight, minlength=bins)
    angle = (np.arange(bins) + 0.5) * (2 * np.pi / bins)
    angle = np.where(angle > np.pi, angle - 2 * np.pi, angle)
    sharpness = 1.0 / (1.0 - np.cos(np.radians(FACE_WIDTH_DEG)))
    kernel = np.exp(sharpness * (np.cos(np.arange(bins) * (2 * np.pi / bins)) - 1.0))
    faces = np.fft.irfft(np.fft.rfft(histogram) * np.fft.rfft(kernel), bins)
    faces = np.where(np.abs(angle) <= reach, faces, 0.0)
    largest = float(faces.max())
    ahead = float(faces[np.argmin(np.abs(angle))])
    if largest < CLEAR_LEAD * ahead or largest < FACE_SHARE * float(weight.sum()):
        return 0.0
    tied = np.flatnonzero(faces >= TIE * largest)
    peak = float(angle[tied[np.argmin(np.abs(angle[tied]))]])
    # The middle of that face's own normals, finer than the histogram's bins.
    for _ in range(3):
        off = np.angle(np.exp(1j * (heading - peak)))
        near = np.exp(sharpness * (np.cos(off) - 1.0)) * weight
        peak += float((near * off).sum() / near.sum())
    # The slope of a face beyond the reach is not a face within it.
    return -peak if abs(peak) <= reach else 0.0


def standing(solid: Solid, yaw: float, longest_side_m: float = LONGEST_SIDE_M) -> NDArray[np.float64]:
    """The (3, 4) map that turns by ``yaw``, scales to metres, centres on x and z and stands the solid on y = 0."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    points = solid.vertices @ turn.T
    low, high = points.min(axis=0), points.max(axis=0)
    scale = longest_side_m / max(float((high - low).max()), 1e-9)
    middle = 0.5 * (low + high)
    middle[1] = low[1]
    return np.hstack([turn * scale, (-scale * middle)[:, None]])
