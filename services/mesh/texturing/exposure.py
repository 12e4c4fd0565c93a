"""What of a surface the photo shows: where points fall in it, whether something stands before them, and how far the
photo is to be trusted there.

Arrays of many points are laid out by coordinate, (3, n) float32: numpy walks them several times as fast as rows of
three.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.raster import covering, far_to_near, weights_at
from services.mesh.solid import Solid

Floats = NDArray[np.float32]

TRUST = (0.18, 0.5)
"""Cosine between normal and view at which the photo begins to count and counts fully: at 0.18 it is stretched over
five times."""

FLAT_TRUST = (0.08, 0.16)
"""The same for solids of flat sides: no side rounds off towards its outline, a print that is stretched six times says
more than any fill, and half of a print over half of a fill is neither."""


@dataclass(frozen=True)
class ExposureParameters:
    """When a point counts as hidden, and how the depth map is drawn.

    Attributes:
        depth_px: side of the picture in which occlusion is decided.
        behind_px, behind: pixels of that picture around the outline of a nearer part (by at least so many view units)
            within which what lies behind it is trusted step by step less: the outline is not known to a pixel, and a
            cup's rim is not its saucer's.
        hidden_behind: view units behind all that is near its pixel from which a point is hidden: less is the picture's
            own coarseness.
        nothing: depth, view units, of a pixel that shows nothing.
    """

    depth_px: int = 512
    behind_px: tuple[int, int, int, int] = (2, 4, 6, 8)
    behind: float = 0.15
    hidden_behind: float = 0.02
    nothing: float = 1e6


PARAMETERS = ExposureParameters()


@dataclass(frozen=True)
class Sight:
    """Points as the photo shows them.

    Attributes:
        pixels: (2, n) float32, the photo's.
        cosine: (n,) float32, between each normal and the direction towards the camera.
        trust: (n,) float32, 0..1.
        clear: (n,) bool, nothing comes near to standing before the point.
    """

    pixels: Floats
    cosine: Floats
    trust: Floats
    clear: NDArray[np.bool_]


@dataclass(frozen=True)
class Exposure:
    """A solid before the photo's camera.

    Attributes:
        camera: the photo's, in the solid's frame.
        depth: (h, w) float32, view units from the camera of the nearest surface at each pixel of a small picture;
            infinite where nothing is.
        factor: pixels of ``depth`` for one of the photo.
        reach_px: how far around its pixel a point is looked for that it may be hidden by.
        trusted: see ``TRUST``.
    """

    camera: PhotoCamera
    depth: Floats
    factor: float
    reach_px: int = 2
    trusted: tuple[float, float] = TRUST

    @cached_property
    def _filled(self) -> Floats:
        return np.where(np.isfinite(self.depth), self.depth, np.float32(PARAMETERS.nothing)).astype(np.float32)

    @cached_property
    def _farthest(self) -> Floats:
        """A point is hidden when even the farthest surface near its pixel is clearly in front of it."""
        kernel = np.ones((2 * self.reach_px + 1,) * 2, np.uint8)
        return np.asarray(cv2.dilate(self._filled, kernel), np.float32).ravel() + np.float32(PARAMETERS.hidden_behind)

    @cached_property
    def _nearest(self) -> list[Floats]:
        return [
            np.asarray(cv2.erode(self._filled, np.ones((2 * reach + 1,) * 2, np.uint8)), np.float32).ravel()
            + np.float32(PARAMETERS.behind)
            for reach in PARAMETERS.behind_px
        ]

    def within(self, reach_px: int) -> Exposure:
        """The same, hidden by what is nearer than so many pixels."""
        return replace(self, reach_px=reach_px)

    def of(self, points: Floats, normals: Floats) -> Sight:
        """How the photo shows points.

        Args:
            points: (3, n) float32.
            normals: (3, n) float32 unit vectors.
        """
        pixels, far = projected(points, self.camera)
        cosine = _cosine(points, normals, self.camera)
        rows, columns = self.depth.shape
        column = np.clip(pixels[0] * np.float32(self.factor), 0, columns - 1).astype(np.int64)
        row = np.clip(pixels[1] * np.float32(self.factor), 0, rows - 1).astype(np.int64)
        index = row * columns + column
        visible = far <= self._farthest[index]
        steps = np.zeros(len(far), np.int8)
        for nearest in self._nearest:
            steps += far <= nearest[index]
        trust = trusted_at(cosine, self.trusted) * steps / np.float32(len(PARAMETERS.behind_px))
        return Sight(
            pixels, cosine, np.where(visible, trust, np.float32(0.0)), visible & (steps == len(PARAMETERS.behind_px))
        )


def exposed(solid: Solid, camera: PhotoCamera, size: tuple[int, int], trusted: tuple[float, float] = TRUST) -> Exposure:
    """A solid before the camera of a photo of the given (width, height)."""
    factor = PARAMETERS.depth_px / max(size)
    small = camera.scaled(factor)
    extent = (max(1, round(size[0] * factor)), max(1, round(size[1] * factor)))
    pixels, depth = small.project(solid.vertices)
    covered = covering(pixels, solid.faces, extent, far_to_near(depth, solid.faces, pixels))
    rows, columns, face, weights = weights_at(covered, pixels, solid.faces)
    picture = np.full((extent[1], extent[0]), np.inf, np.float32)
    picture[rows, columns] = (depth[solid.faces[face]] * weights).sum(axis=1)
    return Exposure(camera, picture, factor, trusted=trusted)


def trusted_at(cosine: NDArray[np.floating], trusted: tuple[float, float]) -> Floats:
    """(n,) 0..1: how far a photo is to be trusted at cosines between normal and view."""
    step = np.clip((cosine - trusted[0]) / (trusted[1] - trusted[0]), 0.0, 1.0).astype(np.float32)
    return np.asarray(step * step * (np.float32(3.0) - np.float32(2.0) * step), np.float32)


def projected(points: Floats, camera: PhotoCamera) -> tuple[Floats, Floats]:
    """``PhotoCamera.project`` for points (3, n) float32: pixels (2, n) and view units from the camera (n,)."""
    move = camera.to_view.astype(np.float32)
    x, y, z = (row[0] * points[0] + row[1] * points[1] + row[2] * points[2] + row[3] for row in move)
    far = np.maximum(np.float32(camera.distance) - z, np.float32(1e-6))
    scale = np.float32(camera.distance * camera.pixels) / far
    return np.stack([np.float32(camera.center[0]) + x * scale, np.float32(camera.center[1]) - y * scale]), far


def _cosine(points: Floats, normals: Floats, camera: PhotoCamera) -> Floats:
    """(n,): between each normal (3, n) and the direction from its point (3, n) towards the camera."""
    x, y, z = (c - p for c, p in zip(camera.position().astype(np.float32), points, strict=True))
    length = np.sqrt(x * x + y * y + z * z)
    across = x * normals[0] + y * normals[1] + z * normals[2]
    return np.asarray(across / np.maximum(length, np.float32(1e-12)), np.float32)
