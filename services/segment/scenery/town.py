"""A street between house fronts: by day trees and shop windows, by night lamps, signs and head lights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.material import colour
from services.segment.scenery.outdoors import gaps, sky
from services.segment.scenery.place import Place, Stage

HORIZON = 0.42
"""Where the street vanishes, fraction of the height."""

HALF_STREET = 0.56
"""Half the street's width at the picture's plane, as a share of the picture's width."""

NARROWING = 0.62
"""Each front is this much smaller than the one before it."""

FRONTS = ("#a58d76", "#8f7f74", "#b8a692", "#7c8288", "#a9745a", "#c9bda9")
TUNGSTEN = np.array([1.0, 0.72, 0.40], np.float32)
SHOP_LIGHT = np.array([1.0, 0.80, 0.55], np.float32)
HEAD_LIGHT, TAIL_LIGHT = np.array([1.0, 0.93, 0.80], np.float32), np.array([1.0, 0.10, 0.05], np.float32)


def street(stage: Stage) -> None:
    """Fronts, the road, trees or lamps."""
    night = stage.mood.dark or stage.mood.name == "sunset"
    sky(stage, clouds=0.4)
    for side in (-1.0, 1.0):
        near = 1.0
        for _ in range(5):
            _front(stage, side, near, night)
            near *= NARROWING
    painter = stage.painter
    middle = 0.5 * painter.aspect
    painter.polygon(
        [
            (middle - 0.05, HORIZON),
            (middle + 0.05, HORIZON),
            (middle + 0.62 * painter.aspect, 0.62),
            (painter.aspect + 0.2, 1.0),
            (-0.2, 1.0),
            (middle - 0.62 * painter.aspect, 0.62),
        ],
        stage.outdoor(colour("#7d7d7f" if not night else "#55565a"), 0.9),
    )
    if not night:
        _trees(stage)
    _lamps(stage, night)
    if night:
        _cars(stage)


def _front(stage: Stage, side: float, near: float, night: bool) -> None:
    """One house: its wall in perspective, four floors of windows, a shop on the ground floor."""
    painter, mood, noise = stage.painter, stage.mood, stage.noise
    aspect = painter.aspect
    far = near * NARROWING
    rgb = stage.outdoor(colour(FRONTS[noise.choice(len(FRONTS))]), 0.9 if side == stage.light_x else 0.6)
    rgb = (rgb * (1 - mood.haze * (1 - far)) + mood.sky_low * mood.haze * (1 - far)).astype(np.float32)
    high = noise.uniform(0.42, 0.60)

    def x(depth: float) -> float:
        return aspect * (0.5 + side * depth * HALF_STREET)

    def quad(a: float, b: float, top: float, bottom: float) -> list[tuple[float, float]]:
        return [
            (x(a), HORIZON + top * a),
            (x(b), HORIZON + top * b),
            (x(b), HORIZON + bottom * b),
            (x(a), HORIZON + bottom * a),
        ]

    painter.polygon(quad(near, far, -high, 0.12), rgb)
    for floor in range(4):
        top = -high * (0.86 - 0.24 * floor)
        for column in range(3):
            a = near + (far - near) * (0.15 + 0.28 * column)
            b = near + (far - near) * (0.32 + 0.28 * column)
            pane: NDArray[np.float32]
            if night and noise.uniform() < 0.55:
                pane = TUNGSTEN * np.float32(mood.practicals * noise.uniform(0.06, 0.26))
            else:
                pane = stage.outdoor(colour("#55626c"), 0.6) + np.float32(0.0 if night else 0.12)
            painter.polygon(quad(a, b, top, top + 0.14 * high), pane)
    light = SHOP_LIGHT * np.float32((mood.practicals * 0.22 if night else 0.55) * noise.uniform(0.5, 1.2))
    painter.polygon(quad(near + 0.1 * (far - near), near + 0.9 * (far - near), 0.02, 0.10), light)


def _trees(stage: Stage) -> None:
    painter, random = stage.painter, stage.noise.random
    for middle in (0.10, 0.88):
        count = 170
        angle, reach = random.uniform(0, 2 * np.pi, count), np.sqrt(random.uniform(0, 1, count)) * 0.17
        rgb = stage.greens[random.integers(0, 4, count)] * random.uniform(0.4, 1.2, (count, 1))
        painter.leaves(
            middle * painter.aspect + np.cos(angle) * reach,
            0.17 + np.sin(angle) * reach,
            random.uniform(0.012, 0.028, count),
            stage.outdoor(rgb.astype(np.float32), 1.1),
            random,
        )
    gaps(stage, 40, 0.0, 0.34, 4.0)


def _lamps(stage: Stage, night: bool) -> None:
    """Lamps and signs along both sides, nearer the vanishing point the denser."""
    painter, random = stage.painter, stage.noise.random
    count = 120 if night else 26
    depth = random.beta(1.2, 1.6, count)
    spread = 0.07 + 0.50 * (1 - depth)
    x = painter.aspect * (0.5 + random.uniform(-1, 1, count) * spread)
    y = HORIZON + 0.02 + random.normal(0, 1, count) * (0.03 + 0.16 * (1 - depth)) - 0.10 * (1 - depth)
    strength = random.gamma(1.6, 0.6, (count, 1)) * stage.mood.practicals * (1.5 if night else 0.7)
    painter.points(x, np.minimum(y, 0.56), stage.lamp_colours(count) * strength.astype(np.float32), 0.0040)


def _cars(stage: Stage) -> None:
    """Head lights come on the left, tail lights go on the right."""
    painter, random = stage.painter, stage.noise.random
    middle, pairs = 0.5 * painter.aspect, 9
    places = zip(middle + random.uniform(-0.20, 0.20, pairs), HORIZON + random.uniform(0.05, 0.11, pairs), strict=True)
    for x, y in places:
        coming = x < middle
        lamp = (HEAD_LIGHT if coming else TAIL_LIGHT) * np.float32(stage.mood.practicals * (1.6 if coming else 1.0))
        painter.points(np.array([x - 0.016, x + 0.016]), np.array([y, y]), np.stack([lamp, lamp]), 0.004)
    painter.glow(middle, HORIZON, 0.18, np.array([0.20, 0.13, 0.07], np.float32))


TOWN: dict[str, Place] = {
    "street": Place(street, edge=0.515, distance_m=7.0, surface="asphalt", outdoors=True),
}
"""Surroundings in town."""
