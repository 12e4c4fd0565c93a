"""The fit of what tells two things side by side from one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from quality.detection.division import Example, least_of, told, weights_of

LINES = 12


def example(name: str, rng: np.random.Generator, *, two: bool, alone: bool = False, lift: float = 0.0) -> Example:
    """A region whose lines have two measures; of one that holds two things the third line is right, and is clear."""
    features = np.concatenate([np.ones((LINES, 1)), rng.normal(size=(LINES, 2)) * 0.3], axis=1)
    features[:, 1] += lift
    right = np.zeros(LINES, np.bool_)
    if two:
        features[3, 1:] += (2.0, -1.0)
        right[3] = True
    return Example(name, alone, features, right)


@pytest.fixture
def known() -> Sequence[Example]:
    """30 regions of two things, 60 of one in scenes, and 20 in photographs of one thing."""
    rng = np.random.default_rng(4)
    two = [example(f"two_{k}", rng, two=True) for k in range(30)]
    one = [example(f"one_{k}", rng, two=False) for k in range(60)]
    return [*two, *one, *(example(f"photo_{k}", rng, two=False, alone=True) for k in range(20))]


def test_the_weights_find_the_line(known: Sequence[Example]) -> None:
    """They have the signs of what was laid down, and the best line is the right one in nearly each region of two."""
    weights = weights_of(known)
    assert weights[1] > 1.0 > -0.5 > weights[2]
    best = [each.right[(each.features @ weights).argmax()] for each in known if each.right.any()]
    assert np.mean(best) > 0.9


def test_the_level_cuts_no_photograph_of_one_thing(known: Sequence[Example]) -> None:
    """At it most of the two are cut; one photograph that looks like two raises it over that one's own odds."""
    weights, least = weights_of(known), least_of(known)
    photos = [each for each in known if each.alone]
    assert all((each.features @ weights).max() < least + 0.5 for each in photos)
    assert "0 of 20 in photographs" in told(known, weights, least + 0.5)
    cut = [(each.features @ weights).max() >= least for each in known if each.right.any()]
    assert np.mean(cut) > 0.7
    odd = example("photo_odd", np.random.default_rng(5), two=False, alone=True, lift=1.8)
    assert least_of([*known, odd]) > least
