"""Light on a subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Triple = tuple[float, float, float]

_STUDIO_DIRECTIONS = ((-0.45, 0.65, 0.61), (0.80, 0.25, 0.55), (0.0, 0.8, -0.6))
_STUDIO_COLORS = ((0.6, 0.6, 0.6), (0.2, 0.2, 0.2), (0.15, 0.15, 0.15))


@dataclass(frozen=True)
class Lighting:
    """Three lamps and an ambient, linear light.

    Attributes:
        directions: three unit vectors towards the lamps, in the view's axes.
        colors: their colours at full incidence.
        sky, ground: ambient on faces that look up, and down.
        gloss: strength of the highlights, 0 is matt.
        sharpness: exponent of the highlights (Blinn-Phong).
    """

    directions: tuple[Triple, Triple, Triple] = _STUDIO_DIRECTIONS
    colors: tuple[Triple, Triple, Triple] = _STUDIO_COLORS
    sky: Triple = (0.45, 0.45, 0.45)
    ground: Triple = (0.25, 0.25, 0.25)
    gloss: float = 0.0
    sharpness: float = 30.0


def random_lighting(rng: np.random.Generator) -> Lighting:
    """Light as rooms and studios have it: one main lamp from somewhere above, weaker others, a tinted ambient."""
    directions = rng.normal(size=(3, 3))
    directions[:, 1] = np.abs(directions[:, 1]) + 0.2
    directions[:, 2] = np.abs(directions[:, 2])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    strength = rng.uniform(0.1, 1.0, 3) * np.array([1.0, 0.35, 0.35])
    colors = strength[:, None] * np.clip(1.0 + rng.normal(size=(3, 3)) * 0.08, 0.6, 1.4)
    ambient = rng.uniform(0.25, 0.8)
    sky = ambient * np.clip(1.0 + rng.normal(size=3) * 0.06, 0.7, 1.3)
    ground = ambient * rng.uniform(0.2, 0.8) * np.clip(1.0 + rng.normal(size=3) * 0.06, 0.7, 1.3)
    gloss = float(rng.choice([0.0, 0.0, 0.1, 0.3, 0.8]) * rng.random())
    return Lighting(
        directions=(_triple(directions[0]), _triple(directions[1]), _triple(directions[2])),
        colors=(_triple(colors[0]), _triple(colors[1]), _triple(colors[2])),
        sky=_triple(sky),
        ground=_triple(ground),
        gloss=gloss,
        sharpness=float(rng.uniform(8.0, 80.0)),
    )


def _triple(values: np.ndarray) -> Triple:
    return float(values[0]), float(values[1]), float(values[2])
