"""The cutout: from a photo and a box to the subject alone, with soft edges and its own colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import MIN_CROP_SIDE_PX, Box
from lensora.core.errors import CropTooSmall, EncodeFailed, SubjectNotFound
from services.segment.backends import CutoutBackend, PromptedBackend
from services.segment.foreground import estimate_foreground
from services.segment.glass import find_body, glazed
from services.segment.matte import SOLID, PixelBox, close_holes, isolate, settle, trim_wisps
from services.segment.opinion import Look, box_fit, doubt_of, second_opinion

Check = Callable[[float, str], None]
"""Told ``(fraction, phase)`` between the phases of the work; may raise to end it."""

TimeLeft = Callable[[], float | None]
"""Seconds until the caller's deadline; None when it has none."""

LONGEST_SIDE_PX = 1536
"""Longest side of a cutout: half as fine again as the net sees, and 4K film shows the subject at 1,425 pixels."""

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
        asked_twice: True when the prompted net had a say.
    """

    rgba: NDArray[np.uint8]
    own_alpha: bool
    asked_twice: bool = False


def decode_side(crop: Box) -> int:
    """Longest side in pixels at which a photo should be decoded, so that its crop has ``LONGEST_SIDE_PX`` at least."""
    return int(np.ceil(LONGEST_SIDE_PX / min(crop.x2 - crop.x1, crop.y2 - crop.y1)))


def cut_out(
    rgb: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    box: Box,
    crop: Box,
    backend: CutoutBackend,
    check: Check = lambda _fraction, _phase: None,
    time_left: TimeLeft = lambda: None,
    prompted: PromptedBackend | None = None,
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
        prompted: asked where salience is not clear about the box; None means that salience decides alone.

    Raises:
        CropTooSmall: the crop is under the least side.
        SubjectNotFound: nothing in the box stands out.
    """
    height, width = rgb.shape[:2]
    left, top, right, bottom = crop.pixels(width, height)
    if min(right - left, bottom - top) < MIN_CROP_SIDE_PX:
        raise CropTooSmall(
            f"crop must be at least {MIN_CROP_SIDE_PX} pixels on each side, not {right - left}x{bottom - top}",
            field="crop",
        )
    picture = _limited(rgb[top:bottom, left:right])
    size = (picture.shape[1], picture.shape[0])
    within = PixelBox(
        box.x1 * width - left, box.y1 * height - top, box.x2 * width - left, box.y2 * height - top
    ).scaled(size[0] / (right - left), size[1] / (bottom - top))
    own = None if alpha is None else _limited(alpha[top:bottom, left:right])
    own_alpha = own is not None and _is_matte(own)
    asked_twice = False
    if own is not None and own_alpha:
        check(0.3, "own-alpha")
        matte = own.astype(np.float32) / 255.0
        matte = matte * isolate(matte, picture, within)
    else:
        check(0.05, "net")
        look, missing = _seen_by_net(rgb, picture, box, crop, within, backend, check, time_left)
        second, doubt = None, doubt_of(look, within)
        if prompted is not None and doubt is not None:
            check(0.7, "net-box")
            second = second_opinion(rgb, picture, box, crop, within, look, doubt, prompted, time_left())
            asked_twice = second is not None
        chosen = look.matte if second is None else second
        if chosen is None:
            raise missing or SubjectNotFound("no subject found in the box", field="box")
        matte = trim_wisps(chosen)
    check(0.88, "foreground")
    if not (matte > SOLID).any():
        raise SubjectNotFound("no subject found in the box: what stands out lies outside of it", field="box")
    colours = estimate_foreground(picture, matte)
    rgba = np.dstack([colours, np.asarray(matte * 255.0 + 0.5, np.uint8)])
    body = None if own_alpha else find_body(matte, picture, within)
    if body is not None:
        rgba = glazed(rgba, body, picture)
    return Cutout(rgba=rgba, own_alpha=own_alpha, asked_twice=asked_twice)


def _seen_by_net(
    rgb: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    box: Box,
    crop: Box,
    within: PixelBox,
    backend: CutoutBackend,
    check: Check,
    time_left: TimeLeft,
) -> tuple[Look, SubjectNotFound | None]:
    """What the net sees: of the crop, or of a wider view where the crop alone does not explain the box.

    Returns:
        The better look, and why it has no matte where it has none.
    """
    missing: SubjectNotFound | None = None
    salience = backend.salience(picture, time_left())
    check(0.45, "matte")
    look = Look(salience, None, 0.0)
    try:
        look = _look(salience, picture, within)
    except SubjectNotFound as error:
        missing = error
    height, width = rgb.shape[:2]
    wide = box.padded(width, height, WIDE_PADDING)
    if look.fit < GOOD_FIT and wide.area > WIDER_BY * crop.area:
        check(0.48, "net-wide")
        around = _salience_around(rgb, picture, wide, crop, backend, time_left())
        try:
            other = _look(around, picture, within)
        except SubjectNotFound as error:
            missing = missing or error
        else:
            if look.matte is None or other.fit > BETTER_BY * look.fit:
                look = other
    return look, missing


def _look(salience: NDArray[np.float32], picture: NDArray[np.uint8], within: PixelBox) -> Look:
    matte = _matte(salience, picture, within)
    return Look(salience, matte, fit_of(matte, salience, within))


def _matte(salience: NDArray[np.float32], picture: NDArray[np.uint8], within: PixelBox) -> NDArray[np.float32]:
    return close_holes(settle(salience * isolate(salience, picture, within)))


def _salience_around(
    rgb: NDArray[np.uint8],
    picture: NDArray[np.uint8],
    wide: Box,
    crop: Box,
    backend: CutoutBackend,
    timeout_s: float | None,
) -> NDArray[np.float32]:
    """Salience of the crop as seen within a wider view, at the crop's size."""
    height, width = rgb.shape[:2]
    left, top, right, bottom = wide.pixels(width, height)
    view = _limited(rgb[top:bottom, left:right])
    seen = backend.salience(view, timeout_s)
    scale_x, scale_y = view.shape[1] / (right - left), view.shape[0] / (bottom - top)
    crop_left, crop_top, crop_right, crop_bottom = crop.pixels(width, height)
    x0, x1 = int((crop_left - left) * scale_x), max(1, round((crop_right - left) * scale_x))
    y0, y1 = int((crop_top - top) * scale_y), max(1, round((crop_bottom - top) * scale_y))
    part = seen[y0 : max(y0 + 1, y1), x0 : max(x0 + 1, x1)]
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.float32)


def fit_of(matte: NDArray[np.float32], salience: NDArray[np.float32], box: PixelBox) -> float:
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


def _limited(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of at most ``LONGEST_SIDE_PX``; a photo is never scaled up."""
    longest = max(picture.shape[:2])
    if longest <= LONGEST_SIDE_PX:
        return np.ascontiguousarray(picture)
    scale = LONGEST_SIDE_PX / longest
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _is_matte(alpha: NDArray[np.uint8]) -> bool:
    """True when a photo's transparency separates a subject from nothing, and is not a stray pixel or a full frame."""
    clear = float((alpha < 32).mean())
    solid = float((alpha > 224).mean())
    return clear >= CLEAR_SHARE and solid > 0.0
