"""A vessel on its saucer: a wide low foot and a narrower body with a mouth, seen from well above.

From above, the silhouette of a cup on a saucer is the saucer's ellipse with the cup's rim rising over its far edge. The
largest surface of revolution inside that silhouette is a cone from the saucer up to the rim: the silhouette alone
cannot carve it. Two more cues can: the near half of the silhouette is an arc of the foot's circle, whose flattening
is the camera's pitch, and the mouth is an ellipse of the same flattening, its far side on the silhouette and its
near side an edge in the photo.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.revolution import (
    Axis,
    Outline,
    Revolution,
    at_pitch,
    circle_points,
    edge_along,
    filled,
    find_axis,
    lathe,
    signed_distance,
)
from services.mesh.solid import Solid
from services.mesh.vessel import inner_wall, spaced, walls

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PITCHES = (np.radians(28.0), np.radians(72.0))
"""From lower the mouth's near edge is hidden or flat, from higher there is no body to see."""

PROFILE_STEPS = 160

FOOT_AGREEMENT = 0.95
"""IoU that the hull at the arc's pitch must reach: otherwise the thing is not round about a vertical axis."""

MOUTH_SHARES = (0.25, 0.80)
"""Radius of the mouth over that of the foot: a saucer is at least a quarter wider than its cup."""

MOUTH_EVIDENCE = 1.15
"""Edge strength along the mouth's near side plus share of its far side on the silhouette, at most 2."""

ON_CONTOUR_PX = 1.5
"""Distance within which a point lies on the silhouette, pixels of the fitting grid."""

LOW_FOOT = 0.35
"""The foot's widest circle lies in this lowest share of the height."""

SAUCER_DEPTH = 0.14
"""Height of a saucer's rim over its stand, shares of its radius; the stand is half as wide as the saucer."""

SAUCER_SLOPE = 0.03
"""Rise of the saucer's top from rim to cup, shares of its radius: keeps the outline a function of height."""

CUP_FOOT = 0.62
"""Radius of a cup's foot over that of its mouth."""


@dataclass(frozen=True)
class Tiers:
    """A vessel on its saucer.

    Attributes:
        axis: in the picture.
        pitch: radians, how far the camera looks down.
        camera: the photo's, in the frame of the solid (axis on y).
        heights: (k,) float64 rising, view units, from the saucer's stand to the mouth.
        radii: (k,) float64 of the outside.
        body: index of the first height of the vessel; those before are the saucer's.
    """

    axis: Axis
    pitch: float
    camera: PhotoCamera
    heights: Doubles
    radii: Doubles
    body: int

    @property
    def inner(self) -> tuple[Doubles, Doubles]:
        """Heights and radii of the vessel's inside."""
        return inner_wall(self.heights[self.body :], self.radii[self.body :])

    def solid(self) -> Solid:
        """The closed surface."""
        outer, inner, rim = walls(self.heights[self.body :], self.radii[self.body :])
        saucer = spaced(np.stack([self.radii[: self.body], self.heights[: self.body]], axis=1))
        bottom, floor = [[0.0, self.heights[0]]], [[0.0, inner[0, 1]]]
        return lathe(np.vstack([bottom, saucer, outer, rim, inner[::-1], floor]))


def find_tiers(outline: Outline, edges: Floats) -> Tiers | None:
    """Look for a vessel on its saucer; None when the picture does not show one clearly.

    Args:
        outline: see ``revolution.outline_of``.
        edges: (h, w) float32 in 0..1, strength of the photo's edges that run across.
    """
    mask = filled(outline.whole)
    pitch = _pitch_of_near_arc(mask)
    if pitch is None or not PITCHES[0] <= pitch <= PITCHES[1]:
        return None
    camera = outline.camera
    # A saucer has no limbs: all of the silhouette counts for the axis.
    full = Outline(outline.whole, mask, signed_distance(mask), find_axis(mask, camera), camera)
    hull = at_pitch(full, pitch, PROFILE_STEPS, cut_cones=False)
    widest = int(np.argmax(hull.radii))
    if hull.agreement < FOOT_AGREEMENT or widest > LOW_FOOT * len(hull.radii):
        return None
    mouth = _mouth(hull, widest, full.signed, edges)
    return None if mouth is None else _profile(hull, widest, mouth)


def _pitch_of_near_arc(mask: NDArray[np.bool_]) -> float | None:
    """Radians: a circle seen from ``pitch`` above is flattened by its sine; read off the near half of the contour."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=len)[:, 0].astype(np.float32)
    near = contour[contour[:, 1] > 0.5 * (contour[:, 1].min() + contour[:, 1].max())]
    if len(near) < 12:
        return None
    _, sides, _ = cv2.fitEllipse(near)
    return float(np.arcsin(np.clip(min(sides) / max(*sides, 1e-6), 0.0, 1.0)))


def _mouth(hull: Revolution, widest: int, signed: Floats, edges: Floats) -> int | None:
    """Index of the height whose circle is the mouth; None where no circle is seen clearly."""
    best, found = MOUTH_EVIDENCE, None
    for k in range(widest + 4, len(hull.heights)):
        share = hull.radii[k] / hull.radii[widest]
        if not MOUTH_SHARES[0] <= share <= MOUTH_SHARES[1]:
            continue
        x, y = (values[0] for values in circle_points(hull.camera, hull.heights[k : k + 1], hull.radii[k : k + 1], 96))
        far = y < 0.5 * (y.max() + y.min())
        columns, rows = ((values[far] - 0.5).astype(np.float32)[None] for values in (x, y))
        touching = np.abs(cv2.remap(signed, columns, rows, cv2.INTER_LINEAR)) < ON_CONTOUR_PX
        evidence = edge_along(x, y, edges) + float(touching.mean())
        if evidence > best:
            best, found = evidence, k
    return found


def _profile(hull: Revolution, widest: int, mouth: int) -> Tiers:
    """Saucer and cup as one outline."""
    foot, rim_height = float(hull.radii[widest]), float(hull.heights[widest])
    radius, top = float(hull.radii[mouth]), float(hull.heights[mouth])
    seat = rim_height + SAUCER_SLOPE * foot
    rise = np.linspace(0.0, 1.0, 12)
    # The underside flares out like a quarter of a wave; the top runs straight from the rim to the cup's foot.
    under = rim_height - SAUCER_DEPTH * foot * (1.0 - rise)
    under_radii = foot * (0.5 + 0.5 * np.sin(0.5 * np.pi * rise))
    over = np.linspace(rim_height, seat, 6)[1:]
    over_radii = np.linspace(foot, CUP_FOOT * radius, 6)[1:]
    share = np.linspace(0.0, 1.0, 40)[1:]
    wall = seat + share * (top - seat)
    wall_radii = CUP_FOOT * radius + (1.0 - CUP_FOOT) * radius * (1.0 - (1.0 - share) ** 2)
    return Tiers(
        axis=hull.axis,
        pitch=hull.pitch,
        camera=hull.camera,
        heights=np.concatenate([under, over, wall]),
        radii=np.concatenate([under_radii, over_radii, wall_radii]),
        body=len(under) + len(over) - 1,
    )
