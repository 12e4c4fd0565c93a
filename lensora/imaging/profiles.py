"""ICC profiles: what the profile's numbers say counts, never its name."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

MAX_BYTES = 4_000_000
"""A larger profile is passed over; those of printing presses have 0.5 to 3 MB."""

_SAME_LEVELS = 2
"""A profile that moves no colour further than this is sRGB under whatever name: the pixels stay as they are."""

_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK"}


class ToSrgb:
    """A profile's way to sRGB for one kind of picture."""

    def __init__(self, transform: ImageCms.ImageCmsTransform, mode: str) -> None:
        self._transform = transform
        self._mode = mode

    @classmethod
    def of(cls, profile: bytes | None, mode: str) -> ToSrgb | None:
        """The way; None where there is no profile, or one that is broken, of another kind of picture, or sRGB itself.

        Args:
            profile: the file's.
            mode: ``RGB``, ``L`` or ``CMYK``. A grey picture may have a profile for RGB: its three values are equal.
        """
        if not profile or len(profile) > MAX_BYTES:
            return None
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            if mode == "L" and space == "RGB":
                mode = "RGB"
            if space != _SPACES[mode]:
                return None
            transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
            way = cls(transform, mode)
            return None if mode != "CMYK" and way._changes_nothing() else way
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            return None

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(h, w, 3) uint8 sRGB of (h, w, 3) uint8 RGB or grey with three equal values, or (h, w, 4) uint8 CMYK."""
        if self._mode == "L":
            pixels = np.ascontiguousarray(pixels[..., 0])
        converted = ImageCms.applyTransform(Image.fromarray(pixels, self._mode), self._transform)
        assert converted is not None
        return np.asarray(converted)

    def _changes_nothing(self) -> bool:
        steps = np.linspace(0, 255, 256 if self._mode == "L" else 9).astype(np.uint8)
        if self._mode == "L":
            probe = np.repeat(steps[None, :, None], 3, axis=2)
        else:
            probe = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
        return int(np.abs(self.apply(probe).astype(int) - probe).max()) <= _SAME_LEVELS
