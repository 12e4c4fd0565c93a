"""Peaks of a curve, by how far they stand out of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def peaks(values: ArrayLike, prominence: float) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where a curve has peaks, and the prominence of each: what ``scipy.signal.find_peaks`` answers.

    A peak is higher than what is beside it; of a flat one the middle counts. It stands out by its height over the
    higher of the two lowest points between it and a higher place, or the end, on either side.

    Args:
        values: (n,) heights in the order of their places.
        prominence: least one, in the unit of ``values``.

    Returns:
        (m,) places, rising, and (m,) prominences.
    """
    heights = np.asarray(values, np.float64)
    starts = np.flatnonzero(np.r_[heights[:1] == heights[:1], heights[1:] != heights[:-1]])
    ends = np.r_[starts[1:], len(heights)] - 1
    level = heights[starts]
    tops = 1 + np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:]))
    places, known = [], []
    for top in tops:
        height = level[top]
        higher = np.flatnonzero(level > height)
        before, after = higher[higher < top], higher[higher > top]
        left = level[before[-1] + 1 if len(before) else 0 : top]
        right = level[top + 1 : after[0] if len(after) else len(level)]
        out = height - max(left.min(), right.min())
        if out >= prominence:
            places.append((starts[top] + ends[top]) // 2)
            known.append(out)
    return np.array(places, np.intp), np.array(known, np.float64)
