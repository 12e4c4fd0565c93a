"""The pinhole camera that took the photo, as far as one photo tells.

A view's axes are glTF's: x to the right, y up, z towards the viewer. The camera stands on +z at ``DISTANCE`` view units
from the origin and looks at it, so a point (x, y, z) in the view falls on the image plane through the origin at
``x * DISTANCE / (DISTANCE - z)``, and likewise for y.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

DISTANCE = 3.2
"""Distance from camera to subject in radii of the subject. A product that fills most of the frame of a phone's main
camera (50 to 65 degrees) or of a 50 mm lens is seen from 3 to 4 radii; the photo itself cannot tell."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PhotoCamera:
    """World to pixels.

    Attributes:
        to_view: (3, 4) float64, maps world points to the view's axes and units.
        center: principal point in pixels (x right, y down; the middle of the top left pixel is 0.5, 0.5).
        pixels: image pixels for one view unit on the plane z = 0.
        distance: from the camera to the view's origin, view units.
    """

    to_view: Doubles
    center: tuple[float, float]
    pixels: float
    distance: float = DISTANCE

    @classmethod
    def frontal(cls, center: tuple[float, float], pixels: float) -> PhotoCamera:
        """A camera whose world is its own view."""
        return cls(np.hstack([np.eye(3), np.zeros((3, 1))]), center, pixels)

    def turned(self, rotation: Doubles, offset: Doubles | None = None) -> PhotoCamera:
        """The same camera in a world from which ``rotation`` (3, 3) and then ``offset`` (3,) lead to this one."""
        move = np.eye(4)
        move[:3, :3] = rotation
        if offset is not None:
            move[:3, 3] = offset
        return PhotoCamera(self.to_view @ move, self.center, self.pixels, self.distance)

    def after(self, move: Doubles) -> PhotoCamera:
        """The same camera once the world's points have been moved by a (3, 4) map."""
        return PhotoCamera(self.to_view @ squared(inverse(move)), self.center, self.pixels, self.distance)

    def view(self, points: NDArray[np.floating]) -> Doubles:
        """World points (n, 3) in the view's axes and units."""
        # einsum, not matmul: a threaded BLAS takes longer to wake its threads than three columns take to multiply.
        turned = np.einsum("ij,kj->ik", np.asarray(points, np.float64), self.to_view[:, :3])
        return np.asarray(turned + self.to_view[:, 3], np.float64)

    def project(self, points: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
        """Pixels (n, 2) of world points (n, 3), and their depth from the camera in view units (n,)."""
        seen = self.view(points)
        depth = np.maximum(self.distance - seen[:, 2], 1e-6)
        flat = seen[:, :2] * (self.distance / depth)[:, None] * self.pixels
        return np.stack([self.center[0] + flat[:, 0], self.center[1] - flat[:, 1]], axis=1), depth

    def position(self) -> Doubles:
        """Where the camera stands in the world, (3,); not to be written to."""
        return self._position

    @cached_property
    def _position(self) -> Doubles:
        linear = self.to_view[:, :3]
        place = np.linalg.solve(linear, np.array([0.0, 0.0, self.distance]) - self.to_view[:, 3])
        place.setflags(write=False)
        return np.asarray(place, np.float64)

    def pitch(self) -> float:
        """How far the camera looks down on its world's horizontal, radians."""
        return float(np.arcsin(np.clip(self.to_view[2, 1] / np.linalg.norm(self.to_view[:, 1]), -1.0, 1.0)))

    def roll(self) -> float:
        """How far the world's vertical leans anticlockwise in the picture, radians."""
        return float(np.arctan2(-self.to_view[0, 1], self.to_view[1, 1]))

    def plane(self, pixels: NDArray[np.floating]) -> Doubles:
        """Points (n, 2) of the plane z = 0 of the view that fall on the given pixels (n, 2)."""
        flat = (np.asarray(pixels, np.float64) - np.asarray(self.center)) / self.pixels
        return np.asarray(flat * np.array([1.0, -1.0]), np.float64)

    def scaled(self, factor: float, shift: tuple[float, float] = (0.0, 0.0)) -> PhotoCamera:
        """The same camera for the image scaled by ``factor`` and then moved by ``shift`` pixels."""
        center = (self.center[0] * factor + shift[0], self.center[1] * factor + shift[1])
        return PhotoCamera(self.to_view, center, self.pixels * factor, self.distance)

    def as_extras(self, width: int, height: int) -> dict[str, object]:
        """The view for ``asset.extras``: OpenGL camera axes, metres and pixels, matrices row by row."""
        unit = float(np.cbrt(np.linalg.det(self.to_view[:, :3])))
        rigid = self.to_view / unit
        rigid = rigid - np.array([[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, self.distance / unit]])
        return {
            "world_to_camera": [[round(float(x), 7) for x in row] for row in rigid],
            "focal_px": round(self.pixels * self.distance, 4),
            "center_px": [round(self.center[0], 3), round(self.center[1], 3)],
            "size_px": [width, height],
        }


def squared(move: Doubles) -> Doubles:
    """A (3, 4) map of points as a (4, 4) matrix."""
    return np.vstack([move, [0.0, 0.0, 0.0, 1.0]])


def inverse(move: Doubles) -> Doubles:
    """The (3, 4) map that undoes a (3, 4) map."""
    return np.asarray(np.linalg.inv(squared(move))[:3])


def heading(yaw: float) -> Doubles:
    """(3, 3): directions of the world to those of a level camera that stands at a yaw."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])


def upright_rotation(pitch: float, roll: float) -> Doubles:
    """(3, 3): directions of the upright world to the view's axes, for a camera that looks down by ``pitch`` at a thing
    that leans clockwise by ``roll``."""
    cp, sp, cr, sr = np.cos(pitch), np.sin(pitch), np.cos(roll), np.sin(roll)
    tilt = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    lean = np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
    return np.asarray(lean @ tilt, np.float64)
