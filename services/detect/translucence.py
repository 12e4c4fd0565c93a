"""See-through things: glass shows as a faint part of the map that hangs on a clear one, such as a jar below its lid.

A shadow or a reflection is faint too, but it has no edge of its own in the map and mostly runs out of the picture; a
cable or a wire is faint and thin. So a faint part counts only when it is compact and ends inside the picture.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detect.regions import Mask, Region

FAINT = 0.035
"""Saliency from which a part may be glass; clean backgrounds stay under 0.03."""

SOLID = 0.6
"""Saliency from which a part is opaque for certain."""

THIN = 0.03
"""Parts thinner than this share of the thing's size are wires, cables or blurred edges."""

LEAST_SHARE = 0.06
"""Least share of the thing that is faint and compact: below it, it is an edge."""

MOST_GROWTH = 4.0
"""A faint part that makes the thing's bounds grow more than this is not part of it."""


def faint_part(region: Region, saliency: NDArray[np.float32]) -> Mask | None:
    """The compact faint part that hangs on a region, or lies within it.

    Args:
        region: a thing that was found.
        saliency: (h, w) float32 in 0..1, the map of the whole picture on the same grid.

    Returns:
        (h, w) bool, True on the faint part; None where there is none worth the name.
    """
    _count, labels = cv2.connectedComponents((saliency > FAINT).astype(np.uint8))
    touching = np.unique(labels[region.mask & (labels > 0)])
    hanging = np.isin(labels, touching) & (labels > 0)
    left, top, right, bottom = region.bounds
    size = 1 + 2 * max(1, round(THIN * max(right - left, bottom - top)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    faint = (hanging & (saliency < SOLID)).astype(np.uint8)
    compact = cv2.morphologyEx(faint, cv2.MORPH_OPEN, disc).astype(np.bool_)
    if np.count_nonzero(compact) < LEAST_SHARE * region.area or _reaches_border(compact):
        return None
    joined = compact | region.mask
    rows, columns = np.flatnonzero(joined.any(axis=1)), np.flatnonzero(joined.any(axis=0))
    grown = (columns[-1] - columns[0] + 1) * (rows[-1] - rows[0] + 1)
    if grown > MOST_GROWTH * (right - left) * (bottom - top):
        return None
    return compact


def _reaches_border(mask: Mask) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
