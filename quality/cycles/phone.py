"""From light to a phone's JPEG: exposure, white balance, tone curve, sharpening, noise. Pure numpy and Pillow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.float32]

SUBJECT_LIGHT = (0.14, 0.26)
"""Linear mean of what is metered, least and most: half the subject, half the whole picture."""


def developed(
    light: Floats, alpha: Floats, random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """The picture a phone makes of linear light (h, w, 3), and the gains of its three channels.

    ``alpha``: (h, w), the subject, which the phone meters on. Returns (h, w, 3) uint8 sRGB.
    """
    weight = 0.5 * alpha / max(float(alpha.mean()), 1e-6) + 0.5
    level = float((light.mean(axis=2) * weight).mean())
    gain = float(random.uniform(*SUBJECT_LIGHT)) / max(level, 1e-6)
    tint = np.array([1.0 + random.normal(0, 0.03), 1.0, 1.0 + random.normal(0, 0.04)])
    # A camera takes most of the light's colour out, not all of it.
    cast = light.reshape(-1, 3).mean(axis=0) + 1e-6
    balance = (cast.mean() / cast) ** 0.55
    gains = gain * tint * balance
    exposed = light * gains
    noise = float(random.uniform(0.2, 1.0))
    exposed = (
        exposed + random.normal(0, 1, exposed.shape) * noise * np.sqrt(0.00002 + 0.0006 * np.clip(exposed, 0, 1)) * 0.6
    )
    tone = display(exposed)
    picture = Image.fromarray((np.clip(tone, 0, 1) * 255 + 0.5).astype(np.uint8))
    picture = picture.filter(ImageFilter.UnsharpMask(radius=1.1, percent=int(random.uniform(20, 70)), threshold=2))
    return np.asarray(picture), gains


def display(exposed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Exposed linear light to display values 0..1: a soft shoulder over 0.7, then sRGB."""
    light = np.clip(exposed, 0.0, None)
    soft = np.where(light > 0.7, 0.7 + 0.3 * (1.0 - np.exp(-(light - 0.7) / 0.3)), light)
    return np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * np.maximum(soft, 1e-9) ** (1 / 2.4) - 0.055)


def write_jpeg(path: Path, picture: NDArray[np.uint8], quality: int) -> None:
    """Write a picture as a baseline JPEG with halved chroma, as phones and shops do."""
    Image.fromarray(picture).save(path, quality=quality, subsampling=2, optimize=True)


def write_matte(path: Path, alpha: Floats) -> None:
    """Write a matte (h, w) 0..1 as an 8-bit PNG; what renders as almost nothing or almost all is taken as such."""
    steps = np.round(alpha * 32) / 32
    Image.fromarray((np.clip(steps, 0, 1) * 255 + 0.5).astype(np.uint8)).save(path, optimize=True)
