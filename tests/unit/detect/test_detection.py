"""The list of proposals as the public API shows it, and what is offered where nothing stands out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.boxes import FULL_FRAME, Box, Category, Proposal
from services.detect.backends.saliency import detail_box
from services.detect.detection import MOST_IOU, listed

FRACTIONS = st.tuples(st.integers(0, 99), st.integers(1, 100)).filter(lambda pair: pair[0] < pair[1])
BOXES = st.tuples(FRACTIONS, FRACTIONS).map(
    lambda sides: Box(sides[0][0] / 100, sides[1][0] / 100, sides[0][1] / 100, sides[1][1] / 100)
)
PROPOSALS = st.lists(st.builds(Proposal, st.just("thing"), st.just("object"), BOXES, st.floats(0, 1)), max_size=20)


@given(PROPOSALS, st.integers(2, 8))
def test_the_list_keeps_its_promises(proposals: list[Proposal], most: int) -> None:
    """At most ``max_objects``, best first, no two boxes alike, and the whole frame last."""
    shown = listed(proposals, most)
    assert 1 <= len(shown) <= most
    assert (shown[-1].label, shown[-1].category, shown[-1].box) == (
        "entire image (no crop)",
        Category.FULL_FRAME,
        FULL_FRAME,
    )
    things = shown[:-1]
    assert [thing.score for thing in things] == sorted((thing.score for thing in things), reverse=True)
    for index, thing in enumerate(things):
        assert all(thing.box.iou(other.box) <= MOST_IOU for other in things[index + 1 :])


def test_the_better_of_two_duplicates_stays() -> None:
    """Two boxes of nearly the same place are one proposal: the better one."""
    box, shifted = Box(0.1, 0.1, 0.6, 0.6), Box(0.12, 0.1, 0.62, 0.6)
    shown = listed([Proposal("worse", "object", shifted, 0.4), Proposal("better", "object", box, 0.9)], 6)
    assert [proposal.label for proposal in shown] == ["better", "entire image (no crop)"]


def test_a_part_has_another_name_than_its_whole() -> None:
    """A cup on its saucer and the cup alone are told apart by name; a general word says too little to be added to."""
    whole, cup, other = Box(0.1, 0.1, 0.8, 0.9), Box(0.2, 0.1, 0.6, 0.6), Box(0.82, 0.3, 0.98, 0.6)
    named = [Proposal("coffee cup", "object", box, score) for box, score in ((whole, 0.9), (cup, 0.6), (other, 0.5))]
    assert [each.label for each in listed(named, 6)[:-1]] == ["coffee cup", "coffee cup alone", "coffee cup"]
    general = [Proposal("product", "product", box, score) for box, score in ((whole, 0.9), (cup, 0.6))]
    assert [each.label for each in listed(general, 6)[:-1]] == ["product", "product"]


def test_detail_is_boxed_where_nothing_stands_out() -> None:
    """A patch of fine print on a plain wall is offered; a plain wall and print all over offer nothing."""
    rng = np.random.default_rng(1)
    wall = np.full((300, 400, 3), 180, np.uint8)
    assert detail_box(wall) is None
    assert detail_box(rng.integers(0, 255, (300, 400, 3), np.uint8)) is None
    wall[100:200, 200:340] = rng.integers(0, 255, (100, 140, 3), np.uint8)
    box = detail_box(wall)
    assert box is not None
    wanted = Box(0.5, 1 / 3, 0.85, 2 / 3)
    assert box.iou(wanted) > 0.6
    assert box.area == pytest.approx(wanted.area, rel=0.45)
