"""How like two things look."""

from __future__ import annotations

import numpy as np
import pytest

from services.detect.likeness import RULES, likeness, look_of

LOGITS = np.random.default_rng(1).normal(size=(5, 1000)).astype(np.float32)


def test_a_look_says_nothing_of_how_sure_the_net_is() -> None:
    """Scale and level of the logits do not count; its length is 1."""
    look = look_of(LOGITS[:2])
    assert np.linalg.norm(look) == pytest.approx(1.0, abs=1e-5)
    assert look_of(3.0 * LOGITS[:2] + 7.0) == pytest.approx(look, abs=1e-5)
    assert np.isfinite(look_of(np.zeros((2, 1000), np.float32))).all()


def test_likeness_grows_as_the_angle_shrinks() -> None:
    """The same thing is almost sure, things at a right angle are unlikely, opposites are out of the question."""
    first, second = look_of(LOGITS[:1]), look_of(LOGITS[1:2])
    between = look_of((first + second)[None])
    alike = likeness(np.stack([first]), np.stack([first, between, second, -first]))
    assert alike.shape == (1, 4)
    assert list(alike[0]) == sorted(alike[0], reverse=True)
    assert alike[0, 0] > 0.99 and alike[0, 2] < 0.1 and alike[0, 3] < 1e-4
    assert alike[0, 0] == pytest.approx(1 / (1 + np.exp(-RULES.slope - RULES.offset)), abs=1e-4)
