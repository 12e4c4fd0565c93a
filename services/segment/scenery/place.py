"""What a surrounding is given to paint itself, and what it tells the rest of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.ground import Ground
from services.segment.scenery.light import Mood
from services.segment.scenery.noise import Noise
from services.segment.scenery.painter import Painter


@dataclass(frozen=True)
class Stage:
    """The empty set.

    Attributes:
        painter: a black picture of the whole frame.
        ground: the camera.
        mood: the light.
        noise: the seed's own stream.
        tint: (3,) linear RGB that the palette asks for, or None.
        season: ``spring``, ``summer``, ``autumn``, ``winter``, ``christmas`` or empty.
    """

    painter: Painter
    ground: Ground
    mood: Mood
    noise: Noise
    tint: NDArray[np.float32] | None
    season: str

    @property
    def light_x(self) -> float:
        """-1 when the key comes from the left, 1 from the right."""
        return -1.0 if self.mood.key_direction[0] < 0 else 1.0

    @property
    def wall_light(self) -> NDArray[np.float32]:
        """(3,) light on an upright wall behind the subject."""
        return np.asarray(self.mood.dome * 0.75 + self.mood.key * 0.42, np.float32)


@dataclass(frozen=True)
class Place:
    """A surrounding.

    Attributes:
        paint: draws it on the stage's painter.
        edge: height where the surface ends, fraction of the picture's height.
        distance_m: how far behind the camera's focus it lies, for the size of its blur.
        surface: the surface that belongs to it when the prompt names none.
        outdoors: True where the ground runs into the scene without an edge.
        sweep: True where wall and floor are one sheet of paper.
    """

    paint: Callable[[Stage], None]
    edge: float
    distance_m: float
    surface: str
    outdoors: bool = False
    sweep: bool = False
