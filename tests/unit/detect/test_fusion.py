"""Fusion: what saliency outlines and what detectors know make one list."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lensora.core.boxes import FULL_FRAME, Box, Category
from services.detect.fusion import Thing, fuse
from services.detect.objects import ObjectClass, Sighting
from services.detect.regions import Region
from services.detect.search import Doubtful

SIZE = (240, 320)

CUP = ObjectClass("cup", Category.PRODUCT, False, frozenset())
BOTTLE = ObjectClass("bottle", Category.PRODUCT, False, frozenset())
TABLE = ObjectClass("table", Category.FURNITURE, True, frozenset())


def region(*boxes: Box, contrast: float = 0.95) -> Region:
    """A region that fills boxes."""
    mask = np.zeros(SIZE, np.uint8)
    for box in boxes:
        left, top, right, bottom = box.pixels(SIZE[1], SIZE[0])
        cv2.rectangle(mask, (left, top), (right - 1, bottom - 1), 1, -1)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    bounds = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return Region(mask.astype(np.bool_), bounds, int(mask.sum()), 0.97, contrast, 0.0)


def sighting(box: Box, score: float = 0.9, kind: ObjectClass = CUP, window: Box = FULL_FRAME) -> Sighting:
    """A sighting."""
    return Sighting(box, score, kind, window)


def labels(things: list[Thing]) -> list[str]:
    """What the things were sighted as, left to right."""
    return [t.sighting.kind.label if t.sighting else "-" for t in sorted(things, key=lambda t: (t.box.x1, t.box.y1))]


LEFT, RIGHT = Box(0.2, 0.4, 0.45, 0.9), Box(0.45, 0.3, 0.7, 0.9)
"""Two things that touch."""


def test_a_region_alone_stays_as_it_is() -> None:
    """Without detectors nothing changes."""
    alone = region(LEFT)
    assert fuse([alone], [], []) == [Thing(alone.box(), alone, None, 0.95)]


def test_a_sighting_about_a_region_names_it_and_leaves_its_box() -> None:
    """The region's box is the tighter one."""
    (thing,) = fuse([region(LEFT)], [], [sighting(Box(0.18, 0.36, 0.46, 0.93))])
    assert thing.box.iou(LEFT) > 0.97
    assert labels([thing]) == ["cup"]


def test_things_that_touch_are_told_apart_by_two_sightings() -> None:
    """One region and two sightings in it make two things; their outer sides are the region's."""
    found = fuse(
        [region(LEFT, RIGHT)],
        [],
        [sighting(Box(0.22, 0.42, 0.45, 0.88)), sighting(Box(0.45, 0.32, 0.68, 0.88), 0.7, BOTTLE)],
    )
    assert labels(found) == ["cup", "bottle"]
    first, second = sorted(found, key=lambda thing: thing.box.x1)
    assert first.box.iou(LEFT) > 0.9 and second.box.iou(RIGHT) > 0.9
    assert first.region is not None and first.region.box().x2 <= 0.46


def test_a_guess_does_not_tell_a_thing_apart() -> None:
    """A drill of which one end is surely a cup, and the rest perhaps a camera, stays one thing with a part."""
    drill = region(LEFT, RIGHT)
    found = fuse([drill], [], [sighting(LEFT, 0.8), sighting(RIGHT, 0.45, BOTTLE)])
    whole, end = sorted(found, key=lambda thing: -thing.box.area)
    assert (whole.box, whole.part) == (drill.box(), False)
    assert end.part and end.box.iou(LEFT) > 0.9


def test_what_stands_beside_a_sighting_is_a_thing_too() -> None:
    """One of two that touch is known: what is left of the region is the other."""
    found = fuse([region(LEFT, RIGHT)], [], [sighting(LEFT)])
    assert labels(found) == ["cup", "-"]
    assert max(thing.box.iou(RIGHT) for thing in found) > 0.9


@pytest.mark.parametrize(
    ("whole", "part"),
    [
        ((Box(0.3, 0.2, 0.5, 0.55), Box(0.32, 0.55, 0.48, 0.9)), Box(0.32, 0.55, 0.48, 0.9)),
        ((Box(0.2, 0.3, 0.6, 0.9),), Box(0.3, 0.3, 0.5, 0.7)),
    ],
    ids=["plant in its pot", "cup on its saucer"],
)
def test_a_part_above_below_or_within_leaves_the_whole(whole: tuple[Box, ...], part: Box) -> None:
    """The whole is proposed, and the part beside it, marked as one."""
    together = region(*whole)
    found = fuse([together], [], [sighting(part)])
    assert [thing.part for thing in sorted(found, key=lambda thing: -thing.box.area)] == [False, True]
    assert max(thing.box.iou(together.box()) for thing in found) > 0.97
    unsure = fuse([together], [], [sighting(part, 0.5)])
    assert [thing.box for thing in unsure] == [together.box()]


def test_small_sightings_do_not_break_a_thing_up() -> None:
    """A robot whose feet are taken for cups stays a robot."""
    robot = region(Box(0.3, 0.1, 0.6, 0.9))
    feet = [sighting(Box(0.3, 0.8, 0.4, 0.9), 0.5), sighting(Box(0.5, 0.8, 0.6, 0.9), 0.5)]
    assert [thing.box for thing in fuse([robot], [], feet)] == [robot.box()]


def test_a_whole_that_was_sighted_stays_whole() -> None:
    """Parts split a thing that was seen as one only if two of them are much surer."""
    both = region(LEFT, RIGHT)
    parts = [sighting(LEFT, 0.95), sighting(RIGHT, 0.9, BOTTLE)]
    assert len(fuse([both], [], [*parts, sighting(both.box(), 0.85)])) == 1
    assert len(fuse([both], [], [*parts, sighting(both.box(), 0.5)])) == 2


def test_a_window_that_cuts_a_region_tells_nothing_about_its_parts() -> None:
    """What a net saw of a thing without the rest of it is left out."""
    both = region(LEFT, RIGHT)
    window = Box(0.0, 0.2, 0.5, 1.0)
    parts = [sighting(LEFT, 0.9, CUP, window), sighting(RIGHT, 0.9, BOTTLE, window)]
    assert [thing.box for thing in fuse([both], [], parts)] == [both.box()]


def test_a_sure_sighting_is_a_thing_where_nothing_stands_out() -> None:
    """A blurred second plant is found; a guess, a table and a box as large as the picture are not."""
    beside = Box(0.8, 0.4, 0.95, 0.8)
    assert labels(fuse([], [], [sighting(beside, 0.6)])) == ["cup"]
    assert fuse([], [], [sighting(beside, 0.42)]) == []
    assert fuse([], [], [sighting(beside, 0.9, TABLE)]) == []
    assert fuse([], [], [sighting(Box(0.0, 0.0, 0.97, 0.97), 0.9)]) == []
    assert fuse([], [], [sighting(Box(0.0, 0.0, 0.8, 0.8), 0.6)]) == []


def test_a_texture_is_no_things_but_a_few_steady_ones_are() -> None:
    """Doubtful regions need a sighting, or to be few and steady."""
    bricks = [Doubtful(region(Box(x, y, x + 0.1, y + 0.08)), 0.8) for x in (0.1, 0.4, 0.7) for y in (0.2, 0.6)]
    assert fuse([], bricks, []) == []
    (thing,) = fuse([], bricks, [sighting(bricks[0].region.box())])
    assert labels([thing]) == ["cup"] and thing.region is not None
    assert len(fuse([], bricks[:2], [])) == 2
    assert fuse([], [Doubtful(bricks[0].region, 0.2)], []) == []
