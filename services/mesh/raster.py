"""A small software rasteriser: which triangle covers which pixel. No GPU, no OpenGL."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance

_FRACTION_BITS = 4
"""OpenCV draws with fixed-point corners; 1/16 pixel is finer than any edge that shows."""

_AT_ONCE = 4096
"""Triangles that are drawn between two looks whether anybody still waits."""

_FAR = 2**26
"""Corners are kept inside what the fixed-point drawing can hold."""


def covering(
    points: NDArray[np.floating],
    faces: NDArray[np.integer],
    size: tuple[int, int],
    order: NDArray[np.integer] | None = None,
) -> NDArray[np.int32]:
    """Draw triangles flat, each with its own number.

    Args:
        points: (n, 2) pixels, x right, y down; the middle of the top left pixel is (0.5, 0.5).
        faces: (m, 3) indices of points.
        size: (width, height) of the picture.
        order: the faces to draw, first to last; a later one covers an earlier one. All, in order, if not given.

    Returns:
        (height, width) int32, number of the face seen at each pixel, -1 for none. Triangles cover every pixel that
        they touch.
    """
    width, height = size
    picture = np.full((height, width), -1, np.int32)
    fixed = np.clip(np.round((np.asarray(points) - 0.5) * 2**_FRACTION_BITS), -_FAR, _FAR).astype(np.int32)
    corners = fixed[faces]
    draw, line, bits = cv2.fillConvexPoly, cv2.LINE_8, _FRACTION_BITS
    numbers = range(len(faces)) if order is None else order.tolist()
    for start in range(0, len(numbers), _AT_ONCE):
        glance()
        for number in numbers[start : start + _AT_ONCE]:
            draw(picture, corners[number], number, line, bits)
    return picture


def weights_at(
    covered: NDArray[np.int32], points: NDArray[np.floating], faces: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Barycentric weights of every covered pixel's centre.

    Returns:
        rows (k,), columns (k,), face of each (k,), and weights (k, 3) that sum to 1. Pixels that a triangle only
        touches get the weights of the nearest point inside its slightly grown self.
    """
    place = np.flatnonzero(covered.ravel() >= 0)
    rows, columns = np.divmod(place, covered.shape[1])
    face = covered.ravel()[place].astype(np.int64)
    a, b, c = (np.asarray(points, np.float64)[faces[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    # Per face in double precision, per pixel in single: of the latter there are a hundred times as many.
    from_a = np.stack([a[:, 0] - 0.5, a[:, 1] - 0.5], axis=0).astype(np.float32)
    slopes = (np.stack([ac[:, 1], -ac[:, 0], -ab[:, 1], ab[:, 0]]) / area).astype(np.float32)
    at_x, at_y = columns.astype(np.float32) - from_a[0][face], rows.astype(np.float32) - from_a[1][face]
    weights = np.empty((3, len(place)), np.float32)
    np.add(at_x * slopes[0][face], at_y * slopes[1][face], out=weights[1])
    np.add(at_x * slopes[2][face], at_y * slopes[3][face], out=weights[2])
    weights[0] = 1.0 - weights[1] - weights[2]
    np.clip(weights, 0.0, 1.0, out=weights)
    weights /= weights.sum(axis=0)
    return rows, columns, face, weights.T


def far_to_near(
    depth: NDArray[np.floating], faces: NDArray[np.integer], pixels: NDArray[np.floating] | None = None
) -> NDArray[np.int64]:
    """The painter's order: faces sorted by the mean depth of their corners, farthest first.

    Args:
        depth: (n,) of the corners.
        faces: (m, 3).
        pixels: (n, 2) of the corners, y down; where given, faces that turn their back are left out. On a closed solid
            are never seen, and the inside of a thin wall cannot come out in front of its outside.
    """
    mean = (depth[faces[:, 0]] + depth[faces[:, 1]] + depth[faces[:, 2]]) / 3.0
    order = np.argsort(-mean, kind="stable").astype(np.int64)
    if pixels is None:
        return order
    a, b, c = (np.asarray(pixels)[faces[:, k]] for k in range(3))
    ab, ac = b - a, c - a
    facing = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0] < 0
    return np.asarray(order[facing[order]], np.int64)
