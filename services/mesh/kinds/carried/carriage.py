"""Long bodies that are carried by wheels or legs at both ends and seen from the side: cars, trailers, cattle, tables.

Such a body is about as wide as it is high, flat-sided, and what carries it stands in two rows, left and right.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.boolean import difference
from services.mesh.shape.boxes.cuboid import rounded_box
from services.mesh.shape.freeform import FreeForm
from services.mesh.shape.inflation import rim_distance, slab_square
from services.mesh.shape.stance import Base
from services.mesh.solid import Solid
from services.mesh.view import Grid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FEET_APART = 0.12
"""Feet are apart by at least this share of the silhouette's width."""

GIRTH, EDGE = 1.45, 0.3
"""Half the width of the body, and the rounding of its edges, in radii of its largest inscribed circle: wheels and legs
make a thing as wide as it is high, but they are no part of that circle."""

WIDEST = 0.42
"""Half the width is at most this share of the height: buses and carriages are higher than wide."""

LIMB_GIRTH = 3.0
"""Parts are at most this many times as deep as they are wide: wheels and legs go through, aerials and tails do not."""

LEAST_GAP, GAP_SHARE = 0.06, 0.5
"""The way between the two rows: as a share of the height, under which it is not opened, and of the width."""


def feet_apart(base: Base) -> bool:
    """True for a silhouette that stands on feet with a gap between them."""
    places = np.flatnonzero(base.touches)
    return len(places) > 1 and int(np.diff(places).max()) > FEET_APART * int(np.isfinite(base.bottom).sum())


def carried_square(alpha: Floats, high: float) -> Floats:
    """Squared half width, in pixels, of a body with flat sides and rounded edges, thin where its parts are thin.

    Args:
        alpha: (h, w) float32 matte.
        high: the body's height, pixels.
    """
    depth = rim_distance(alpha)
    deepest = float(depth.max())
    square = slab_square(alpha, min(GIRTH * deepest, WIDEST * high), max(EDGE * deepest, 1.5))
    # How wide parts are: the depth at the spine, spread over the part.
    reach = 2 * max(1, round(0.5 * deepest)) + 1
    spine = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    limb = cv2.GaussianBlur(cv2.erode(spine, np.ones((3, 3), np.uint8)), (0, 0), max(1.0, 0.1 * deepest))
    return np.asarray(np.minimum(square, (LIMB_GIRTH * np.maximum(limb, depth)) ** 2), np.float32)


def with_rows(form: FreeForm, grid: Grid, base: Base) -> Solid:
    """The shape with a way between its left and right feet, if it has a gap between its front and back ones."""
    inside, camera, thick = grid.inside, grid.camera, form.thick
    rows, columns = np.nonzero(inside)
    z = form.middle[rows, columns]
    flat = camera.plane(np.stack([columns + 0.5, rows + 0.5], axis=1))
    points = np.column_stack([flat * ((camera.distance - z) / camera.distance)[:, None], z]) @ form.turn.T
    lowest = inside.shape[0] - 1 - np.argmax(inside[::-1], axis=0)
    feet = np.flatnonzero(base.touches)
    between = ~base.touches & np.isfinite(base.bottom)
    between[: feet[0]] = between[feet[-1] + 1 :] = False
    under = between[columns] & (rows == lowest[columns])
    body = thick[rows, columns] > 0.5 * thick.max()
    width = float(np.percentile(thick[lowest[feet], feet], 20))
    return opened(form.solid, points[body], points[under, 1], width)


def opened(solid: Solid, middle: Doubles, underside: Doubles, width: float) -> Solid:
    """The solid with a way between its left and right feet.

    Args:
        solid: closed, standing on its lowest points, y up.
        middle: (k, 3) points of its upright middle plane.
        underside: (m,) heights of its underside between the feet.
        width: half the least width of a foot.
    """
    low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    gap = float(np.median(underside) - low[1]) if len(underside) else 0.0
    if gap < LEAST_GAP * float(high[1] - low[1]):
        return solid
    slope, start = np.polyfit(middle[:, 0], middle[:, 2], 1)
    half = np.array([float(np.linalg.norm(high - low)), gap, GAP_SHARE * width])
    way = rounded_box(half, 0.6 * float(half[1:].min()))
    c, s = 1.0 / np.hypot(1.0, slope), slope / np.hypot(1.0, slope)
    turn = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    at = np.array([0.0, low[1], start])
    return difference(solid, way.moved(np.hstack([turn, at[:, None]])))
