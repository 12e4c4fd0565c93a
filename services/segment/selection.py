"""Two opinions made one: the box-prompted net says which pixels are meant, the salience net how their edges look.

The prompted mask is right about things and coarse about outlines; salience is fine about outlines and does not know
which thing is meant. So they are joined by size: what is thicker than the mask can tell apart goes by the mask, what is
finer (a wire, a stem, the gaps of a cage) goes by the salience, and the outline is the salience's own where it has one
there. Where it has none, because it runs on into a neighbour or never saw the thing, a watershed on the picture finds
the edge of colour.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import SOLID, PixelBox, settle

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

CELLS = 1.5
"""How far the mask's outline may be off, in its own cells."""

REACH = 0.04
"""Nothing is taken from further outside of the box than this share of its longer side."""

SAY = 1.4
"""How much salience moves the mask's log-odds: it decides where the mask says 20 to 80%, and is overruled elsewhere."""

SHED = 0.02
"""Pieces of the mask under this share of it, and holes of that size, are crumbs of the net."""

OWN_EDGE = (0.3, 0.6)
"""The salience's fall across the mask's outline from which its edge counts, and from which it counts alone."""

SPECK = 0.01
"""Pieces of the joined matte under this share of it are specks."""

OPEN_HOLE = 0.22
"""A gap that is fainter than this in the middle is one that the salience is sure of."""

MOST_GAP, ENCLOSED, CERTAIN = 0.10, 0.50, 0.995
"""A gap of a cage or a handle: no larger than the first share of the subject, the second share of its surroundings
stands out, and the prompted net is not utterly sure (the third) that it is filled."""

LINE_PX = 0.8
"""Softness of an edge that the watershed found, pixels."""


def joined(salience: Plane, inside: Plane, rgb: NDArray[np.uint8], box: PixelBox, cell_px: float) -> Plane:
    """The matte of what the mask means, with the salience's edges.

    Args:
        salience: (h, w) float32, 0..1: what stands out.
        inside: (h, w) float32, 0..1: the prompted mask.
        rgb: (h, w, 3) uint8, the same crop.
        box: the chosen box within the crop.
        cell_px: size of the mask's own cells, pixels of the crop.

    Returns:
        (h, w) float32, 0..1; empty where the mask is.
    """
    reach_px = max(2, round(CELLS * cell_px))
    near = box.outside(inside.shape) <= REACH * box.longer
    meant = _without_crumbs(_more_likely(salience, inside) & near)
    core, reach = _shrunk(meant, reach_px), _grown(meant, reach_px)
    seen = settle(salience)
    line = _line(core, reach, rgb)
    own = _own_edge(seen, core, reach, reach_px)
    alpha = np.where(core, 1.0, np.where(reach, own * seen + (1.0 - own) * line, 0.0)).astype(np.float32)
    # Gaps that are too fine for the mask or that the salience is sure of, and fine parts that reach out of it.
    missed = core & (seen < SOLID)
    thick = _thick(missed, 2 * reach_px)
    gaps = (missed & ~thick) | _open_gaps(thick, salience, inside, meant, reach_px)
    alpha = np.where(gaps, seen, alpha)
    beyond = ~reach & (seen > 0.0)
    fine_parts = beyond & near & ~_thick(beyond & (seen > SOLID), 2 * reach_px)
    held = _touching(fine_parts & (seen > SOLID), _grown(reach & (seen > SOLID), 2))
    alpha = np.where(fine_parts & _grown(held, 3), seen, alpha)
    solid = alpha > SOLID
    return np.asarray(np.where(solid & ~_without_crumbs(solid, SPECK), 0.0, alpha), np.float32)


def _more_likely(salience: Plane, inside: Plane) -> Mask:
    """What is meant by both together: where the mask is undecided, salience tips the scales."""
    odds = np.log(np.clip(inside, 1e-4, 1.0 - 1e-4) / np.clip(1.0 - inside, 1e-4, 1.0 - 1e-4))
    return np.asarray(odds + SAY * (2.0 * salience - 1.0) > 0.0, np.bool_)


def _without_crumbs(mask: Mask, share: float = SHED) -> Mask:
    """The mask without pieces and holes under a share of it."""
    least = share * np.count_nonzero(mask)
    for value in (True, False):
        _count, labels, stats, _ = cv2.connectedComponentsWithStats((mask == value).astype(np.uint8), connectivity=8)
        small = stats[:, cv2.CC_STAT_AREA] < least
        small[0] = False
        mask = np.asarray(np.where(small[labels], not value, mask), np.bool_)
    return mask


def _line(core: Mask, reach: Mask, rgb: NDArray[np.uint8]) -> Plane:
    """Where the picture's edges part the core from what lies out of reach."""
    markers = np.where(core, 1, np.where(reach, 0, 2)).astype(np.int32)
    cv2.watershed(np.ascontiguousarray(rgb[..., ::-1]), markers)
    found = _grown(markers == 1, 1) & (markers != 2)
    return np.asarray(cv2.GaussianBlur(found.astype(np.float32), (0, 0), LINE_PX), np.float32)


def _own_edge(seen: Plane, core: Mask, reach: Mask, reach_px: int) -> Plane:
    """Weight of the salience's own edge, 0..1: high where it is high inside of the outline and low outside."""
    around = _disc(3 * reach_px)
    inner = cv2.dilate(np.where(core, seen, 0.0).astype(np.float32), around)
    outer = cv2.erode(np.where(reach, 1.0, seen).astype(np.float32), around)
    low, high = OWN_EDGE
    return np.asarray(np.clip((inner - outer - low) / (high - low), 0.0, 1.0), np.float32)


def _open_gaps(thick: Mask, salience: Plane, inside: Plane, meant: Mask, reach_px: int) -> Mask:
    """Of the parts that the mask has and the salience lacks: gaps of a cage or a handle, not parts that were missed."""
    gaps = np.zeros(thick.shape, bool)
    subject = np.count_nonzero(meant)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(thick.astype(np.uint8), connectivity=8)
    margin = 2 * reach_px + 3
    for label in range(1, count):
        left, top, wide, high, pixels = stats[label]
        if pixels > MOST_GAP * subject:
            continue
        window = (slice(max(0, top - margin), top + high + margin), slice(max(0, left - margin), left + wide + margin))
        part = labels[window] == label
        ring = _grown(part, margin - 1) & ~_grown(part, reach_px)
        enclosed = float((salience[window][ring] > SOLID).mean()) > ENCLOSED
        open_ = float(np.median(salience[window][part])) < OPEN_HOLE
        if enclosed and open_ and float(np.median(inside[window][part])) < CERTAIN:
            gaps[window] |= part
    return gaps


def _thick(mask: Mask, radius_px: int) -> Mask:
    """The parts of a mask that a disc of that radius fits into, with what surrounds them at once."""
    opened = _shrunk(mask, radius_px)
    return mask & _grown(opened, 2 * radius_px)


def _touching(pieces: Mask, other: Mask) -> Mask:
    """The pieces that touch another mask."""
    _, labels = cv2.connectedComponents(pieces.astype(np.uint8), connectivity=8)
    hit = np.zeros(int(labels.max()) + 1, bool)
    hit[np.unique(labels[other])] = True
    hit[0] = False
    return np.asarray(hit[labels], np.bool_)


def _grown(mask: Mask, radius_px: int) -> Mask:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), _disc(radius_px)) > 0, np.bool_)


def _shrunk(mask: Mask, radius_px: int) -> Mask:
    # Beyond the crop the thing may go on: the crop's border is no outline.
    return np.asarray(cv2.erode(mask.astype(np.uint8), _disc(radius_px), borderValue=1) > 0, np.bool_)


def _disc(radius_px: int) -> NDArray[np.uint8]:
    side = 2 * radius_px + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)), np.uint8)
