"""Boxes that hold the whole thing: one that ends where what stands out goes on grows until it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from services.detect.regions import bounds_of


@dataclass(frozen=True)
class WholeRules:
    """When a box grows.

    Attributes:
        solid: salience that belongs to a thing.
        own: share of the piece that must lie in the box; of a smaller one the box is a part.
        least: growth of a side, share of it, under which the box is exact enough.
        claimed: share of what lies beyond that another box may hold.
        edge: a side this near to the frame's, share of the frame, is cut by it.
    """

    solid: float = 0.5
    own: float = 0.5
    least: float = 0.03
    claimed: float = 0.3
    edge: float = 0.004


RULES = WholeRules()


def grown(box: Box, salience: NDArray[np.float32], others: Sequence[Box], rules: WholeRules = RULES) -> Box:
    """The box with all of the piece that it holds most of; the same box where it holds it already.

    Args:
        box: a proposal's.
        salience: (h, w) float32 in 0..1, of the whole picture.
        others: boxes of the other proposals, which keep what is theirs.
        rules: when a box grows.
    """
    height, width = salience.shape
    _count, labels = cv2.connectedComponents((salience > rules.solid).astype(np.uint8), connectivity=8)
    left, top, right, bottom = box.pixels(width, height)
    inside = labels[top:bottom, left:right]
    counts = np.bincount(inside.ravel())
    counts[0] = 0
    if not counts.any():
        return box
    piece = labels == int(counts.argmax())
    if counts.max() < rules.own * np.count_nonzero(piece):
        return box
    x1, y1, x2, y2 = (edge / side for edge, side in zip(bounds_of(piece), (width, height) * 2, strict=True))
    whole = Box(min(box.x1, x1), min(box.y1, y1), max(box.x2, x2), max(box.y2, y2))
    across, down = box.x2 - box.x1, box.y2 - box.y1
    more = max((box.x1 - whole.x1) / across, (whole.x2 - box.x2) / across, (box.y1 - whole.y1) / down,
               (whole.y2 - box.y2) / down)  # fmt: skip
    if more < rules.least:
        return box
    beyond = piece.copy()
    beyond[top:bottom, left:right] = False
    theirs = np.zeros_like(beyond)
    for other in others:
        x, y, to_x, to_y = other.pixels(width, height)
        theirs[y:to_y, x:to_x] = True
    return box if np.count_nonzero(beyond & theirs) > rules.claimed * np.count_nonzero(beyond) else whole


def cut_by_frame(box: Box, rules: WholeRules = RULES) -> bool:
    """True for a box that ends at the frame's edge: the thing in it may go on outside."""
    return min(box.x1, box.y1, 1.0 - box.x2, 1.0 - box.y2) <= rules.edge
