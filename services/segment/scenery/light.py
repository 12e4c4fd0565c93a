"""The light of a scene made from words: one key light, one dome, and how the picture is exposed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def _unit(x: float, y: float, z: float) -> NDArray[np.float32]:
    vector = np.array([x, y, z], np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _rgb(r: float, g: float, b: float) -> NDArray[np.float32]:
    return np.array([r, g, b], np.float32)


@dataclass(frozen=True)
class Mood:
    """Light on the set.

    Attributes:
        name: the word of the vocabulary.
        key_direction: (3,) unit vector towards the key light, glTF axes (+Y up, +Z to the viewer).
        key: (3,) linear RGB, irradiance of the key on the flat surface (its cosine included).
        dome: (3,) linear RGB, irradiance of everything else.
        sky_top: (3,) linear RGB of the sky overhead, outdoors.
        sky_low: (3,) linear RGB of the sky at the horizon.
        gobo: what breaks the key light: ``none``, ``window``, ``leaves``, ``blinds`` or ``spot``.
        gobo_depth: share of the key that the gobo takes away in its shadows, 0..1.
        practicals: brightness of lamps and lit windows in the picture, relative to white.
        haze: share of the far scene that mist hides, 0..1.
        bloom: veiling glare of the highlights, 0..1.
        vignette: loss of light in the corners, 0..1.
        dark: True where the surroundings are mostly unlit.
    """

    name: str
    key_direction: NDArray[np.float32]
    key: NDArray[np.float32]
    dome: NDArray[np.float32]
    sky_top: NDArray[np.float32]
    sky_low: NDArray[np.float32]
    gobo: str = "none"
    gobo_depth: float = 0.0
    practicals: float = 3.0
    haze: float = 0.15
    bloom: float = 0.10
    vignette: float = 0.16
    dark: bool = False

    @property
    def total(self) -> NDArray[np.float32]:
        """Irradiance of the flat, unshadowed surface."""
        return self.key + self.dome


MOODS: dict[str, Mood] = {
    mood.name: mood
    for mood in (
        Mood(
            "soft",
            _unit(-0.62, 0.62, 0.42),
            _rgb(0.46, 0.45, 0.43),
            _rgb(0.50, 0.505, 0.51),
            _rgb(0.42, 0.60, 0.92),
            _rgb(0.85, 0.92, 0.98),
            gobo="window",
            gobo_depth=0.30,
            practicals=3.0,
        ),
        Mood(
            "bright",
            _unit(-0.45, 0.74, 0.40),
            _rgb(0.68, 0.66, 0.61),
            _rgb(0.42, 0.44, 0.47),
            _rgb(0.20, 0.44, 0.88),
            _rgb(0.70, 0.85, 1.00),
            gobo="leaves",
            gobo_depth=0.35,
            practicals=4.5,
            bloom=0.14,
        ),
        Mood(
            "warm",
            _unit(-0.70, 0.50, 0.30),
            _rgb(0.72, 0.54, 0.34),
            _rgb(0.37, 0.335, 0.295),
            _rgb(0.42, 0.52, 0.72),
            _rgb(1.05, 0.86, 0.62),
            gobo="window",
            gobo_depth=0.42,
            practicals=4.5,
            bloom=0.18,
        ),
        Mood(
            "sunset",
            _unit(-0.80, 0.30, -0.28),
            _rgb(0.74, 0.38, 0.17),
            _rgb(0.24, 0.20, 0.25),
            _rgb(0.17, 0.22, 0.44),
            _rgb(1.45, 0.62, 0.22),
            gobo="leaves",
            gobo_depth=0.30,
            practicals=6.0,
            haze=0.30,
            bloom=0.30,
            vignette=0.22,
        ),
        Mood(
            "overcast",
            _unit(-0.25, 0.90, 0.35),
            _rgb(0.10, 0.10, 0.10),
            _rgb(0.64, 0.67, 0.70),
            _rgb(0.60, 0.66, 0.72),
            _rgb(0.80, 0.84, 0.87),
            haze=0.55,
            practicals=2.0,
        ),
        Mood(
            "night",
            _unit(-0.40, 0.82, 0.25),
            _rgb(0.36, 0.27, 0.17),
            _rgb(0.035, 0.045, 0.075),
            _rgb(0.004, 0.007, 0.020),
            _rgb(0.020, 0.028, 0.060),
            gobo="spot",
            gobo_depth=0.80,
            practicals=9.0,
            haze=0.10,
            bloom=0.34,
            vignette=0.30,
            dark=True,
        ),
        Mood(
            "dramatic",
            _unit(-0.78, 0.55, 0.08),
            _rgb(0.70, 0.66, 0.60),
            _rgb(0.045, 0.047, 0.055),
            _rgb(0.03, 0.04, 0.07),
            _rgb(0.16, 0.17, 0.20),
            gobo="spot",
            gobo_depth=0.88,
            practicals=3.0,
            bloom=0.16,
            vignette=0.34,
            dark=True,
        ),
        Mood(
            "neon",
            _unit(-0.72, 0.55, 0.10),
            _rgb(0.44, 0.07, 0.36),
            _rgb(0.04, 0.12, 0.20),
            _rgb(0.010, 0.006, 0.030),
            _rgb(0.060, 0.020, 0.100),
            gobo="spot",
            gobo_depth=0.55,
            practicals=9.0,
            bloom=0.40,
            vignette=0.30,
            dark=True,
        ),
    )
}
"""Each word for light. ``soft`` is what a prompt without one gets."""
