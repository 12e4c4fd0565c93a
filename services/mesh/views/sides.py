"""What is said of a further photo, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensora.core.words import ViewOmission, ViewSide
from services.mesh.cutout import Cutout
from services.mesh.finish.fidelity import Fidelity
from services.mesh.views.cameras import ABOVE

YAWS = {ViewSide.FRONT: 0.0, ViewSide.RIGHT: math.pi / 2, ViewSide.BACK: math.pi, ViewSide.LEFT: -math.pi / 2}
"""Radians about +y from +z towards +x by which the camera of an upright photo stands off the main photo's."""


@dataclass(frozen=True)
class Filmed:
    """A picture of a film of the thing turning.

    Attributes:
        share: of the film's whole turn that lies before it, 0..1, as its pictures move.
        direction: which way the film turns, -1..1: positive where the camera goes round towards +x, near 0 where its
            pictures do not tell.
    """

    share: float
    direction: float


@dataclass(frozen=True)
class FurtherPhoto:
    """A further photo of the thing.

    Attributes:
        cutout: of the thing in it.
        side: the one it shows; None if nobody says.
        filmed: where it is in a film of the thing turning; None for a photo. All that have it are of one film.
    """

    cutout: Cutout
    side: ViewSide | None = None
    filmed: Filmed | None = None


@dataclass(frozen=True)
class PhotoUse:
    """What became of a further photo.

    Attributes:
        side: the one that it was taken for; None where it could not be told.
        yaw: radians, where its camera stood, turned about the upright axis from the main photo's, towards +x.
        used: whether the model was made with it.
        fidelity: of the model, seen from this photo's own view; None where that was not measured.
        omission: why it was not used; None where it was, and for a
            picture of a film that is not needed beside the others.
    """

    side: ViewSide | None
    yaw: float
    used: bool
    fidelity: Fidelity | None
    omission: ViewOmission | None = None


def unused(photo: FurtherPhoto, omission: ViewOmission | None) -> PhotoUse:
    """A photo that the model was made without."""
    yaw = YAWS.get(photo.side, 0.0) if photo.side is not None else 0.0
    return PhotoUse(photo.side, yaw, False, None, omission)


def nearest_side(yaw: float, pitch: float) -> ViewSide:
    """The named side that a camera looked at; radians."""
    if pitch > ABOVE:
        return ViewSide.TOP
    return min(YAWS, key=lambda side: abs(math.remainder(yaw - YAWS[side], 2.0 * math.pi)))
