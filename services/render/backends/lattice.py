"""Where the samples of a pixel lie: rows of them, each set off against the one above.

In a square grid of 2 x 2 samples an upright edge that moves meets only two columns a pixel, and crawls: half of a pixel
turns over at once. Here the second row lies half a sample to the side, so the edge meets four columns. Rasterisers know
only square grids, so the whole window is drawn with a shear that brings this lattice on one: each row of pixels is then
one whole sample further to the right, and reading it back upright is a copy.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from services.render.shot import Window

BAND_ROWS = 640
"""Pixels: a taller window is drawn in bands. A drawing leans by a sample for each row of pixels, so that of a tall
window would be half empty: twice the memory to clear, to read and to hold."""


@dataclass(frozen=True)
class Band:
    """A part of a window that is drawn by itself.

    Attributes:
        window: what is drawn: whole rows, with one row more above and below for the filter where the band does not end
            with its window.
        first, rows: of what is drawn, the rows that are kept.
    """

    window: Window
    first: int
    rows: int


def bands(window: Window, most: int = BAND_ROWS) -> list[Band]:
    """The bands of a window, from its top to its bottom; one for a window of up to ``most`` rows."""
    count = max(1, math.ceil(window.height / most))
    edges = [window.top + window.height * k // count for k in range(count + 1)]
    result = []
    for top, bottom in itertools.pairwise(edges):
        above, below = max(window.top, top - 1), min(window.bottom, bottom + 1)
        result.append(Band(Window(window.left, above, window.right, below), top - above, bottom - top))
    return result


def lattice_sides(window: Window, factor: int) -> tuple[int, int]:
    """Width and height, samples, of the drawing of a window, which leans to the right.

    Args:
        window: part of the frame.
        factor: samples a pixel along each side.
    """
    lean = window.height if factor > 1 else 0
    return window.width * factor + lean, window.height * factor


def sheared(window: Window, factor: int) -> NDArray[np.float64]:
    """(4, 4) from clip coordinates of the window to those of its drawing."""
    matrix = np.eye(4)
    if factor > 1:
        width = lattice_sides(window, factor)[0]
        # In samples: x + y / factor - 1/2, so that the rows of a pixel lie evenly about its middle.
        matrix[0] = np.array([window.width * factor, window.height, 0.0, -1.0]) / width
    return matrix


def upright(
    drawn: NDArray[np.uint8], window: Window, factor: int, memory: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """(window.height * factor, window.width * factor, 4): the drawing without its lean.

    Args:
        drawn: (height, width, 4) as of ``lattice_sides``, contiguous, row 0 on top.
        window: part of the frame.
        factor: samples a pixel along each side.
        memory: takes the result, bytes, at least as many as it has; None takes fresh ones.
    """
    if factor == 1:
        return drawn
    row, sample = drawn.strides[:2]
    rows = (window.height, factor, window.width * factor * 4)
    leaning = as_strided(drawn, rows, (factor * row + sample, row, 1), writeable=False)
    copy = np.empty(leaning.size, np.uint8) if memory is None else memory[: leaning.size]
    np.copyto(copy.reshape(leaning.shape), leaning)
    return copy.reshape(window.height * factor, window.width * factor, 4)
