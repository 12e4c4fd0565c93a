"""Two things side by side that stand out as one: a region cut by a straight line, where outline and colours say so.

Saliency takes what touches for one thing, and the detectors tell apart only what they were taught. So each region is
tried with lines of several slopes and places. A logistic regression (``python -m quality.detection.division`` fits it
on made scenes) says of each whether two things lie left and right of it: their colours differ, the line is short, both
stand on about the same ground.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.detect.regions import Mask, Region

FEATURES = ("one", "waist", "colours", "solidity_gain", "share", "solidity", "level", "size", "contrast", "aspect")

SLOPES_DEG = (-45, -30, -15, 0, 15, 30, 45)
"""From upright: what lies over another thing is its top as often as a thing of its own."""

PLACES = 24
LEAST_SHARE = 0.06
"""Lines of each slope, and the share of the region that lies on either side of the outermost."""

SNAP = 0.03
"""A line moves by up to this share of the region's width to where it is shortest."""

LIGHTNESS_STEPS, TINT_STEPS, TINT_STEP = 5, 8, 14.0
"""Cells of the histograms of CIELAB: steps of L*, and steps of a* and b* with their width."""

SMALLEST = 0.01
"""Share of the picture under which a region is not cut."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Divider:
    """What was fitted.

    Attributes:
        weights: of ``FEATURES``, for the log-odds that a line parts two things.
        least: log-odds from which it does.
    """

    weights: tuple[float, ...]
    least: float


@dataclass(frozen=True)
class Cut:
    """A line through a region.

    Attributes:
        left: (area,) bool, which of the region's pixels, in the order of its rows, lie left of it.
        features: (features,) ``FEATURES``.
    """

    left: Mask
    features: Vector

    def sides(self, region: Region) -> list[Region]:
        """What lies on either side, the larger first."""
        sides = []
        for chosen in (self.left, ~self.left):
            mask = np.zeros_like(region.mask)
            mask[region.mask] = chosen
            sides.append(region.under(mask))
        return sorted(sides, key=lambda side: -side.area)


def divided(region: Region, rgb: NDArray[np.uint8], divider: Divider) -> list[Region]:
    """The two things that a region holds, the larger first; none where it is one thing.

    Args:
        region: what stands out, on the grid.
        rgb: (h', w', 3) uint8 sRGB, the picture.
        divider: what tells.
    """
    found = list(cuts(region, rgb))
    if not found:
        return []
    odds = np.array([cut.features for cut in found]) @ np.array(divider.weights)
    return found[int(odds.argmax())].sides(region) if odds.max() >= divider.least else []


def cuts(region: Region, rgb: NDArray[np.uint8]) -> Iterator[Cut]:
    """Every line that is tried."""
    if region.share() < SMALLEST:
        return
    shape = _Shape(region, rgb)
    for degrees in SLOPES_DEG:
        yield from shape.cuts(float(np.radians(degrees)))


class _Shape:
    """A region as rows of points, with what all its lines share."""

    def __init__(self, region: Region, rgb: NDArray[np.uint8]) -> None:
        height, width = region.mask.shape
        self._region = region
        self._rows, self._columns = np.nonzero(region.mask)
        inner = cv2.erode(region.mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        rim_rows, rim_columns = np.nonzero(region.mask & ~inner)
        self._rim = np.stack([rim_columns, rim_rows], axis=1).astype(np.int32)
        self._solidity = region.area / max(_hull(self._rim), 1.0)
        # The rim's colours are mixed with the background's.
        self._inner = inner[self._rows, self._columns]
        small = np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        colours = _cells(small)
        self._colours = colours[self._rows, self._columns]

    def cuts(self, slope: float) -> Iterator[Cut]:
        """Lines of one slope, radians from upright."""
        area = self._region.area
        across = self._columns * np.cos(slope) + self._rows * np.sin(slope)
        rim_across = self._rim[:, 0] * np.cos(slope) + self._rim[:, 1] * np.sin(slope)
        low = float(across.min())
        section = np.bincount((across - low).astype(np.int64)).astype(np.float64)
        section = np.convolve(section, (0.25, 0.5, 0.25), "same")
        inwards = np.sort(across)[(np.linspace(LEAST_SHARE, 1.0 - LEAST_SHARE, PLACES) * area).astype(np.int64)] - low
        reach = max(1, round(SNAP * len(section)))
        places = {
            max(0, int(at) - reach) + int(section[max(0, int(at) - reach) : int(at) + reach + 1].argmin())
            for at in inwards
        }
        for place in sorted(places):
            left = across < low + place + 0.5
            count = int(np.count_nonzero(left))
            if min(count, area - count) >= LEAST_SHARE / 2 * area and 0 < place < len(section) - 1:
                yield self._cut(left, rim_across < low + place + 0.5, section, place)

    def _cut(self, left: Mask, rim_left: Mask, section: Vector, place: int) -> Cut:
        region = self._region
        one, other = (self._histogram(side) for side in (left, ~left))
        narrower = min(section[:place].max(), section[place + 1 :].max())
        hulls = _hull(self._rim[rim_left]) + _hull(self._rim[~rim_left])
        bottoms = [int(self._rows[side].max()) for side in (left, ~left)]
        x1, y1, x2, y2 = region.bounds
        features = (
            1.0,
            min(2.0, section[place] / max(narrower, 1.0)),
            1.0 - float(np.minimum(one, other).sum()),
            region.area / max(hulls, 1.0) - self._solidity,
            min(left.mean(), 1.0 - left.mean()),
            self._solidity,
            abs(bottoms[0] - bottoms[1]) / (y2 - y1),
            region.share() ** 0.5,
            region.contrast,
            float(np.log((x2 - x1) / (y2 - y1))),
        )
        return Cut(left, np.array(features))

    def _histogram(self, side: Mask) -> Vector:
        counts = np.bincount(self._colours[side & self._inner], minlength=LIGHTNESS_STEPS * TINT_STEPS**2)
        return np.asarray(counts / max(1, counts.sum()), np.float64)


def _cells(rgb: NDArray[np.uint8]) -> NDArray[np.int64]:
    """(h, w): the number of each pixel's cell in a histogram of CIELAB."""
    lab = cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB).astype(np.float32)
    lightness = np.minimum(lab[..., 0] / 256.0 * LIGHTNESS_STEPS, LIGHTNESS_STEPS - 1).astype(np.int64)
    tints = np.clip((lab[..., 1:] - 128.0) / TINT_STEP + TINT_STEPS / 2, 0, TINT_STEPS - 1).astype(np.int64)
    return np.asarray((lightness * TINT_STEPS + tints[..., 0]) * TINT_STEPS + tints[..., 1])


def _hull(points: NDArray[np.int32]) -> float:
    """Area of the convex hull, pixels."""
    return float(cv2.contourArea(cv2.convexHull(points))) if len(points) > 2 else 0.0
