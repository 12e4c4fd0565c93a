"""Outlines for what detectors saw and nothing showed: a net that takes the box as its prompt says what is in it.

A detector's box alone is a few per cent off, and its name may be wrong: a sheet of white card is a laptop, a carton is
a small table. So a sighting that saliency does not support is outlined, and

- one that turns out to be a plain patch is dropped: no thing is without any detail, in a place that does not stand out;
- one that no thing answers to, too weak or too wrongly named to stand alone, is a thing where several others were
  found, if its outline is sure, sharp, ends inside the picture and is not one of theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.imaging.prompting import Encoded, Mark
from services.detect.fusion import LEAST_SHARE, Thing
from services.detect.objects import Sighting, distinct
from services.detect.regions import Mask, Region, bounds_of

LEAST_CONFIDENCE, LEAST_STABILITY = 0.85, 0.85
"""An outline with less is a guess."""

SAME_BOX_IOU = 0.55
"""The outline's own box must overlap the prompt this much."""

PLAIN_LEVELS = 4.0
"""Where nine tenths of the inside have a gradient under this there is no detail: levels of 255 per pixel of a view of
``VIEW_PX``."""

VIEW_PX = 64
EDGE = 0.12
"""The longer side of that view, and the share of it next to the outline that is left out."""

LEAST_COMPANY = 2
"""Things that must have been found before a weak sighting is believed: on a table of things there may be one more."""

MOST_SHARE = 0.25
"""A weak sighting larger than this is a surface, or the room."""

KNOWN_IOU, KNOWN_INSIDE = 0.4, 0.6
"""A sighting that overlaps a thing's box this much, or lies in it with so much of itself, is of that thing."""

OWN = 0.75
"""Share of an outline that no other thing covers."""

MOST_TRIED = 3
"""Weak sightings that are tried."""

BORDER_CELLS = 2
"""An outline that comes this near to the picture's border goes on outside."""


def outline(box: Box, picture: Encoded, shape: tuple[int, ...], timeout_s: float | None = None) -> Mask | None:
    """What a box is drawn around, on a grid of ``shape``; None where the net is not sure."""
    corners = [(box.x1, box.y1), (box.x2, box.y2)]
    found = picture.outline(corners, [Mark.FIRST_CORNER, Mark.SECOND_CORNER], timeout_s)
    mask = np.asarray(cv2.resize(found.logits, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 0, np.bool_)
    sure = found.confidence >= LEAST_CONFIDENCE and found.stability() >= LEAST_STABILITY and bool(mask.any())
    return mask if sure and box_of(mask).iou(box) >= SAME_BOX_IOU else None


def box_of(mask: Mask) -> Box:
    """A mask's bounds as fractions of its grid."""
    height, width = mask.shape
    left, top, right, bottom = bounds_of(mask)
    return Box(left / width, top / height, right / width, bottom / height)


def is_plain(rgb: NDArray[np.uint8], mask: Mask) -> bool:
    """True for a patch without any detail inside.

    Args:
        rgb: (h, w, 3) uint8 sRGB.
        mask: (h', w') bool of the same picture, not empty.
    """
    box = box_of(mask)
    left, top, right, bottom = box.pixels(rgb.shape[1], rgb.shape[0])
    scale = VIEW_PX / max(right - left, bottom - top)
    size = (max(8, round((right - left) * scale)), max(8, round((bottom - top) * scale)))
    gray = cv2.cvtColor(rgb[top:bottom, left:right], cv2.COLOR_RGB2GRAY)
    view = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.float32)
    x1, y1, x2, y2 = bounds_of(mask)
    inside = cv2.resize(mask[y1:y2, x1:x2].astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    reach = 1 + 2 * max(1, round(EDGE * VIEW_PX / 2))
    deep = cv2.erode(np.pad(inside, 1), np.ones((reach, reach), np.uint8))[1:-1, 1:-1] > 0
    if not deep.any():
        return False
    steps = np.hypot(cv2.Sobel(view, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(view, cv2.CV_32F, 0, 1, scale=1 / 8))
    return float(np.percentile(steps[deep], 90)) < PLAIN_LEVELS


def outlined(
    rgb: NDArray[np.uint8], thing: Thing, picture: Encoded, shape: tuple[int, ...], timeout_s: float | None = None
) -> Thing | None:
    """A thing that only a detector saw, with its outline where that is sure; None for a plain patch."""
    mask = outline(thing.box, picture, shape, timeout_s)
    if mask is None:
        return thing
    if is_plain(rgb, mask):
        return None
    region = _region(mask, thing.confidence)
    return replace(thing, box=region.box(), region=region)


def missed(sightings: Sequence[Sighting], things: Sequence[Thing]) -> list[Sighting]:
    """Sightings, surest first, that none of the things answers to, where one more thing is to be expected."""
    whole = [thing for thing in things if not thing.part]
    if len(whole) < LEAST_COMPANY:
        return []
    free = [
        sighting
        for sighting in distinct(sightings)
        if LEAST_SHARE <= sighting.box.area <= MOST_SHARE
        and all(
            sighting.box.iou(thing.box) < KNOWN_IOU and _inside(sighting.box, thing.box) < KNOWN_INSIDE
            for thing in whole
        )
    ]
    return free[:MOST_TRIED]


def found_after_all(
    sighting: Sighting,
    things: Sequence[Thing],
    picture: Encoded,
    rgb: NDArray[np.uint8],
    shape: tuple[int, ...],
    timeout_s: float | None = None,
) -> Thing | None:
    """The thing that a weak sighting is of; None where its outline does not bear it out."""
    mask = outline(sighting.box, picture, shape, timeout_s)
    if mask is None or is_plain(rgb, mask):
        return None
    left, top, right, bottom = bounds_of(mask)
    if min(left, top) < BORDER_CELLS or right > shape[1] - BORDER_CELLS or bottom > shape[0] - BORDER_CELLS:
        return None
    others = np.zeros_like(mask)
    for thing in things:
        if thing.region is not None:
            others |= thing.region.mask
        else:
            x1, y1, x2, y2 = thing.box.pixels(shape[1], shape[0])
            others[y1:y2, x1:x2] = True
    if np.count_nonzero(mask & ~others) < OWN * np.count_nonzero(mask):
        return None
    region = _region(mask, sighting.score)
    return Thing(region.box(), region, None if sighting.kind.surface else sighting, sighting.score)


def _region(mask: Mask, sure: float) -> Region:
    return Region(mask, bounds_of(mask), int(np.count_nonzero(mask)), sure, sure, 0.0)


def _inside(box: Box, other: Box) -> float:
    """Share of a box that another covers."""
    iou = box.iou(other)
    return iou * (box.area + other.area) / (1 + iou) / box.area
