"""Where the photo's lines of sight enter and leave a solid: one exact drawing that all the judge's terms share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.solid import Solid, crossed

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NUDGE = (0.00731, 0.00417)
"""Pixels by which every line of sight is off its pixel's centre, so that none runs exactly along an edge."""

CHUNK = 4_000_000
"""Pairs of a face and a pixel that are looked at together: bounds the memory of large faces."""


@dataclass(frozen=True)
class Crossings:
    """Every place where a line of sight passes through the surface, sorted by pixel and then from near to far.

    Attributes:
        size: (width, height) of the picture.
        pixel: (n,) int64, row * width + column.
        depth: (n,) float64, along the view's z from the camera, view units.
        entering: (n,) bool, True where the line enters the solid.
        face: (n,) int64.
        normals: (n, 3) float64 unit normals of those faces in the view's axes.
        distance: of the camera from the view's origin, view units.
    """

    size: tuple[int, int]
    pixel: Ints
    depth: Doubles
    entering: Mask
    face: Ints
    normals: Doubles
    distance: float

    @cached_property
    def first(self) -> Ints:
        """(k,) index of the nearest crossing of each pixel that has one."""
        return np.flatnonzero(np.diff(self.pixel, prepend=-1) != 0)

    @cached_property
    def seen(self) -> Mask:
        """(h, w) bool: the silhouette."""
        seen = np.zeros(self.size[0] * self.size[1], bool)
        seen[self.pixel[self.first]] = True
        return seen.reshape(self.size[::-1])

    @cached_property
    def near(self) -> Floats:
        """(h, w) float32: view z of the nearest surface, towards the viewer; nan where nothing is seen."""
        near = np.full(self.size[0] * self.size[1], np.nan, np.float32)
        near[self.pixel[self.first]] = self.distance - self.depth[self.first]
        return near.reshape(self.size[::-1])

    @cached_property
    def normal(self) -> Floats:
        """(h, w, 3) float32: the nearest surface's normal in the view's axes; zeros where nothing is seen."""
        normal = np.zeros((self.size[0] * self.size[1], 3), np.float32)
        normal[self.pixel[self.first]] = self.normals[self.first]
        return normal.reshape(*self.size[::-1], 3)

    @cached_property
    def thickness(self) -> Floats:
        """(h, w) float32: length of each line of sight inside the solid, along z, view units."""
        sign = np.where(self.entering, -1.0, 1.0)
        total = np.bincount(self.pixel, sign * self.depth, minlength=self.size[0] * self.size[1])
        return np.maximum(total, 0.0).astype(np.float32).reshape(self.size[::-1])


def cast(solid: Solid, camera: PhotoCamera, size: tuple[int, int]) -> Crossings:
    """Send a line of sight through every pixel.

    Args:
        solid: closed, in the camera's world.
        camera: in pixels of the picture.
        size: (width, height).
    """
    width, height = size
    view = camera.view(solid.vertices)
    depth = np.maximum(camera.distance - view[:, 2], 1e-6)
    scale = camera.distance / depth * camera.pixels
    x = camera.center[0] + view[:, 0] * scale - 0.5 - NUDGE[0]
    y = camera.center[1] - view[:, 1] * scale - 0.5 - NUDGE[1]
    corners = solid.faces
    # By corner and then by face, (3, m): numpy walks these several times as fast as rows of three.
    fx, fy = x[corners.T], y[corners.T]
    left, top = (np.maximum(np.ceil(_of_three(np.minimum, v)), 0).astype(np.int32) for v in (fx, fy))
    right = np.minimum(np.floor(_of_three(np.maximum, fx)), width - 1).astype(np.int32)
    bottom = np.minimum(np.floor(_of_three(np.maximum, fy)), height - 1).astype(np.int32)
    wide, tall = np.maximum(right - left + 1, 0), np.maximum(bottom - top + 1, 0)
    count = wide.astype(np.int64) * tall
    area = (fx[1] - fx[0]) * (fy[2] - fy[0]) - (fx[2] - fx[0]) * (fy[1] - fy[0])
    faces = np.flatnonzero((count > 0) & (np.abs(area) > 1e-12))
    inverse_depth = 1.0 / depth
    pixels, depths, hit_faces = [], [], []
    ends = np.cumsum(count[faces])
    start = 0
    while start < len(faces):
        base = ends[start - 1] if start else 0
        glance()
        stop = max(int(np.searchsorted(ends, base + CHUNK, side="right")), start + 1)
        chosen = faces[start:stop]
        # Most faces of a fine solid are looked at for one or two pixels: what is known of a face is taken in one go.
        number = np.repeat(np.arange(len(chosen), dtype=np.int32), count[chosen])
        before = (ends[start:stop] - base - count[chosen]).astype(np.int32)
        within = np.arange(len(number), dtype=np.int32) - before[number]
        start = stop
        row, column = np.divmod(within, wide[chosen][number])
        column += left[chosen][number]
        row += top[chosen][number]
        (ax, bx, cx), (ay, by, cy) = (
            tuple(side - place for side in v[:, chosen][:, number]) for v, place in ((fx, column), (fy, row))
        )
        whole = area[chosen][number]
        u, v = (bx * cy - cx * by) / whole, (cx * ay - ax * cy) / whole
        w = 1.0 - u - v
        inside = np.flatnonzero((u > 0) & (v > 0) & (w > 0))
        face = chosen[number[inside]]
        near = inverse_depth[corners[face].T]
        depths.append(1.0 / (u[inside] * near[0] + v[inside] * near[1] + w[inside] * near[2]))
        pixels.append(row[inside].astype(np.int64) * width + column[inside])
        hit_faces.append(face)
    if not pixels:
        empty: Ints = np.zeros(0, np.int64)
        return Crossings(size, empty, np.zeros(0), np.zeros(0, bool), empty, np.zeros((0, 3)), camera.distance)
    pixel, at, face = np.concatenate(pixels), np.concatenate(depths), np.concatenate(hit_faces)
    order = np.lexsort((at, pixel))
    pixel, at, face = pixel[order], at[order], face[order]
    a, b, c = (view.take(corners[face, k], axis=0) for k in range(3))
    cross = crossed(b - a, c - a)
    normals = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-20)
    # y runs down in the picture: a face that turns clockwise there turns its front to the viewer.
    return Crossings(size, pixel, at, np.asarray(area[face] < 0), face, normals, camera.distance)


def _of_three(choose: np.ufunc, values: Doubles) -> Doubles:
    """(n,) the least or the greatest of three rows (3, n)."""
    return np.asarray(choose(choose(values[0], values[1]), values[2]), np.float64)
