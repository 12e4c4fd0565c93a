"""Light and ground of a backplate, estimated from its picture.

One picture shows a small part of the light around the subject. The rest is filled as image-based editing does (Khan et
al. 2006, "Image-Based Material Editing"): the picture is taken for what a mirror ball at the subject shows, left of it
lights from the left, its upper part from above; the half behind the camera is the same, mixed with its mean. What is
far brighter than the rest becomes the key light, what remains the dome. No chance is involved.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb
from lensora.core.scene import SH_COEFFICIENTS, Lighting
from services.segment.backends import KnownKey

Grid = NDArray[np.float32]

GRID_PX = 48
"""The picture is reduced to a square of this side: second-order harmonics hold nothing finer."""

DIRECTIONS = 2_048
"""Samples over the sphere; the error of their sums is under 0.1%."""

SHOULDER = 0.7
"""Over this, pictures are taken to be compressed by a film's shoulder, which is undone."""

BRIGHTEST = 3.0
"""A clipped highlight counts as this times white: more cannot be told from eight bits."""

DOME_LIMIT = 1.6
"""What exceeds this times the mean belongs to the key light, not to the dome."""

BEHIND = 0.5
"""Share of the mean in the half of the surroundings that the camera does not see."""

KEY_FLOOR, KEY_GAIN, KEY_MOST = 0.35, 2.6, 1.6
"""Irradiance of the key over that of the dome: for an even picture, per share of uneven light, and at most."""

KEPT_SATURATION = 0.7
"""Colour of the brightest part that the key takes: a coloured wall is not a coloured lamp."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def harmonics(directions: Grid) -> Grid:
    """Real spherical harmonics of bands 0 to 2 in the order of ``lensora.core.scene.Lighting``.

    Args:
        directions: (n, 3) unit vectors, glTF axes.

    Returns:
        (n, 9) float32.
    """
    x, y, z = directions[:, 0], directions[:, 1], directions[:, 2]
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=1,
    ).astype(np.float32)


def sphere(count: int = DIRECTIONS) -> Grid:
    """(count, 3) unit vectors of equal area each: the golden spiral."""
    index = np.arange(count) + 0.5
    y = 1 - 2 * index / count
    around = np.pi * (1 + 5**0.5) * index
    radius = np.sqrt(1 - y * y)
    return np.stack([radius * np.cos(around), y, radius * np.sin(around)], axis=1).astype(np.float32)


def radiance(rgb: NDArray[np.uint8]) -> Grid:
    """Linear light of a picture, its film's shoulder undone: (h, w, 3) float32, 0 to ``BRIGHTEST``."""
    linear = linear_from_srgb(rgb.astype(np.float32) / 255.0)
    peak = linear.max(axis=2, keepdims=True)
    over = np.clip((peak - SHOULDER) / (1 - SHOULDER), 0.0, 1.0 - 1e-4)
    restored = np.minimum(SHOULDER - (1 - SHOULDER) * np.log(1 - over), BRIGHTEST)
    return np.asarray(linear * np.where(peak > SHOULDER, restored / np.maximum(peak, 1e-4), 1.0), np.float32)


def estimate_lighting(rgb: NDArray[np.uint8], horizon: float, known: KnownKey | None = None) -> Lighting:
    """Light at a subject that stands in the picture.

    Args:
        rgb: (h, w, 3) uint8 sRGB.
        horizon: where the ground ends, fraction of the height from the top.
        known: the key light, where the picture's maker knows it; the dome is estimated all the same.
    """
    # Reduced in linear light, so that small lamps keep their power.
    reduced = cv2.resize(rgb, (GRID_PX * 4, GRID_PX * 4), interpolation=cv2.INTER_AREA)
    grid = np.asarray(
        cv2.resize(radiance(np.asarray(reduced, np.uint8)), (GRID_PX, GRID_PX), interpolation=cv2.INTER_AREA),
        np.float32,
    )
    light = grid @ LUMA
    mean = max(float(light.mean()), 1e-3)
    limit = DOME_LIMIT * mean
    dome = grid * np.minimum(1.0, limit / np.maximum(light, 1e-4))[..., None]
    directions = sphere()
    seen = _lookup(dome, directions, horizon)
    average = seen.mean(axis=0)
    hidden = np.clip(directions[:, 2:3] * 2.0, 0.0, 1.0) * BEHIND
    seen = seen * (1 - hidden) + average * hidden
    sh = (harmonics(directions).T @ seen) * np.float32(4 * np.pi / len(directions))
    if known is not None:
        return Lighting(sh.astype(np.float32), known.direction.astype(np.float32), known.color.astype(np.float32))
    direction, colour = _key(grid, light, mean, horizon)
    return Lighting(sh.reshape(SH_COEFFICIENTS, 3).astype(np.float32), direction, colour)


def _lookup(grid: Grid, directions: Grid, horizon: float) -> Grid:
    """(n, 3) what the picture shows in each direction, read as a mirror ball."""
    u = 0.5 + 0.5 * directions[:, 0]
    up = directions[:, 1]
    v = np.where(up >= 0, horizon * (1 - up), horizon + (1 - horizon) * -up)
    map_x = (u * GRID_PX - 0.5).astype(np.float32)[None]
    map_y = (v * GRID_PX - 0.5).astype(np.float32)[None]
    soft = cv2.GaussianBlur(grid, (0, 0), 1.5, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(
        cv2.remap(soft, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32
    ).reshape(-1, 3)


def _key(grid: Grid, light: Grid, mean: float, horizon: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Direction and irradiance of the key light: where the picture is brighter than its mean."""
    v = (np.arange(GRID_PX, dtype=np.float32)[:, None] + 0.5) / GRID_PX
    u = (np.arange(GRID_PX, dtype=np.float32)[None, :] + 0.5) / GRID_PX
    # The ground mirrors where light comes from, but is not itself a light.
    worth = np.where(v < horizon, 1.0, 0.35).astype(np.float32)
    excess = np.maximum(light - mean, 0.0) * worth
    total = float(excess.sum())
    uneven = total / max(float((light * worth).sum()), 1e-6)
    if total < 1e-6:
        x, y = -0.35, 0.8
        tint = grid.reshape(-1, 3).mean(axis=0)
    else:
        x = float((excess * (2 * u - 1)).sum()) / total
        height = np.clip((horizon - v) / max(horizon, 1e-3), 0.0, 1.0)
        y = float((excess * height).sum()) / total
        tint = (grid * excess[..., None]).sum(axis=(0, 1)) / total
    # What is seen stands behind the subject, but products are lit from the camera's side as a rule: a strong light in
    # the picture pulls the key back, an even picture leaves it in front.
    z = 0.55 - 0.9 * min(uneven, 0.8)
    direction = np.array([1.5 * x, 0.45 + 0.5 * y, z], np.float32)
    direction /= np.linalg.norm(direction)
    grey = max(float(tint @ LUMA), 1e-4)
    colour = (1 - KEPT_SATURATION) + KEPT_SATURATION * tint / grey
    share = min(KEY_FLOOR + KEY_GAIN * uneven, KEY_MOST)
    return direction.astype(np.float32), np.asarray(np.pi * mean * share * np.maximum(colour, 0.05), np.float32)
