"""A lawn: blades drawn one by one from far to near, because grass is not a plane with relief."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.ground import FOCAL, Ground
from services.segment.scenery.light import Mood
from services.segment.scenery.material import colour
from services.segment.scenery.noise import Noise

BLADES = 9_000
"""Blades in the picture: near ones are wide enough to cover; far ones melt in the blur."""

BLADE_HEIGHT_M = 0.022
"""A mown lawn seen from close by."""


def grass(
    width: int, height: int, ground: Ground, mood: Mood, noise: Noise, season: str, tint: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Radiance and cover of a lawn over the whole picture.

    Returns:
        ``(radiance, cover)``: (height, width, 3) float32 linear light, and (height, width) float32 in 0..1, which is 0
        above the farthest blades.
    """
    random = noise.random
    sorts = {
        "autumn": ("#6f7a30", "#a58a3c", "#8b9440", "#59662a"),
        "winter": ("#7f8a78", "#aab4ac", "#65725f", "#d9e2e0"),
    }.get(season, ("#4f7d26", "#6f9a35", "#87ad45", "#3c661f"))
    greens = np.stack([colour(code) for code in sorts])
    if tint is not None:
        greens = 0.6 * greens + 0.4 * tint
    light = mood.dome + mood.key
    picture: NDArray[np.float32] = np.zeros((height, width, 3), np.float32)
    cover: NDArray[np.float32] = np.zeros((height, width), np.float32)
    first = max(-0.04, ground.edge)
    top = int(ground.first * height)
    depth = np.linspace(0.0, 1.0, height - top, dtype=np.float32)[:, None, None]
    picture[top:] = greens[3] * light * (0.55 - 0.30 * depth)
    cover[top:] = 1.0
    # Uniform over the screen, a little denser near, so that no part of the floor shows bare.
    y = np.sort(first + (1.06 - first) * random.uniform(0.0, 1.0, BLADES) ** 0.8)
    x = random.uniform(-0.03, width / height + 0.03, BLADES)
    metre = FOCAL * np.maximum(ground.nearness(y), 1e-3)
    # What stands is the shorter the more it is seen from above.
    tall = BLADE_HEIGHT_M * math.cos(ground.pitch) * metre * random.uniform(0.5, 1.25, BLADES)
    wide = 0.0022 * metre * random.uniform(0.6, 1.3, BLADES)
    lean = random.normal(0.0, 0.55, BLADES) * tall
    patches = noise.fractal(
        ((x - 0.5 * width / height) / metre * 6.0).astype(np.float32)[None],
        (1.0 / metre * 40).astype(np.float32)[None],
        3,
    )[0]
    shade = np.clip(0.80 + 0.16 * patches + random.normal(0.0, 0.16, BLADES), 0.3, 1.45)
    # Light comes through a blade that leans away from it.
    shade = shade * (1.0 + 0.25 * np.clip(lean / np.maximum(tall, 1e-4) * np.sign(mood.key_direction[0]), -1.0, 1.0))
    rgb = greens[random.integers(0, len(greens), BLADES)] * light * shade[:, None]
    tips = np.stack(
        [
            np.stack([x - wide, y], axis=1),
            np.stack([x - 0.55 * wide + 0.35 * lean, y - 0.6 * tall], axis=1),
            np.stack([x + lean, y - tall], axis=1),
            np.stack([x + 0.65 * wide + 0.35 * lean, y - 0.6 * tall], axis=1),
            np.stack([x + wide, y], axis=1),
        ],
        axis=1,
    )
    fixed = np.round(tips * height * 16).astype(np.int32)
    for i in range(BLADES):
        tone = rgb[i] * (0.75 + 0.35 * ((i * 7919) % 5) / 5.0)
        cv2.fillConvexPoly(picture, fixed[i], (float(tone[0]), float(tone[1]), float(tone[2])), cv2.LINE_8, 4)
    # The far edge of the lawn is ragged, too.
    for i in range(0, BLADES // 6):
        cv2.fillConvexPoly(cover, fixed[i], 1.0, cv2.LINE_8, 4)
    return picture, cover
