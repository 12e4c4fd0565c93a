"""A large picture made small by area mean, a few rows at a time: little is in memory beside the decoded picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_OPAQUE = 255
_STRIP_PIXELS = 1 << 19
"""Pixels of a strip: 8 MB as float32 with four channels."""
_STRIP_ROWS = 256
"""Most rows of a strip."""
_AT_ONCE_PIXELS = 1 << 22
"""An opaque picture up to this size is reduced in one piece."""


@dataclass(frozen=True, slots=True)
class Raster:
    """A decoded picture, whoever holds it.

    Attributes:
        width: pixels.
        height: pixels.
        has_alpha: whether rows have four channels.
        rows: from (top, bottom, left, right) to (bottom - top, right - left, 3 or 4) uint8, RGB and straight alpha.
    """

    width: int
    height: int
    has_alpha: bool
    rows: Callable[[int, int, int, int], NDArray[np.uint8]]


def reduced(
    raster: Raster, frame: tuple[int, int, int, int], size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """A part of a picture at another size, by area mean.

    Colours are weighted by alpha, so that hidden ones do not bleed.

    Args:
        raster: the picture.
        frame: (left, top, right, bottom) of the part, pixels.
        size: width and height of the result, at most the part's.

    Returns:
        (h, w, 3) uint8 RGB and, where the picture has alpha, (h, w) uint8.
    """
    left, top, right, bottom = frame
    if (right - left, bottom - top) == size:
        return _copied(raster, frame)
    if not raster.has_alpha and (right - left) * (bottom - top) <= _AT_ONCE_PIXELS:
        return _area(raster.rows(top, bottom, left, right), size), None
    channels = 4 if raster.has_alpha else 3
    sums = np.zeros((size[1], size[0] * channels), np.float32)
    for first, last in _strips(frame):
        block = raster.rows(first, last, left, right).astype(np.float32)
        if raster.has_alpha:
            block[..., :3] *= block[..., 3:] * np.float32(1 / _OPAQUE)
        across = _area(block, (size[0], last - first)).reshape(last - first, -1)
        _add_rows(sums, across, first - top, (bottom - top) / size[1])
    means = sums.reshape(size[1], size[0], channels)
    if not raster.has_alpha:
        return _eight_bits(means), None
    alpha = means[..., 3]
    means[..., :3] *= (_OPAQUE / np.maximum(alpha, 1e-3))[..., None]
    return _eight_bits(means[..., :3]), _eight_bits(alpha)


def _copied(raster: Raster, frame: tuple[int, int, int, int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    left, top, right, bottom = frame
    rgb = np.empty((bottom - top, right - left, 3), np.uint8)
    alpha = np.empty(rgb.shape[:2], np.uint8) if raster.has_alpha else None
    for first, last in _strips(frame):
        block = raster.rows(first, last, left, right)
        rgb[first - top : last - top] = block[..., :3]
        if alpha is not None:
            alpha[first - top : last - top] = block[..., 3]
    return rgb, alpha


def _strips(frame: tuple[int, int, int, int]) -> Iterator[tuple[int, int]]:
    left, top, right, bottom = frame
    rows = min(_STRIP_ROWS, max(1, _STRIP_PIXELS // (right - left)))
    for first in range(top, bottom, rows):
        yield first, min(bottom, first + rows)


def _add_rows(sums: NDArray[np.float32], rows: NDArray[np.float32], first: int, scale: float) -> None:
    """Add a strip's rows to those of the result that they lie in, each by the share of it that it covers.

    By plain sums: products of matrices would wait for other threads of the process.

    Args:
        sums: (rows of the result, n), changed.
        rows: (rows of the strip, n).
        first: the picture's row that the strip begins with.
        scale: rows of the picture for each row of the result.
    """
    last = first + len(rows)
    for row in range(min(len(sums) - 1, int(first / scale)), min(len(sums), math.ceil(last / scale))):
        start, end = row * scale, (row + 1) * scale
        low, high = max(first, int(start)), min(last, math.ceil(end))
        places = np.arange(low, high)
        shares = (np.minimum(places + 1, end) - np.maximum(places, start)).clip(0.0) / scale
        sums[row] += (rows[low - first : high - first] * shares.astype(np.float32)[:, None]).sum(axis=0)


def _area(array: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.asarray(cv2.resize(array, size, interpolation=cv2.INTER_AREA))


def _eight_bits(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.rint(values).clip(0, _OPAQUE).astype(np.uint8)
