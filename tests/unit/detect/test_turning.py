"""Which pictures of a turn are kept, and which way it turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.core.errors import InvalidVideo
from lensora.testing.films import drum, turning
from services.detect.film import Still
from services.detect.turning import chosen

BOX = Box(0.2, 0.15, 0.8, 0.85)


def stills(pictures: Sequence[NDArray[np.uint8]]) -> list[Still]:
    """As if they were decoded."""
    return [
        Still(number / 10.0, b"", 64, 64, np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8))
        for number, picture in enumerate(pictures)
    ]


@pytest.mark.parametrize("way", [1.0, -1.0])
def test_a_turn_is_shared_evenly(way: float) -> None:
    """Eight pictures in order, a ninth of the turn apart, and which way the camera goes round."""
    picked = chosen(stills(turning(60, way)), BOX)
    assert len(picked.numbers) == 8 and list(picked.numbers) == sorted(set(picked.numbers))
    assert np.abs(np.array(picked.shares) - np.arange(1, 9) / 9).max() < 0.05
    assert picked.direction * way > 0.9


def test_a_thing_that_was_hardly_found_is_no_trouble() -> None:
    """A box of a pixel, at the picture's edge too, is looked at with what is around it."""
    for box in (Box(0.49, 0.5, 0.5, 0.51), Box(0.99, 0.99, 1.0, 1.0)):
        assert len(chosen(stills(turning(60)), box).numbers) == 8


def test_where_the_turn_stops_fewer_are_taken() -> None:
    """A plate that stands still for half the time: its pictures are all alike."""
    yaws = np.concatenate([np.linspace(0.0, np.pi, 15), np.full(30, np.pi), np.linspace(np.pi, 2.0 * np.pi, 15)])
    numbers = np.array(chosen(stills([drum(yaw) for yaw in yaws]), BOX).numbers)
    assert ((numbers >= 15) & (numbers < 45)).sum() <= 4


def test_of_neighbours_the_sharper_one_is_taken() -> None:
    """Every second picture is blurred by motion; none of those is kept."""
    film = stills(turning(60))
    film = [
        replace(still, grey=np.asarray(cv2.blur(still.grey, (7, 1)), np.uint8)) if number % 2 else still
        for number, still in enumerate(film)
    ]
    assert all(number % 2 == 0 for number in chosen(film, BOX).numbers)


def test_a_film_in_which_nothing_turns_is_refused() -> None:
    """With how much moves, and how much must."""
    with pytest.raises(InvalidVideo, match=r"must show the thing turning: .* 0\.00 of its half width .* must by 0\.2"):
        chosen(stills([drum(0.0)] * 60), BOX)
