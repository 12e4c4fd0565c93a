"""The camera of a backplate, and the plane that carries the subject seen through it.

The camera stands level with a shifted lens, as product photographers use it, so verticals stay vertical. World units
are metres: x to the right, z away from the camera along the floor, the plane at height 0, the camera at its height.
"""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True)
class Patch:
    """World coordinates of the surface's pixels.

    Attributes:
        x: (rows, columns) float32, metres, 0 in the middle.
        z: (rows, columns) float32, metres from the camera.
        footprint: (rows, 1) float32, size of a pixel in metres (geometric mean of its width and its depth).
        dx: (rows, 1) float32, metres per pixel along a row.
        dz: (rows, 1) float32, metres per row (negative: the next row down is nearer).
        view_y: (rows, columns) float32, sine of the angle between the plane and the line of sight.
    """

    x: NDArray[np.float32]
    z: NDArray[np.float32]
    footprint: NDArray[np.float32]
    dx: NDArray[np.float32]
    dz: NDArray[np.float32]
    view_y: NDArray[np.float32]


@dataclass(frozen=True)
class Ground:
    """The geometry of one picture.

    Attributes:
        vanishing: height of the infinite horizon, fraction of the height from the top; the camera looks level at it.
        edge: height where the surface ends, fraction of the height; >= vanishing.
    """

    vanishing: float
    edge: float

    @property
    def camera_height(self) -> float:
        """Metres of the camera above the plane, so that the subject's base falls on ``SUBJECT_LINE``."""
        return (SUBJECT_LINE - self.vanishing) * SUBJECT_DISTANCE_M / FOCAL

    def distance(self, y: float) -> float:
        """Metres from the camera to the plane at image height ``y`` (> vanishing)."""
        return self.camera_height * FOCAL / max(1e-4, y - self.vanishing)

    def line(self, distance_m: float) -> float:
        """Image height (fraction) of the plane at a distance in metres."""
        return self.vanishing + self.camera_height * FOCAL / distance_m

    def patch(self, width: int, height: int, first_row: int) -> Patch:
        """World coordinates of rows ``first_row`` to ``height`` of a picture of ``width`` x ``height`` pixels."""
        rows = (np.arange(first_row, height, dtype=np.float32) + 0.5) / height
        depth = np.maximum(rows - np.float32(self.vanishing), np.float32(0.5 / height))
        z = (np.float32(self.camera_height * FOCAL) / depth)[:, None]
        across = ((np.arange(width, dtype=np.float32) + 0.5 - width / 2) / height / FOCAL)[None, :]
        dx = z / np.float32(FOCAL * height)
        dz = -z / depth[:, None] / np.float32(height)
        full_z = np.broadcast_to(z, (len(rows), width)).astype(np.float32)
        x = (z * across).astype(np.float32)
        reach = np.sqrt(x * x + full_z * full_z + np.float32(self.camera_height**2))
        return Patch(
            x=x,
            z=full_z,
            footprint=np.sqrt(dx * -dz).astype(np.float32),
            dx=dx.astype(np.float32),
            dz=dz.astype(np.float32),
            view_y=(np.float32(self.camera_height) / reach).astype(np.float32),
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
    slide = patch.x / patch.z * patch.dz
    slope_z = (along_column - slope_x * slide) / patch.dz
    return slope_x.astype(np.float32), slope_z.astype(np.float32)
