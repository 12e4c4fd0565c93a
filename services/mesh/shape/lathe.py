"""Circles about an axis: in the picture, as a silhouette, and turned into a solid."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]

SEGMENTS = 96
"""Sides of the polygon that stands for a circle: its silhouette is off by 0.05% of the radius."""


def circle_points(camera: PhotoCamera, heights: Doubles, radii: Doubles, sides: int) -> tuple[Doubles, Doubles]:
    """Pixels x, y of circles about the axis: arrays of the common shape of heights and radii, with ``sides`` added."""
    sine, cosine = around(sides)
    # What PhotoCamera.project does, without a list of points: a search looks at millions of them.
    turn = camera.to_view
    level = turn[:, 0, None] * sine + turn[:, 2, None] * cosine
    r = radii[..., None]
    x, y, z = (r * level[k] + (heights * turn[k, 1] + turn[k, 3])[..., None] for k in range(3))
    scale = camera.pixels * camera.distance / np.maximum(camera.distance - z, 1e-6)
    return camera.center[0] + x * scale, camera.center[1] - y * scale


@cache
def around(sides: int) -> tuple[Doubles, Doubles]:
    """Sine and cosine of the angles of a circle's points."""
    angle = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    return np.sin(angle), np.cos(angle)


def discs(shape: tuple[int, ...], x: Doubles, y: Doubles, apart: int = 0) -> NDArray[np.bool_]:
    """The silhouette of a stack of circles, each joined with the next by their convex hull.

    Args:
        shape: of the picture.
        x, y: (k, n) pixels of the circles' points.
        apart: the circle with which a second stack begins; 0 for one stack.
    """
    canvas = np.zeros(shape, np.uint8)
    # Four fractional bits for OpenCV's fixed-point drawing; its pixel centres are whole numbers.
    places = np.empty((*x.shape, 2))
    places[..., 0], places[..., 1] = x, y
    points = np.rint((places - 0.5) * 16).astype(np.int32)
    hull, draw = cv2.convexHull, cv2.fillConvexPoly
    for number, pair in enumerate(np.concatenate([points[:-1], points[1:]], axis=1), 1):
        if number != apart:
            draw(canvas, hull(pair), 1, shift=4)
    return canvas.view(np.bool_)


def lathe(profile: Doubles, segments: int = SEGMENTS) -> Solid:
    """Turn a profile about the y axis.

    Args:
        profile: (k, 2) float64 of (radius, height), from the axis to the axis, outside on the right when walked: bottom
            centre, up the outside, (down the inside,) top centre. The first and last radius are taken as 0.
        segments: sides of the circle.
    """
    ring = profile[1:-1]
    angle = np.arange(segments) * (2 * np.pi / segments)
    body = np.stack(
        [
            np.outer(ring[:, 0], np.sin(angle)),
            np.repeat(ring[:, 1:2], segments, axis=1),
            np.outer(ring[:, 0], np.cos(angle)),
        ],
        axis=2,
    ).reshape(-1, 3)
    vertices = np.concatenate([body, [[0.0, profile[0, 1], 0.0], [0.0, profile[-1, 1], 0.0]]])
    start, end = len(body), len(body) + 1
    here = np.arange(segments)
    after = (here + 1) % segments
    rows = np.arange(len(ring) - 1)[:, None] * segments
    a, b = (rows + here).ravel(), (rows + after).ravel()
    c, d = a + segments, b + segments
    last = (len(ring) - 1) * segments
    faces = np.concatenate(
        [
            np.stack([a, b, d], 1),
            np.stack([a, d, c], 1),
            np.stack([np.full(segments, start), after, here], 1),
            np.stack([np.full(segments, end), last + here, last + after], 1),
        ]
    )
    return Solid(vertices, faces.astype(np.int64))
