"""What a surface is made of, pixel by pixel, and how light falls on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb

Plane: TypeAlias = NDArray[np.float32]


def colour(code: str) -> NDArray[np.float32]:
    """Linear RGB, (3,) float32, of an sRGB colour written ``#rrggbb``."""
    return linear_from_srgb(np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)], np.float32) / 255.0)


def mix(first: NDArray[np.float32], second: NDArray[np.float32], share: Plane) -> NDArray[np.float32]:
    """``first`` where ``share`` is 0, ``second`` where it is 1; colours (3,) or (..., 3), share (...)."""
    weight = share[..., None]
    kept, added = first * (1.0 - weight), second * weight
    # The sum goes where one part of it lies: fresh memory costs as much as the sum.
    return np.asarray(np.add(kept, added, out=kept if kept.shape == added.shape else None), dtype=np.float32)


@dataclass(frozen=True)
class Material:
    """A surface's pixels.

    Attributes:
        albedo: (rows, columns, 3) float32, linear, 0..1.
        slope_x: (rows, columns) float32, slope of its relief along world x.
        slope_z: likewise along world z (away from the camera).
        mirror: share of the reflected surroundings seen when looking straight down, 0..1 (0.04 for lacquer).
        roughness: spread of the reflection, 0 a mirror, 1 none to be seen.
        sheen: share of light that the fibres of cloth catch against the light, 0..1.
    """

    albedo: NDArray[np.float32]
    slope_x: Plane
    slope_z: Plane
    mirror: float
    roughness: float
    sheen: float = 0.0


LOWEST = 0.42
"""Sine of the lowest light for relief: slopes have no cast shadows of their own here, and a lower light would only draw
every grain in black and white."""


def diffuse(material: Material, key_direction: NDArray[np.float32]) -> Plane:
    """Cosine of the key light on the relief over that on the flat plane, 1 where it is flat.

    Args:
        material: its slopes.
        key_direction: (3,) float32 unit vector towards the light, glTF axes (z towards the viewer).
    """
    x, y, z = float(key_direction[0]), max(LOWEST, float(key_direction[1])), -float(key_direction[2])
    lean = (y - material.slope_x * x - material.slope_z * z) / y
    length = np.sqrt(1.0 + material.slope_x**2 + material.slope_z**2)
    return np.asarray(np.clip(lean / length, 0.0, 3.0), dtype=np.float32)


def fresnel(mirror: float, view_y: Plane) -> Plane:
    """Schlick's reflectance from ``mirror`` at normal incidence; ``view_y`` is the cosine to the normal."""
    return np.asarray(mirror + (1.0 - mirror) * (1.0 - np.clip(view_y, 0.0, 1.0)) ** 5, dtype=np.float32)
