"""The camera of a backplate, and the plane that carries the subject seen through it.

The camera looks down by its pitch, as the film's does. World units are metres: x to the right, z away from the camera
along the floor, the plane at height 0, the camera at its height. Places in the picture are fractions of its height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

FOCAL = 1.9
"""Focal length over image height: 46 mm on a 24 mm high frame, the usual perspective of a product picture."""

SUBJECT_LINE = 0.86
"""Height of the subject's base line, fraction of the image height: the composite and the film stand it there."""

SUBJECT_EXTENT = 0.66
"""The subject's larger extent, as a fraction of the frame."""

SUBJECT_SIZE_M = 0.30
"""A subject is taken to be this large where a size in metres matters: textures, depth of field."""

SUBJECT_DISTANCE_M = SUBJECT_SIZE_M * FOCAL / SUBJECT_EXTENT
"""Depth of the subject's foot, metres along the optical axis."""


LEAST_DEPTH_M = 0.45
"""Depth of a table behind the subject where it is seen from well above."""

DEPTH_FADES = math.radians(6.0)
"""Pitch over the usual one within which a deep table gives way to one of that depth: as a photographer who looks down
moves towards its edge, so that some of the surroundings stays in the picture."""


@dataclass(frozen=True)
class Patch:
    """World coordinates of the surface's pixels.

    Attributes:
        x: (rows, columns) float32, metres, 0 in the middle.
        z: (rows, columns) float32, metres from the camera along the floor.
        footprint: (rows, 1) float32, size of a pixel in metres (geometric mean of its width and its depth).
        dx: (rows, 1) float32, metres per pixel along a row.
        dz: (rows, 1) float32, metres per row (negative: the next row down is nearer).
        spread: (rows, 1) float32, share by which x changes from a row to the next (negative: it shrinks).
        view_y: (rows, columns) float32, sine of the angle between the plane and the line of sight.
        stand: metres from the camera along the floor to the subject.
    """

    x: NDArray[np.float32]
    z: NDArray[np.float32]
    footprint: NDArray[np.float32]
    dx: NDArray[np.float32]
    dz: NDArray[np.float32]
    spread: NDArray[np.float32]
    view_y: NDArray[np.float32]
    stand: float


@dataclass(frozen=True)
class Ground:
    """The geometry of one picture.

    Attributes:
        vanishing: height of the infinite horizon, fraction of the height from the top; negative where it lies above
            the picture.
        edge: height where the surface ends, fraction of the height; >= vanishing, negative where it fills the picture.
    """

    vanishing: float
    edge: float

    @property
    def pitch(self) -> float:
        """Radians that the camera looks down."""
        return math.atan((0.5 - self.vanishing) / FOCAL)

    @property
    def camera_height(self) -> float:
        """Metres of the camera above the plane, so that the subject's base falls on ``SUBJECT_LINE`` at its size."""
        return float(self._fall(SUBJECT_LINE)) * SUBJECT_DISTANCE_M / FOCAL

    @property
    def first(self) -> float:
        """Where the surface begins inside the picture, fraction of its height."""
        return max(0.0, self.edge)

    def _fall(self, y: float | NDArray[np.floating]) -> NDArray[np.float64]:
        """Downward part of the line of sight at picture heights, times the focal length."""
        return np.asarray(FOCAL * math.sin(self.pitch) + (np.asarray(y) - 0.5) * math.cos(self.pitch))

    def nearness(self, y: NDArray[np.floating]) -> NDArray[np.float64]:
        """1 over the depth, in metres along the optical axis, of the plane at picture heights; 0 above the horizon."""
        return np.maximum(self._fall(y), 0.0) / (self.camera_height * FOCAL)

    def distance(self, y: float) -> float:
        """Depth in metres of the plane at image height ``y`` (> vanishing)."""
        return self.camera_height * FOCAL / max(1e-4, float(self._fall(y)))

    def line(self, depth_m: float) -> float:
        """Image height (fraction) of the plane at a depth in metres."""
        fall = self.camera_height * FOCAL / depth_m
        return 0.5 + (fall - FOCAL * math.sin(self.pitch)) / math.cos(self.pitch)

    def along(self, y: float) -> float:
        """Metres along the floor from below the camera to the plane at image height ``y`` (> vanishing)."""
        below = self.pitch + math.atan((y - 0.5) / FOCAL)
        return self.camera_height / math.tan(max(1e-4, below))

    def raised(self, pitch: float, natural: bool) -> Ground:
        """The same surface seen by a camera that looks down more, or less.

        Args:
            pitch: radians, downwards, under 80 degrees.
            natural: the ground runs on into the scene; anything else is a table, of which less is then behind the
                subject.
        """
        over = max(0.0, pitch - self.pitch)
        behind = self.along(self.edge) - self.along(SUBJECT_LINE)
        if not natural and behind > LEAST_DEPTH_M:
            behind = LEAST_DEPTH_M + (behind - LEAST_DEPTH_M) * math.exp(-over / DEPTH_FADES)
        bare = Ground(0.5 - FOCAL * math.tan(pitch), 1.0)
        below = math.atan(bare.camera_height / (bare.along(SUBJECT_LINE) + behind))
        return replace(bare, edge=max(bare.vanishing, 0.5 + FOCAL * math.tan(below - pitch)))

    def patch(self, width: int, height: int, first_row: int) -> Patch:
        """World coordinates of rows ``first_row`` to ``height`` of a picture of ``width`` x ``height`` pixels."""
        rows = (np.arange(first_row, height, dtype=np.float32) + 0.5) / height
        sine, cosine, up = math.sin(self.pitch), math.cos(self.pitch), self.camera_height
        fall = np.maximum(self._fall(rows), 0.5 / height)[:, None]
        depth = up * FOCAL / fall
        z = up * (FOCAL * cosine - (rows[:, None] - 0.5) * sine) / fall
        across = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height / FOCAL)[None, :]
        dx = depth / (FOCAL * height)
        dz = -up * FOCAL / (fall * fall) / height
        full_z = np.broadcast_to(z, (len(rows), width)).astype(np.float32)
        x = (depth * across).astype(np.float32)
        reach = np.sqrt(x * x + full_z * full_z + np.float32(up**2))
        return Patch(
            x=x,
            z=full_z,
            footprint=np.sqrt(dx * -dz).astype(np.float32),
            dx=dx.astype(np.float32),
            dz=dz.astype(np.float32),
            spread=(-cosine / fall / height).astype(np.float32),
            view_y=(np.float32(up) / reach).astype(np.float32),
            stand=self.along(SUBJECT_LINE),
        )


def slopes(height_m: NDArray[np.float32], patch: Patch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slopes of a height field over the plane, along world x and z, from screen differences.

    A step down the screen moves along z and, by perspective, along x too; that share is taken out.

    Args:
        height_m: (rows, columns) float32, metres.
        patch: the same rows and columns.
    """
    along_row, along_column = np.empty_like(height_m), np.empty_like(height_m)
    along_row[:, 1:-1] = (height_m[:, 2:] - height_m[:, :-2]) * 0.5
    along_row[:, 0], along_row[:, -1] = along_row[:, 1], along_row[:, -2]
    along_column[1:-1] = (height_m[2:] - height_m[:-2]) * 0.5
    along_column[0], along_column[-1] = along_column[1], along_column[-2]
    slope_x = along_row / patch.dx
    slide = patch.x * patch.spread
    slope_z = (along_column - slope_x * slide) / patch.dz
    return slope_x.astype(np.float32), slope_z.astype(np.float32)
