"""Light and ground estimated from a picture."""

from __future__ import annotations

import numpy as np
import pytest

from services.segment.backends import KnownKey
from services.segment.lighting import estimate_lighting, guess_horizon, harmonics, sphere


def lit_from(side: str) -> np.ndarray:
    """A grey wall with a bright window at one side, over a darker floor."""
    image = np.full((200, 200, 3), 110, np.uint8)
    image[120:] = 70
    columns = slice(10, 60) if side == "left" else slice(140, 190)
    image[15:70, columns] = 255
    return image


def test_harmonics_are_orthonormal() -> None:
    """The basis integrates to the identity over the sphere."""
    basis = harmonics(sphere())
    gram = basis.T @ basis * (4 * np.pi / len(basis))
    assert np.allclose(gram, np.eye(9), atol=2e-3)


def test_an_even_picture_gives_an_even_dome() -> None:
    """A grey picture of radiance L has Y00 = 2 sqrt(pi) L and next to nothing in the other bands."""
    light = estimate_lighting(np.full((64, 64, 3), 128, np.uint8), 0.6)
    assert light.sh[0] == pytest.approx(np.full(3, 2 * np.sqrt(np.pi) * 0.2158), rel=0.02)
    assert float(np.abs(light.sh[1:]).max()) < 0.02 * float(light.sh[0].max())


@pytest.mark.parametrize(("side", "sign"), [("left", -1), ("right", 1)])
def test_the_key_comes_from_the_bright_side(side: str, sign: int) -> None:
    """A window at one side puts the key light and the dome's slope on that side, above the ground."""
    light = estimate_lighting(lit_from(side), 0.6)
    assert sign * light.key_direction[0] > 0.3 and light.key_direction[1] > 0.2
    assert sign * light.sh[3].mean() > 0
    assert np.all(light.key_color > 0)


def test_a_warm_lamp_is_a_warm_key() -> None:
    """The key takes the colour of the brightest part."""
    image = lit_from("left")
    image[15:70, 10:60] = (255, 190, 110)
    colour = estimate_lighting(image, 0.6).key_color
    assert colour[0] > 1.2 * colour[2]


def test_a_known_key_is_kept() -> None:
    """A maker that lit the set itself knows better than its picture."""
    known = KnownKey(np.array([0.0, 1.0, 0.0], np.float32), np.array([1.0, 2.0, 3.0], np.float32))
    light = estimate_lighting(lit_from("left"), 0.6, known)
    assert light.key_direction.tolist() == [0.0, 1.0, 0.0] and light.key_color.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("row", [0.42, 0.55, 0.7])
def test_the_horizon_is_the_edge_that_runs_across(row: float) -> None:
    """A two-tone picture's edge is found, and an object in front of it does not matter."""
    image = np.full((300, 400, 3), (180, 200, 220), np.uint8)
    image[int(row * 300) :] = (140, 100, 70)
    image[60:280, 150:230] = (30, 30, 30)
    assert guess_horizon(image) == pytest.approx(row, abs=0.03)


def test_a_picture_without_an_edge_has_the_usual_horizon() -> None:
    """Flat and black pictures are no error."""
    for value in (0, 127, 255):
        image = np.full((64, 48, 3), value, np.uint8)
        assert 0.5 < guess_horizon(image) < 0.7
        assert np.isfinite(estimate_lighting(image, 0.6).key_color).all()
