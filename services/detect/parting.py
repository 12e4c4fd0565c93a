"""Parting what stands out as one: a net that outlines the thing under a point is asked at several points of a region.

Where most answers are the whole region, it is one thing. Where they are smaller, tile the region, and nothing of it
looks like a thing that the classifier knows, the parts are: things that stand beside each other, or of which one is
clearly recognised once it is seen alone. A thing made of parts (a lid, a wheel, a blade) passes neither test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.imaging.prompting import Encoded, Mark
from services.detect.regions import Mask, Region

POINTS = 6
"""Questions about a region, spread over it."""

REACH = 0.15
"""Points prefer depth inside the region up to this share of the square root of its area."""

WHOLE_COVERS, WHOLE_INSIDE = 0.88, 0.6
"""An answer that covers so much of the region, and lies in it with so much of itself, is the whole."""

MOST_WHOLE = 2
"""With more answers than this that are the whole, a region is one thing."""

LEAST_CONFIDENCE, LEAST_STABILITY = 0.85, 0.8
"""An answer with less is a guess."""

PART_INSIDE, PART_COVERS = 0.8, 0.1
"""An answer that lies in the region with so much of itself, and covers so much of it, may be a thing of its own."""

MOST_SHARED = 0.2
"""Two answers that share no more than this of the smaller one are different things."""

REST_COVERS = 0.15
"""What no answer covers is a part, too, if it is compact and this share of the region."""

REST_OPENING = 0.04
"""Compact: it survives an opening by this share of the square root of the region's area."""

EXPLAINED = 0.7
"""The parts must make up this share of the region, and ..."""

SECOND_COVERS = 0.15
"""... the second largest this share."""

MOST_ACROSS, LEAST_DOWN = 0.5, 0.4
"""Two parts stand beside each other where they share no more than the first of the narrower one's width, and at least
the second of the lower one's height."""

RECOGNISED_WHOLE = 0.45
"""A region whose likeliest kind is this likely is not parted into things that stand beside each other."""

RECOGNISED_PART, CLEARLY_MORE = 0.5, 0.3
"""Parts in any other place need one whose likeliest kind is this likely, and so much likelier than the region's."""

Kind = tuple[str, float]
Likeliest = Callable[[Sequence[Mask]], Sequence[Kind]]
"""The likeliest kind of thing for what each mask shows, and how likely it is."""


def parted(region: Region, picture: Encoded, likeliest: Likeliest, timeout_s: float | None = None) -> list[Region]:
    """The things that a region holds; none where it is one thing.

    Args:
        region: what stands out.
        picture: the photo as the promptable net saw it.
        likeliest: the classifier.
        timeout_s: seconds for each question.
    """
    answers = []
    whole = 0
    for x, y in spread(region.mask, POINTS):
        outline = picture.outline([(x, y)], [Mark.ON], timeout_s)
        mask = _on_grid(outline.logits, region.mask.shape)
        both = int(np.count_nonzero(mask & region.mask))
        inside, covers = both / max(1, int(np.count_nonzero(mask))), both / region.area
        if covers >= WHOLE_COVERS and inside >= WHOLE_INSIDE:
            whole += 1
            if whole > MOST_WHOLE:
                return []
        elif (
            covers >= PART_COVERS
            and inside >= PART_INSIDE
            and outline.confidence >= LEAST_CONFIDENCE
            and outline.stability() >= LEAST_STABILITY
        ):
            answers.append(mask)
    parts = _tiles(region, answers)
    if len(parts) < 2 or not _explains(parts, region):
        return []
    (kind, chance), *others = likeliest([region.mask, *parts])
    if _beside(parts[0], parts[1]):
        separate = chance < RECOGNISED_WHOLE
    else:
        surer = max(RECOGNISED_PART, chance + CLEARLY_MORE)
        separate = any(other != kind and likely >= surer for other, likely in others)
    return [region.under(part) for part in parts] if separate else []


def spread(mask: Mask, count: int) -> list[tuple[float, float]]:
    """Points in a mask, as fractions of its grid: the deepest first, then deep ones far from those before.

    Args:
        mask: (h, w) bool, not empty.
        count: how many.
    """
    height, width = mask.shape
    padded = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)
    depth = np.asarray(padded[1:-1, 1:-1], np.float32)
    enough = np.minimum(depth, REACH * float(np.sqrt(np.count_nonzero(mask))))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    far = np.full(mask.shape, np.inf, np.float32)
    points = []
    for index in range(count):
        value = depth if index == 0 else enough * far
        y, x = np.unravel_index(int(value.argmax()), mask.shape)
        points.append(((float(x) + 0.5) / width, (float(y) + 0.5) / height))
        far = np.minimum(far, np.hypot(rows - y, columns - x) * mask)
    return points


def _on_grid(logits: NDArray[np.float32], shape: tuple[int, ...]) -> Mask:
    return np.asarray(cv2.resize(logits, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR) > 0, np.bool_)


def _tiles(region: Region, answers: Sequence[Mask]) -> list[Mask]:
    """Answers that do not share ground, largest first, and the compact rest of the region."""
    tiles: list[Mask] = []
    taken = np.zeros_like(region.mask)
    for mask in sorted(answers, key=np.count_nonzero, reverse=True):
        if all(_shared(mask, other) < MOST_SHARED for other in tiles):
            tiles.append(mask & ~taken)
            taken |= mask
    if tiles:
        size = 1 + 2 * max(1, round(REST_OPENING * float(np.sqrt(region.area))))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        rest = cv2.morphologyEx((region.mask & ~taken).astype(np.uint8), cv2.MORPH_OPEN, disc)
        count, labels, stats, _centres = cv2.connectedComponentsWithStats(np.asarray(rest, np.uint8), connectivity=4)
        tiles += [
            np.asarray(labels == index, np.bool_)
            for index in range(1, count)
            if stats[index, cv2.CC_STAT_AREA] >= REST_COVERS * region.area
        ]
    return sorted(tiles, key=np.count_nonzero, reverse=True)


def _shared(mask: Mask, other: Mask) -> float:
    return float(np.count_nonzero(mask & other)) / min(np.count_nonzero(mask), np.count_nonzero(other))


def _explains(parts: Sequence[Mask], region: Region) -> bool:
    together = np.logical_or.reduce(list(parts)) & region.mask
    return bool(
        np.count_nonzero(together) >= EXPLAINED * region.area
        and np.count_nonzero(parts[1]) >= SECOND_COVERS * region.area
    )


def _beside(one: Mask, other: Mask) -> bool:
    across, down = (_shared_extent(one, other, axis) for axis in (0, 1))
    return across <= 0 or (across <= MOST_ACROSS and down >= LEAST_DOWN)


def _shared_extent(one: Mask, other: Mask, axis: int) -> float:
    """How much two masks' extents overlap along columns (0) or rows (1), as a share of the shorter one; may be < 0."""
    (a, b), (c, d) = ((int(line[0]), int(line[-1]) + 1) for line in (np.flatnonzero(m.any(axis)) for m in (one, other)))
    return (min(b, d) - max(a, c)) / min(b - a, d - c)
