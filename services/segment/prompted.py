"""The candidate of a net that takes the box and a person's points as its prompt; an installation has to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Point
from lensora.core.errors import ConfigurationError, InferenceFailed, Overloaded, Unavailable
from lensora.observability import logs
from services.segment.aim import Aim, Surroundings
from services.segment.backends import PromptedBackend
from services.segment.matte import SOLID, PixelBox, box_fit
from services.segment.selection import joined

Plane = NDArray[np.float32]

_log = logs.get(__name__)

FAILURES = (InferenceFailed, Unavailable, Overloaded, ConfigurationError)
"""What the stage does without this candidate for; a deadline that is over is not among them."""


@dataclass(frozen=True)
class PromptRules:
    """How the net is asked.

    Attributes:
        padding: surroundings that it is shown, share of the box's longer side.
        view_px: longest side of that view: the net sees no more.
        cells: of its mask along the view's longer side.
        whole_frame: a box of this share of the photo was not drawn around a thing.
        least_confidence: expected IoU under which its mask is a guess.
        least_fit: likewise, overlap of its mask's bounds with the box.
    """

    padding: float = 0.40
    view_px: int = 1024
    cells: int = 256
    whole_frame: float = 0.90
    least_confidence: float = 0.70
    least_fit: float = 0.50


RULES = PromptRules()


@dataclass(frozen=True)
class Prompted:
    """Its matte, (h, w) float32, and the IoU that it expects."""

    matte: Plane
    confidence: float


def prompted_candidate(
    aim: Aim,
    salience: Plane,
    points: Sequence[Point],
    backend: PromptedBackend,
    timeout_s: float | None,
    rules: PromptRules = RULES,
) -> Prompted | None:
    """What the net takes for the thing in the box; None where it has nothing plausible to say.

    Args:
        aim: what is to be cut out.
        salience: (h, w) float32, 0..1: it lends its edges.
        points: what a person said of single places.
        backend: the net.
        timeout_s: seconds after which to give up; None means no limit.
        rules: how the net is asked.

    Raises:
        DeadlineExceeded: the time is over.
    """
    if aim.box.area > rules.whole_frame and not points:
        return None
    around = Surroundings.of(aim, rules.padding, rules.view_px)
    box, marks = aim.within, aim.marks(points)
    (left, top), (right, bottom) = around.point(box.left, box.top), around.point(box.right, box.bottom)
    try:
        mask = backend.view(around.rgb, timeout_s).mask(
            PixelBox(left, top, right, bottom),
            [around.point(mark.x, mark.y) for mark in marks if mark.keep],
            [around.point(mark.x, mark.y) for mark in marks if not mark.keep],
            timeout_s=timeout_s,
        )
    except FAILURES as error:
        _log.warning("prompted_failed", error=str(error))
        return None
    inside = around.seen_from(aim, mask.inside)
    if mask.confidence < rules.least_confidence or box_fit(inside > SOLID, box) < rules.least_fit:
        return None
    cell_px = float(max(around.rgb.shape[:2]) / rules.cells / around.to_view[0, 0])
    matte = joined(salience, inside, aim.picture, box, cell_px)
    return Prompted(matte, min(1.0, mask.confidence)) if (matte > SOLID).any() else None
