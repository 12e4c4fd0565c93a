"""Boxes in an image, as fractions of the upright picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

CROP_PADDING = 0.12
"""Each side of a chosen box grows by this share of the box's longer side, so that the subject has air around it."""

POINT_AIR = 0.02
"""A box that grows to a point goes this share of the image's side beyond it."""

MIN_CROP_SIDE_PX = 64
"""A padded crop under this on a side holds too little to cut out and to model."""


@dataclass(frozen=True, slots=True)
class Box:
    """``x1 < x2``, ``y1 < y2``, fractions of the upright image in 0..1, origin top left."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not (0.0 <= self.x1 < self.x2 <= 1.0 and 0.0 <= self.y1 < self.y2 <= 1.0):
            raise ValueError(
                f"box must have 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1, not {(self.x1, self.y1, self.x2, self.y2)}"
            )

    @property
    def area(self) -> float:
        """Share of the image that the box covers, 0..1."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0..1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        overlap = max(0.0, width) * max(0.0, height)
        return overlap / (self.area + other.area - overlap)

    def padded(self, width_px: int, height_px: int, padding: float = CROP_PADDING) -> Box:
        """The box grown by ``padding`` of its longer side (in pixels) on every side, kept inside the image.

        Args:
            width_px: the image's width, pixels.
            height_px: the image's height, pixels.
            padding: share of the longer side, >= 0.
        """
        longer_px = max((self.x2 - self.x1) * width_px, (self.y2 - self.y1) * height_px)
        dx, dy = padding * longer_px / width_px, padding * longer_px / height_px
        return Box(max(0.0, self.x1 - dx), max(0.0, self.y1 - dy), min(1.0, self.x2 + dx), min(1.0, self.y2 + dy))

    def around(self, points: Iterable[Point]) -> Box:
        """The box grown so that every point to keep lies in it, with a little air."""
        kept = [point for point in points if point.keep]
        if all(self.x1 <= point.x <= self.x2 and self.y1 <= point.y <= self.y2 for point in kept):
            return self
        across, down = [point.x for point in kept], [point.y for point in kept]
        return Box(
            max(0.0, min(self.x1, min(across) - POINT_AIR)),
            max(0.0, min(self.y1, min(down) - POINT_AIR)),
            min(1.0, max(self.x2, max(across) + POINT_AIR)),
            min(1.0, max(self.y2, max(down) + POINT_AIR)),
        )

    def pixels(self, width_px: int, height_px: int) -> tuple[int, int, int, int]:
        """``(left, top, right, bottom)`` in whole pixels, right and bottom exclusive, at least one pixel each way."""
        left = min(int(self.x1 * width_px), width_px - 1)
        top = min(int(self.y1 * height_px), height_px - 1)
        right = min(width_px, max(left + 1, round(self.x2 * width_px)))
        bottom = min(height_px, max(top + 1, round(self.y2 * height_px)))
        return left, top, right, bottom

    def crop_side_px(self, width_px: int, height_px: int) -> int:
        """The shorter side, in whole pixels, of the padded crop that is cut out when this box is chosen."""
        left, top, right, bottom = self.padded(width_px, height_px).pixels(width_px, height_px)
        return min(right - left, bottom - top)


@dataclass(frozen=True, slots=True)
class Point:
    """What a person says of one place of a photo: fractions of the upright image; ``keep`` where it belongs."""

    x: float
    y: float
    keep: bool

    def __post_init__(self) -> None:
        if not (0.0 <= self.x <= 1.0 and 0.0 <= self.y <= 1.0):
            raise ValueError(f"a point must have 0 <= x <= 1 and 0 <= y <= 1, not {(self.x, self.y)}")


MAX_POINTS = 32
"""Most points that one cutout takes: the public page's."""

FULL_FRAME = Box(0.0, 0.0, 1.0, 1.0)
FULL_FRAME_LABEL = "entire image (no crop)"


class Category(StrEnum):
    """The public words for what kind of thing an object is."""

    PRODUCT = "product"
    VEHICLE = "vehicle"
    ANIMAL = "animal"
    PERSON = "person"
    PLANT = "plant"
    FOOD = "food"
    FURNITURE = "furniture"
    BUILDING = "building"
    OBJECT = "object"
    FULL_FRAME = "full_frame"


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing that the user can pick.

    Attributes:
        label: plain words, such as ``coffee mug``.
        category: one of the words of ``Category``.
        box: where it is.
        score: 0..1, higher is better; proposals are listed best first.
    """

    label: str
    category: str
    box: Box
    score: float


@dataclass(frozen=True, slots=True)
class SuggestedAction:
    """A problem of the photo that the user can act on.

    Attributes:
        code: stable, such as ``subject_cropped``.
        message: one sentence for a person.
    """

    code: str
    message: str


CUTOUT_UNCERTAIN = SuggestedAction(
    "cutout_uncertain",
    "It is not clear which pixels belong to the subject; look at the cutout and correct it with a box or points.",
)
"""Said of a cutout that may well be wrong, and of a photo whose first object's would be."""
