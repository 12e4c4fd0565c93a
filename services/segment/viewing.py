"""How much of a photo a cutout needs, and how large: for a small thing in a very large photo, a part is enough."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lensora.core.boxes import FULL_FRAME, MIN_CROP_SIDE_PX, Box, Point
from services.segment.aim import LONGEST_SIDE_PX


@dataclass(frozen=True)
class ViewRules:
    """When a part is enough.

    Attributes:
        whole_pixels: up to so many pixels the whole photo is decoded, at a scale at which its crop is surely large
            enough: 48 MB.
        padding: of the box, share of its longer side, where a part is decoded: more than any look at the surroundings
            takes (``aim.SecondLook``, ``prompted.PromptRules``).
    """

    whole_pixels: int = 16_000_000
    padding: float = 1.0


RULES = ViewRules()


@dataclass(frozen=True)
class View:
    """What to decode of a photo.

    Attributes:
        longest_side_px: of the whole photo, at the scale of the view.
        part: of the upright photo.
    """

    longest_side_px: int
    part: Box

    @staticmethod
    def of(width: int, height: int, box: Box, crop: Box, rules: ViewRules = RULES) -> View:
        """The view that a cutout needs.

        Args:
            width: of the upright photo, pixels.
            height: of the upright photo, pixels.
            box: the subject's own box.
            crop: the padded box.
            rules: when a part is enough.
        """
        longest = max(width, height)
        left, top, right, bottom = crop.pixels(width, height)
        # A strip that is long enough may be too thin: it keeps the least side that it has in the photo.
        least = min(longest, math.ceil((MIN_CROP_SIDE_PX + 1) * longest / min(right - left, bottom - top)))
        side = max(least, math.ceil(LONGEST_SIDE_PX / min(crop.x2 - crop.x1, crop.y2 - crop.y1)))
        if width * height * min(1.0, side / longest) ** 2 <= rules.whole_pixels:
            return View(side, FULL_FRAME)
        crop_px = max((crop.x2 - crop.x1) * width, (crop.y2 - crop.y1) * height)
        around = box.padded(width, height, rules.padding)
        part = Box(min(around.x1, crop.x1), min(around.y1, crop.y1), max(around.x2, crop.x2), max(around.y2, crop.y2))
        return View(max(least, math.ceil(longest * min(1.0, LONGEST_SIDE_PX / crop_px))), part)


def within(box: Box, frame: Box) -> Box:
    """A box of the photo as fractions of a part of it that holds the box."""
    width, height = frame.x2 - frame.x1, frame.y2 - frame.y1
    return Box(
        max(0.0, (box.x1 - frame.x1) / width),
        max(0.0, (box.y1 - frame.y1) / height),
        min(1.0, (box.x2 - frame.x1) / width),
        min(1.0, (box.y2 - frame.y1) / height),
    )


def points_within(points: Sequence[Point], frame: Box) -> list[Point]:
    """Points of the photo as fractions of a part of it; those outside say nothing of what is in it."""
    width, height = frame.x2 - frame.x1, frame.y2 - frame.y1
    inside = [point for point in points if frame.x1 <= point.x <= frame.x2 and frame.y1 <= point.y <= frame.y2]
    return [
        Point(
            min(1.0, max(0.0, (point.x - frame.x1) / width)),
            min(1.0, max(0.0, (point.y - frame.y1) / height)),
            point.keep,
        )
        for point in inside
    ]
