"""How large a subject stands in the frame, and where: one convention for the still scene and the film.

What is as tall as wide, or taller, fills two thirds of the frame and stands low in it. What is flat would look small
and lost there: it is shown larger, and stands a little higher, as a photographer would move the camera.
"""

from __future__ import annotations

from dataclasses import dataclass

BASE_LINE = 0.86
"""Height of the lowest point of a subject that is as tall as wide, as a share of the frame from the top."""

FILL = 0.66
"""Share of the frame that its larger extent fills."""

FLAT_FILL, FLAT_RISE = 0.08, 0.06
"""How much more of the frame a subject fills, and how much higher it stands, the flatter it is: these for one without
any height. More than 0.74 leaves no room for the shadow, more rise no ground between a flat subject and the surface's
edge, which lies at 0.5 to 0.62 of the height."""


@dataclass(frozen=True, slots=True)
class Staging:
    """Where a subject stands.

    Attributes:
        fill: share of the frame that its larger extent fills.
        base_line: height of its lowest point, share of the frame from the top.
    """

    fill: float
    base_line: float


def staged(width: float, height: float) -> Staging:
    """The staging of a subject that is seen this wide and tall, in any unit, both over 0."""
    flat = 1.0 - min(1.0, height / width)
    return Staging(FILL + FLAT_FILL * flat, BASE_LINE - FLAT_RISE * flat)
