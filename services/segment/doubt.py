"""Where salience alone does not tell which pixels a box means.

Salience is clear about most photos. It is not where what stands out runs on over the box's border (a neighbour
touches), where much of the box is half-seen, where the thing found does not fill its box (something else in the box
stood out more), or where nothing stands out at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import GRACE, SOLID, PixelBox

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

CLEAR = 0.80
"""A matte this decided and whole (``cutout.fit_of`` without the box) needs no second opinion."""

EMPTY_SIDE, FULL_SIDE, LEAST_FILL = 0.12, 0.04, 0.45
"""A box that its subject leaves empty by the first share on one side and touches within the second on another was
drawn around more than was found; one left empty all around was drawn loosely, unless less than the third is filled."""

HALF_SEEN, MOST_HALF_SEEN = (0.1, 0.9), 0.09
"""Salience between the first two is undecided; beyond this share of the box the net did not know."""

MOST_SPILL = 0.02
"""Share of the subject that its salience may have far outside of the box before a neighbour is the reason."""


@dataclass(frozen=True)
class Look:
    """What salience said.

    Attributes:
        salience: (h, w) float32, 0..1, of the crop.
        matte: (h, w) float32, 0..1, the subject; None where nothing in the box stands out.
        fit: how well the matte explains the box, 0..1.
    """

    salience: Plane
    matte: Plane | None
    fit: float


class Doubt(Enum):
    """What salience alone does not tell."""

    EDGES = "which of the half-seen pixels belong"
    EXTENT = "which thing is meant, and how far it goes"


def doubt_of(look: Look, within: PixelBox) -> Doubt | None:
    """What is unclear about a look; None where salience alone tells which pixels the box means."""
    if look.matte is None or _leaves_a_side(look.matte, within):
        return Doubt.EXTENT
    solid = look.matte > SOLID
    beyond = int(np.count_nonzero(spilt(look, within)))
    if look.fit < CLEAR * box_fit(solid, within) or beyond > MOST_SPILL * int(np.count_nonzero(solid)):
        return Doubt.EXTENT
    low, high = HALF_SEEN
    half_seen = ((look.salience > low) & (look.salience < high))[within.outside(solid.shape) <= 0.0]
    return Doubt.EDGES if half_seen.size and float(half_seen.mean()) > MOST_HALF_SEEN else None


def _leaves_a_side(matte: Plane, within: PixelBox) -> bool:
    """True when a matte fills its box in part only."""
    solid = matte > SOLID
    if box_fit(solid, within) < LEAST_FILL:
        return True
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    wide, high = within.right - within.left, within.bottom - within.top
    gaps = (
        (float(columns[0]) - within.left) / wide,
        (within.right - float(columns[-1]) - 1.0) / wide,
        (float(rows[0]) - within.top) / high,
        (within.bottom - float(rows[-1]) - 1.0) / high,
    )
    return max(gaps) > EMPTY_SIDE and min(gaps) < FULL_SIDE


def spilt(look: Look, within: PixelBox) -> Mask:
    """What stands out in one piece with the subject and lies clearly outside of the box: a touching neighbour."""
    solid = look.salience > SOLID
    if look.matte is None:
        return np.zeros(solid.shape, np.bool_)
    count, labels = cv2.connectedComponents(solid.astype(np.uint8), connectivity=8)
    same = np.zeros(count, bool)
    same[np.unique(labels[look.matte > SOLID])] = True
    same[0] = False
    return np.asarray(same[labels] & (within.outside(solid.shape) > GRACE * within.longer), np.bool_)


def box_fit(mask: Mask, box: PixelBox) -> float:
    """IoU of a mask's bounding box with a box, 0..1."""
    if not mask.any():
        return 0.0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    across = max(0.0, min(right, box.right) - max(left, box.left))
    down = max(0.0, min(bottom, box.bottom) - max(top, box.top))
    union = (right - left) * (bottom - top) + (box.right - box.left) * (box.bottom - box.top) - across * down
    return across * down / union
