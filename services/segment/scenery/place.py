"""What a surrounding is given to paint itself, and what it tells the rest of the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.ground import Ground
from services.segment.scenery.light import Mood
from services.segment.scenery.material import colour
from services.segment.scenery.noise import Noise
from services.segment.scenery.painter import Painter

_FOLIAGE = {"autumn": "#b5722c", "winter": "#8d9aa3", "spring": "#a8c060", "christmas": "#2f4a34"}

_GREENS = {
    "spring": ("#9cc04f", "#bcd36a", "#e9b8cc", "#7fae4a"),
    "summer": ("#5f8a35", "#83a84a", "#3f6a2c", "#a5bd5c"),
    "autumn": ("#c8772a", "#dca23a", "#a8482a", "#8a7a34"),
    "winter": ("#aab6bd", "#d9e2e8", "#6d7a78", "#eef3f6"),
    "christmas": ("#2f4f3a", "#4a6a4e", "#dfe8ec", "#24402f"),
}

_LAMPS = {
    "": ("#ffb765", "#ffcf96", "#ffe8cc", "#ff9a4a"),
    "neon": ("#ff2fa8", "#22d3ff", "#8a4dff", "#ff6a3d"),
    "christmas": ("#ffc46b", "#ff4a3a", "#62d26f", "#ffd9a0"),
}


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
        bare: nothing on the wall of a studio.
    """

    painter: Painter
    ground: Ground
    mood: Mood
    noise: Noise
    tint: NDArray[np.float32] | None
    season: str
    bare: bool = False

    @property
    def light_x(self) -> float:
        """-1 when the key comes from the left, 1 from the right."""
        return -1.0 if self.mood.key_direction[0] < 0 else 1.0

    @property
    def foliage(self) -> NDArray[np.float32]:
        """(3,) colour of leaves behind a window."""
        return colour(_FOLIAGE.get(self.season, "#6f8f4a"))

    @property
    def greens(self) -> NDArray[np.float32]:
        """(4, 3) colours of leaves and grass in the season."""
        return np.stack([colour(code) for code in _GREENS.get(self.season, _GREENS["summer"])])

    def outdoor(self, rgb: NDArray[np.float32], shade: float = 1.0) -> NDArray[np.float32]:
        """A thing of colour ``rgb`` (..., 3) under the open sky."""
        return np.asarray(rgb * (self.mood.dome + self.mood.key * 0.6) * shade, np.float32)

    def lamp_colours(self, count: int) -> NDArray[np.float32]:
        """(count, 3) colours of small lights: tungsten, a few others, or what the mood and the palette ask for."""
        name = "neon" if self.mood.name == "neon" else "christmas" if self.season == "christmas" else ""
        choices = np.stack([colour(code) for code in _LAMPS[name]])
        if self.tint is not None:
            choices[1] = self.tint / max(float(self.tint.max()), 1e-3)
        return np.asarray(choices[self.noise.random.integers(0, len(choices), count)], np.float32)

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
