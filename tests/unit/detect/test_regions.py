"""Regions of a saliency map: what is one thing, what are two, and what is nothing."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from services.detect.regions import MIN_AREA, find_patches

HEIGHT, WIDTH = 240, 320
SEEN = np.ones((HEIGHT, WIDTH), np.bool_)


def blank() -> NDArray[np.float32]:
    """A map in which nothing stands out."""
    return np.full((HEIGHT, WIDTH), 0.01, np.float32)


def with_disc(saliency: NDArray[np.float32], x: int, y: int, radius: int, value: float) -> NDArray[np.float32]:
    """The map with a disc that has a soft edge of two pixels, as the net's own maps have."""
    disc = np.zeros_like(saliency)
    cv2.circle(disc, (x, y), radius, value, -1)
    return np.maximum(saliency, cv2.GaussianBlur(disc, (0, 0), 1.0))


def things(saliency: NDArray[np.float32]) -> list[tuple[int, int, int, int]]:
    """Bounds of all things in a map, left to right."""
    return sorted(thing.bounds for patch in find_patches(saliency, SEEN) for thing in patch.things)


def test_one_blob_is_one_thing_with_a_tight_box() -> None:
    """A disc gives one region whose bounds are the disc's, to a pixel."""
    ((left, top, right, bottom),) = things(with_disc(blank(), 100, 120, 40, 1.0))
    assert np.abs(np.array([left - 60, top - 80, right - 141, bottom - 161])).max() <= 1


def test_two_blobs_are_two_things() -> None:
    """Two discs apart from each other are two patches of one thing each."""
    assert len(things(with_disc(with_disc(blank(), 80, 120, 40, 1.0), 230, 100, 50, 0.95))) == 2


def test_things_that_touch_are_told_apart_by_the_dip_between_them() -> None:
    """Two discs whose saliency sinks to a third where they meet are two things in one patch."""
    saliency = with_disc(with_disc(blank(), 100, 120, 45, 1.0), 200, 120, 45, 1.0)
    saliency[100:140, 140:160] = np.maximum(saliency[100:140, 140:160], 0.35)
    patches = find_patches(saliency, SEEN)
    assert len(patches) == 1
    assert len(patches[0].things) == 2


def test_a_band_across_a_thing_does_not_split_it() -> None:
    """A label that is a little less salient leaves a bottle in one piece."""
    saliency = with_disc(blank(), 160, 120, 70, 1.0)
    saliency[110:130][saliency[110:130] > 0.5] = 0.7
    assert len(things(saliency)) == 1


def test_weak_surroundings_are_left_behind() -> None:
    """Things on a faintly salient table come out as the things, not as the table."""
    saliency = blank()
    saliency[60:230, 20:300] = 0.32
    saliency = with_disc(with_disc(saliency, 90, 150, 35, 1.0), 230, 150, 40, 0.95)
    found = things(saliency)
    assert len(found) == 2
    assert all(right - left < 100 for left, _top, right, _bottom in found)


def test_specks_and_noise_are_nothing() -> None:
    """Faint noise and bright specks give no region at all."""
    noise = np.random.default_rng(0).uniform(0, 0.12, (HEIGHT, WIDTH)).astype(np.float32)
    assert things(noise) == []
    assert things(with_disc(noise, 50, 50, 5, 1.0)) == []


def test_contrast_says_how_much_a_thing_stands_out() -> None:
    """The same disc has full contrast on a dark map, and little where all around it is salient too."""
    alone = find_patches(with_disc(blank(), 160, 120, 50, 1.0), SEEN)[0].things[0]
    crowd = with_disc(np.full((HEIGHT, WIDTH), 0.1, np.float32), 160, 120, 50, 0.5)
    assert alone.contrast > 0.9
    assert find_patches(crowd, SEEN)[0].things[0].contrast == pytest.approx(0.4, abs=0.06)


def test_a_thing_that_goes_on_outside_its_window_is_cut() -> None:
    """A disc that the window's border halves says so; the picture's own border cuts nothing."""
    seen = SEEN.copy()
    seen[:, 160:] = False
    halved = np.where(seen, with_disc(blank(), 160, 120, 50, 1.0), 0).astype(np.float32)
    (patch,) = find_patches(halved, seen)
    assert patch.things[0].cut > 0.2
    (at_border,) = find_patches(with_disc(blank(), 0, 120, 50, 1.0), SEEN)
    assert at_border.things[0].cut == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.5, 8), st.floats(0.5, 3))
def test_any_map_gives_sound_regions(seed: int, scale: float, gain: float) -> None:
    """Whatever the map, regions are disjoint, large enough, within the picture, and their figures are in range."""
    noise = np.random.default_rng(seed).standard_normal((HEIGHT, WIDTH)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), scale * 3)
    saliency = np.clip(0.3 + gain * smooth / max(float(np.abs(smooth).max()), 1e-6), 0, 1).astype(np.float32)
    found = [thing for patch in find_patches(saliency, SEEN) for thing in patch.things]
    for index, thing in enumerate(found):
        box = thing.box()
        assert 0 <= box.x1 < box.x2 <= 1 and 0 <= box.y1 < box.y2 <= 1
        assert thing.area == np.count_nonzero(thing.mask) >= MIN_AREA * HEIGHT * WIDTH
        assert 0 <= thing.mean <= 1 and -1 <= thing.contrast <= 1
        assert all(thing.overlap(other) == 0 for other in found[index + 1 :])
