"""What a box's colours add to a matte that is in doubt."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from services.segment.candidates import Candidate
from services.segment.fitted import JUDGEMENT
from services.segment.grabcut import NAME, coloured, completed
from services.segment.judge import Bench, confidence
from services.segment.matte import PixelBox

HEIGHT, WIDTH = 360, 480
TABLE, FRAME, SCREEN = (110, 90, 70), (30, 30, 35), (170, 180, 190)
OUTER, INNER = (120, 90, 360, 270), (150, 120, 330, 240)
WITHIN = PixelBox(*OUTER)


def rectangle(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    """(h, w) float32 that is one in a rectangle."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[top:bottom, left:right] = 1.0
    return mask


def photo(inside: tuple[int, int, int]) -> np.ndarray:
    """A frame on a table, and what is in it, with a camera's noise."""
    picture = np.full((HEIGHT, WIDTH, 3), TABLE, np.float32)
    for where, colour in ((OUTER, FRAME), (INNER, inside)):
        picture[rectangle(*where) > 0] = colour
    noise = np.random.default_rng(5).normal(0, 5, picture.shape)
    return np.asarray(np.clip(picture + noise, 0, 255), np.uint8)


def iou(matte: np.ndarray, truth: np.ndarray) -> float:
    """Overlap at half alpha."""
    found, wanted = matte > 0.5, truth > 0.5
    return float((found & wanted).sum() / (found | wanted).sum())


WHOLE = rectangle(*OUTER)
RING = np.asarray(cv2.GaussianBlur(WHOLE - 0.75 * rectangle(*INNER), (0, 0), 1.5), np.float32)
"""What the net says: the frame, and faintly what is in it."""


def test_a_screen_that_was_left_out_of_its_frame_is_added() -> None:
    """The frame alone is half of a tablet; with its screen it is whole, and its own outline stays as it was."""
    found = coloured(RING, photo(SCREEN), WITHIN)
    assert found is not None and found.name == NAME
    assert iou(RING, WHOLE) < 0.6 and iou(found.matte, WHOLE) > 0.98
    outside = cv2.dilate(rectangle(*INNER), np.ones((31, 31), np.uint8)) == 0
    assert np.array_equal(found.matte[outside], RING[outside])


def test_nothing_is_taken_off_and_the_same_photo_gives_the_same_matte() -> None:
    """Every pixel has at least the alpha that the look gave it, and a second run differs in none."""
    found, again = (coloured(RING, photo(SCREEN), WITHIN) for _ in range(2))
    assert found is not None and again is not None
    assert (found.matte >= RING).all() and np.array_equal(found.matte, again.matte)


def test_a_hole_through_which_the_table_is_seen_stays_open() -> None:
    """Its colour is the table's, so there is nothing to add."""
    assert coloured(RING, photo(TABLE), WITHIN) is None


def test_a_box_without_surroundings_says_nothing() -> None:
    """Where the box is the whole picture, no pixel is background for certain."""
    assert coloured(RING, photo(SCREEN), PixelBox(0, 0, WIDTH, HEIGHT)) is None


def test_colours_are_asked_in_doubt_and_believed_where_the_judge_does() -> None:
    """A look without doubt stays, so does one that colours better too little, and a screen is added where it may be."""
    picture = photo(SCREEN)
    bench, look = Bench(picture, WITHIN, RING), Candidate("plain", RING)
    doubting = replace(JUDGEMENT, doubt=1.0, rise=0.0)
    taken = completed(bench, look, RING, picture, WITHIN, doubting)
    rise = confidence(bench, taken.matte, JUDGEMENT) - confidence(bench, RING, JUDGEMENT)
    assert taken.name == NAME and rise > 0.1
    assert completed(bench, look, RING, picture, WITHIN, replace(doubting, rise=rise)) is look
    assert completed(bench, look, RING, picture, WITHIN, replace(doubting, doubt=0.0)) is look
