"""Candidates for a cutout: several mattes of one crop, of which the judge picks one.

The plain one is what the net says of everything that stands out in the crop. The wider one is what a second look, with
more of the photo around the box, makes of it: a cup is seen there of which the crop saw the foam. Where both show the
same, their mean has the better outline.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import SubjectNotFound
from services.segment.matte import PixelBox, isolate

Plane = NDArray[np.float32]

WIDER = "wider"
"""Name of the candidate that a second look gives."""


@dataclass(frozen=True)
class Candidate:
    """A matte, and the way that it was made.

    Attributes:
        name: ``plain``, ``wider``, ``averaged`` or ``prompted``.
        matte: (h, w) float32, 0..1.
    """

    name: str
    matte: Plane


def wider(seen: Plane, rgb: NDArray[np.uint8], within: PixelBox) -> Candidate | None:
    """What of a wider view belongs to the box; None where nothing does.

    Args:
        seen: (h, w) float32, 0..1: what stands out in the wider view, at the crop's pixels.
        rgb: (h, w, 3) uint8 sRGB, the crop.
        within: the chosen box in it.
    """
    try:
        return Candidate(WIDER, np.asarray(seen * isolate(seen, rgb, within), np.float32))
    except SubjectNotFound:
        return None


def averaged(one: Candidate, other: Candidate) -> Candidate:
    """The mean of two looks at the same thing: what each of them gets wrong along the outline differs."""
    return Candidate("averaged", np.asarray(np.float32(0.5) * (one.matte + other.matte), np.float32))
