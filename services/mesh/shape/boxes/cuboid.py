"""Boxes: the cuboid whose outline, seen in perspective, is the silhouette.

A box has seven unknowns once the distance is taken as given: three sides, the turn about the vertical, the camera's
pitch, and its place in the picture. The silhouette, a polygon of four to six corners, gives eight to twelve numbers.
What it does not give (the depth of a box seen straight on) comes from a prior.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.shape.boxes.creases import SIGNS
from services.mesh.solid import Solid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

FIT_SIDE_PX = 112
"""Side of the matte for the fit: with sub-pixel outlines it holds corners to about 0.3% of the subject."""

USUAL_DEPTH = 0.45
"""Depth of a packaged good seen straight on, as a share of the smaller side of its face: cereal boxes have 0.3 to 0.5,
cartons and cases 0.5 to 1."""

MOST_DOUBT = 1.5
"""Priors hold where the outline says nothing; a box that lies flat and is seen from above is doubted no further."""


@dataclass(frozen=True)
class Cuboid:
    """A fitted box.

    Attributes:
        half: (3,) float64, half sides along its own x, y, z, view units.
        yaw: radians, how far its front is turned to the viewer's right about the vertical.
        pitch: radians, how far the camera looks down on it.
        agreement: IoU of its outline with the silhouette, 0..1.
        camera: the photo's camera in the frame of the box (centre at the origin, sides along the axes).
        roll: radians, how far the picture is turned anticlockwise.
        radius: of its edges, view units.
        clearness: for each edge between two sides that show, how much of it is there in the photo, 0..1; empty where
            none was looked for.
        upright: whether it stands as things stand.
    """

    half: Doubles
    yaw: float
    pitch: float
    agreement: float
    camera: PhotoCamera
    roll: float = 0.0
    radius: float = 0.0
    clearness: tuple[float, ...] = ()
    upright: bool = True


def fit_cuboids(mask: NDArray[np.bool_], camera: PhotoCamera) -> list[Cuboid]:
    """The boxes that a search from several starts ends at, that which agrees best with the mask first.

    Args:
        mask: (h, w) bool, about ``FIT_SIDE_PX`` on its longer side, holes filled.
        camera: frontal, in pixels of the mask.
    """
    rows, columns = np.nonzero(mask)
    flat = camera.plane(np.stack([columns + 0.5, rows + 0.5], axis=1))
    low, high = flat.min(axis=0), flat.max(axis=0)
    wide, tall = np.maximum(0.5 * (high - low), 0.02)
    scale = 4
    target = cv2.resize(mask.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    total = float(target.sum())
    canvas = np.zeros_like(target)

    # A search looks at thousands of boxes: eight corners are cheaper by hand than as a list of points.
    center = np.array(camera.center)
    across = np.array([1.0, -1.0]) * camera.pixels * camera.distance
    farthest = 8.0 * max(target.shape)
    both = np.empty_like(target)

    def overlap(values: Doubles) -> float:
        seen = SIGNS @ (_turn(float(values[3]), float(values[4])) * np.exp(values[:3])).T
        seen[:, :2] += values[5:7]
        pixels = center + seen[:, :2] * (across / np.maximum(camera.distance - seen[:, 2:], 1e-6))
        if not np.abs(pixels).max() <= farthest:  # nor where it is not a number
            return 0.0
        outline = cv2.convexHull((pixels * 2 - 0.5).astype(np.float32))
        canvas.fill(0)
        cv2.fillConvexPoly(canvas, np.rint(outline * 2**scale).astype(np.int32), 1, cv2.LINE_8, scale)
        cv2.bitwise_and(canvas, target, dst=both)
        shared = float(cv2.countNonZero(both))
        return shared / (total + float(cv2.countNonZero(canvas)) - shared)

    def loss(values: Doubles) -> float:
        wide, tall, deep, yaw, pitch = values[:5].tolist()
        # Weak priors, each worth under half a per cent of overlap until the values are far from the usual.
        prior = 0.002 * min((deep - min(wide, tall) - usual) ** 2, MOST_DOUBT)
        prior += 0.002 * min(((pitch - 0.2) / 0.2) ** 2, MOST_DOUBT)
        outside = max(0.0, abs(yaw) - 0.9) + max(0.0, -pitch) + max(0.0, pitch - 0.9)
        return float(1.0 - overlap(values) + prior + outside)

    usual = float(np.log(USUAL_DEPTH))
    starts = [
        np.array([np.log(wide * c), np.log(tall * 0.9), np.log(wide * d), yaw, pitch, 0.0, 0.0])
        for yaw, c, d in ((0.05, 0.95, 0.4), (0.6, 0.8, 0.5), (-0.6, 0.8, 0.5))
        for pitch in (0.12, 0.4)
    ]
    # What lies flat and is seen from above: a book, a keyboard.
    starts += [
        np.array([np.log(wide * 0.75), np.log(tall * 0.2), np.log(wide * 0.6), yaw, 0.6, 0.0, 0.0])
        for yaw in (0.5, -0.5)
    ]
    found = []
    for start in starts:
        glance()
        options = {"maxfev": 220, "initial_simplex": _simplex(start)}
        found.append(minimize(loss, start, method="Nelder-Mead", options=options))
    boxes = []
    for x in (end.x for end in sorted(found, key=lambda end: float(end.fun))):
        view = _camera(camera, x[3], x[4], x[5], x[6])
        boxes.append(Cuboid(np.exp(x[:3]), float(x[3]), float(x[4]), overlap(x), view))
    return boxes


def _simplex(start: Doubles) -> Doubles:
    """A first simplex with steps that suit each unknown."""
    steps = np.array([0.15, 0.15, 0.3, 0.25, 0.15, 0.06, 0.06])
    return np.vstack([start, start + np.diag(steps)])


def _turn(yaw: float, pitch: float) -> Doubles:
    """(3, 3): from a box that is turned by ``yaw`` to how it is seen from ``pitch`` above."""
    cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
    return np.array([[cy, 0.0, sy], [sp * sy, cp, -sp * cy], [-cp * sy, sp, cp * cy]])


def _camera(camera: PhotoCamera, yaw: float, pitch: float, x: float, y: float) -> PhotoCamera:
    """The photo's camera in the frame of a box that is turned by ``yaw`` and seen from ``pitch`` above."""
    return camera.turned(_turn(yaw, pitch), np.array([x, y, 0.0]))


def rounded_box(half: Doubles, radius: float, grid: int = 14) -> Solid:
    """A box with rounded edges, centred on the origin.

    Args:
        half: (3,) half sides.
        radius: of the edges, clipped to the smallest half side.
        grid: cells along each side of each face, apart from the three on every rounding.
    """
    radius = min(radius, 0.95 * float(half.min()))
    inner = half - radius
    # Directions along one axis: a flat run in the middle and an arc at each end.
    arc = np.sin(np.linspace(0.0, np.pi / 4, 4)[1:]) / np.cos(np.linspace(0.0, np.pi / 4, 4)[1:])
    line = np.concatenate([-1.0 - arc[::-1], np.linspace(-1.0, 1.0, grid + 1), 1.0 + arc])
    u, v = np.meshgrid(line, line, indexing="ij")
    n = len(line)
    index = np.arange(n * n).reshape(n, n)
    quads = np.stack([index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]], axis=-1).reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    points: list[Doubles] = []
    faces: list[NDArray[np.int64]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            a, b = (axis + 1) % 3, (axis + 2) % 3
            core, bulge = np.zeros((n * n, 3)), np.zeros((n * n, 3))
            for where, value in ((a, u.ravel()), (b, v.ravel())):
                core[:, where] = np.clip(value, -1.0, 1.0) * inner[where]
                bulge[:, where] = np.sign(value) * np.maximum(np.abs(value) - 1.0, 0.0)
            core[:, axis], bulge[:, axis] = sign * inner[axis], sign
            bulge /= np.linalg.norm(bulge, axis=1, keepdims=True)
            faces.append((triangles if sign > 0 else triangles[:, ::-1]) + n * n * len(points))
            points.append(core + radius * bulge)
    return welded(np.concatenate(points), np.concatenate(faces))


def welded(vertices: Doubles, faces: NDArray[np.int64], tolerance: float = 1e-7) -> Solid:
    """Vertices that coincide become one; triangles that collapse go."""
    keys = np.round(vertices / tolerance).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    merged = inverse.ravel()[faces]
    good = (merged[:, 0] != merged[:, 1]) & (merged[:, 1] != merged[:, 2]) & (merged[:, 2] != merged[:, 0])
    return Solid(vertices[first], merged[good].astype(np.int64))
