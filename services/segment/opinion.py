"""A second opinion on a cutout: where salience alone does not tell which pixels the box means, a net that takes the box
as its prompt is asked, and the two are joined.

Salience is clear about most photos, and then nobody else is asked. It is not where what stands out runs on over the
box's border (a neighbour touches), where much of the box is half-seen, where the thing found does not fill its box
(something else in the box stood out more), or where nothing stands out at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.core.errors import ConfigurationError, InferenceFailed, Overloaded, Unavailable
from lensora.observability import logs
from services.segment.backends import PromptedBackend
from services.segment.matte import GRACE, SOLID, PixelBox
from services.segment.selection import joined

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

_log = logs.get(__name__)

CLEAR = 0.80
"""A matte this decided and whole (``cutout.fit_of`` without the box) needs no second opinion."""

EMPTY_SIDE, FULL_SIDE, LEAST_FILL = 0.12, 0.04, 0.45
"""A box that its subject leaves empty by the first share on one side and touches within the second on another was
drawn around more than was found; one left empty all around was drawn loosely, unless less than the third is filled."""

HALF_SEEN, MOST_HALF_SEEN = (0.1, 0.9), 0.09
"""Salience between the first two is undecided; beyond this share of the box the net did not know."""

SURELY_NOT = 0.03
"""Salience under this is sure background, once the thing itself was found."""

MOST_SPILL = 0.02
"""Share of the subject that its salience may have far outside of the box before a neighbour is the reason."""

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

FILLS, LEAST_KEPT = 0.70, 0.50
"""Where what salience found fills the box by the first (overlap of bounding boxes), a mask must keep the second share
of it: the ground between the wheels of a car that fills its box fills the box, too."""

MOST_OTHERS = 2
"""Neighbours that are pointed out to the net."""

LEAST_OTHER = 0.004
"""Salience outside of the box under this share of its longer side squared is no neighbour."""


@dataclass(frozen=True)
class Look:
    """What salience said.

    Attributes:
        salience: (h, w) float32, 0..1, of the crop.
        matte: (h, w) float32, 0..1, the subject; None where nothing in the box stands out.
        fit: how well the matte explains the box, 0..1.
    """

    salience: Plane
    matte: Plane | None
    fit: float


class Doubt(Enum):
    """What salience alone does not tell."""

    EDGES = "which of the half-seen pixels belong"
    EXTENT = "which thing is meant, and how far it goes"


def doubt_of(look: Look, within: PixelBox) -> Doubt | None:
    """What is unclear about a look; None where salience alone tells which pixels the box means."""
    if look.matte is None or _leaves_a_side(look.matte, within):
        return Doubt.EXTENT
    solid = look.matte > SOLID
    spilt = int(np.count_nonzero(_spilt(look, within)))
    if look.fit < CLEAR * box_fit(solid, within) or spilt > MOST_SPILL * int(np.count_nonzero(solid)):
        return Doubt.EXTENT
    low, high = HALF_SEEN
    half_seen = ((look.salience > low) & (look.salience < high))[within.outside(solid.shape) <= 0.0]
    return Doubt.EDGES if half_seen.size and float(half_seen.mean()) > MOST_HALF_SEEN else None


def _leaves_a_side(matte: Plane, within: PixelBox) -> bool:
    """True when a matte fills its box in part only."""
    solid = matte > SOLID
    if box_fit(solid, within) < LEAST_FILL:
        return True
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    wide, high = within.right - within.left, within.bottom - within.top
    gaps = (
        (float(columns[0]) - within.left) / wide,
        (within.right - float(columns[-1]) - 1.0) / wide,
        (float(rows[0]) - within.top) / high,
        (within.bottom - float(rows[-1]) - 1.0) / high,
    )
    return max(gaps) > EMPTY_SIDE and min(gaps) < FULL_SIDE


def _spilt(look: Look, within: PixelBox) -> Mask:
    """What stands out in one piece with the subject and lies clearly outside of the box: a touching neighbour."""
    solid = look.salience > SOLID
    if look.matte is None:
        return np.zeros(solid.shape, np.bool_)
    count, labels = cv2.connectedComponents(solid.astype(np.uint8), connectivity=8)
    same = np.zeros(count, bool)
    same[np.unique(labels[look.matte > SOLID])] = True
    same[0] = False
    return np.asarray(same[labels] & (within.outside(solid.shape) > GRACE * within.longer), np.bool_)


def second_opinion(
    rgb: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    box: Box,
    crop: Box,
    within: PixelBox,
    look: Look,
    doubt: Doubt,
    backend: PromptedBackend,
    timeout_s: float | None,
) -> Plane | None:
    """The matte that both nets together give, or None where the prompted one has nothing plausible to say.

    Args:
        rgb: (h, w, 3) uint8, the whole photo.
        picture: (h, w, 3) uint8, the crop at the cutout's size.
        box: the subject's own box.
        crop: the padded box.
        within: the subject's box in the picture's pixels.
        look: what salience said about the crop.
        doubt: what was unclear about it.
        backend: the prompted net.
        timeout_s: seconds after which to give up; None means no limit.

    Raises:
        DeadlineExceeded: the time is over.
    """
    if box.area > WHOLE_FRAME:
        return None
    height, width = rgb.shape[:2]
    left, top, right, bottom = box.padded(width, height, VIEW_PADDING).pixels(width, height)
    crop_left, crop_top, crop_right, crop_bottom = crop.pixels(width, height)
    scale = min(1.0, VIEW_PX / max(right - left, bottom - top))
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    view = np.asarray(cv2.resize(rgb[top:bottom, left:right], size, interpolation=cv2.INTER_AREA), np.uint8)
    # From the picture's pixels to the view's.
    across, down = (crop_right - crop_left) / picture.shape[1], (crop_bottom - crop_top) / picture.shape[0]
    to_view = np.array(
        [[across * scale, 0.0, (crop_left - left) * scale], [0.0, down * scale, (crop_top - top) * scale]]
    )
    corners = to_view @ np.array([[within.left, within.right], [within.top, within.bottom], [1.0, 1.0]])
    others = [(float(x), float(y)) for x, y in (to_view @ np.array([*point, 1.0]) for point in _others(look, within))]
    prompt = PixelBox(corners[0, 0], corners[1, 0], corners[0, 1], corners[1, 1])
    try:
        found = backend.mask(view, prompt, others, timeout_s)
    except (InferenceFailed, Unavailable, Overloaded, ConfigurationError) as error:
        _log.warning("second_opinion_failed", error=str(error))
        return None
    inside = np.asarray(
        cv2.warpAffine(
            found.inside,
            # Centres of pixels are half a pixel in.
            to_view + np.array([[0, 0, 0.5 * (across * scale - 1)], [0, 0, 0.5 * (down * scale - 1)]]),
            (picture.shape[1], picture.shape[0]),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        ),
        np.float32,
    )
    if found.confidence < LEAST_CONFIDENCE or box_fit(inside > SOLID, within) < LEAST_FIT:
        return None
    if look.matte is None and not _stands_alone(inside, picture):
        return None
    if look.matte is not None and _another_thing(inside > SOLID, look.matte > SOLID, within):
        return None
    if doubt is Doubt.EDGES or (look.matte is not None and box_fit(look.matte > SOLID, within) > FILLS):
        # The thing itself was found: what was clearly seen not to stand out is no part of it.
        inside = np.where(look.salience < SURELY_NOT, np.float32(0.0), inside)
    cell_px = max(right - left, bottom - top) / GRID_CELLS / across
    return joined(look.salience, inside, picture, within, cell_px)


def box_fit(mask: Mask, box: PixelBox) -> float:
    """IoU of a mask's bounding box with a box, 0..1."""
    if not mask.any():
        return 0.0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    across = max(0.0, min(right, box.right) - max(left, box.left))
    down = max(0.0, min(bottom, box.bottom) - max(top, box.top))
    union = (right - left) * (bottom - top) + (box.right - box.left) * (box.bottom - box.top) - across * down
    return across * down / union


def _others(look: Look, within: PixelBox) -> list[tuple[float, float]]:
    """The middles of the neighbours that touch the subject: the picture's pixels, largest first."""
    _count, labels, stats, _ = cv2.connectedComponentsWithStats(_spilt(look, within).astype(np.uint8), connectivity=8)
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
