"""Whether the cutout of what is proposed first may well be wrong: told before it is made, from the map that found it.

The cutout has a judge of its own, which sees the subject four times as fine and knows better. Here a logistic
regression on a few measures foretells whether its IoU will reach 0.95; ``python -m quality.detection`` fits it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detect.ranking import FEATURES as RANKED_BY
from services.detect.ranking import Found

Vector = NDArray[np.float64]

RANKED = ("size", "contrast")
"""Measures that the ranking has taken already."""

FEATURES = ("one", *RANKED, "half_seen", "undecided")


@dataclass(frozen=True)
class DoubtRules:
    """What is measured.

    Attributes:
        solid: salience of the subject where its outline is not known.
        undecided: salience between these is neither.
        beside_px: pixels of the grid beside the subject that say nothing of what was left out: they are its edge.
    """

    solid: float = 0.5
    undecided: tuple[float, float] = (0.1, 0.9)
    beside_px: int = 2


@dataclass(frozen=True)
class Doubt:
    """What was fitted.

    Attributes:
        weights: of ``FEATURES``, for the log-odds that the cutout will be right.
        least: chance under which a person should look at it.
    """

    weights: tuple[float, ...]
    least: float

    def chances(self, features: Vector) -> Vector:
        """(n,) 0..1 of (n, features)."""
        odds = np.clip(features @ np.array(self.weights), -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float64)

    def uncertain(self, features: Vector) -> bool:
        """True for (features,) of a thing whose cutout may well be wrong."""
        return float(self.chances(features[None])[0]) < self.least


RULES = DoubtRules()


def features_of(found: Found, first: NDArray[np.float32], rules: DoubtRules = RULES) -> Vector:
    """``FEATURES`` of a thing.

    Args:
        found: the thing.
        first: (h, w) float32 in 0..1, the map of the whole picture on the grid.
        rules: what is measured.
    """
    left, top, right, bottom = found.box.pixels(first.shape[1], first.shape[0])
    window = first[top:bottom, left:right]
    region = found.thing.region
    solid = window > rules.solid if region is None else region.mask[top:bottom, left:right]
    area = max(1, int(np.count_nonzero(solid)))
    side = 2 * rules.beside_px + 1
    left_out = cv2.dilate(solid.astype(np.uint8), np.ones((side, side), np.uint8)) == 0
    low, high = rules.undecided
    return np.array(
        [
            1.0,
            *(found.features[RANKED_BY.index(name)] for name in RANKED),
            np.sqrt(min(1.0, float(window[left_out].sum()) / area)),
            np.sqrt(min(1.0, np.count_nonzero((window > low) & (window < high)) / area)),
        ]
    )
