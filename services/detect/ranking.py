"""Which of the things that were found a person may want: how surely each is one thing, and how much it is meant.

How sure is a logistic regression on what was measured of the thing (``python -m quality.detection`` fits it on made
scenes); what is less sure than the fitted least is not proposed. How much it is meant is its size and its place: large
things near the middle come first, and a whole thing before one that the frame cuts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from services.detect.completeness import cut_by_frame
from services.detect.fusion import Thing
from services.detect.preflight import outline_contrast
from services.detect.regions import Mask, contrast_in

Vector = NDArray[np.float64]

FEATURES = (
    "one",
    "contrast",
    "mean",
    "first_contrast",
    "first_mean",
    "size",
    "small",
    "fill",
    "slender",
    "cut",
    "on_border",
    "window_cut",
    "outline",
    "sighted",
    "sighting",
    "no_region",
    "part",
    "within_other",
    "holds_other",
    "solidity",
    "undecided",
    "halo",
)


@dataclass(frozen=True)
class RankRules:
    """How much a thing is meant.

    Attributes:
        large: share of the picture from which size makes no difference.
        fill: share of its box that a thing fills where its outline is not known.
        part: factor for a part that is proposed beside its whole.
        cut: factor for a thing that the frame cuts: a whole one is meant rather.
    """

    large: float = 0.15
    fill: float = 0.7
    part: float = 0.7
    cut: float = 0.6


@dataclass(frozen=True)
class Ranking:
    """What was fitted.

    Attributes:
        weights: of ``FEATURES``, for the log-odds that a thing is one.
        least: chance under which it is not proposed.
    """

    weights: tuple[float, ...]
    least: float

    def chances(self, features: Vector) -> Vector:
        """(n,) 0..1 of (n, features)."""
        odds = np.clip(features @ np.array(self.weights), -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float64)


@dataclass(frozen=True)
class Found:
    """A thing that was found, with its whole box.

    Attributes:
        thing: as the cues show it.
        box: of all of it: with what is see-through, and with what stands out beyond the thing's own.
        faint: (h, w) bool on the grid, its see-through part; None where there is none.
        features: (features,) ``FEATURES``.
    """

    thing: Thing
    box: Box
    faint: Mask | None
    features: Vector

    def chance(self, ranking: Ranking) -> float:
        """How surely it is one thing, 0..1."""
        return float(ranking.chances(self.features[None])[0])


def proposed(found: Sequence[Found], ranking: Ranking) -> list[Found]:
    """Those that are sure enough, the likeliest to be meant first."""
    sure = [each for each in found if each.chance(ranking) >= ranking.least]
    return sorted(sure, key=lambda each: each.chance(ranking) * meant(each.thing), reverse=True)


RULES = RankRules()


def features_of(things: Sequence[Thing], first: NDArray[np.float32], rgb: NDArray[np.uint8]) -> Vector:
    """(n, features): ``FEATURES`` of each thing.

    Args:
        things: all that were found in a picture.
        first: (h, w) float32 in 0..1, the map of the whole picture on the grid.
        rgb: (h', w', 3) uint8 sRGB, the picture.
    """
    everything = np.ones(first.shape, np.bool_)
    rows = []
    for thing in things:
        box, region = thing.box, thing.region
        others = [other.box for other in things if other is not thing]
        across, down = box.x2 - box.x1, box.y2 - box.y1
        share = region.share() if region is not None else RULES.fill * box.area
        sighting = 0.0 if thing.sighting is None else thing.sighting.score
        rows.append(
            [
                1.0,
                0.0 if region is None else region.contrast,
                0.0 if region is None else region.mean,
                0.0 if region is None else contrast_in(region, first, everything),
                0.0 if region is None else float(first[region.mask].mean()),
                math.sqrt(share),
                max(0.0, 0.1 - math.sqrt(share)) * 10,
                share / max(1e-6, box.area),
                abs(math.log(max(1e-3, across * rgb.shape[1]) / max(1e-3, down * rgb.shape[0]))),
                float(cut_by_frame(box)),
                0.0 if region is None else _on_border(region.mask),
                0.0 if region is None else region.cut,
                0.0 if region is None else min(1.0, outline_contrast(rgb, region) / 30.0),
                float(thing.sighting is not None),
                sighting,
                float(region is None),
                float(thing.part),
                max((_inside(box, other) for other in others), default=0.0),
                max((_inside(other, box) for other in others), default=0.0),
                0.0 if region is None else _solidity(region.mask),
                *_undecided(first, box),
            ]
        )
    return np.array(rows, np.float64).reshape(-1, len(FEATURES))


def meant(thing: Thing, rules: RankRules = RULES) -> float:
    """How likely a person means this thing rather than another one of the photo, 0..1: its size and its place."""
    box = thing.box
    share = thing.region.share() if thing.region else rules.fill * box.area
    size = min(1.0, math.sqrt(share / rules.large))
    off_centre = math.hypot((box.x1 + box.x2) / 2 - 0.5, (box.y1 + box.y2) / 2 - 0.5)
    whole = (rules.part if thing.part else 1.0) * (rules.cut if cut_by_frame(box) else 1.0)
    return whole * (0.4 + 0.6 * size) * (1 - 0.5 * min(1.0, off_centre))


def _on_border(mask: Mask) -> float:
    """Share of a region's circumference that lies on the picture's border, about."""
    border = sum(int(np.count_nonzero(line)) for line in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    return min(1.0, border / (4.0 * math.sqrt(max(1, int(np.count_nonzero(mask))))))


def _solidity(mask: Mask) -> float:
    """Share of a region's convex hull that it fills."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    hull = cv2.contourArea(cv2.convexHull(np.concatenate(outlines)))
    return float(min(1.0, np.count_nonzero(mask) / max(1.0, hull)))


def _undecided(first: NDArray[np.float32], box: Box) -> tuple[float, float]:
    """Half-seen pixels of a box for each solid one, and the share of faint ones among all of the box, 0..1."""
    left, top, right, bottom = box.pixels(first.shape[1], first.shape[0])
    window = first[top:bottom, left:right]
    half = int(np.count_nonzero((window > 0.1) & (window < 0.9)))
    faint = int(np.count_nonzero((window > 0.03) & (window < 0.5)))
    return min(1.0, half / max(1, int(np.count_nonzero(window >= 0.5)))), faint / max(1, window.size)


def _inside(box: Box, other: Box) -> float:
    """Share of a box that another covers."""
    iou = box.iou(other)
    return iou * (box.area + other.area) / (1 + iou) / box.area
