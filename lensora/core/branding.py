"""What a brand puts on still and film: where a logo lies, and how a film ends in a colour. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lensora.core.words import Corner

LOGO_SHARE = (0.05, 0.5)
"""Least and greatest longer side of a logo, as a share of the frame's shorter side."""

USUAL_LOGO_SHARE = 0.18
"""A logo that is seen and does not compete with the product."""

EDGE = 0.05
"""Distance of a logo from each side, as a share of the frame's shorter side: the title-safe area of television."""

STORY_TOP, STORY_BOTTOM = 0.14, 0.20
"""Shares of a 9:16 frame's height that the apps in which stories are shown cover with their own buttons."""

STORY_NARROWNESS = 0.6
"""A frame that is narrower than this, width to height, is shown as a story."""

END_S = 1.0
"""Seconds of a film that its end colour takes."""

END_SHARE = 0.25
"""Most of a short film that it takes."""

END_HELD = 0.35
"""Share of that time in which the colour stands alone."""


@dataclass(frozen=True, slots=True)
class LogoPlace:
    """Where a logo lies in a frame, and how large.

    Attributes:
        corner: of the frame.
        size: its longer side, as a share of the frame's shorter side.
    """

    corner: Corner
    size: float = USUAL_LOGO_SHARE

    def __post_init__(self) -> None:
        if not LOGO_SHARE[0] <= self.size <= LOGO_SHARE[1]:
            raise ValueError(f"size must be {LOGO_SHARE[0]} to {LOGO_SHARE[1]} of the shorter side, not {self.size}")

    def box(self, logo: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right, bottom of a logo in a frame, pixels; it keeps its proportions and lies in the safe area.

        Args:
            logo: its width and height, any unit.
            frame: width and height, pixels.
        """
        width, height = frame
        scale = self.size * min(frame) / max(logo)
        across, down = max(1, round(logo[0] * scale)), max(1, round(logo[1] * scale))
        edge = round(EDGE * min(frame))
        top_edge = bottom_edge = edge
        if width < STORY_NARROWNESS * height:
            top_edge, bottom_edge = round(STORY_TOP * height), round(STORY_BOTTOM * height)
        left = edge if self.corner in (Corner.TOP_LEFT, Corner.BOTTOM_LEFT) else width - edge - across
        top = top_edge if self.corner in (Corner.TOP_LEFT, Corner.TOP_RIGHT) else height - bottom_edge - down
        return left, top, left + across, top + down


def end_share(index: int, frames: int, fps: int) -> float:
    """How much of a frame is the end colour, 0..1: rises smoothly over the film's last part and holds to its end."""
    last = min(END_S * fps, END_SHARE * frames)
    rising = last * (1.0 - END_HELD)
    share = min(1.0, max(0.0, (index + 1 - (frames - last)) / max(rising, 1.0)))
    return 0.5 - 0.5 * math.cos(math.pi * share)
