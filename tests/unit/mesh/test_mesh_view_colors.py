"""Which photo each triangle is coloured from, and how the colours of several photos meet."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mesh.cutout import Cutout, read_cutout
from services.mesh.solid import Solid
from services.mesh.views.labels import cheapest
from services.mesh.views.levels import brightened, gain_between, light_between, meeting_offsets


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_two_labels_are_chosen_as_cheaply_as_can_be(seed: int) -> None:
    """On a ring of seven triangles the cut of two labels is the best of all 128."""
    random = np.random.default_rng(seed)
    costs = random.random((7, 2))
    pairs = np.stack([np.arange(7), (np.arange(7) + 1) % 7], axis=1)
    seams = random.random(7) * 0.6

    def cost(labels: np.ndarray) -> float:
        split = labels[pairs[:, 0]] != labels[pairs[:, 1]]
        return float(costs[np.arange(7), labels].sum() + seams[split].sum())

    best = min(cost(np.array(labels)) for labels in itertools.product((0, 1), repeat=7))
    assert cost(cheapest(costs, pairs, seams)) == pytest.approx(best, abs=0.01)


def test_a_lonely_better_triangle_is_not_worth_its_seams() -> None:
    """Labels change where much is gained, and not for one triangle amid others."""
    costs = np.array([[0.0, 0.9]] * 4 + [[0.5, 0.4]] + [[0.0, 0.9]] * 4 + [[0.9, 0.0]] * 5)
    pairs = np.stack([np.arange(13), np.arange(1, 14)], axis=1)
    assert cheapest(costs, pairs, np.full(13, 0.2)).tolist() == [0] * 9 + [1] * 5


@settings(max_examples=20, deadline=None)
@given(light=st.floats(0.6, 1.6), seed=st.integers(0, 1000))
def test_a_photos_light_is_told_from_what_both_show(light: float, seed: int) -> None:
    """A darker or brighter photo comes back to the main one's colours, though a tenth of the places do not agree."""
    random = np.random.default_rng(seed)
    wanted = random.uniform(40, 150, (600, 3)).astype(np.float32)
    given_ = (wanted * light ** (1 / 2.2)).astype(np.float32)
    given_[:60] = random.uniform(30, 200, (60, 3))
    gain = gain_between(wanted, given_)
    assert gain == pytest.approx(np.full(3, 1.0 / light), rel=0.2)
    photo = np.clip(np.round(given_[None, 60:]), 0, 255).astype(np.uint8)
    assert np.abs(brightened(photo, gain)[0].astype(float) - wanted[60:]).mean() < 6.0


def test_nothing_in_common_changes_no_light() -> None:
    """Photos without a usable place in common keep their levels."""
    burnt = np.full((50, 3), 255.0, np.float32)
    assert gain_between(burnt, burnt).tolist() == [1.0, 1.0, 1.0]


def striped(colors: list[tuple[int, int, int]], light: float) -> Cutout:
    """A square thing of upright stripes, so many times as bright."""
    picture = np.zeros((64, 64, 4), np.uint8)
    levels = np.array(colors, np.float64)[np.arange(48) * len(colors) // 48] * light ** (1 / 2.2)
    shade = 1.0 - 0.004 * np.arange(48)[:, None, None]
    picture[8:56, 8:56, :3] = np.clip(np.round(levels[None] * shade), 0, 255)
    picture[8:56, 8:56, 3] = 255
    return read_cutout(picture)


def test_the_light_is_told_from_materials_that_both_photos_show() -> None:
    """Front and back share no place, but materials: most of the difference of light is found. Where they share no
    material, next to nothing is changed."""
    front = striped([(150, 60, 40), (60, 90, 120), (120, 120, 110)], 1.0)
    for light in (0.75, 1.3):
        back = striped([(60, 90, 120), (120, 120, 110), (150, 60, 40), (40, 140, 60)], light)
        assert abs(np.log(light_between(front, back) * light)) < 0.5 * abs(np.log(light))
    green = striped([(40, 180, 60)], 1.0)
    assert light_between(front, green) == pytest.approx(1.0, abs=0.06)
    assert light_between(front, striped([(255, 255, 255)], 1.0)) == 1.0


def test_another_material_is_no_light() -> None:
    """A black screen and a white back say nothing of the light, nor do red and blue."""
    dark, bright = np.full((300, 3), 30.0, np.float32), np.full((300, 3), 220.0, np.float32)
    assert gain_between(dark, bright).tolist() == [1.0, 1.0, 1.0]
    red, blue = np.tile(np.float32([200, 60, 50]), (300, 1)), np.tile(np.float32([50, 90, 200]), (300, 1))
    assert gain_between(red, blue).tolist() == [1.0, 1.0, 1.0]


def test_colours_meet_at_the_seam_and_stay_away_from_it() -> None:
    """At shared vertices both labels have one colour after their offsets; far from them nothing is changed."""
    ball = trimesh.creation.icosphere(subdivisions=4)
    solid = Solid(np.asarray(ball.vertices, np.float64), np.asarray(ball.faces, np.int64))
    owner = (solid.vertices[solid.faces].mean(axis=1)[:, 2] < 0).astype(np.int64)
    colors = np.stack([np.full((len(solid.vertices), 3), level, np.float32) for level in (100.0, 112.0)])
    after = colors + meeting_offsets(solid, owner, colors)
    seam = np.intersect1d(solid.faces[owner == 0], solid.faces[owner == 1])
    assert np.abs(after[0, seam] - after[1, seam]).max() < 0.1
    assert np.abs(after[0, solid.vertices[:, 2] > 0.95] - 100.0).max() < 1.0
    assert np.abs(after[1, solid.vertices[:, 2] < -0.95] - 112.0).max() < 1.0
