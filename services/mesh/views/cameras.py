"""Where a further photo was taken from, in the frame that all photos share.

The shared world is upright, +y up, its origin and its unit those of the main photo's square picture: half its side (see
``services.mesh.network``); the main photo's camera stands at yaw 0, towards +z. Each further photo has a frame of its
own, in half sides of its own square picture; a ``Standpoint`` leads from the world to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera, heading, upright_rotation

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

ABOVE = math.radians(60.0)
"""Pitch from which on a camera looks at a thing's top, radians."""


@dataclass(frozen=True)
class Standpoint:
    """A photo's camera as numbers that can be searched one by one.

    Attributes:
        yaw: radians about +y from +z towards +x: where the camera stands.
        pitch: radians, positive looks down.
        roll: radians, positive where the thing leans clockwise in the picture.
        size: natural logarithm of the photo's half sides for one half side of the main photo.
        right, up, near: where the world's origin lies in the photo's frame, its half sides.
    """

    yaw: float
    pitch: float
    roll: float
    size: float = 0.0
    right: float = 0.0
    up: float = 0.0
    near: float = 0.0

    @property
    def from_above(self) -> bool:
        """Whether it looks at the thing's top."""
        return self.pitch > ABOVE

    def rotation(self) -> Doubles:
        """(3, 3): directions of the world to the photo's axes."""
        return upright_rotation(self.pitch, self.roll) @ heading(self.yaw)

    def to_view(self) -> Doubles:
        """(3, 4): points of the world to the photo's frame."""
        shift = np.array([[self.right], [self.up], [self.near]])
        return np.hstack([self.rotation() * np.exp(self.size), shift])

    def moved(self, name: str, step: float) -> Standpoint:
        """With one of its numbers changed by so much."""
        return replace(self, **{name: getattr(self, name) + step})

    def camera(self, half_side_px: float, center_px: tuple[float, float], distance: float) -> PhotoCamera:
        """The photo's camera in the world, in pixels of its cutout."""
        return PhotoCamera(self.to_view(), center_px, half_side_px, distance)
