"""How large a subject stands in the frame, and where: one convention for the still scene and the film.

What is as tall as wide, or taller, fills two thirds of the frame and stands low in it. What is flat would look small
and lost there: it is shown larger, and stands a little higher, as a photographer would move the camera. What is seen
from above lies in the middle of the frame, with surface all around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.viewpoint import Viewpoint

BASE_LINE = 0.86
"""Height of the lowest point of a subject that is as tall as wide, as a share of the frame from the top."""

FILL = 0.66
"""Share of the frame that its larger extent fills."""

FLAT_FILL, FLAT_RISE = 0.08, 0.06
"""How much more of the frame a subject fills, and how much higher it stands, the flatter it is: these for one without
any height. More than 0.74 leaves no room for the shadow, more rise no ground between a flat subject and the surface's
edge, which lies at 0.5 to 0.62 of the height."""


NARROW_FILL, LOW_FILL = 0.75, 0.74
"""Most of a frame's width, and of its height, that a subject fills where the frame is not square; in a square neither
limits anything."""

NARROW_RISE = 0.35
"""How much higher a subject stands in a narrow frame, for each share of the square that is cut off at its sides: in
9:16 its foot lies at 0.71, below every surface's edge."""

LEVEL_PITCH = math.atan((0.5 - 0.36) / 1.9)
"""The scene's camera where the photo's is not known, radians down at the subject's middle: it sees the foot from 15
degrees above, the usual view of a product on a table."""

PITCH_RANGE = (math.radians(2.0), math.radians(68.0))
"""A scene is seen from between these: lower, no ground shows; higher, everything is a plan."""

BELIEVED = math.radians(12.0)
"""Doubt in the photo's pitch at which the scene goes half of the way from the usual view to it."""

BORDER = 0.10
"""Share of the frame over which a shadow that no plate carries on fades out before the border."""

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


USUAL_ROLL, LEAST_ROLL = math.radians(2.0), math.radians(1.0)
"""How much photos are turned as a rule, and the least turn that is worth taking back. Chosen on 230 pictures:
12 come nearer to upright by a degree or more, one farther off."""


def straightening(viewpoint: Viewpoint | None) -> float:
    """Radians by which to turn a cutout clockwise, so that it stands upright; 0 where its photo's roll is small or
    hardly known."""
    if viewpoint is None:
        return 0.0
    turn = viewpoint.roll / (1.0 + (viewpoint.roll_doubt / USUAL_ROLL) ** 2)
    return turn if abs(turn) >= LEAST_ROLL else 0.0


def from_above(pitch: float) -> float:
    """0 for a subject that is seen from its side, 1 for one that is looked down upon; smooth between."""
    share = min(1.0, max(0.0, (pitch - FROM_ABOVE[0]) / (FROM_ABOVE[1] - FROM_ABOVE[0])))
    return share * share * (3.0 - 2.0 * share)


@dataclass(frozen=True, slots=True)
class FrameShape:
    """What is seen of the square that is staged: its middle, as shares of the square's sides. The longer side is 1."""

    width: float = 1.0
    height: float = 1.0

    @classmethod
    def of(cls, width: int, height: int) -> FrameShape:
        """The shape of a frame of so many pixels."""
        longest = max(width, height)
        return cls(width / longest, height / longest)

    @property
    def left(self) -> float:
        """Where it begins, share of the square; it ends as far from the other side."""
        return 0.5 - 0.5 * self.width

    @property
    def top(self) -> float:
        """Likewise, from above."""
        return 0.5 - 0.5 * self.height

    def box(self, size: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in a square of ``size`` pixels; the sides are even."""
        width, height = 2 * round(self.width * size / 2), 2 * round(self.height * size / 2)
        left, top = (size - width) // 2, (size - height) // 2
        return left, top, left + width, top + height


SQUARE = FrameShape()


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a subject stands.

    Attributes:
        fill: share of the frame that its larger extent fills.
        base_line: height of its lowest point, share of the frame from the top.
    """

    fill: float
    base_line: float


def staged(width: float, height: float, pitch: float = LEVEL_PITCH, shape: FrameShape = SQUARE) -> Staging:
    """The staging of a subject.

    Args:
        width: that it is seen with, any unit, over 0.
        height: likewise.
        pitch: radians that the camera looks down on it.
        shape: of the frame; the subject lies within it whole. In a low frame it stands nearer to the middle, in a
            narrow one higher up, since there is more ground below than it needs.
    """
    flat = 1.0 - min(1.0, height / width)
    fill = FILL + FLAT_FILL * flat
    across, down = min(1.0, width / height), min(1.0, height / width)
    fill = min(fill, NARROW_FILL * shape.width / across, LOW_FILL * shape.height / down)
    tall = fill * down
    low = 0.5 + (BASE_LINE - FLAT_RISE * flat - 0.5) * shape.height - NARROW_RISE * (1.0 - shape.width)
    above = from_above(pitch)
    return Staging(fill, low + above * (0.5 + (MIDDLE - 0.5) * shape.height + 0.5 * tall - low))


def border_fade(width: int, height: int, seen: tuple[int, int, int, int]) -> NDArray[np.float64]:
    """(height, width) shares of a shadow on a clean plate, or on none: 1 inside, falling smoothly to 0 before the
    border, over ``BORDER`` of each side. The picture lies on a page, which would show a straight edge.

    Args:
        width: of the frame, pixels.
        height: of the frame, pixels.
        seen: left, top, right, bottom of what is seen of it, pixels.
    """
    left, top, right, bottom = seen

    def ramp(length: int, start: int, end: int) -> NDArray[np.float64]:
        place = np.arange(length) + 0.5
        near = np.clip(np.minimum(place - start, end - place) / (BORDER * (end - start)) - 0.25, 0.0, 1.0)
        return np.asarray(near * near * (3.0 - 2.0 * near))

    return np.minimum.outer(ramp(height, top, bottom), ramp(width, left, right))
