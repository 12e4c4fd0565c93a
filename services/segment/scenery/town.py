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
    """Fronts, the road, trees or lamps. Lights are on at night, at sunset, and where rain keeps the day dim."""
    night = stage.mood.dark or stage.mood.name == "sunset"
    dim = stage.mood.name == "overcast"
    sky(stage, clouds=0.4)
    for side in (-1.0, 1.0):
        near = 1.0
        for _ in range(5):
            _front(stage, side, near, night)
            near *= NARROWING
    _road(stage, night)
    if not night:
        _trees(stage)
    _lamps(stage, night or dim)
    if night or dim:
        _cars(stage)


def _road(stage: Stage, night: bool) -> None:
    """The road and its pavements from the fronts' feet on: far away it takes the colour of the air."""
    painter, mood = stage.painter, stage.mood
    middle, aspect = 0.5 * painter.aspect, painter.aspect
    near = stage.outdoor(colour("#77777a" if not night else "#55565a"), 0.9)
    air = (0.5 * near + 0.5 * mood.sky_low * (0.8 if not night else 1.0)).astype(np.float32)
    paving = stage.outdoor(colour("#8f8a84" if not night else "#5c5752"), 0.85)
    reach = HALF_STREET * aspect
    # As deep as the fronts are: their feet lie 0.12 of their distance under the horizon.
    steps = 18
    for k in range(steps):
        share, after = k / steps, (k + 1) / steps
        top, bottom = HORIZON + 0.24 * share, HORIZON + 0.24 * after + 0.003
        tone = (air * (1 - share) + near * share).astype(np.float32)
        walk = (air * (1 - share) + paving * share).astype(np.float32)
        wide, next_wide = reach * 2 * share, reach * 2 * after
        painter.polygon(
            [(middle - wide, top), (middle + wide, top), (middle + next_wide, bottom), (middle - next_wide, bottom)],
            walk,
        )
        wide, next_wide = 0.72 * wide, 0.72 * next_wide
        painter.polygon(
            [(middle - wide, top), (middle + wide, top), (middle + next_wide, bottom), (middle - next_wide, bottom)],
            tone,
        )
    painter.box(-0.2, HORIZON + 0.24, aspect + 0.2, 1.1, near)


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
        gaps(stage, 12, 0.04, 0.30, 3.0, across=(middle - 0.12, middle + 0.12))


def _lamps(stage: Stage, lit: bool) -> None:
    """Lamps and signs along both sides, nearer the vanishing point the denser."""
    painter, random = stage.painter, stage.noise.random
    count = 120 if lit else 26
    depth = random.beta(1.2, 1.6, count)
    spread = 0.07 + 0.50 * (1 - depth)
    x = painter.aspect * (0.5 + random.uniform(-1, 1, count) * spread)
    y = HORIZON + 0.02 + random.normal(0, 1, count) * (0.03 + 0.16 * (1 - depth)) - 0.10 * (1 - depth)
    strength = random.gamma(1.6, 0.6, (count, 1)) * stage.mood.practicals * (1.5 if lit else 0.7)
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
