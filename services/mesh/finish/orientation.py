"""Auto-orient: the largest face square to the camera at angle 0, standing on the ground, in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mesh.solid import Solid

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class OrientationRules:
    """How a model is turned to face forward.

    Attributes:
        longest_side_m: one photo has no scale: a tabletop thing of 30 cm is the guess that puts most products right in
            augmented reality.
        upright_limit: a face counts as a side when its normal's vertical part is under this: within 30 degrees of
            upright.
        face_width_deg: normals within about this of each other are one face.
        clear_lead: a turn is made only for a face this many times as large as the one in front: round things keep the
            photo's view.
        face_share: a face holds at least this share of all that stands upright: twice what its width gathers on a round
            thing. A box's smaller faces hold more, a potted plant's belly does not.
        tie: faces within this share of the largest are as large: the nearest to the viewer is taken (front before
            back).
    """

    longest_side_m: float = 0.3
    upright_limit: float = 0.5
    face_width_deg: float = 12.0
    clear_lead: float = 1.2
    face_share: float = 0.16
    tie: float = 0.93


RULES = OrientationRules()


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
    side = (np.abs(unit[:, 1]) < RULES.upright_limit) & (area > 0)
    if not side.any():
        return 0.0
    heading = np.arctan2(unit[side, 0], unit[side, 2])
    weight = area[side] * np.hypot(unit[side, 0], unit[side, 2])
    bins = 720
    histogram = np.bincount(np.floor((heading / (2 * np.pi) % 1.0) * bins).astype(int) % bins, weight, minlength=bins)
    angle = (np.arange(bins) + 0.5) * (2 * np.pi / bins)
    angle = np.where(angle > np.pi, angle - 2 * np.pi, angle)
    sharpness = 1.0 / (1.0 - np.cos(np.radians(RULES.face_width_deg)))
    kernel = np.exp(sharpness * (np.cos(np.arange(bins) * (2 * np.pi / bins)) - 1.0))
    faces = np.fft.irfft(np.fft.rfft(histogram) * np.fft.rfft(kernel), bins)
    faces = np.where(np.abs(angle) <= reach, faces, 0.0)
    largest = float(faces.max())
    ahead = float(faces[np.argmin(np.abs(angle))])
    if largest < RULES.clear_lead * ahead or largest < RULES.face_share * float(weight.sum()):
        return 0.0
    tied = np.flatnonzero(faces >= RULES.tie * largest)
    peak = float(angle[tied[np.argmin(np.abs(angle[tied]))]])
    # The middle of that face's own normals, finer than the histogram's bins.
    for _ in range(3):
        off = np.angle(np.exp(1j * (heading - peak)))
        near = np.exp(sharpness * (np.cos(off) - 1.0)) * weight
        peak += float((near * off).sum() / near.sum())
    # The slope of a face beyond the reach is not a face within it.
    return -peak if abs(peak) <= reach else 0.0


def standing(solid: Solid, yaw: float, longest_side_m: float = RULES.longest_side_m) -> NDArray[np.float64]:
    """The (3, 4) map that turns by ``yaw``, scales to metres, centres on x and z and stands the solid on y = 0."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    points = solid.vertices @ turn.T
    low, high = points.min(axis=0), points.max(axis=0)
    scale = longest_side_m / max(float((high - low).max()), 1e-9)
    middle = 0.5 * (low + high)
    middle[1] = low[1]
    return np.hstack([turn * scale, (-scale * middle)[:, None]])
