"""Image quilting (Efros and Freeman 2001) around a turned thing: texture that was seen is sewn on where it was not.

A piece keeps its height: what is sewn on at a row was seen at that row or a few beside it, so bands and reliefs go
round. Pieces are chosen for how well they agree with what lies beside and above them, and are joined along the line
where they differ least.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class QuiltingParameters:
    """How pieces are cut, chosen and joined.

    Attributes:
        piece, overlap: rows and columns of a piece, and of what it shares with those beside it.
        jitter_rows: a piece may come from this many rows higher or lower.
        coarse: pieces are compared on every fourth row and column of a blurred picture.
        choice: among pieces whose error is at most this many times the least, chance chooses: or the same one would
            come again and again.
        feather: sigma, pixels, of the softened seam.
    """

    piece: tuple[int, int] = (96, 80)
    overlap: tuple[int, int] = (32, 28)
    jitter_rows: int = 6
    coarse: int = 4
    choice: float = 1.15
    feather: float = 1.5


PARAMETERS = QuiltingParameters()


@dataclass(frozen=True)
class Example:
    """What may be sewn on.

    Attributes:
        detail: (rows, columns, 3) float32, zero mean.
        usable: (rows, columns) bool: seen, and no feature that occurs once.
    """

    detail: Floats
    usable: NDArray[np.bool_]


def quilted(canvas: Floats, gap: tuple[int, int], example: Example) -> Floats:
    """Fill a gap in a band of texture.

    Args:
        canvas: (rows, columns, 3) float32; what lies next to the gap on both sides is kept and continued.
        gap: first column to be filled and the one after the last; at least an overlap from either end of the canvas.
        example: as many rows as the canvas, more columns than a piece.

    Returns:
        the canvas with the gap filled.
    """
    canvas = canvas.copy()
    rows = canvas.shape[0]
    height, width = min(PARAMETERS.piece[0], rows), min(PARAMETERS.piece[1], example.detail.shape[1] - 1)
    over_y, over_x = min(PARAMETERS.overlap[0], height // 3), min(PARAMETERS.overlap[1], width // 3)
    tops = _starts(0, rows, height, height - over_y)
    lefts = _starts(gap[0] - over_x, gap[1] + over_x, width, width - over_x)
    coarse = _coarse(example.detail)
    spoilt = (~example.usable).astype(np.float32)
    bad = np.asarray(cv2.blur(spoilt, (width, height), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE), np.float32)
    filled = np.zeros(canvas.shape[:2], bool)
    filled[:, : gap[0]] = True
    filled[:, gap[1] :] = True
    random = np.random.default_rng(int(np.abs(example.detail).sum() * 16.0) % 2**32)
    for top in tops:
        for left in lefts:
            glance()
            window = (slice(top, top + height), slice(left, left + width))
            place = _chosen(canvas[window], filled[window], coarse, bad, top, random)
            piece = example.detail[place[0] : place[0] + height, place[1] : place[1] + width]
            canvas[window] = _sewn(canvas[window], filled[window], piece)
            filled[window] = True
    return canvas


def _starts(first: int, end: int, length: int, step: int) -> list[int]:
    """Starts of pieces that cover first..end evenly, none reaching past the end."""
    count = max(1, int(np.ceil((end - first - length) / step)) + 1)
    return [round(value) for value in np.linspace(first, max(first, end - length), count)]


def _coarse(detail: NDArray[np.float32]) -> Floats:
    """Grey, blurred: what pieces are compared by."""
    return np.asarray(cv2.GaussianBlur(detail.mean(axis=2), (0, 0), 0.4 * PARAMETERS.coarse), np.float32)


def _chosen(
    here: Floats,
    filled: NDArray[np.bool_],
    coarse: Floats,
    bad: Floats,
    top: int,
    random: np.random.Generator,
) -> tuple[int, int]:
    """Row and column of the example's piece that agrees with what is there already."""
    height, width = filled.shape
    low, high = max(0, top - PARAMETERS.jitter_rows), min(coarse.shape[0] - height, top + PARAMETERS.jitter_rows)
    template = np.ascontiguousarray(_coarse(here)[:: PARAMETERS.coarse, :: PARAMETERS.coarse])
    known = filled[:: PARAMETERS.coarse, :: PARAMETERS.coarse].astype(np.float32)
    errors, places = [], []
    for row in range(low, high + 1, PARAMETERS.jitter_rows):
        strip = coarse[row : row + height : PARAMETERS.coarse]
        columns = np.arange(0, coarse.shape[1] - width + 1, 2)
        windows = np.lib.stride_tricks.sliding_window_view(strip, width, axis=1)[:, columns, :: PARAMETERS.coarse]
        error = np.einsum("rcw,rw->c", (windows - template[:, None, :]) ** 2, known)
        errors.append(error / max(float(known.sum()), 1.0) + 1e-6)
        places.append(np.stack([np.full(len(columns), row), columns], axis=1))
    error, place = np.concatenate(errors), np.concatenate(places)
    spoilt = bad[place[:, 0], place[:, 1]]
    error = error * (1.0 + 4.0 * spoilt) + float(error.max()) * spoilt
    near = np.flatnonzero(error <= PARAMETERS.choice**2 * error.min())
    row, column = place[near[int(random.integers(len(near)))]]
    return int(row), int(column)


def _sewn(here: Floats, filled: NDArray[np.bool_], piece: Floats) -> Floats:
    """The piece joined to what is there along the line where the two differ least."""
    if not filled.any():
        return piece
    height, width = filled.shape
    error = cv2.GaussianBlur(((here - piece) ** 2).sum(axis=2), (0, 0), 2.0)
    new = np.ones((height, width), bool)
    row, column = np.arange(height)[:, None], np.arange(width)[None, :]
    sides = np.asarray(filled[height // 2 :].all(axis=0), np.bool_)
    left, right = _run(sides), _run(sides[::-1])
    if 0 < left < width:
        seam = cv2.blur(error[:, :left], (1, 9))[:, 1:].argmin(axis=1) + 1
        new &= column >= seam[:, None]
    if 0 < right < width:
        seam = width - 1 - (cv2.blur(error[:, width - right :][:, ::-1], (1, 9))[:, 1:].argmin(axis=1) + 1)
        new &= column <= seam[:, None]
    above = _run(filled[:, width // 2])
    if 0 < above < height:
        seam = cv2.blur(error[:above], (9, 1))[1:].argmin(axis=0) + 1
        new &= row >= seam[None, :]
    share = cv2.GaussianBlur((new | ~filled).astype(np.float32), (0, 0), PARAMETERS.feather)
    share = np.where(filled, share, 1.0)[..., None]
    return np.asarray(here + share * (piece - here), np.float32)


def _run(values: NDArray[np.bool_]) -> int:
    """How many of the first values are true in a row."""
    return int(values.argmin()) if not values.all() else len(values)
