"""Whether a thing is patterned all over: dots, bricks, gravel, a weave. Such a pattern goes on behind."""

from __future__ import annotations

import cv2
import numpy as np

from services.mesh.cutout import Cutout

SEARCH_PX = 320
"""Longer side of the picture that is looked at."""

CELL = 0.12
"""Side of a cell, share of the subject's longer side: a pattern that repeats less often is a picture."""

CONTRAST = 0.08
"""Least relative contrast of a pattern."""

EVEN = (0.72, 1.3)
"""The contrast of nine cells in ten lies between these times the median. Patterns measure 0.75 to 0.95 and 1.07 to
1.23; faces, keys, dials and prints have blank or crowded places: 0.66 and 1.35 at the most even."""

LEAST_CELLS = 0.4
"""Least share of the silhouette that whole cells must cover: thin things say nothing."""


def patterned(cutout: Cutout) -> bool:
    """True if every part of the subject is as busy as every other."""
    height, width = cutout.mask.shape
    factor = min(1.0, SEARCH_PX / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    inside = np.asarray(cv2.resize(cutout.safe.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    grey = cv2.cvtColor(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    luma = grey.astype(np.float32)
    side = max(5, round(CELL * max(size)))
    soft = cv2.GaussianBlur(luma, (0, 0), side / 3.0)
    # Relative to the light on it: the shaded half of a vase has the same pattern.
    relative = (luma - soft) / (soft + 16.0)
    share = np.maximum(cv2.blur(inside, (side, side)), 0.0)
    whole = share > 0.8
    if whole.sum() < LEAST_CELLS * inside.sum():
        return False
    energy = cv2.blur(relative**2 * inside, (side, side)) / np.maximum(share, 1e-3)
    low, middle, high = np.sqrt(np.maximum(np.percentile(energy[whole], (5, 50, 95)), 0.0))
    return bool(middle > CONTRAST and low >= EVEN[0] * middle and high <= EVEN[1] * middle)
