"""Fusion of two cues: regions that stand out, and objects that detectors know by sight.

A detector tells things apart that touch or overlap, and names them, but only kinds that it was taught, and its boxes
are a few per cent off. Saliency outlines anything, but takes what touches for one. So:

- a sighting and a region that are about the same box are one thing: the region's tight box, the sighting's name;
- a region that holds several sightings is split; what they leave of it, if that is compact, is a thing too;
- a region that holds one sighting is split where the rest stands beside it, and stays whole where the rest is above,
  below or around it (a lid, a plant in its pot, a saucer), with what was sighted as one more proposal;
- a sighting alone is a thing if it is sure enough; a region alone is one as before;
- what only a window of clutter shows needs a sighting, or must be seen in every look and not repeat: bricks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from services.detect.objects import Sighting, distinct
from services.detect.regions import Mask, Region
from services.detect.search import Doubtful

SAME_IOU = 0.55
"""A sighting and a region that overlap this much are one thing."""

INSIDE = 0.65
"""A sighting of whose box this much lies in a region's box belongs to it."""

FILLED = 0.35
"""... if the region covers at least this much of the sighting's box."""

DISJOINT_IOU = 0.3
"""Sightings that overlap less than this are different things."""

ALONE_SCORE = 0.45
"""A sighting that no region supports must be this sure."""

LARGE_SHARE, LARGE_SCORE = 0.4, 0.8
"""... and this sure where it covers more of the picture than that: most of what is large and stands out is salient."""

WHOLE_SHARE = 0.85
"""A sighting that covers more than this says no more than the full frame."""

SEEN_SHARE = 0.95
"""A net saw a region if its window holds this much of the region's box."""

EXPLAINED = 0.6
"""A region is told apart only into parts that together cover this much of it."""

SUPPORT_IOU = 0.4
"""A sighting that overlaps a doubtful region this much supports it."""

STEADY = 0.5
MOST_STEADY = 2
"""Doubtful regions with no sighting must have this contrast in every look; more of them than this are a pattern."""

CLEARLY_SURER = 0.3
"""Parts tell a region apart that was also sighted as a whole if the second of them is surer than that by this."""

SPLIT_SCORE = 0.5
"""Several sightings tell a region apart if the second of them is this sure, or something stands beside them all."""

PART_SCORE = 0.6
"""A part of a thing is proposed beside it from this score on."""

SURFACE_SHARE = 0.5
"""A table that covers more of the picture than this, or that something stands on, is no subject."""

LEAST_SHARE = 0.003
"""Share of the picture below which a sighting is a detail."""

LEAST_REST = 0.2
"""What is left of a region beside its sightings is a thing from this share of the region on."""

BESIDE = 0.6
"""What is left stands beside a sighting where they share this much of the lower one's height, and ..."""

APART = 0.35
"""... no more than this of the narrower one's width."""

Line = NDArray[np.bool_]

SNAP = 0.15
"""A side of a sighting moves by at most this share of its size to the edge of the region that it lies in."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something found.

    Attributes:
        box: where.
        region: its outline; None where nothing stands out.
        sighting: what the detectors take it for.
        confidence: how sure it is that there is a thing, 0..1.
        part: True for a part of another thing of the list.
    """

    box: Box
    region: Region | None
    sighting: Sighting | None
    confidence: float
    part: bool = False


def fuse(regions: Sequence[Region], doubtful: Sequence[Doubtful], sightings: Sequence[Sighting]) -> list[Thing]:
    """The things that both cues show, in no order."""
    shown = [sighting for sighting in sightings if not any(_cut_off(sighting, region) for region in regions)]
    subjects = _subjects(distinct(shown))
    things: list[Thing] = []
    taken: set[int] = set()
    for region in [*regions, *_believed(doubtful, subjects)]:
        held = [index for index, sighting in enumerate(subjects) if index not in taken and _holds(region, sighting)]
        taken.update(held)
        things += _told_apart(region, [subjects[index] for index in held])
    for index, sighting in enumerate(subjects):
        if index not in taken and _stands_alone(sighting):
            things.append(Thing(sighting.box, None, sighting, sighting.score))
    return things


def _cut_off(sighting: Sighting, region: Region) -> bool:
    """True for a part of a region that the net saw without the rest of it."""
    return _inside(region.box(), sighting.window) < SEEN_SHARE and _holds(region, sighting)


def _stands_alone(sighting: Sighting) -> bool:
    share = sighting.box.area
    least = ALONE_SCORE if share <= LARGE_SHARE else LARGE_SCORE
    return not sighting.kind.surface and share <= WHOLE_SHARE and sighting.score >= least


def _believed(doubtful: Sequence[Doubtful], sightings: Sequence[Sighting]) -> list[Region]:
    """The doubtful regions that a sighting supports, and those that are steady, if they are too few for a texture."""
    supported = [doubt.region for doubt in doubtful if any(_supports(s, doubt.region) for s in sightings)]
    steady = [doubt.region for doubt in doubtful if doubt.steadiness >= STEADY and doubt.region not in supported]
    return supported + (steady if len(steady) <= MOST_STEADY else [])


def _supports(sighting: Sighting, region: Region) -> bool:
    return sighting.box.iou(region.box()) >= SUPPORT_IOU


def _subjects(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings that are large enough, less surfaces with things on them."""
    return [
        sighting
        for sighting in sightings
        if sighting.box.area >= LEAST_SHARE
        and not (
            sighting.kind.surface
            and (
                sighting.box.area > SURFACE_SHARE
                or any(_inside(t.box, sighting.box) > INSIDE for t in sightings if not t.kind.surface)
            )
        )
    ]


def _holds(region: Region, sighting: Sighting) -> bool:
    box = region.box()
    if box.iou(sighting.box) >= SAME_IOU:
        return True
    return _inside(sighting.box, box) >= INSIDE and _filled(region.mask, sighting.box) >= FILLED


def _told_apart(region: Region, sightings: Sequence[Sighting]) -> list[Thing]:
    box = region.box()
    same = [sighting for sighting in sightings if sighting.box.iou(box) >= SAME_IOU]
    parts = [sighting for sighting in sightings if sighting.box.iou(box) < SAME_IOU]
    whole = max(same, key=lambda sighting: sighting.score, default=None)
    apart: list[Sighting] = []
    for part in sorted(parts, key=lambda part: part.score, reverse=True):
        if all(part.box.iou(other.box) < DISJOINT_IOU for other in apart):
            apart.append(part)
    if whole is not None and not (len(apart) > 1 and apart[1].score > whole.score + CLEARLY_SURER):
        return [Thing(box, region, whole, max(region.contrast, whole.score))]
    if not apart:
        return [Thing(box, region, None, region.contrast)]
    snapped = [_snapped(part.box, region.mask) for part in apart]
    beside = [rest for rest in _rests(region, snapped) if all(_stands_beside(rest, other) for other in snapped)]
    found = [Thing(b, region.within(b), part, part.score) for b, part in zip(snapped, apart, strict=True)]
    if len(apart) > 1 and apart[1].score < SPLIT_SCORE and not beside:
        apart = apart[:1]
    if (len(apart) == 1 and not beside) or _covered(region.mask, [*snapped, *beside]) < EXPLAINED:
        sure = [replace(thing, part=True) for thing in found if thing.confidence >= PART_SCORE]
        return [Thing(box, region, None, region.contrast), *sure]
    return [*found, *(Thing(rest, region.within(rest), None, region.contrast) for rest in beside)]


def _covered(mask: Mask, boxes: Sequence[Box]) -> float:
    """Share of a mask that lies in any of the boxes."""
    left = mask.copy()
    for box in boxes:
        x1, y1, x2, y2 = box.pixels(mask.shape[1], mask.shape[0])
        left[y1:y2, x1:x2] = False
    return 1 - float(np.count_nonzero(left)) / float(np.count_nonzero(mask))


def _rests(region: Region, boxes: Sequence[Box]) -> list[Box]:
    """Boxes of the compact parts of a region that none of the boxes covers."""
    rest: NDArray[np.uint8] = region.mask.astype(np.uint8)
    height, width = rest.shape
    for box in boxes:
        left, top, right, bottom = box.pixels(width, height)
        rest[top:bottom, left:right] = 0
    size = 1 + 2 * max(1, round(0.04 * float(np.sqrt(region.area))))
    opened = cv2.morphologyEx(rest, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    count, _labels, stats, _centres = cv2.connectedComponentsWithStats(opened, connectivity=4)
    return [
        Box(x / width, y / height, (x + w) / width, (y + h) / height)
        for x, y, w, h, area in (tuple(int(v) for v in stats[index]) for index in range(1, count))
        if area >= LEAST_REST * region.area
    ]


def _stands_beside(rest: Box, other: Box) -> bool:
    across = min(rest.x2, other.x2) - max(rest.x1, other.x1)
    down = min(rest.y2, other.y2) - max(rest.y1, other.y1)
    return across <= APART * min(rest.x2 - rest.x1, other.x2 - other.x1) and down >= BESIDE * min(
        rest.y2 - rest.y1, other.y2 - other.y1
    )


def _snapped(box: Box, mask: Mask) -> Box:
    """The box with each side moved to where the region ends near it; where it goes on, the side stays."""
    height, width = mask.shape
    left, top, right, bottom = box.pixels(width, height)
    columns = np.asarray(mask[top:bottom].any(axis=0), np.bool_)
    rows = np.asarray(mask[:, left:right].any(axis=1), np.bool_)
    x1, x2 = _ends(columns, left, right)
    y1, y2 = _ends(rows, top, bottom)
    return Box(x1 / width, y1 / height, x2 / width, y2 / height)


def _ends(occupied: Line, low: int, high: int) -> tuple[int, int]:
    """Where a run of True from about ``low`` to about ``high`` begins and ends."""
    reach = max(1, round(SNAP * (high - low)))
    size = len(occupied)
    first = low + _step(occupied[max(0, low - reach) : low + reach], low - max(0, low - reach))
    mirrored = occupied[::-1]
    end = size - high
    last = high - _step(mirrored[max(0, end - reach) : end + reach], end - max(0, end - reach))
    return (first, last) if last > first else (low, high)


def _step(across: Line, side: int) -> int:
    """How far a side moves inwards, given what is occupied from outside to inside of it, and where in that it is."""
    gaps = np.flatnonzero(~across)
    if across[0] or not gaps.size:
        # The region goes on outside, as another thing, or the picture ends there.
        return 0
    start = int(gaps[-1]) + 1
    return start - side if start < len(across) else 0


def _filled(mask: Mask, box: Box) -> float:
    left, top, right, bottom = box.pixels(mask.shape[1], mask.shape[0])
    return float(mask[top:bottom, left:right].mean())


def _inside(box: Box, other: Box) -> float:
    """Share of a box that another covers."""
    iou = box.iou(other)
    return iou * (box.area + other.area) / (1 + iou) / box.area
