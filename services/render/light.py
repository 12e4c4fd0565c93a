"""The backplate's light, made ready to shade a product whose colours must stay those of the photo.

Irradiance from spherical harmonics: Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment
Maps" (2001). A texture that comes from a photo holds that photo's light already, so the new light is softened, freed of
most of its tint, and scaled so that the hero view as a whole is as bright as the texture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lensora.core.scene import Lighting, studio_lighting

RELIGHT = 0.65
"""Share of the new light's shape; the rest is even light, under which a photo's texture looks as photographed."""

KEPT_TINT = 0.12
"""Share of the light's tint that falls on the product: a sense of place without a change of colour."""

DARKEST = 1e-3
"""A hero view lit by less than this has no light worth keeping: the studio's is used."""

FOOT_OCCLUSION = 0.45
"""Of the surroundings' light, at the very foot: the dark ground there hides the lower half of the surroundings."""

RIM = 0.5
"""Radiance of the lamp behind the subject at its very edge: a line of light, not an outline."""

RIM_SWEEP, RIM_HEIGHT = math.radians(70.0), 0.45
"""How far to either side that lamp sweeps, and the tangent of how high it hangs."""

LOWEST_KEY = math.radians(28.0)
"""The key light casts its shadow as if at least this high: from a lower one it would leave the frame."""

LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Rec. 709."""

_BAND = np.array([0] + [1] * 3 + [2] * 5)
_BASIS = np.array([0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
COSINE_LOBE = np.array([math.pi, 2.0 * math.pi / 3.0, math.pi / 4.0])
"""Bands 0 to 2 of the clamped cosine (Ramamoorthi and Hanrahan, eq. 8)."""


def sphere(count: int) -> NDArray[np.float64]:
    """(count, 3) unit vectors of equal area each: a Fibonacci spiral."""
    k = np.arange(count) + 0.5
    y = 1.0 - 2.0 * k / count
    around = k * math.pi * (3.0 - math.sqrt(5.0))
    radius = np.sqrt(1.0 - y * y)
    return np.stack([radius * np.cos(around), y, radius * np.sin(around)], axis=1)


def harmonics(directions: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 9) real spherical harmonics of unit vectors (n, 3), in the order of ``lensora.core.scene.Lighting``."""
    x, y, z = np.asarray(directions, np.float64).T
    one = np.ones_like(x)
    basis = np.stack([one, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)
    return np.asarray(basis * _BASIS, np.float64)


def irradiance(lighting: Lighting, normals: NDArray[np.floating]) -> NDArray[np.float64]:
    """(n, 3) irradiance from the surroundings, without the key light, on surfaces with unit normals (n, 3)."""
    # Not a matrix product: BLAS's threads would spin for some 25 ms after it.
    value = np.einsum("ij,jk->ik", harmonics(normals), lighting.sh * COSINE_LOBE[_BAND][:, None])
    return np.asarray(np.maximum(value, 0.0), np.float64)


@dataclass(frozen=True)
class Illumination:
    """Light ready for shading.

    Attributes:
        diffuse: (9, 3) float32: basis polynomials (1, y, z, x, xy, yz, 3zz-1, xz, xx-yy) times this give irradiance /
            pi.
        mirror: (9, 3) float32: the same for radiance, for reflections.
        key_direction: (3,) float32 unit vector towards the key light, world frame.
        key_radiance: (3,) float32 irradiance of the key light / pi.
        ground_key: (3,) float64 share of the ground's light that is the key light's, per channel, 0..1.
        foot_occlusion: share of the surroundings' light that the ground takes from the subject's foot, 0..1.
        rim: (3,) float32 radiance at the very edge of the lamp behind the subject.
    """

    diffuse: NDArray[np.float32]
    mirror: NDArray[np.float32]
    key_direction: NDArray[np.float32]
    key_radiance: NDArray[np.float32]
    ground_key: NDArray[np.float64]
    foot_occlusion: float
    rim: NDArray[np.float32] = field(default_factory=lambda: np.zeros(3, np.float32))


def even_illumination(ambient: float, key: float, direction: tuple[float, float, float]) -> Illumination:
    """Light of one colour from all sides plus a white key light: what every renderer agrees on.

    Args:
        ambient: irradiance / pi from all sides.
        key: irradiance / pi of the key light.
        direction: towards the key light; need not be of unit length.
    """
    flat = np.zeros((9, 3), np.float32)
    flat[0] = ambient
    unit = np.array(direction, np.float32)
    return Illumination(
        diffuse=flat,
        mirror=flat.copy(),
        key_direction=unit / np.float32(np.linalg.norm(unit)),
        key_radiance=np.full(3, key, np.float32),
        ground_key=np.full(3, 0.5),
        foot_occlusion=0.0,
    )


def illuminate(lighting: Lighting, normals: NDArray[np.floating], weights: NDArray[np.floating]) -> Illumination:
    """The light for one subject.

    Args:
        lighting: as the backplate gives it.
        normals: (n, 3) unit normals of what the hero camera sees, world frame.
        weights: (n,) how much of the picture each of them is, >= 0.
    """
    key_direction = np.asarray(lighting.key_direction, np.float64)
    key_direction = key_direction / np.linalg.norm(key_direction)
    key_color = np.maximum(np.asarray(lighting.key_color, np.float64), 0.0)
    up = np.array([[0.0, 1.0, 0.0]])
    sky_on_ground = irradiance(lighting, up)[0]
    cast_from = shadow_direction(key_direction)
    key_on_ground = key_color * cast_from[1]
    ground_key = key_on_ground / np.maximum(key_on_ground + sky_on_ground, 1e-6)

    sh = np.asarray(lighting.sh, np.float64).copy()
    facing = np.maximum(np.einsum("ij,j->i", normals, key_direction), 0.0)[:, None]
    total = max(float(weights.sum()), 1e-9)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray((values * weights[:, None]).sum(axis=0) / total, np.float64)

    level = mean((irradiance(lighting, normals) + facing * key_color) / math.pi)
    bright = float(level @ LUMINANCE)
    if bright < DARKEST:
        return illuminate(studio_lighting(), normals, weights)
    scale = (bright / np.maximum(level, 0.05 * bright)) ** (1.0 - KEPT_TINT) / bright
    sh *= scale * RELIGHT
    key = key_color / math.pi * scale * RELIGHT
    diffuse = sh * (COSINE_LOBE[_BAND] * _BASIS / math.pi)[:, None]
    mirror = sh * _BASIS[:, None]
    # Rounding aside, the hero view's mean is now RELIGHT times the kept tint; even light fills it up to 1.
    even = (1.0 - RELIGHT) * np.clip(level * scale, 0.5, 2.0)
    diffuse[0] += even
    mirror[0] += even
    return Illumination(
        diffuse=diffuse.astype(np.float32),
        mirror=mirror.astype(np.float32),
        key_direction=key_direction.astype(np.float32),
        key_radiance=key.astype(np.float32),
        ground_key=ground_key,
        foot_occlusion=FOOT_OCCLUSION,
        rim=(RIM * (1.0 - KEPT_TINT + KEPT_TINT * key_color / max(float(key_color.max()), 1e-6))).astype(np.float32),
    )


def turned_radiance(light: Illumination, unturn: NDArray[np.float64]) -> NDArray[np.float32]:
    """(9, 3) radiance from the surroundings in harmonics of a frame that ``unturn`` (3, 3) leads to."""
    radiance = light.diffuse * (math.pi / (COSINE_LOBE[_BAND] * _BASIS))[:, None]
    # Harmonics of a band turn into each other linearly: the map is read off a few directions.
    mixed = _FIT @ harmonics(_PROBES @ unturn)
    return np.asarray(mixed @ radiance, np.float32)


_PROBES = np.array([[x, y, z] for x in (-1.0, 0.1, 1.0) for y in (-1.0, 0.2, 1.0) for z in (-1.0, 0.3, 1.0)])
_PROBES /= np.linalg.norm(_PROBES, axis=1, keepdims=True)
_FIT = np.linalg.pinv(harmonics(_PROBES))
"""(27, 3) directions that tell all nine harmonics apart, and (9, 27) the way back from values at them."""


def rim_direction(t: float) -> NDArray[np.float64]:
    """(3,) towards the lamp behind the subject at the share ``t`` of the film: it comes back, so that films loop."""
    around = RIM_SWEEP * math.sin(2.0 * math.pi * t)
    direction = np.array([math.sin(around), RIM_HEIGHT, -math.cos(around)])
    return np.asarray(direction / np.linalg.norm(direction), np.float64)


def shadow_direction(key_direction: NDArray[np.float64]) -> NDArray[np.float64]:
    """The key light's direction, raised to ``LOWEST_KEY`` where it is lower, as a unit vector (3,)."""
    x, y, z = (float(v) for v in key_direction)
    level = math.hypot(x, z)
    lowest = math.sin(LOWEST_KEY)
    if y >= lowest or level < 1e-9:
        return np.array([0.0, 1.0, 0.0]) if y < lowest else np.array([x, y, z])
    flat = math.cos(LOWEST_KEY) / level
    return np.array([x * flat, lowest, z * flat])
