"""Light and ground estimated from a picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from skimage import data as photographs

from services.segment.backends import KnownKey
from services.segment.horizon import ground_edge, guess_horizon
from services.segment.lighting import estimate_lighting, harmonics, sphere


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


def edged(row: float, columns: slice | None = None) -> np.ndarray:
    """A grained wall over a grained table whose far edge is at a height; a dark thing before it in some columns."""
    rng = np.random.default_rng(5)
    image = np.full((320, 320, 3), (190, 200, 210), np.float32)
    image[int(row * 320) :] = (150, 105, 70)
    image += rng.normal(0, 8, (320, 320, 1))
    if columns is not None:
        image[70:290, columns] = (40, 45, 60)
        image[100:180, columns] = (200, 60, 50)
    return image.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("columns", [None, slice(70, 250), slice(40, 270)], ids=["bare", "wide", "wider"])
@pytest.mark.parametrize("row", [0.45, 0.6])
def test_the_ground_s_edge_is_seen_beside_what_stands_before_it(row: float, columns: slice | None) -> None:
    """A thing across two thirds of the picture hides the edge's middle, and both its ends say where it lies."""
    assert ground_edge(edged(row, columns)) == pytest.approx(row, abs=0.04)


def test_a_wall_lights_and_textures_have_no_ground() -> None:
    """Neither a gradient, nor lights out of focus, nor bricks, nor a thing before a wall have an edge of the ground."""
    rows = np.linspace(0, 1, 320)[:, None, None]
    gradient = (60 + 120 * rows * np.ones((1, 320, 3))).astype(np.uint8)
    wall = np.full((320, 320, 3), 180, np.uint8)
    wall[90:250, 60:260] = (40, 60, 120)
    rng = np.random.default_rng(1)
    lights = np.full((320, 320, 3), 25, np.uint8)
    for _ in range(50):
        x, y, radius = (int(v) for v in (*rng.uniform(0, 320, 2), rng.uniform(8, 25)))
        cv2.circle(lights, (x, y), radius, tuple(rng.uniform(60, 255, 3)), -1)
    assert ground_edge(gradient) is None and ground_edge(wall) is None
    assert ground_edge(cv2.GaussianBlur(lights, (0, 0), 4)) is None
    assert ground_edge(np.repeat(photographs.grass()[..., None], 3, axis=2)) is None
    assert ground_edge(np.repeat(photographs.brick()[..., None], 3, axis=2)) is None
