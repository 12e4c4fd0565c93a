"""The judge of a cutout's candidates: one scorer, fitted on made scenes with true mattes (``quality.cutouts``).

It foretells by how much each candidate is better than the plain one, from what can be measured without the truth. The
plain one wins unless another is clearly better; how much better is fitted, too. A second scorer foretells how likely
the chosen matte is right, which is its confidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.candidates import Candidate
from services.segment.matte import GRACE, SOLID, PixelBox, box_fit

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]

SIDE_PX = 320
"""Longest side at which candidates are measured."""

GAIN_FEATURES = (
    "one",
    "undecided",
    "fine",
    "added",
    "added_seen",
    "removed",
    "removed_seen",
    "removed_outside",
    "fit",
    "contrast",
    "clearer",
    "agrees",
    "is_coloured",
    "is_wide",
    "is_wider",
)
EDGE_FEATURES = ("one", "undecided", "fine", "moved", "grown", "contrast", "disputed")
OTHERS = ("plain", "meant", "coloured", "wide", "wider", "edged")
"""Candidates whose distance from the chosen one tells how sure it is."""

RIVALS = ("meant", "coloured", "wide", "wider")
"""Candidates that may take the plain one's place."""

SURE_FEATURES = (
    "one",
    "undecided",
    "fit",
    "spill",
    "contrast",
    *(f"apart_{name}" for name in OTHERS),
    "fine",
    "pieces",
    "left_out",
    "on_border",
    "outline",
)


@dataclass(frozen=True)
class Judgement:
    """What was fitted.

    Attributes:
        gain: weight of each of ``GAIN_FEATURES``.
        margins: for each of ``RIVALS``, the foretold gain, in IoU, from which it is taken.
        edge: weight of each of ``EDGE_FEATURES``: foretold gain of the refined edge.
        edge_margin: foretold gain, in IoU, from which the refined edge is taken.
        sure: weight of each of ``SURE_FEATURES``; the log-odds that the cutout's IoU reaches 0.95.
        doubt: confidence under which a person should look.
        look_again: confidence of the plain candidate under which a second look is worth its time.
    """

    gain: tuple[float, ...]
    margins: tuple[float, ...]
    edge: tuple[float, ...]
    edge_margin: float
    sure: tuple[float, ...]
    doubt: float
    look_again: float

    def margin(self, name: str) -> float:
        """Of a candidate; one that nothing was fitted for needs as much as the most doubtful."""
        return dict(zip(RIVALS, self.margins, strict=True)).get(name, max(self.margins))


@dataclass(frozen=True)
class Measured:
    """A candidate on the judge's grid: (h, w) float32 matte, (h, w) bool where it is solid."""

    matte: Plane
    solid: Mask


class Bench:
    """One crop's candidates before the judge."""

    def __init__(self, rgb: NDArray[np.uint8], within: PixelBox, plain: Plane) -> None:
        """
        Args:
            rgb: (h, w, 3) uint8 sRGB, the crop.
            within: the chosen box in it.
            plain: (h, w) float32, the plain candidate.
        """
        height, width = plain.shape
        scale = min(1.0, SIDE_PX / max(height, width))
        self._size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._within = within.scaled(self._size[0] / width, self._size[1] / height)
        self._outside = self._within.outside((self._size[1], self._size[0])) > GRACE * self._within.longer
        reduced = cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255.0)
        lab = np.asarray(cv2.cvtColor(reduced, cv2.COLOR_RGB2LAB), np.float32)
        across, down = cv2.Sobel(lab, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(lab, cv2.CV_32F, 0, 1, scale=1 / 8)
        self._edges = np.sqrt((across**2 + down**2).sum(axis=2))
        self._fine = float(np.log2(max(height, width) / 512.0))
        self.plain = self.measure(plain)

    def measure(self, matte: Plane) -> Measured:
        """A matte on the judge's grid."""
        small = np.asarray(cv2.resize(matte, self._size, interpolation=cv2.INTER_AREA), np.float32)
        return Measured(small, small > SOLID)

    def contrast(self, solid: Mask) -> float:
        """Mean colour step along an outline, in tens of CIELAB."""
        outline = _outline(solid)
        return float(np.minimum(self._edges[outline], 20.0).mean()) / 10.0 if outline.any() else 0.0

    def undecided(self, found: Measured) -> float:
        """Half-seen pixels for each solid one, 0..1."""
        half = int(np.count_nonzero((found.matte > 0.1) & (found.matte < 0.9)))
        return min(1.0, half / max(1, int(np.count_nonzero(found.solid))))

    def gain_features(self, found: Sequence[Candidate]) -> Vector:
        """(n - 1, features): ``GAIN_FEATURES`` of all candidates but the plain one, which is the first."""
        all_ = [self.plain, *(self.measure(each.matte) for each in found[1:])]
        apart = np.array([[1.0 - _iou(one.solid, other.solid) for other in all_] for one in all_])
        far = apart.sum(axis=1) / max(1, len(all_) - 1)
        rows = [
            self._gain(candidate, other, far[0] - away)
            for candidate, other, away in zip(found[1:], all_[1:], far[1:], strict=True)
        ]
        return np.array(rows).reshape(-1, len(GAIN_FEATURES))

    def _gain(self, candidate: Candidate, other: Measured, agrees: float) -> Vector:
        plain = self.plain
        area = max(1, int(np.count_nonzero(plain.solid)))
        added, removed = other.solid & ~plain.solid, plain.solid & ~other.solid
        more, less = min(1.0, np.count_nonzero(added) / area), np.count_nonzero(removed) / area
        seen = plain.matte
        undecided = self.undecided(plain)
        return np.array(
            [
                1.0,
                undecided,
                self._fine,
                more,
                more * float(seen[added].mean()) if added.any() else 0.0,
                less,
                less * float(seen[removed].mean()) if removed.any() else 0.0,
                np.count_nonzero(removed & self._outside) / area,
                box_fit(other.solid, self._within) - box_fit(plain.solid, self._within),
                self.contrast(other.solid) - self.contrast(plain.solid),
                undecided - self.undecided(other),
                agrees,
                *(float(candidate.name == name) for name in ("coloured", "wide", "wider")),
            ]
        )

    def edge_features(self, before: Plane, after: Plane, others: Sequence[Candidate]) -> Vector:
        """``EDGE_FEATURES`` of a matte before and after its edge was refined, with all candidates beside it."""
        old, new = self.measure(before), self.measure(after)
        area = max(1, int(np.count_nonzero(old.solid)))
        disputed = [1.0 - _iou(old.solid, self.measure(each.matte).solid) for each in others]
        return np.array(
            [
                1.0,
                self.undecided(old),
                self._fine,
                1.0 - _iou(old.solid, new.solid),
                float(np.clip((np.count_nonzero(new.solid) - np.count_nonzero(old.solid)) / area, -1.0, 1.0)),
                self.contrast(new.solid) - self.contrast(old.solid),
                float(max(disputed, default=0.0)),
            ]
        )

    def sure_features(self, matte: Plane, others: Sequence[Candidate]) -> Vector:
        """``SURE_FEATURES`` of a matte, with all candidates beside it."""
        found = self.measure(matte)
        solid = found.solid
        area = max(1, int(np.count_nonzero(solid)))
        count, _labels, stats, _ = cv2.connectedComponentsWithStats(solid.astype(np.uint8), connectivity=8)
        pieces = int((stats[1:count, cv2.CC_STAT_AREA] > 0.01 * area).sum())
        apart = {each.name: 1.0 - _iou(solid, self.measure(each.matte).solid) for each in others}
        border = np.concatenate([solid[0], solid[-1], solid[:, 0], solid[:, -1]])
        return np.array(
            [
                1.0,
                np.sqrt(self.undecided(found)),
                box_fit(solid, self._within),
                min(1.0, np.count_nonzero(solid & self._outside) / area),
                self.contrast(solid),
                *(np.sqrt(apart.get(name, 0.0)) for name in OTHERS),
                self._fine,
                float(min(4, max(0, pieces - 1))),
                min(1.0, float(np.count_nonzero((self.plain.matte > 0.1) & ~solid)) / area),
                float(np.count_nonzero(border)) / np.sqrt(area),
                float(np.count_nonzero(_outline(solid))) / area,
            ]
        )


def pick(bench: Bench, found: Sequence[Candidate], judgement: Judgement) -> Candidate:
    """The candidate that is clearly better than the plain one, or the plain one, which is the first."""
    gains = bench.gain_features(found) @ np.array(judgement.gain)
    clear = [
        (float(gain), place)
        for place, (gain, each) in enumerate(zip(gains, found[1:], strict=True), start=1)
        if gain > judgement.margin(each.name)
    ]
    return found[max(clear)[1]] if clear else found[0]


def takes_edge(bench: Bench, before: Plane, after: Plane, others: Sequence[Candidate], judgement: Judgement) -> bool:
    """True where a refined edge is clearly better than the net's own."""
    return float(bench.edge_features(before, after, others) @ np.array(judgement.edge)) > judgement.edge_margin


def confidence(bench: Bench, matte: Plane, others: Sequence[Candidate], judgement: Judgement) -> float:
    """How likely a matte is right, 0..1."""
    odds = float(bench.sure_features(matte, others) @ np.array(judgement.sure))
    return float(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


def _outline(solid: Mask) -> Mask:
    return np.asarray(solid & (cv2.erode(solid.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) == 0))


def _iou(one: Mask, other: Mask) -> float:
    either = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / either if either else 1.0
