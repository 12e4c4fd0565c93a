"""The cutout: from a photo and a box to the subject alone, with soft edges and its own colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.rechecked import content_with_quick
from lensora.core.boxes import Box, Point
from lensora.core.colours import WHITE
from lensora.core.errors import EncodeFailed, SubjectNotFound
from lensora.imaging.photo import laid_over
from lensora.imaging.transparency import is_matte
from lensora.rpc.call import UNWATCHED, Call
from services.segment.aim import LOOK_AGAIN, Aim, Surroundings, limited
from services.segment.backends import CutoutBackend, PromptedBackend
from services.segment.candidates import Candidate, wider
from services.segment.edges import refined
from services.segment.fitted import EDGE_NET, JUDGEMENT
from services.segment.foreground import estimate_foreground, run_on
from services.segment.glass import find_body, glazed
from services.segment.grabcut import completed
from services.segment.judge import Bench, confidence, pick
from services.segment.marks import corrected
from services.segment.matte import SOLID, firmed, isolate, stands_out, with_soft_ends
from services.segment.prompted import prompted_candidate
from services.segment.slender import box_itself, salience_of

Plane = NDArray[np.float32]

PNG_WAY = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_AVG)
"""zlib's quickest, and one filter, not the best of five: a quarter of the default's time for a tenth more bytes."""


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
    call: Call = UNWATCHED,
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
        call: told how far the work is, and asked how long it may take.
        points: what a person said of single places of the photo.
        prompted: a net that takes box and points as its prompt, or None.

    Raises:
        CropTooSmall: the crop is under the least side.
        SubjectNotFound: nothing in the box stands out.
    """
    left, top, right, bottom = crop.pixels(rgb.shape[1], rgb.shape[0])
    own = None
    if alpha is not None:
        seen = alpha[top:bottom, left:right]
        own = limited(seen)
        if is_matte(own):
            rgb = rgb.copy()
            rgb[top:bottom, left:right] = run_on(rgb[top:bottom, left:right], seen)
        else:
            # What nobody can see is no subject: as the photo was shown and its things were found, over white.
            rgb, own = laid_over(rgb, alpha, WHITE), None
    aim = Aim.at(rgb, box, crop)
    picture, within = aim.picture, aim.within
    if own is not None:
        call.report("own-alpha", 0.3)
        matte = own.astype(np.float32) / 255.0
        alone = with_soft_ends(matte * isolate(matte, picture, within), matte)
        verdict = Verdict(alone, 1.0, own_alpha=True)
    else:
        verdict = _judged(aim, backend, prompted, points, call)
    matte = verdict.matte
    if points:
        call.report("points", 0.85)
        matte = corrected(matte, picture, aim.marks(points))
    call.report("foreground", 0.88)
    if not (matte > SOLID).any():
        whole = box_itself(within, picture.shape[:2])
        verdict = verdict if whole is None else Verdict(whole, 0.0)
        matte = matte if whole is None else whole
    if not (matte > SOLID).any():
        raise SubjectNotFound(
            "no subject found in the box: nothing in it stands out from the background; choose another box, or set "
            "points to keep",
            field="box",
        )
    colours = estimate_foreground(picture, matte)
    call.check()
    rgba = np.dstack([colours, np.asarray(matte * 255.0 + 0.5, np.uint8)])
    body = None if verdict.own_alpha else find_body(matte, picture, within)
    call.check()
    if body is not None:
        rgba = glazed(rgba, body, picture)
    uncertain = verdict.confidence < JUDGEMENT.doubt
    return Cutout(rgba, verdict.own_alpha, verdict.confidence, uncertain, verdict.asked_twice)


@dataclass(frozen=True)
class Verdict:
    """The matte that was chosen, with how likely it is right."""

    matte: Plane
    confidence: float
    own_alpha: bool = False
    asked_twice: bool = False


def _judged(
    aim: Aim,
    backend: CutoutBackend,
    prompted: PromptedBackend | None,
    points: Sequence[Point],
    call: Call,
) -> Verdict:
    """The best candidate: that of one look, that of a second one where it is worth its time, or their mean."""
    picture, within = aim.picture, aim.within
    call.report("net", 0.05)
    salience = salience_of(backend, picture, call.time_left_s())
    call.report("judge", 0.45)
    if not stands_out(salience, within):
        # What stands out lies outside of the box: nothing of it is meant.
        asked = None if prompted is None else prompted_candidate(aim, salience, points, prompted, call.time_left_s())
        if asked is None:
            return Verdict(np.zeros_like(salience), 0.0)
        return Verdict(asked.matte, asked.confidence, asked_twice=True)
    found = [Candidate("plain", salience)]
    bench = Bench(picture, within, salience)
    sure = confidence(bench, salience, JUDGEMENT)
    height, width = aim.rgb.shape[:2]
    more = aim.box.padded(width, height, LOOK_AGAIN.padding).area > LOOK_AGAIN.least_more * aim.crop.area
    if sure < JUDGEMENT.enough(picture.shape) and more:
        call.report("net-wide", 0.5)
        around = Surroundings.of(aim, LOOK_AGAIN.padding, LOOK_AGAIN.longest_px)
        # It is one opinion of two: in float32 as well, a cutout would take two seconds more, and be no better.
        with content_with_quick():
            seen = around.seen_from(aim, salience_of(backend, around.rgb, call.time_left_s()))
        call.report("judge", 0.75)
        again = wider(seen, picture, within)
        found += [again] if again is not None else []
    asked = None
    if prompted is not None and (sure < JUDGEMENT.look_again or points):
        call.report("net-box", 0.78)
        asked = prompted_candidate(aim, salience, points, prompted, call.time_left_s())
    if asked is not None and points:
        # A person pointed at it: what the net makes of that is taken as it is.
        return Verdict(asked.matte, asked.confidence, asked_twice=True)
    if asked is not None:
        found.append(Candidate("prompted", asked.matte))
    look = pick(bench, found, JUDGEMENT)
    call.check()
    chosen = completed(bench, look, salience, picture, within, JUDGEMENT) if asked is None else look
    call.report("edge", 0.8)
    matte = refined(chosen.matte, picture, EDGE_NET)
    # A person shall look at what colours have changed: they can be wrong in ways that the judge has not seen.
    trust = confidence(bench, matte if chosen is look else look.matte, JUDGEMENT)
    return Verdict(firmed(matte), trust, asked_twice=chosen.name == "prompted")


def encode_png(rgba: NDArray[np.uint8]) -> bytes:
    """PNG bytes of an (h, w, 4) uint8 sRGB picture with straight alpha.

    Raises:
        EncodeFailed: OpenCV could not write it.
    """
    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), PNG_WAY)
    if not done:
        raise EncodeFailed(f"the cutout of {rgba.shape[1]}x{rgba.shape[0]} pixels could not be written as PNG")
    return bytes(data)
