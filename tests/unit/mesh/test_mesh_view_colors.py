"""Which photo each triangle is coloured from, and how the colours of several photos meet."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mesh.solid import Solid
from services.mesh.views.labels import cheapest
from services.mesh.views.levels import brightened, gain_between, meeting_offsets


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
