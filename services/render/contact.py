"""Where the subject touches the ground, and how dark the ground is there: from a depth map taken from below.

A foot darkens the ground under it and right beside it; a belly that hangs over it does not, beyond the sky that it
hides. So each place of the ground gets the height of the lowest part above it, and only what touches counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class ContactRules:
    """How contact darkens the ground; lengths in the subject's unit size.

    ``bench.contact`` compares the ground's light with that of an even dome around things of the corpus. The slices of
    ``shadow`` alone are nearest to it. Of what is darker at a foot, this is the most that is hardly farther from it.

    Attributes:
        cells: side of the depth map.
        height: over which what hangs above the ground falls to 37% of what touches it.
        blur: how far it darkens, standard deviation.
        strength: share of the light that is gone under what touches.
    """

    cells: int = 192
    height: float = 0.006
    blur: float = 0.006
    strength: float = 0.8


RULES = ContactRules()


def underside(points: NDArray[np.floating], width: float, cells: int) -> Floats:
    """(cells, cells) height of the subject's lowest part over each cell of the ground; infinite where there is none.

    Args:
        points: (n, 3) spread over its surface, standing on y = 0; x and z within half of ``width`` from 0.
        width: of the map, whose rows run along +z and columns along +x.
        cells: its side.
    """
    column, row = (np.clip(((points[:, k] / width + 0.5) * cells).astype(np.int64), 0, cells - 1) for k in (0, 2))
    place = row * cells + column
    lowest = np.full((cells, cells), np.inf, np.float32)
    np.minimum.at(lowest.reshape(-1), place, points[:, 1].astype(np.float32))
    # A cell in which no point fell, between some in which one did.
    near = cv2.erode(cv2.dilate(np.where(np.isfinite(lowest), 1, 0).astype(np.uint8), np.ones((3, 3))), np.ones((3, 3)))
    around = cv2.erode(np.minimum(lowest, np.float32(1e6)), np.ones((3, 3)))
    return np.where(np.isfinite(lowest) | (near == 0), lowest, around).astype(np.float32)


def light_left(below: Floats, cell: float, side: int, step: float, rules: ContactRules = RULES) -> Floats:
    """(side, side) share of the light that contact leaves the ground.

    Args:
        below: of ``underside``.
        cell: of ``below``, the subject's unit.
        side: of the wanted map, around the same middle.
        step: of its cells.
        rules: how dark it is.
    """
    scale = cell / step
    shift = side / 2.0 - 0.5 - scale * (len(below) / 2.0 - 0.5)
    move = np.array([[scale, 0.0, shift], [0.0, scale, shift]])
    near = np.exp(-below / np.float32(rules.height))
    if scale < 1.0:
        near = cv2.GaussianBlur(near, (0, 0), 0.5 / scale)
    laid = cv2.warpAffine(near, move, (side, side), flags=cv2.INTER_LINEAR)
    spread = cv2.GaussianBlur(laid, (0, 0), max(0.8, rules.blur / step))
    return np.asarray(1.0 - np.float32(rules.strength) * spread, np.float32)
