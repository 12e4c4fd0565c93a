"""The isosurface: closed whatever the field, and where the field is 0."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.mesh.shape.isosurface import isosurface
from services.mesh.solid import Solid


def test_the_surface_of_a_ball_is_round_and_wound_outwards() -> None:
    """Every vertex lies on the sphere, and the volume is the ball's and positive."""
    at = np.indices((24, 26, 28)) - np.array([11.3, 12.1, 13.6])[:, None, None, None]
    vertices, faces = isosurface((8.0 - np.linalg.norm(at, axis=0)).astype(np.float32))
    assert np.abs(np.linalg.norm(vertices - [11.3, 12.1, 13.6], axis=1) - 8.0).max() < 0.1
    solid = Solid(vertices, faces)
    assert solid.is_closed()
    assert solid.volume() == pytest.approx(4 / 3 * np.pi * 8.0**3, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.02, 0.98), zeros=st.booleans())
def test_any_field_gives_a_closed_surface(seed: int, share: float, zeros: bool) -> None:
    """Noise of any density, with values that are exactly 0 or not, gives a closed surface without collapsed edges."""
    rng = np.random.default_rng(seed)
    field = np.where(rng.random((6, 7, 8)) < share, 1.0, 0.0 if zeros else -1.0) * rng.uniform(0.1, 3.0, (6, 7, 8))
    padded = np.pad(field, 1, constant_values=-1.0).astype(np.float32)
    vertices, faces = isosurface(padded)
    if not (padded > 0).any():
        assert not len(faces)
        return
    solid = Solid(vertices, faces)
    assert solid.is_closed()
    assert solid.volume() > 0
    edges = vertices[faces] - vertices[np.roll(faces, -1, axis=1)]
    assert np.linalg.norm(edges, axis=2).min() > 1e-3


def test_nothing_inside_gives_nothing() -> None:
    """A field that is nowhere positive has no surface."""
    vertices, faces = isosurface(np.full((4, 4, 4), -1.0, np.float32))
    assert len(vertices) == len(faces) == 0
