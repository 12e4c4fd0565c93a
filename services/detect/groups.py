"""Two things that belong together: a pair of shoes is meant as one first, and then as two.

What stands beside its like, near and about as large, and has no third one near by, is a pair. How alike is told by the
colours of both; the least likeness is fitted on made scenes (``python -m quality.detection``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from services.detect.fusion import Thing
from services.detect.ranking import Found
from services.detect.regions import Mask, Region, bounds_of

Histogram = NDArray[np.float32]


@dataclass(frozen=True)
class PairRules:
    """When two things may be a pair, before their colours are asked.

    Attributes:
        gap: most distance between them, share of the narrower one's width.
        level: least share of the lower one's height that both span.
        same_size: least ratio of their widths, and of their heights.
        bins: of each channel of CIELAB in a histogram of colours.
        soft: spread of a colour over its neighbours, bins: a shade lighter is no other colour.
    """

    gap: float = 0.35
    level: float = 0.7
    same_size: float = 0.75
    bins: tuple[int, int, int] = (8, 12, 12)
    soft: float = 0.7


RULES = PairRules()


def with_pairs(found: Sequence[Found], rgb: NDArray[np.uint8], alike: float, rules: PairRules = RULES) -> list[Found]:
    """The things, and one more for each pair among them.

    Args:
        found: what was found in a picture, the likeliest to be meant first.
        rgb: (h, w, 3) uint8 sRGB, the picture.
        alike: least likeness of a pair's colours, 0..1.
        rules: when two things may be a pair.
    """
    whole = [each for each in found if each.thing.region is not None and not each.thing.part]
    near = [(one, other) for one, other in combinations(whole, 2) if beside(one.box, other.box, rules)]
    pairs = [
        (one, other) for one, other in near if likeness(_colours(one, rgb, rules), _colours(other, rgb, rules)) >= alike
    ]
    # Three alike in a row are not a pair.
    single = [pair for pair in pairs if sum(bool(set(map(id, pair)) & set(map(id, other))) for other in pairs) == 1]
    return [*found, *(_joined(one, other) for one, other in single)]


def beside(one: Box, other: Box, rules: PairRules = RULES) -> bool:
    """True for boxes of about one size that stand next to each other."""
    wide, wide_other = one.x2 - one.x1, other.x2 - other.x1
    high, high_other = one.y2 - one.y1, other.y2 - other.y1
    gap = max(one.x1, other.x1) - min(one.x2, other.x2)
    span = min(one.y2, other.y2) - max(one.y1, other.y1)
    size = min(wide / wide_other, wide_other / wide, high / high_other, high_other / high)
    return (
        size >= rules.same_size
        and abs(gap) <= rules.gap * min(wide, wide_other)
        and span >= rules.level * min(high, high_other)
    )


def colours_of(rgb: NDArray[np.uint8], mask: Mask, rules: PairRules = RULES) -> Histogram:
    """The colours of a thing: a histogram that sums to 1.

    Args:
        rgb: (h, w, 3) uint8 sRGB, the picture.
        mask: (h', w') bool of the whole picture at any scale, True on the thing.
        rules: how fine.
    """
    small = cv2.resize(rgb, mask.shape[::-1], interpolation=cv2.INTER_AREA)
    # The outline holds colours of the background.
    inner = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)[inner if inner.any() else mask]
    counts, _ = np.histogramdd(lab.astype(np.float64), bins=rules.bins, range=[(0, 256), (64, 192), (64, 192)])
    for axis, _bins in enumerate(rules.bins):
        counts = np.apply_along_axis(_spread, axis, counts, rules.soft)
    return np.asarray(counts / max(1e-9, float(counts.sum())), np.float32)


def likeness(one: Histogram, other: Histogram) -> float:
    """How alike two histograms are: what they share, 0..1."""
    return float(np.minimum(one, other).sum())


def _spread(line: NDArray[np.float64], soft: float) -> NDArray[np.float64]:
    weights = np.exp(-0.5 * (np.arange(-2, 3) / soft) ** 2)
    return np.convolve(line, weights / weights.sum(), mode="same")


def _colours(found: Found, rgb: NDArray[np.uint8], rules: PairRules) -> Histogram:
    region = found.thing.region
    assert region is not None
    return colours_of(rgb, region.mask, rules)


def _joined(one: Found, other: Found) -> Found:
    """A pair as one thing, as sure as the likelier of its two, which comes first."""
    left, right = one.thing.region, other.thing.region
    assert left is not None and right is not None
    mask = np.asarray(left.mask | right.mask, np.bool_)
    area = int(np.count_nonzero(mask))
    share = left.area / max(1, left.area + right.area)
    region = Region(
        mask,
        bounds_of(mask),
        area,
        share * left.mean + (1 - share) * right.mean,
        share * left.contrast + (1 - share) * right.contrast,
        max(left.cut, right.cut),
    )
    box = Box(
        min(one.box.x1, other.box.x1),
        min(one.box.y1, other.box.y1),
        max(one.box.x2, other.box.x2),
        max(one.box.y2, other.box.y2),
    )
    thing = Thing(box, region, None, one.thing.confidence)
    return replace(one, thing=thing, box=box, faint=None)
