"""Two things that belong together are one first, and two after that."""

from __future__ import annotations

import numpy as np
import pytest

from lensora.core.boxes import Box
from quality.detection.pairs import Neighbours, least_likeness, told
from services.detect.fitted import ALIKE, RANKING
from services.detect.fusion import Thing
from services.detect.groups import beside, colours_of, likeness, with_pairs
from services.detect.ranking import Found, features_of, proposed
from services.detect.regions import Region

SHAPE = (64, 96)
RED, DARK_RED, BLUE = (200, 40, 40), (180, 36, 36), (40, 60, 200)


def square(x: int, side: int = 20) -> np.ndarray:
    """(h, w) bool, a square that stands on row 50."""
    mask = np.zeros(SHAPE, np.bool_)
    mask[50 - side : 50, x : x + side] = True
    return mask


def found(*things: tuple[np.ndarray, tuple[int, int, int]], part: bool = False) -> tuple[list[Found], np.ndarray]:
    """Things of their colours before grey, the likeliest first, and their picture."""
    rgb = np.full((*SHAPE, 3), 128, np.uint8)
    salience = np.zeros(SHAPE, np.float32)
    for mask, colour in things:
        rgb[mask], salience[mask] = colour, 1.0
    seen = []
    for mask, _colour in things:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        bounds = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        region = Region(mask, bounds, int(mask.sum()), 1.0, 1.0, 0.0)
        seen.append(Thing(region.box(), region, None, 1.0, part))
    rows_ = features_of(seen, salience, rgb)
    everything = [Found(thing, thing.box, None, row) for thing, row in zip(seen, rows_, strict=True)]
    return proposed(everything, RANKING), rgb


def test_a_pair_is_one_first_and_then_two() -> None:
    """Two red squares side by side, one a little darker: the box of both comes first, then each of them."""
    things, rgb = found((square(20), RED), (square(44), DARK_RED))
    boxes = [each.box for each in proposed(with_pairs(things, rgb, ALIKE), RANKING)]
    assert len(boxes) == 3
    assert boxes[0] == Box(20 / 96, 30 / 64, 64 / 96, 50 / 64)
    assert {boxes[1].x1, boxes[2].x1} == {20 / 96, 44 / 96}


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([(square(44), BLUE)], id="of another colour"),
        pytest.param([(square(70), RED)], id="far away"),
        pytest.param([(square(44, side=12), RED)], id="much smaller"),
        pytest.param([(square(44), RED), (square(68), RED)], id="three in a row"),
    ],
)
def test_what_only_stands_beside_is_no_pair(others: list[tuple[np.ndarray, tuple[int, int, int]]]) -> None:
    """Neighbours that are not alike in colour, place and size stay single, and three in a row are not a pair."""
    things, rgb = found((square(20), RED), *others)
    assert len(things) == 1 + len(others)
    assert with_pairs(things, rgb, ALIKE) == things


def test_parts_of_a_thing_make_no_pair() -> None:
    """The two wheels of a car are parts that were proposed beside it, not a pair of things."""
    things, rgb = found((square(20), RED), (square(44), RED), part=True)
    assert with_pairs(things, rgb, ALIKE) == things


def test_likeness_is_one_for_the_same_and_nothing_for_other_colours() -> None:
    """A histogram sums to one, and shares itself; red and blue share nothing."""
    _, rgb = found((square(20), RED), (square(44), BLUE))
    red, blue = (colours_of(rgb, square(x)) for x in (20, 44))
    assert red.sum() == pytest.approx(1.0, abs=1e-5)
    assert likeness(red, red) == pytest.approx(1.0, abs=1e-5)
    assert likeness(red, blue) < 0.01
    assert not beside(Box(0.0, 0.0, 0.2, 0.2), Box(0.2, 0.6, 0.4, 0.8))


def test_the_least_likeness_lies_between_pairs_and_others() -> None:
    """The fit takes the middle of the levels that part them, and a wrong join costs more than a missed pair."""
    apart = [Neighbours(True, 0.8), Neighbours(True, 0.9), Neighbours(False, 0.5)]
    assert 0.5 < least_likeness(apart) < 0.8
    assert told(apart, least_likeness(apart)) == "2 of 2 pairs, 0 of 1 other neighbours taken for one"
    assert least_likeness([*apart, Neighbours(False, 0.85)]) > 0.85
