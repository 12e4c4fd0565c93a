"""Which pixels look unlike the background around a box: what stands in the box and was left out tells on itself."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class ColourRules:
    """How colours are counted. Set by hand; that the measure tells right cutouts from wrong ones was shown on things
    apart from those that it was chosen on (docs/notes/segment.md).

    Attributes:
        bins: of lightness (0..100) and of both colour axes (-64..64) of CIELAB.
        rare: share of the background that a colour's bin holds, under which that colour is unlike it.
        least: share of the picture that must be background; of less nothing can be said.
    """

    bins: tuple[int, int, int] = (10, 20, 20)
    rare: float = 0.003
    least: float = 0.01


RULES = ColourRules()


def unlike(rgb: NDArray[np.uint8], background: Mask, rules: ColourRules = RULES) -> Mask:
    """(h, w) True where a colour hardly occurs in the background.

    Args:
        rgb: (h, w, 3) uint8 sRGB.
        background: (h, w) True on what is surely background.
        rules: how colours are counted.
    """
    if float(background.mean()) <= rules.least:
        return np.zeros(background.shape, np.bool_)
    lab = cv2.cvtColor(rgb.astype(np.float32) / np.float32(255.0), cv2.COLOR_RGB2LAB)
    places = (lab + np.array((0, 64, 64), np.float32)) * (np.array(rules.bins, np.float32) / np.array((100, 128, 128)))
    bins = np.clip(places, 0, np.array(rules.bins) - 1).astype(np.int64)
    index = np.ravel_multi_index(tuple(np.moveaxis(bins, 2, 0)), rules.bins)
    counts = np.bincount(index[background], minlength=int(np.prod(rules.bins))).reshape(rules.bins).astype(np.float64)
    for axis in range(3):
        counts = _softened(counts, axis)
    return np.asarray((counts.ravel() < rules.rare * counts.sum())[index], np.bool_)


def _softened(counts: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Each bin with a quarter of its two neighbours': a shade lighter is no other colour."""
    air = [(1, 1) if each == axis else (0, 0) for each in range(3)]
    wide = np.moveaxis(np.pad(counts, air), axis, 0)
    return np.moveaxis(0.5 * wide[1:-1] + 0.25 * (wide[:-2] + wide[2:]), 0, axis)
