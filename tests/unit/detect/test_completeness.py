"""Boxes that hold the whole thing."""

from __future__ import annotations

import numpy as np

from lensora.core.boxes import Box
from services.detect.completeness import cut_by_frame, grown


def figure() -> np.ndarray:
    """Salience of a figure from row 20 to 90 of 100, columns 40 to 60."""
    salience = np.zeros((100, 100), np.float32)
    salience[20:90, 40:60] = 1.0
    return salience


def test_a_box_that_ends_at_the_waist_grows_to_the_feet() -> None:
    """What stands out goes on below the box: the box follows it to its end."""
    assert grown(Box(0.4, 0.2, 0.6, 0.6), figure(), []) == Box(0.4, 0.2, 0.6, 0.9)


def test_a_box_that_holds_its_thing_stays() -> None:
    """A loose box, and one that is exact, are left as they are."""
    for box in (Box(0.3, 0.1, 0.7, 0.95), Box(0.4, 0.2, 0.6, 0.9)):
        assert grown(box, figure(), []) is box


def test_a_box_of_a_part_or_of_one_of_two_things_stays() -> None:
    """A box that holds less than half of the piece is about a part; what lies in another's box is the other's."""
    part, upper = Box(0.4, 0.2, 0.6, 0.4), Box(0.4, 0.2, 0.6, 0.6)
    assert grown(part, figure(), []) is part
    assert grown(upper, figure(), [Box(0.4, 0.6, 0.6, 0.9)]) is upper


def test_where_nothing_stands_out_nothing_grows() -> None:
    """A box beside everything salient keeps its size."""
    aside = Box(0.0, 0.0, 0.2, 0.2)
    assert grown(aside, figure(), []) is aside


def test_the_frame_cuts_what_ends_at_it() -> None:
    """A box at the picture's border may go on outside."""
    assert cut_by_frame(Box(0.2, 0.0, 0.6, 0.5)) and cut_by_frame(Box(0.2, 0.3, 0.6, 1.0))
    assert not cut_by_frame(Box(0.02, 0.02, 0.98, 0.98))
