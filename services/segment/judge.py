"""The judge of a cutout's candidates, fitted on made scenes with true mattes (``quality.cutouts``).

Eight measures that need no truth say how likely a matte is right, which is the cutout's confidence. By how much they
differ from the plain candidate's foretells how much better another is. The plain one wins unless another is clearly
better; how much better is fitted, too. Where two looks show the same thing, their mean errs less than either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.imaging.background import unlike
from services.segment.candidates import WIDER, Candidate, averaged
from services.segment.matte import SOLID, PixelBox, box_fit

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Vector = NDArray[np.float64]

SIDE_PX = 320
"""Longest side at which candidates are measured."""

FEATURES = ("one", "undecided", "fit", "fine", "unexplained", "half_seen", "gap", "over")


@dataclass(frozen=True)
class Judgement:
    """What was fitted.

    Attributes:
        weights: of ``FEATURES``; the log-odds that the cutout's IoU reaches 0.95.
        lead: of what a candidate's ``FEATURES`` differ by from the plain one's: its foretold gain of IoU.
        margin: foretold gain over which it takes the plain one's place.
        doubt: confidence under which a person should look.
        look_again: confidence of the plain candidate under which a second look is worth its time.
        look_large: the same for a large crop, whose outline gains by a second look.
        apart: share of the plain matte in which two looks may differ by more than an outline, and their mean is taken.
        rise: what colours add to a doubted look is taken where confidence rises by more than this.
    """

    weights: tuple[float, ...]
    lead: tuple[float, ...]
    margin: float
    doubt: float
    look_again: float
    look_large: float
    apart: float
    rise: float

    def enough(self, shape: tuple[int, ...]) -> float:
        """The confidence from which a crop of this shape, (h, w, ...), needs no second look."""
        return self.look_again if max(shape[:2]) <= RULES.small_px else self.look_large


@dataclass(frozen=True)
class BenchRules:
    """What is measured of a matte.

    Attributes:
        small_px: longest side of a small crop.
        undecided: salience between these is neither.
        background: salience under which a pixel outside of the box is background.
        away: outside of the box by this share of its longer side, a pixel says what the background looks like.
        beside_px: pixels of the grid beside the matte that say nothing of what it left out: they are its edge.
        outline_px: width on the grid up to which two mattes differ in their outline alone.
    """

    small_px: int = 768
    undecided: tuple[float, float] = (0.1, 0.9)
    background: float = 0.3
    away: float = 0.02
    beside_px: int = 2
    outline_px: int = 2


RULES = BenchRules()


class Bench:
    """One crop's candidates before the judge."""

    def __init__(self, rgb: NDArray[np.uint8], within: PixelBox, plain: Plane, rules: BenchRules = RULES) -> None:
        """
        Args:
            rgb: (h, w, 3) uint8 sRGB, the crop.
            within: the chosen box in it.
            plain: (h, w) float32, the plain candidate.
            rules: what is measured.
        """
        height, width = plain.shape
        scale = min(1.0, SIDE_PX / max(height, width))
        self._rules = rules
        self._size = (max(1, round(width * scale)), max(1, round(height * scale)))
        self._within = within.scaled(self._size[0] / width, self._size[1] / height)
        away = self._within.outside((self._size[1], self._size[0])) / np.float32(self._within.longer)
        self._inside = away <= 0.0
        reduced = np.asarray(cv2.resize(rgb, self._size, interpolation=cv2.INTER_AREA), np.uint8)
        self._fine = float(np.log2(max(height, width) / 512.0))
        self._unlike = unlike(reduced, (away > rules.away) & (self._reduced(plain) < rules.background))

    def features(self, matte: Plane) -> Vector:
        """``FEATURES`` of a matte.

        Unexplained is what of the box was left out although it looks unlike the background around; half seen, the
        salience there. A gap is how far the matte ends before a side of the box; over, how far beyond.
        """
        found = self._reduced(matte)
        solid = found > SOLID
        area = max(1, int(np.count_nonzero(solid)))
        low, high = self._rules.undecided
        undecided = np.count_nonzero((found > low) & (found < high)) / area
        side = 2 * self._rules.beside_px + 1
        left_out = self._inside & (cv2.dilate(solid.astype(np.uint8), np.ones((side, side), np.uint8)) == 0)
        gap, over = _reach(solid, self._within)
        return np.array(
            [
                1.0,
                np.sqrt(min(1.0, undecided)),
                box_fit(solid, self._within),
                self._fine,
                np.sqrt(min(1.0, np.count_nonzero(left_out & self._unlike) / area)),
                np.sqrt(min(1.0, float(found[left_out].sum()) / area)),
                np.sqrt(gap),
                np.sqrt(over),
            ]
        )

    def apart(self, one: Plane, other: Plane) -> float:
        """How much two mattes differ by more than an outline, a share of the first one."""
        solid, again = self._reduced(one) > SOLID, self._reduced(other) > SOLID
        side = self._rules.outline_px + 1
        differing = cv2.erode((solid != again).astype(np.uint8), np.ones((side, side), np.uint8))
        return int(np.count_nonzero(differing)) / max(1, int(np.count_nonzero(solid)))

    def _reduced(self, matte: Plane) -> Plane:
        """A matte on the judge's grid."""
        return np.asarray(cv2.resize(matte, self._size, interpolation=cv2.INTER_AREA), np.float32)


def pick(bench: Bench, found: Sequence[Candidate], judgement: Judgement) -> Candidate:
    """The candidate that is clearly better than the plain one, which is the first, or else the plain one.

    A second look that shows the same thing is averaged with the plain one.
    """
    if len(found) == 1:
        return found[0]
    plain = bench.features(found[0].matte)
    gains = [float((bench.features(each.matte) - plain) @ np.array(judgement.lead)) for each in found[1:]]
    best = int(np.argmax(gains))
    if gains[best] > judgement.margin:
        return found[1 + best]
    again = next((each for each in found[1:] if each.name == WIDER), None)
    if again is None or bench.apart(found[0].matte, again.matte) > judgement.apart:
        return found[0]
    return averaged(found[0], again)


def confidence(bench: Bench, matte: Plane, judgement: Judgement) -> float:
    """How likely a matte is right, 0..1."""
    odds = float(bench.features(matte) @ np.array(judgement.weights))
    return float(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


def _reach(solid: Mask, box: PixelBox) -> tuple[float, float]:
    """How far a mask ends before the box's sides and beyond them, where it is most, shares of the longer side."""
    if not solid.any():
        return 0.5, 0.0
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    short = (columns[0] - box.left, rows[0] - box.top, box.right - columns[-1] - 1, box.bottom - rows[-1] - 1)
    gaps = np.clip(np.array(short) / box.longer, -1.0, 1.0)
    return max(0.0, float(gaps.max())), max(0.0, float(-gaps.min()))
