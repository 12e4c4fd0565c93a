"""How much of a photo is decoded for a cutout."""

from __future__ import annotations

import pytest

from lensora.core.boxes import FULL_FRAME, MIN_CROP_SIDE_PX, Box, Point
from services.segment.aim import LONGEST_SIDE_PX
from services.segment.viewing import View, points_within, within


def test_an_ordinary_photo_is_decoded_whole() -> None:
    """At a scale at which the crop has the cutout's longest side at least."""
    crop = Box(0.25, 0.25, 0.75, 0.75)
    assert View.of(4000, 3000, crop, crop) == View(2 * LONGEST_SIDE_PX, FULL_FRAME)


@pytest.mark.parametrize(
    ("size", "box"),
    [
        ((8160, 6144), Box(0.48, 0.50, 0.52, 0.55)),
        ((8160, 6144), Box(0.0, 0.0, 0.03, 0.05)),
        ((51_000, 1_020), Box(0.0, 0.1, 1.0, 0.9)),
        ((1_020, 51_000), Box(0.2, 0.0, 0.8, 1.0)),
    ],
)
def test_of_a_very_large_photo_the_part_around_the_box_is_enough(size: tuple[int, int], box: Box) -> None:
    """The part holds crop and surroundings, its crop is as long as a cutout may be or at full size, and it is small."""
    width, height = size
    crop = box.padded(width, height)
    view = View.of(width, height, box, crop)
    scale = min(1.0, view.longest_side_px / max(size))
    sides = ((view.part.x2 - view.part.x1) * width * scale, (view.part.y2 - view.part.y1) * height * scale)
    assert sides[0] * sides[1] <= 16e6
    crop_px = max((crop.x2 - crop.x1) * width, (crop.y2 - crop.y1) * height) * scale
    assert scale == 1.0 or crop_px >= LONGEST_SIDE_PX - 1
    wide = box.padded(width, height, 0.75)
    assert view.part.x1 <= wide.x1 and view.part.x2 >= wide.x2 and view.part.y1 <= wide.y1 and view.part.y2 >= wide.y2


@pytest.mark.parametrize("size", [(3_200, 64), (3_000, 100), (51_000, 1_020), (100, 3_000), (8_160, 6_144)])
@pytest.mark.parametrize(
    "box", [FULL_FRAME, Box(0.1, 0.0, 0.9, 1.0), Box(0.0, 0.05, 1.0, 0.97), Box(0.3, 0.7, 0.304, 0.71)]
)
def test_a_crop_that_is_wide_enough_in_the_photo_is_so_in_the_view(size: tuple[int, int], box: Box) -> None:
    """A strip of up to 50:1 is not called too small for the scale that it was decoded at."""
    width, height = size
    crop = box.padded(width, height)
    view = View.of(width, height, box, crop)
    scale = min(1.0, view.longest_side_px / max(size))
    seen = crop.pixels(round(width * scale), round(height * scale))
    least = min(MIN_CROP_SIDE_PX, box.crop_side_px(width, height))
    assert min(seen[2] - seen[0], seen[3] - seen[1]) >= least


def test_boxes_and_points_are_told_in_the_part() -> None:
    """A box of the photo is the same place in the part; a point outside of it says nothing."""
    frame = Box(0.5, 0.25, 1.0, 0.75)
    assert within(Box(0.5, 0.25, 0.75, 0.5), frame) == Box(0.0, 0.0, 0.5, 0.5)
    points = [Point(0.75, 0.5, True), Point(0.1, 0.5, False)]
    assert points_within(points, frame) == [Point(0.5, 0.5, True)]
