"""A dish under a thing: a saucer, a plate, a tray, drawn as an ellipse with a rim."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.scenes.sprite import SIDE_PX, Sprite
from quality.scenes.stage import Placed

Floats = NDArray[np.float32]


def dish(flat: float, rng: np.random.Generator) -> Sprite:
    """A round dish.

    Args:
        flat: height over width of its outline: how steeply it is seen.
        rng: draws its colour, its rim and its edge.
    """
    wide, high = SIDE_PX, max(24, round(SIDE_PX * flat))
    thick = max(2, round(0.02 * wide))
    y, x = np.mgrid[0 : high + thick, 0:wide].astype(np.float32)
    across = (x + 0.5) / wide * 2 - 1

    def inside(top: float) -> Floats:
        down = (y + 0.5 - top) / high * 2 - 1
        return np.asarray(np.sqrt(across**2 + down**2), np.float32)

    face, foot = inside(0.0), inside(float(thick))
    colour = rng.uniform(0.15, 0.95, 3) if rng.random() < 0.6 else np.full(3, rng.uniform(0.75, 0.97))
    rim = rng.uniform(0.55, 0.8)
    light = 0.92 + 0.08 * np.clip((face - rim) / 0.05, 0, 1) - 0.10 * (np.abs(face - rim) < 0.03)
    light = np.where(face < 1.0, light - 0.06 * across, 0.55)
    alpha = np.maximum(_soft(face, wide), _soft(foot, wide))
    normals = np.zeros((*alpha.shape, 3), np.float32)
    normals[..., 1], normals[..., 2] = np.sqrt(max(0.0, 1 - flat**2)), flat
    rgb = np.asarray(np.clip(light[..., None] * colour, 0, 1), np.float32)
    return Sprite("dish", "dish", rgb, alpha, normals * alpha[..., None], np.zeros_like(alpha))


def served(thing: Placed, small: Placed | None, rng: np.random.Generator) -> list[Placed]:
    """The dish, the thing on it, and a smaller one beside that: in the order in which they hide each other.

    Args:
        thing: where the thing stands.
        small: something that goes beside it, of any size and place; None where the thing is alone.
        rng: draws.
    """
    foot = thing.height * thing.sprite.alpha.shape[1] / thing.sprite.alpha.shape[0]
    wide = foot * float(rng.uniform(1.35, 1.9) if small is None else rng.uniform(1.9, 2.3))
    flat = float(rng.uniform(0.2, 0.5))
    under = dish(flat, rng)
    high = wide * under.alpha.shape[0] / under.alpha.shape[1]
    shift = 0.0
    placed = []
    if small is not None:
        side = 1 if rng.random() < 0.5 else -1
        shift = -side * 0.18 * wide
        tall = min(0.5 * thing.height, 0.3 * wide * small.sprite.alpha.shape[0] / small.sprite.alpha.shape[1])
        placed.append(Placed(small.sprite, thing.x + side * 0.27 * wide, thing.bottom + 0.02 * high, tall))
    plate = Placed(under, thing.x, thing.bottom + float(rng.uniform(0.3, 0.42)) * high, high)
    return [plate, *placed, Placed(thing.sprite, thing.x + shift, thing.bottom, thing.height)]


def _soft(distance: Floats, wide: int) -> Floats:
    """1 inside an ellipse, falling off over about a pixel at its edge."""
    cover = np.clip((1.0 - distance) * wide / 2 + 0.5, 0, 1)
    return np.asarray(cv2.GaussianBlur(cover.astype(np.float32), (0, 0), 0.5), np.float32)
