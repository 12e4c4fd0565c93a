"""What is said of a further photo, and what becomes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from services.mesh.cutout import Cutout
from services.mesh.finish.fidelity import Fidelity

MOST_PHOTOS = 5
"""Further photos of one thing."""


class Side(StrEnum):
    """A side of a thing, as one sees it who stands before its front; the main photo shows the front."""

    FRONT = "front"
    BACK = "back"
    LEFT = "left"
    RIGHT = "right"
    TOP = "top"
    DETAIL = "detail"


YAWS = {Side.FRONT: 0.0, Side.RIGHT: math.pi / 2, Side.BACK: math.pi, Side.LEFT: -math.pi / 2}
"""Radians about +y from +z towards +x by which the camera of an upright photo stands off the main photo's."""


@dataclass(frozen=True)
class FurtherPhoto:
    """A further photo of the thing; ``side``: the one it shows, None if nobody says."""

    cutout: Cutout
    side: Side | None = None


@dataclass(frozen=True)
class PhotoUse:
    """What became of a further photo.

    Attributes:
        side: the one that it was taken for; None where it could not be told.
        yaw: radians, where its camera stood, turned about the upright axis from the main photo's, towards +x.
        used: whether the model was made with it.
        fidelity: of the model, seen from this photo's own view; zeros where that is not known.
    """

    side: Side | None
    yaw: float
    used: bool
    fidelity: Fidelity


def unused(photo: FurtherPhoto) -> PhotoUse:
    """A photo that the model was made without."""
    yaw = YAWS.get(photo.side, 0.0) if photo.side is not None else 0.0
    return PhotoUse(photo.side, yaw, False, Fidelity(0.0, 0.0))


def nearest_side(yaw: float, pitch: float) -> Side:
    """The named side that a camera looked at; radians."""
    if pitch > math.radians(60.0):
        return Side.TOP
    return min(YAWS, key=lambda side: abs(math.remainder(yaw - YAWS[side], 2.0 * math.pi)))
