"""The cutout: from a photo and a box to the subject alone, with soft edges and its own colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box, Point
from lensora.core.errors import EncodeFailed, SubjectNotFound
from services.segment.aim import LONGEST_SIDE_PX, Aim, Surroundings, limited
from services.segment.backends import CutoutBackend, PromptedBackend
from services.segment.clearness import clear_body
from services.segment.doubt import CLEAR, Look, box_fit, doubt_of
from services.segment.foreground import estimate_foreground
from services.segment.glass import cleared, find_body, glazed
from services.segment.marks import corrected
from services.segment.matte import SOLID, PixelBox, close_holes, isolate, settle, trim_wisps
from services.segment.opinion import second_opinion, without_strays
from services.segment.slender import box_itself, salience_of
from services.segment.strays import find_strays

Plane = NDArray[np.float32]

Check = Callable[[float, str], None]
"""Told ``(fraction, phase)`` between the phases of the work; may raise to end it."""

TimeLeft = Callable[[], float | None]
"""Seconds until the caller's deadline; None when it has none."""

CLEAR_SHARE = 0.03
"""A photo with this share of clear pixels was cut out by its maker, whose matte is better than any guess."""

WIDE_PADDING = 0.75
"""Padding of the wider view, as a share of the box's longer side: enough surroundings to tell a cup from its foam."""

GOOD_FIT = 0.70
"""A matte that explains the box this well needs no second look; tight boxes of whole things give 0.8 and more."""

WIDER_BY = 1.25
"""A wider view must show this much more than the crop to be worth a second run of the net."""

BETTER_BY = 1.15
"""The wider view is coarser: it must explain the box this much better to be taken."""

PNG_LEVEL = 1
"""zlib's quickest: a third of the time of the default for a tenth more bytes."""


@dataclass(frozen=True)
class Cutout:
    """The subject alone.

    Attributes:
        rgba: (h, w, 4) uint8, sRGB, straight alpha, the extent of the crop.
        own_alpha: True when the photo's own transparency was used instead of the net.
        confidence: how likely it is right, 0..1.
        uncertain: True when a person should look at it.
        asked_twice: True when the prompted net had a say.
    """

    rgba: NDArray[np.uint8]
    own_alpha: bool
    confidence: float
    uncertain: bool
    asked_twice: bool = False


def cut_out(
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    box: Box,
    crop: Box,
    backend: CutoutBackend,
    check: Check = lambda _fraction, _phase: None,
    time_left: TimeLeft = lambda: None,
    prompted: PromptedBackend | None = None,
    points: Sequence[Point] = (),
) -> Cutout:
    """Cut the subject of ``box`` out of a photo.

    Args:
        rgb: (h, w, 3) uint8 sRGB, upright.
        alpha: (h, w) uint8, the photo's own transparency, or None.
        box: the subject's own box.
        crop: the padded box; the cutout has this extent.
        backend: finds what stands out.
        check: told how far the work is.
        time_left: seconds until the caller's deadline, or None.
        points: what a person said of single places of the photo.
        prompted: asked where salience is not clear about the box; None means that salience decides alone.

    Raises:
        CropTooSmall: the crop is under the least side.
        SubjectNotFound: nothing in the box stands out.
    """
    aim = Aim.at(rgb, box, crop)
    picture, within = aim.picture, aim.within
    left, top, right, bottom = crop.pixels(rgb.shape[1], rgb.shape[0])
    own = None if alpha is None else limited(alpha[top:bottom, left:right])
    own_alpha = own is not None and _is_matte(own)
    asked_twice, confidence = False, 1.0
    if own is not None and own_alpha:
        check(0.3, "own-alpha")
        matte = own.astype(np.float32) / 255.0
        matte = matte * isolate(matte, picture, within)
    else:
        check(0.05, "net")
        look, missing = _seen_by_net(aim, backend, check, time_left)
        second = None if prompted is None else _asked_again(aim, look, prompted, check, time_left)
        asked_twice = second is not None
        chosen = look.matte if second is None else second
        confidence = look.fit if second is None else 0.5
        if chosen is None and any(point.keep for point in points):
            chosen = np.zeros(picture.shape[:2], np.float32)
        if chosen is None:
            chosen, confidence = box_itself(within, picture.shape[:2]), 0.0
        if chosen is None:
            raise missing or SubjectNotFound("no subject found in the box", field="box")
        matte = trim_wisps(chosen)
    if points:
        check(0.85, "points")
        matte = corrected(matte, picture, aim.marks(points))
    check(0.88, "foreground")
    if not (matte > SOLID).any():
        raise SubjectNotFound("no subject found in the box: what stands out lies outside of it", field="box")
    colours = estimate_foreground(picture, matte)
    rgba = np.dstack([colours, np.asarray(matte * 255.0 + 0.5, np.uint8)])
    body = None if own_alpha else find_body(matte, picture, within)
    if body is not None:
        rgba = glazed(rgba, body, picture)
    elif not own_alpha:
        clear = clear_body(matte, picture)
        rgba = rgba if clear is None else cleared(rgba, clear, picture)
    return Cutout(rgba, own_alpha, confidence, confidence < CLEAR, asked_twice)


def _asked_again(aim: Aim, look: Look, prompted: PromptedBackend, check: Check, time_left: TimeLeft) -> Plane | None:
    """The matte after the prompted net was asked; None where it was not, or had nothing to say."""
    doubt = doubt_of(look, aim.within)
    if doubt is not None:
        check(0.7, "net-box")
        return second_opinion(aim, look, doubt, prompted, time_left())
    strays = [] if look.matte is None else find_strays(look.matte, aim.picture)
    if look.matte is None or not strays:
        return None
    check(0.7, "net-box")
    return without_strays(aim, look.matte, strays, prompted, time_left())


def _seen_by_net(
    aim: Aim, backend: CutoutBackend, check: Check, time_left: TimeLeft
) -> tuple[Look, SubjectNotFound | None]:
    """What the net sees: of the crop, or of a wider view where the crop alone does not explain the box.

    Returns:
        The better look, and why it has no matte where it has none.
    """
    missing: SubjectNotFound | None = None
    salience = salience_of(backend, aim.picture, time_left())
    check(0.45, "matte")
    look = Look(salience, None, 0.0)
    try:
        look = _look(salience, aim)
    except SubjectNotFound as error:
        missing = error
    height, width = aim.rgb.shape[:2]
    if look.fit < GOOD_FIT and aim.box.padded(width, height, WIDE_PADDING).area > WIDER_BY * aim.crop.area:
        check(0.48, "net-wide")
        around = Surroundings.of(aim, WIDE_PADDING, LONGEST_SIDE_PX)
        try:
            other = _look(around.seen_from(aim, salience_of(backend, around.rgb, time_left())), aim)
        except SubjectNotFound as error:
            missing = missing or error
        else:
            if look.matte is None or other.fit > BETTER_BY * look.fit:
                look = other
    return look, missing


def _look(salience: Plane, aim: Aim) -> Look:
    matte = close_holes(settle(salience * isolate(salience, aim.picture, aim.within)))
    return Look(salience, matte, fit_of(matte, salience, aim.within))


def fit_of(matte: Plane, salience: Plane, box: PixelBox) -> float:
    """How well a matte explains a box, 0..1.

    The product of three: the overlap of its bounding box with the box, how decided it is, and how whole: the share that
    it keeps of the things that it was taken from. A piece of a neighbour fills a box, too, but had to be cut off.

    Args:
        matte: (h, w) float32, the isolated subject.
        salience: (h, w) float32, what it was isolated from.
        box: the chosen box, in the same pixels.
    """
    solid = matte > SOLID
    if not solid.any():
        return 0.0
    decided = float(matte[solid].sum()) / float(np.count_nonzero(matte > 0.1))
    count, labels = cv2.connectedComponents((salience > SOLID).astype(np.uint8), connectivity=8)
    taken = np.bincount(labels[solid], minlength=count)
    taken[0] = 0
    source = np.bincount(labels.ravel(), minlength=count)
    # Pieces that hold next to nothing of the matte do not count against it.
    from_these = taken > 0.02 * taken.sum()
    whole = float(taken[from_these].sum()) / max(1.0, float(source[from_these].sum()))
    return box_fit(solid, box) * decided * whole


def encode_png(rgba: NDArray[np.uint8]) -> bytes:
    """PNG bytes of an (h, w, 4) uint8 sRGB picture with straight alpha.

    Raises:
        EncodeFailed: OpenCV could not write it.
    """
    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    if not done:
        raise EncodeFailed(f"the cutout of {rgba.shape[1]}x{rgba.shape[0]} pixels could not be written as PNG")
    return bytes(data)


def _is_matte(alpha: NDArray[np.uint8]) -> bool:
    """True when a photo's transparency separates a subject from nothing, and is not a stray pixel or a full frame."""
    clear = float((alpha < 32).mean())
    solid = float((alpha > 224).mean())
    return clear >= CLEAR_SHARE and solid > 0.0
