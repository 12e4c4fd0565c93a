"""How like two things look, in photos from different sides and places: by what a classifier makes of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LikenessRules:
    """From the angle between two looks to the chance that they are of one thing, where half of all pairs are.

    Fitted by ``python -m quality.likeness fit`` on pairs of photos of the corpus' ``tune`` part: one thing from the
    front and from the front or the back in another room, and two things likewise.

    Attributes:
        slope: of the logistic curve, by the cosine.
        offset: of the logistic curve.
    """

    slope: float = 10.61
    offset: float = -3.96


RULES = LikenessRules()


def look_of(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a classifier makes of a thing, without how sure it is: (k,) of length 1, from the logits of its crops.

    Args:
        logits: (crops, k).
    """
    mean = logits.mean(axis=0)
    mean = mean - mean.mean()
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)


def likeness(
    looks: NDArray[np.float32], others: NDArray[np.float32], rules: LikenessRules = RULES
) -> NDArray[np.float64]:
    """How like each thing is each other one, 0..1: (n, m).

    Args:
        looks: (n, k), rows of ``look_of``.
        others: (m, k).
        rules: the curve.
    """
    cosine = looks.astype(np.float64) @ others.astype(np.float64).T
    return np.asarray(1.0 / (1.0 + np.exp(-(rules.slope * cosine + rules.offset))), np.float64)
