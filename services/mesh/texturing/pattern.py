"""Whether a thing is patterned all over: dots, bricks, gravel, a weave. Such a pattern goes on behind."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from services.mesh.cutout import Cutout


@dataclass(frozen=True)
class PatternParameters:
    """What counts as patterned all over.

    Attributes:
        search_px: longer side of the picture that is looked at.
        cell: side of a cell, share of the subject's longer side: a pattern that repeats less often is a picture.
        contrast: least relative contrast of a pattern.
        even: the contrast of nine cells in ten lies between these times the median. Patterns measure 0.75 to 0.95 and
            1.07 to 1.23; faces, keys, dials and prints have blank or crowded places: 0.66 and 1.35 at the most even.
        least_cells: least share of the silhouette that whole cells must cover: thin things say nothing.
    """

    search_px: int = 320
    cell: float = 0.12
    contrast: float = 0.08
    even: tuple[float, float] = (0.72, 1.3)
    least_cells: float = 0.4


PARAMETERS = PatternParameters()


def patterned(cutout: Cutout) -> bool:
    """True if every part of the subject is as busy as every other."""
    height, width = cutout.mask.shape
    factor = min(1.0, PARAMETERS.search_px / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    inside = np.asarray(cv2.resize(cutout.safe.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    grey = cv2.cvtColor(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    luma = grey.astype(np.float32)
    side = max(5, round(PARAMETERS.cell * max(size)))
    soft = cv2.GaussianBlur(luma, (0, 0), side / 3.0)
    # Relative to the light on it: the shaded half of a vase has the same pattern.
    relative = (luma - soft) / (soft + 16.0)
    share = np.maximum(cv2.blur(inside, (side, side)), 0.0)
    whole = share > 0.8
    if whole.sum() < PARAMETERS.least_cells * inside.sum():
        return False
    energy = cv2.blur(relative**2 * inside, (side, side)) / np.maximum(share, 1e-3)
    low, middle, high = np.sqrt(np.maximum(np.percentile(energy[whole], (5, 50, 95)), 0.0))
    return bool(
        middle > PARAMETERS.contrast and low >= PARAMETERS.even[0] * middle and high <= PARAMETERS.even[1] * middle
    )
