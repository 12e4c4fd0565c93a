"""From the samples that a rasteriser writes to pixels: square roots of linear light in, sRGB out.

A square root costs a shader one instruction, the sRGB curve many; so does a texture of sRGB against one of roots.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb, srgb_from_linear

SRGB_FROM_ROOT = (srgb_from_linear((np.arange(256) / 255.0) ** 2) * 255.0 + 0.5).astype(np.uint8)
"""(256,) sRGB bytes from square roots of linear light. The two are within 10/255 of each other, so pixels that are
partly covered, whose colours are premultiplied, may go through it as well (an error of at most 2/255 on edges)."""

ROOT_FROM_SRGB = (np.sqrt(linear_from_srgb(np.arange(256) / 255.0)) * 255.0 + 0.5).astype(np.uint8)
"""(256,) the other way round; there and back differs by at most 1."""

_ALPHA = np.arange(256, dtype=np.uint8)
_TO_SRGB = np.dstack([SRGB_FROM_ROOT] * 3 + [_ALPHA])
_TO_ROOT = np.dstack([ROOT_FROM_SRGB] * 3 + [_ALPHA])

_ROOTS = (np.sqrt(np.arange(255 * 255 + 1, dtype=np.float64)) + 0.5).astype(np.uint8)
"""(65026,) bytes whose squares these are."""


def resolved(samples: NDArray[np.uint8], factor: int, memory: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
    """(h, w, 4) uint8 sRGB, premultiplied: one pixel of ``factor`` x ``factor`` samples.

    The filter is a tent two pixels wide, not a box: nearly upright edges, of which a turntable shows many, get three
    steps between inside and outside instead of one, so they do not crawl.

    Args:
        samples: (h * factor, w * factor, 4) uint8, square roots of linear light premultiplied by alpha.
        factor: samples a pixel along each side.
        memory: at least as many bytes as the samples have, for what lies between; None takes fresh ones.
    """
    pixels = samples
    if factor > 1:
        height, width = samples.shape[:2]
        between = None if memory is None else memory[: samples.size].reshape(samples.shape)
        tent = cv2.GaussianBlur(samples, (3, 3), 0, between, borderType=cv2.BORDER_REPLICATE)  # weights 1 2 1
        size = (width // factor, height // factor)
        pixels = np.asarray(cv2.resize(tent, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.LUT(pixels, _TO_SRGB), np.uint8)


def root_levels(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """A texture's mip levels as square roots of linear light, the largest first, down to one texel.

    Each level is the mean of the light in the one before, not of its bytes: fine print keeps its tone when it is far.

    Args:
        image: (h, w, 4) uint8 sRGB with straight alpha.
    """
    level = np.asarray(cv2.LUT(image, _TO_ROOT), np.uint8)
    levels, squares = [level], cv2.multiply(level, level, dtype=cv2.CV_16U)
    height, width = level.shape[:2]
    while max(height, width) > 1:
        height, width = max(1, height // 2), max(1, width // 2)
        squares = cv2.resize(squares, (width, height), interpolation=cv2.INTER_AREA)
        levels.append(np.take(_ROOTS, np.asarray(squares, np.uint16)))
    return levels
