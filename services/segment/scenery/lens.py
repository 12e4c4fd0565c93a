"""The lens and the film of a backplate: defocus with bright discs, depth of field over the surface, tone and grain.

Everything before ``develop`` is linear light, float32, with highlights over 1.
"""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.core.frames import srgb_from_linear

Image: TypeAlias = NDArray[np.float32]

APERTURE_BLADES = 9
"""A rounded nine-blade iris, as in current portrait lenses."""

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 luminance of linear RGB."""


def iris(radius_px: float) -> NDArray[np.float32]:
    """The picture of a point out of focus: a rounded polygon with a slightly brighter rim, of sum 1."""
    reach = int(np.ceil(radius_px)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    distance = np.hypot(x, y)
    wedge = 2 * np.pi / APERTURE_BLADES
    angle = np.mod(np.arctan2(y, x), wedge) - wedge / 2
    polygon = np.cos(wedge / 2) / np.cos(angle)
    limit = radius_px * (0.5 + 0.5 * polygon)
    kernel = np.clip(limit - distance + 0.5, 0.0, 1.0) * (0.85 + 0.3 * (distance / max(radius_px, 1.0)) ** 4)
    return np.asarray(kernel / kernel.sum(), np.float32)


def defocus(picture: Image, radius_px: float) -> Image:
    """Convolve with the iris; borders are mirrored. Radii under half a pixel change nothing."""
    if radius_px < 0.5:
        return picture
    return np.asarray(
        cv2.filter2D(picture, cv2.CV_32F, iris(radius_px), borderType=cv2.BORDER_REFLECT_101), dtype=np.float32
    )


def blur_by_row(picture: Image, radius_px: NDArray[np.float32]) -> Image:
    """Blur each row by its own radius: depth of field over a receding plane.

    Rows take a mix of the two nearest of five fixed blurs; the largest are made on a smaller picture.

    Args:
        picture: (rows, columns, channels) float32.
        radius_px: (rows,) float32, >= 0.
    """
    top = float(radius_px.max())
    if top < 0.5:
        return picture
    radii = [0.0, *(top * share for share in (0.18, 0.4, 0.7, 1.0))]
    stack = [picture]
    for radius in radii[1:]:
        glance()
        factor = 2 if radius > 6 else 1
        if factor == 1:
            stack.append(defocus(picture, radius))
            continue
        small = cv2.resize(picture, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
        soft = defocus(np.asarray(small, np.float32), radius / factor)
        stack.append(
            np.asarray(
                cv2.resize(soft, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32
            )
        )
    glance()
    out = np.empty_like(picture)
    for row, radius in enumerate(radius_px):
        upper = int(np.clip(np.searchsorted(radii, radius), 1, len(radii) - 1))
        share = (float(radius) - radii[upper - 1]) / (radii[upper] - radii[upper - 1])
        share = min(1.0, max(0.0, share))
        out[row] = stack[upper - 1][row] * (1.0 - share) + stack[upper][row] * share
    return out


def bloom(picture: Image, strength: float, reach: float = 0.05) -> Image:
    """Veiling glare: a little of the highlights spread wide, added back.

    Args:
        picture: (h, w, 3) float32.
        strength: share of the light over 0.8 that is spread, 0..1.
        reach: standard deviation as a fraction of the height.
    """
    if strength <= 0.0:
        return picture
    height, width = picture.shape[:2]
    scale = 8 if height >= 512 else 4
    small = cv2.resize(picture, (max(8, width // scale), max(8, height // scale)), interpolation=cv2.INTER_AREA)
    bright = np.minimum(np.maximum(small - 0.8, 0.0), 8.0)
    wide = cv2.GaussianBlur(bright, (0, 0), reach * small.shape[0])
    wider = cv2.GaussianBlur(bright, (0, 0), 3 * reach * small.shape[0])
    glow = cv2.resize(0.6 * wide + 0.4 * wider, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(picture + np.float32(strength) * glow, dtype=np.float32)


def tone(linear: Image) -> Image:
    """A film's shoulder: straight up to 0.7, then ever flatter towards 1 (8 and more is white). Keeps hue by mixing.

    The curve acts on the brightest channel; colours far over the limit fade towards white as film does.
    """
    knee = np.float32(0.7)
    peak = linear.max(axis=2, keepdims=True)
    over = np.maximum(peak - knee, 0.0)
    squeezed = np.where(peak > knee, knee + (1 - knee) * (1 - np.exp(-over / (1 - knee))), peak)
    scaled = linear * (squeezed / np.maximum(peak, 1e-6))
    glance()
    fade = np.clip((peak - 1.2) / 6.0, 0.0, 0.85)
    return np.asarray(scaled * (1 - fade) + squeezed * fade, dtype=np.float32)


def develop(linear: Image, *, vignette: float, grain: float, seed: int) -> NDArray[np.uint8]:
    """Tone, vignette, sRGB and grain.

    Args:
        linear: (h, w, 3) float32, linear Rec. 709, highlights over 1.
        vignette: loss of light in the corners, 0..1.
        grain: standard deviation in 8-bit steps; also dithers the smooth gradients against banding.
        seed: of the grain.

    Returns:
        (h, w, 3) uint8 sRGB.
    """
    height, width = linear.shape[:2]
    y = (np.arange(height, dtype=np.float32)[:, None] + 0.5) / height - 0.5
    x = (np.arange(width, dtype=np.float32)[None, :] + 0.5) / width - 0.5
    fall = 1.0 - np.float32(vignette) * np.clip((x * x + y * y) / 0.5, 0.0, 1.0) ** 1.3
    glance()
    toned = tone(linear * fall[..., None])
    glance()
    encoded = srgb_from_linear(toned) * 255.0
    glance()
    noise = np.random.default_rng(seed).standard_normal((height, width, 1), dtype=np.float32)
    noise = 0.6 * noise + 0.6 * cv2.GaussianBlur(noise[..., 0], (0, 0), 0.8)[..., None]
    return np.clip(encoded + noise * np.float32(grain) + 0.5, 0, 255).astype(np.uint8)
