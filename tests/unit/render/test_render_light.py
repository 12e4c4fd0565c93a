"""The backplate's light, exposed for the subject."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lensora.core.scene import Lighting, studio_lighting
from services.render.light import (
    LOWEST_KEY,
    LUMINANCE,
    harmonics,
    illuminate,
    irradiance,
    shadow_direction,
)

RANDOM = np.random.default_rng(3)


def _directions(count: int) -> np.ndarray:
    vectors = RANDOM.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _facing() -> np.ndarray:
    normals = _directions(2000)
    normals[:, 2] = np.abs(normals[:, 2])
    return normals


def test_harmonics_are_orthonormal() -> None:
    """Integrated over the sphere, the nine functions are orthonormal."""
    basis = harmonics(_directions(200_000))
    gram = basis.T @ basis * 4.0 * math.pi / len(basis)
    assert np.allclose(gram, np.eye(9), atol=0.03)


def test_irradiance_of_an_even_dome() -> None:
    """A dome of radiance L gives pi L on every surface."""
    sh = np.zeros((9, 3), np.float32)
    sh[0] = 0.7 * 2.0 * math.sqrt(math.pi)
    light = Lighting(sh, np.array([0, 1, 0], np.float32), np.zeros(3, np.float32))
    assert np.allclose(irradiance(light, _directions(50)), 0.7 * math.pi, rtol=1e-4)


@pytest.mark.parametrize("strength", [0.02, 1.0, 40.0])
@pytest.mark.parametrize("tint", [(1.0, 1.0, 1.0), (1.0, 0.6, 0.3), (0.4, 0.7, 1.0)])
def test_hero_view_is_as_bright_as_its_texture(strength: float, tint: tuple[float, float, float]) -> None:
    """Whatever the light's strength and colour, the mean light on the hero view is 1, and nearly white."""
    base = studio_lighting()
    scale = np.array(tint, np.float32) * strength
    light = Lighting(base.sh * scale, base.key_direction, base.key_color * scale)
    normals = _facing()
    lit = illuminate(light, normals, np.ones(len(normals)))
    x, y, z = normals.T
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)
    key = np.maximum(normals @ lit.key_direction, 0.0)[:, None] * lit.key_radiance
    mean = (basis @ lit.diffuse + key).mean(axis=0)
    assert float(mean @ LUMINANCE) == pytest.approx(1.0, abs=0.06)
    assert mean.max() / mean.min() < 1.001 + 0.5 * (max(tint) / min(tint) - 1.0)


def test_black_light_is_bounded() -> None:
    """A scene without any light does not divide by zero: it is lit as a studio is."""
    dark = Lighting(np.zeros((9, 3), np.float32), np.array([0, 1, 0], np.float32), np.zeros(3, np.float32))
    normals = _facing()
    lit = illuminate(dark, normals, np.ones(len(normals)))
    assert np.isfinite(lit.diffuse).all()
    assert lit.diffuse[0].min() > 0.4


def test_low_light_casts_its_shadow_from_higher_up() -> None:
    """The shadow's direction keeps its heading but never falls below the lowest angle."""
    low = shadow_direction(np.array([0.99, 0.1, 0.05]))
    assert low[1] == pytest.approx(math.sin(LOWEST_KEY))
    assert np.linalg.norm(low) == pytest.approx(1.0)
    assert low[0] / low[2] == pytest.approx(0.99 / 0.05)
    assert shadow_direction(np.array([0.0, -1.0, 0.0])).tolist() == [0.0, 1.0, 0.0]
