"""Where a photo was taken from: the one camera that subject, scene and film share."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

USUAL_PITCH = math.radians(15.0)
"""Where nothing tells: products are mostly photographed from a little above."""


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """A photo's camera, and how well it is known.

    Attributes:
        pitch: radians that it looks down on the subject's middle: 0 from the side, pi/2 from right above.
        roll: radians that the picture is turned, positive where the subject leans anticlockwise.
        pitch_doubt: radians, standard deviation of the pitch.
        roll_doubt: radians, standard deviation of the roll.
    """

    pitch: float = USUAL_PITCH
    roll: float = 0.0
    pitch_doubt: float = math.radians(20.0)
    roll_doubt: float = math.radians(3.0)

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.pitch, self.roll, self.pitch_doubt, self.roll_doubt)):
            raise ValueError("viewpoint must have finite numbers")
        if not -math.pi / 2 <= self.pitch <= math.pi / 2:
            raise ValueError(f"pitch must lie in -pi/2..pi/2, not {self.pitch}")
        if self.pitch_doubt <= 0.0 or self.roll_doubt <= 0.0:
            raise ValueError("pitch_doubt and roll_doubt must be over 0")

    @property
    def up(self) -> NDArray[np.float64]:
        """(3,) unit vector: up, in the photo's axes (x right, y up, z towards the camera)."""
        level = math.cos(self.pitch)
        return np.array([-math.sin(self.roll) * level, math.cos(self.roll) * level, math.sin(self.pitch)])
