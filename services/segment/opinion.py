"""A second opinion on a cutout: where salience alone does not tell which pixels the box means (``doubt``), or a part of
the matte looks like the background (``strays``), a net that takes the box as its prompt is asked, and the two are
joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import ConfigurationError, InferenceFailed, Overloaded, Unavailable
from lensora.observability import logs
from services.segment.aim import Aim, Surroundings
from services.segment.backends import PromptedBackend, PromptedMask, PromptedView
from services.segment.doubt import Doubt, Look, box_fit, spilt
from services.segment.matte import SOLID, PixelBox
from services.segment.selection import LINE_PX, joined
from services.segment.strays import without

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Point = tuple[float, float]

_log = logs.get(__name__)

SURELY_NOT = 0.03
"""Salience under this is sure background, once the thing itself was found."""

VIEW_PADDING = 0.40
"""Surroundings that the prompted net is shown, share of the box's longer side: with the crop's 12% it takes a
neighbour's part in the box for the subject more often (of 38 overlapping pairs IoU 0.76 against 0.78), with 75% its
outline is coarser and its IoU no better."""

VIEW_PX = 1024
"""Longest side of that view: the net sees no more."""

GRID_CELLS = 256
"""Cells of the net's mask along the view's longer side."""

WHOLE_FRAME = 0.90
"""A box of this share of the photo was not drawn around a thing, and says nothing about which one is meant."""

LEAST_CONFIDENCE, LEAST_FIT = 0.70, 0.50
"""Under this expected IoU, or overlap of its bounding box with the box, the mask is a guess. Right masks of things
with a neighbour pointed out begin at 0.77, others at 0.87."""

FIRM = (0.27, 0.73)
"""A mask is stable when few pixels lie between these (the logits -1 and 1)."""

LEAST_STABILITY, LEAST_CONTRAST = 0.75, 8.0
"""What a mask must have where nothing stands out: 30 boxes on empty tables, floors, grass and noise gave masks that
reach either the share of stable pixels, or the colour step at three quarters of the outline (CIELAB), never both."""

OWN_SAY = 2.0
"""How much salience moves the mask's log-odds where only half-seen pixels are in doubt, besides what it moves anywhere
(``selection.SAY``): lattices gain (a fan 0.82 to 0.86, a telephone 0.93 to 0.95), and no scene lost 0.005. With 4.0
chairs and fans lose what the mask had found."""

FILLS, LEAST_KEPT = 0.70, 0.50
"""Where what salience found fills the box by the first (overlap of bounding boxes), a mask must keep the second share
of it: the ground between the wheels of a car that fills its box fills the box, too."""

MOST_ON, APART = 2, 1.5
"""Points of the subject that are shown to the net after it took the ground for the thing, and how far apart they are,
in radii of the widest place."""

DECIDED = 0.95
"""What the mask's yes is taken for then: salience alone cannot overrule it."""

CORRECTED = 3
"""Rounds of that question: a wheel that is half-seen at first is whole in the third. (Asked first, of 24 overlapping
things six gained more than 0.02 IoU by a second round and six lost as much.)"""

HOLDS = 0.90
"""Share of what salience found that its mask must hold then."""

MOST_ODDS, LESS_SURE = 4.0, 0.5
"""A stray goes only where the mask's log-odds are under the first (98%), and under the second share of those of the
rest. Eleven parts of things whose colour was that of the wall behind had 5.2 to 15 and 0.7 to 1.2, paper under a
keyboard 3.0 and 0.4."""

FAILURES = (InferenceFailed, Unavailable, Overloaded, ConfigurationError)
"""What the stage does without the second opinion for; a deadline that is over is not among them."""

MOST_OTHERS = 2
"""Neighbours that are pointed out to the net."""

LEAST_OTHER = 0.004
"""Salience outside of the box under this share of its longer side squared is no neighbour."""


def second_opinion(
    aim: Aim, look: Look, doubt: Doubt, backend: PromptedBackend, timeout_s: float | None
) -> Plane | None:
    """The matte that both nets together give, or None where the prompted one has nothing plausible to say.

    Args:
        aim: what is to be cut out.
        look: what salience said about the crop.
        doubt: what was unclear about it.
        backend: the prompted net.
        timeout_s: seconds after which to give up; None means no limit.

    Raises:
        DeadlineExceeded: the time is over.
    """
    asked = _ask(aim, backend, timeout_s)
    if asked is None:
        return None
    within = aim.within
    found = asked.mask(off=_others(look, within))
    if found is None or not _plausible(found, within):
        return None
    inside = found.inside
    if look.matte is None and not _stands_alone(inside, aim.picture):
        return None
    if look.matte is not None and _another_thing(inside > SOLID, look.matte > SOLID, within):
        # It took the ground for the thing: it is told what stands out, and that the ground is not meant.
        wrong = (inside > SOLID) & (look.matte < SURELY_NOT)
        found = asked.mask(on=deepest(look.matte > SOLID, MOST_ON), off=deepest(wrong, 1), rounds=CORRECTED)
        if found is None or not _plausible(found, within) or not _keeps(found.inside, look.matte):
            return None
        # Salience has missed the rest, and does not tip the scales against it.
        inside = np.where(found.inside > SOLID, np.float32(DECIDED), np.float32(1.0 - DECIDED))
    elif doubt is Doubt.EDGES:
        # The thing itself was found: the mask tips the scales only where salience wavers.
        odds = log_odds(inside) + np.float32(OWN_SAY) * (2.0 * look.salience - 1.0)
        inside = np.asarray(1.0 / (1.0 + np.exp(-odds)), np.float32)
        inside = np.where(look.salience < SURELY_NOT, np.float32(0.0), inside)
    elif look.matte is not None and box_fit(look.matte > SOLID, within) > FILLS:
        # The thing itself was found: what was clearly seen not to stand out is no part of it.
        inside = np.where(look.salience < SURELY_NOT, np.float32(0.0), inside)
    return joined(look.salience, inside, aim.picture, within, asked.cell_px)


def without_strays(
    aim: Aim, matte: Plane, strays: Sequence[Mask], backend: PromptedBackend, timeout_s: float | None
) -> Plane | None:
    """The matte without those strays that the prompted net is not sure of and can do without; None if it has none.

    Args:
        aim: what is to be cut out.
        matte: (h, w) float32, 0..1.
        strays: parts of it that look like the background (``strays.find_strays``).
        backend: the prompted net.
        timeout_s: seconds after which to give up; None means no limit.

    Raises:
        DeadlineExceeded: the time is over.
    """
    asked = _ask(aim, backend, timeout_s)
    found = None if asked is None else asked.mask()
    if asked is None or found is None or not _plausible(found, aim.within):
        return None
    solid = matte > SOLID
    sure = log_odds(found.inside)
    cleared: Plane | None = None
    for stray in strays:
        core = _core(stray)
        usual = float(np.median(sure[solid & ~stray]))
        if float(np.median(sure[core])) > min(MOST_ODDS, LESS_SURE * usual):
            continue
        other = asked.mask(off=deepest(stray, 1))
        if other is None or float(np.median(other.inside[core])) > SOLID:
            continue
        goes = (other.inside < SOLID) & stray
        kept = (other.inside > 1.0 - SOLID / 2) & (matte > SOLID)
        cleared = without(matte if cleared is None else cleared, goes, kept, aim.picture, LINE_PX)
    return cleared


@dataclass(frozen=True)
class _Asked:
    """The prompted net's view of the box's surroundings, with questions and answers in the pixels of the picture."""

    aim: Aim
    around: Surroundings
    view: PromptedView
    timeout_s: float | None

    @property
    def cell_px(self) -> float:
        """Size of a cell of the net's mask, pixels of the picture."""
        return float(max(self.around.rgb.shape[:2]) / GRID_CELLS / self.around.to_view[0, 0])

    def mask(self, on: Sequence[Point] = (), off: Sequence[Point] = (), rounds: int = 1) -> PromptedMask | None:
        """What the box means; None where the net failed."""
        box = self.aim.within
        (left, top), (right, bottom) = self.around.point(box.left, box.top), self.around.point(box.right, box.bottom)
        try:
            found = self.view.mask(
                PixelBox(left, top, right, bottom),
                [self.around.point(*point) for point in on],
                [self.around.point(*point) for point in off],
                rounds,
                self.timeout_s,
            )
        except FAILURES as error:
            _log.warning("second_opinion_failed", error=str(error))
            return None
        return PromptedMask(self.around.seen_from(self.aim, found.inside), found.confidence)


def _ask(aim: Aim, backend: PromptedBackend, timeout_s: float | None) -> _Asked | None:
    """Show the net the surroundings of the box; None where the box says nothing, or the net failed."""
    if aim.box.area > WHOLE_FRAME:
        return None
    around = Surroundings.of(aim, VIEW_PADDING, VIEW_PX)
    try:
        return _Asked(aim, around, backend.view(around.rgb, timeout_s), timeout_s)
    except FAILURES as error:
        _log.warning("second_opinion_failed", error=str(error))
        return None


def _plausible(found: PromptedMask, within: PixelBox) -> bool:
    return found.confidence >= LEAST_CONFIDENCE and box_fit(found.inside > SOLID, within) >= LEAST_FIT


def _keeps(inside: Plane, matte: Plane) -> bool:
    """True when a mask holds nearly all of what salience found."""
    solid = matte > SOLID
    return int(np.count_nonzero(solid & (inside > SOLID))) >= HOLDS * int(np.count_nonzero(solid))


def log_odds(inside: Plane) -> Plane:
    """The log-odds of probabilities, at most 8 either way."""
    bounded = np.clip(inside, np.float32(1.0 / 3000.0), np.float32(1.0 - 1.0 / 3000.0))
    return np.asarray(np.log(bounded / (1.0 - bounded)), np.float32)


def deepest(mask: Mask, count: int) -> list[Point]:
    """The middles of the widest places of a mask, widest first: at most that many, none where it is empty."""
    depth = np.asarray(cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    points: list[Point] = []
    for _ in range(count):
        y, x = np.unravel_index(int(depth.argmax()), depth.shape)
        reach = float(depth[y, x])
        if reach < 1.0:
            break
        points.append((float(x) + 0.5, float(y) + 0.5))
        cv2.circle(depth, (int(x), int(y)), round(APART * reach), 0.0, -1)
    return points


def _core(mask: Mask) -> Mask:
    """The inner half of a mask."""
    depth = np.asarray(cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    return np.asarray(depth > 0.5 * float(depth.max()), np.bool_)


def _others(look: Look, within: PixelBox) -> list[Point]:
    """The middles of the neighbours that touch the subject: the picture's pixels, largest first."""
    _count, labels, stats, _ = cv2.connectedComponentsWithStats(spilt(look, within).astype(np.uint8), connectivity=8)
    points = []
    for label in 1 + np.argsort(-stats[1:, cv2.CC_STAT_AREA])[:MOST_OTHERS]:
        if stats[label, cv2.CC_STAT_AREA] >= LEAST_OTHER * within.longer**2:
            depth = cv2.distanceTransform((labels == label).astype(np.uint8), cv2.DIST_L2, 5)
            y, x = np.unravel_index(int(depth.argmax()), depth.shape)
            points.append((float(x) + 0.5, float(y) + 0.5))
    return points


def _another_thing(mask: Mask, solid: Mask, within: PixelBox) -> bool:
    """True when salience found what fills the box, and a mask leaves most of it out: the table around a toy."""
    inside = solid & (within.outside(solid.shape) <= 0.0)
    kept = int(np.count_nonzero(mask & inside)) / max(1, int(np.count_nonzero(inside)))
    return box_fit(solid, within) > FILLS and kept < LEAST_KEPT


def _stands_alone(inside: Plane, picture: NDArray[np.uint8]) -> bool:
    """True when a mask is a thing by its own evidence: stable, and parted from its surroundings by colour."""
    low, high = FIRM
    stability = int(np.count_nonzero(inside > high)) / max(1, int(np.count_nonzero(inside > low)))
    return stability >= LEAST_STABILITY and contrast(inside > SOLID, picture) >= LEAST_CONTRAST


def contrast(mask: Mask, picture: NDArray[np.uint8]) -> float:
    """The colour step across a mask's outline that three quarters of it reach, CIELAB as OpenCV scales it to bytes."""
    scale = min(1.0, 256 / max(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    small = np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_AREA), np.uint8)
    reduced = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(reduced, cv2.COLOR_RGB2LAB), np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    shrunk = np.asarray(cv2.erode(small, disc), np.uint8)
    grown = np.asarray(cv2.dilate(small, disc), np.uint8)
    outline = (small > 0) & (cv2.erode(small, np.ones((3, 3), np.uint8), borderValue=1) == 0)
    if not outline.any():
        return 0.0
    step = _mean_near(lab, np.asarray(small - shrunk, np.uint8)) - _mean_near(lab, np.asarray(grown - small, np.uint8))
    return float(np.percentile(np.linalg.norm(step, axis=2)[outline], 25))


def _mean_near(lab: Plane, where: NDArray[np.uint8]) -> Plane:
    """(h, w, 3): the mean colour of the marked pixels around each pixel."""
    weight = where.astype(np.float32)
    total = np.asarray(cv2.blur(lab * weight[..., None], (15, 15)), np.float32)
    share = np.maximum(np.asarray(cv2.blur(weight, (15, 15)), np.float32), np.float32(1e-3))
    return np.asarray(total / share[..., None], np.float32)
