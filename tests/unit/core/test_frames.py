"""Colour transfer and axes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.frames import Y_UP_FROM_Z_UP, linear_from_srgb, srgb_from_linear
from lensora.core.scene import Lighting, Scene, studio_lighting


@given(st.floats(0.0, 1.0))
def test_srgb_round_trip(value: float) -> None:
    """Encoding what was decoded gives the value back to within 8-bit precision."""
    there = linear_from_srgb(np.array([value]))
    assert abs(float(srgb_from_linear(there)[0]) - value) < 1 / 1024


def test_srgb_known_points() -> None:
    """Mid grey 0.5 sRGB is 0.2140 in linear light (IEC 61966-2-1)."""
    assert abs(float(linear_from_srgb(np.array([0.5]))[0]) - 0.21404) < 1e-4


def test_z_up_becomes_y_up() -> None:
    """Up (+Z) goes to +Y, and what lay towards the viewer (-Y) goes to +Z."""
    assert (Y_UP_FROM_Z_UP @ [0, 0, 1, 1] == [0, 1, 0, 1]).all()
    assert (Y_UP_FROM_Z_UP @ [0, -1, 0, 1] == [0, 0, 1, 1]).all()
    assert np.linalg.det(Y_UP_FROM_Z_UP) == 1.0


def test_lighting_says_what_is_wrong_with_its_shape() -> None:
    """A Lighting of another shape, or with a direction that is no unit vector, is refused."""
    good = studio_lighting()
    for sh, direction in [(np.zeros((4, 3), np.float32), good.key_direction), (good.sh, good.key_direction * 2)]:
        try:
            Lighting(sh=sh, key_direction=direction, key_color=good.key_color)
        except ValueError as error:
            assert "must" in str(error)
        else:
            raise AssertionError("a malformed Lighting was accepted")


def test_a_horizon_outside_the_picture_is_refused() -> None:
    """The horizon is a fraction of the height."""
    try:
        Scene(horizon=1.2, plain=False)
    except ValueError as error:
        assert "1.2" in str(error)
    else:
        raise AssertionError("a horizon of 1.2 was accepted")
