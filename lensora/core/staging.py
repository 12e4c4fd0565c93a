"""How large a subject stands in the frame, and where: one convention for the still scene and the film.

What is as tall as wide, or taller, fills two thirds of the frame and stands low in it. What is flat would look small
and lost there: it is shown larger, and stands a little higher, as a photographer would move the camera. What is seen
from above lies in the middle of the frame, with surface all around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensora.core.viewpoint import Viewpoint

BASE_LINE = 0.86
"""Height of the lowest point of a subject that is as tall as wide, as a share of the frame from the top."""

FILL = 0.66
"""Share of the frame that its larger extent fills."""

FLAT_FILL, FLAT_RISE = 0.08, 0.06
"""How much more of the frame a subject fills, and how much higher it stands, the flatter it is: these for one without
any height. More than 0.74 leaves no room for the shadow, more rise no ground between a flat subject and the surface's
edge, which lies at 0.5 to 0.62 of the height."""


LEVEL_PITCH = math.atan((0.5 - 0.36) / 1.9)
"""The scene's camera where the photo's is not known, radians down at the subject's middle: it sees the foot from 15
degrees above, the usual view of a product on a table."""

PITCH_RANGE = (math.radians(2.0), math.radians(68.0))
"""A scene is seen from between these: lower, no ground shows; higher, everything is a plan."""

BELIEVED = math.radians(12.0)
"""Doubt in the photo's pitch at which the scene goes half of the way from the usual view to it."""

FROM_ABOVE = (math.radians(18.0), math.radians(48.0))
"""Pitches between which the subject moves from low in the frame to its middle."""

MIDDLE = 0.53
"""Height of the middle of a subject that is seen from above: a little under the frame's own."""


def scene_pitch(viewpoint: Viewpoint | None) -> float:
    """Radians that the scene's camera looks down on the subject of a photo: as the photo's did, as far as that is
    known."""
    if viewpoint is None:
        return LEVEL_PITCH
    belief = 1.0 / (1.0 + (viewpoint.pitch_doubt / BELIEVED) ** 4)
    return min(PITCH_RANGE[1], max(PITCH_RANGE[0], LEVEL_PITCH + belief * (viewpoint.pitch - LEVEL_PITCH)))


def from_above(pitch: float) -> float:
    """0 for a subject that is seen from its side, 1 for one that is looked down upon; smooth between."""
    share = min(1.0, max(0.0, (pitch - FROM_ABOVE[0]) / (FROM_ABOVE[1] - FROM_ABOVE[0])))
    return share * share * (3.0 - 2.0 * share)


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a subject stands.

    Attributes:
        fill: share of the frame that its larger extent fills.
        base_line: height of its lowest point, share of the frame from the top.
    """

    fill: float
    base_line: float


def staged(width: float, height: float, pitch: float = LEVEL_PITCH) -> Staging:
    """The staging of a subject.

    Args:
        width: that it is seen with, any unit, over 0.
        height: likewise.
        pitch: radians that the camera looks down on it.
    """
    flat = 1.0 - min(1.0, height / width)
    fill = FILL + FLAT_FILL * flat
    tall = fill * min(1.0, height / width)
    low = BASE_LINE - FLAT_RISE * flat
    above = from_above(pitch)
    return Staging(fill, low + above * (MIDDLE + 0.5 * tall - low))
