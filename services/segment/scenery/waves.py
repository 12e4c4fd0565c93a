"""Water: ripples that mirror the surroundings, after Schlick's reflectance."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.ground import FOCAL, Ground, slopes
from services.segment.scenery.light import Mood
from services.segment.scenery.material import colour, fresnel, mix
from services.segment.scenery.noise import Noise, smoothstep

WATER_F0 = 0.02
"""Reflectance of water at normal incidence (index of refraction 1.33)."""


def water(
    backdrop: NDArray[np.float32],
    ground: Ground,
    setting: Ground,
    mood: Mood,
    noise: Noise,
    tint: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Radiance of the rows below ``ground.edge``.

    Args:
        backdrop: (height, width, 3) float32, the surroundings as ``setting`` sees them, at the picture's size, linear
            light.
        ground: the camera.
        setting: the camera that the surroundings were painted for.
        mood: the light.
        noise: the seed's own stream.
        tint: colour of the depths, or None.

    Returns:
        (rows, width, 3) float32 for the rows from ``int(edge * height)`` on.
    """
    height, width = backdrop.shape[:2]
    first = int(ground.first * height)
    patch = ground.patch(width, height, first)
    foot = patch.footprint
    x, z = patch.x, patch.z
    swell = noise.fractal(x * 2.4, z * 3.4, 3, gain=0.55, footprint=foot * 3.4)
    ripple = noise.fractal(x * 11.0 + 0.6 * swell, z * 17.0, 4, gain=0.55, footprint=foot * 17.0)
    # Rings run out from where the subject stands.
    radius = np.hypot(x, z - np.float32(patch.stand))
    rings = (
        np.sin(radius * 95.0 + 0.8 * swell) * np.exp(-(((radius - 0.10) / 0.11) ** 2)) * np.clip(radius / 0.06, 0, 1)
    )
    relief = np.asarray(0.0030 * swell + 0.00075 * ripple + 0.00035 * rings, np.float32)
    slope_x, slope_z = slopes(relief, patch)
    rows = (np.arange(first, height, dtype=np.float32)[:, None] + 0.5) / height
    columns = np.broadcast_to((np.arange(width, dtype=np.float32) + 0.5)[None, :], x.shape)
    # The row of the setting whose line of sight falls as steeply: what it mirrors is as far above the horizon.
    below = np.clip(ground.pitch - setting.pitch + np.arctan((rows - 0.5) / FOCAL), -0.4, 1.2)
    mirrored = setting.vanishing - (0.5 + FOCAL * np.tan(below) - setting.vanishing) * 0.62
    bend = 0.55
    map_y = (mirrored - bend * slope_z) * height
    map_x = columns - bend * slope_x * height
    limit = setting.vanishing * height - 1.5
    map_y = np.clip(map_y, 0.0, limit)
    soft = cv2.GaussianBlur(backdrop, (0, 0), max(0.8, height / 500))
    mirror = cv2.remap(
        soft, map_x.astype(np.float32), map_y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    facing = np.clip(patch.view_y + slope_z * np.sqrt(np.maximum(0.0, 1 - patch.view_y**2)), 0.02, 1.0)
    share = fresnel(WATER_F0, facing.astype(np.float32))
    deep = (colour("#0f4a5c") if tint is None else 0.6 * tint) * (mood.dome + 0.7 * mood.key)
    shallow = (colour("#3f9aa0") if tint is None else tint) * (mood.dome + 0.7 * mood.key)
    body = mix(deep.astype(np.float32), shallow.astype(np.float32), smoothstep(-1.4, 2.2, swell + 0.5 * ripple))
    share = np.clip(0.16 + 1.15 * share, 0.0, 0.97)
    out = mix(body, np.asarray(mirror, np.float32), share.astype(np.float32))
    # The key light's own glint.
    half_x, half_z = float(mood.key_direction[0]) * 0.35, 0.22
    glint = np.exp(-(((slope_x + half_x) / 0.05) ** 2 + ((slope_z - half_z) / 0.06) ** 2))
    return np.asarray(out + glint[..., None] * mood.key * 3.0, dtype=np.float32)
