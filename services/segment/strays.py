"""Strays: parts of a matte that look like the background beside it and unlike the rest of the subject.

A sheet of paper under a keyboard stands out with it. Colour alone does not tell it from a white cap before a white
wall, so a stray is only a question here: the prompted net answers it (``opinion``).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import SOLID

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

ANALYSIS_PX = 256
"""Longest side at which strays are looked for."""

BINS = (16, 8, 8)
"""Width of a bin of colour, CIELAB in bytes: light changes across a sheet more than its hue does."""

LIKELIER = 2.0
"""How many times more frequent a colour must be in the background than in the subject, the stray itself included."""

LEAST_STRAY, MOST_STRAY = 0.02, 0.35
"""Share of the subject: smaller ones are reflections, larger ones the subject."""

OPEN_PX = 5
"""Side of the square that must fit into a stray, pixels of the reduced picture."""

OUTER_SHARE = 0.25
"""Share of a stray's outline that must lie at the subject's: a window in the middle of a car is none."""

CLEARLY_NOT, CLEARLY = 0.05, 0.9
"""Alpha of the pixels from which the two colour models are made."""


def find_strays(matte: Plane, rgb: NDArray[np.uint8]) -> list[Mask]:
    """Strays of a matte, largest first, each (h, w) bool.

    Args:
        matte: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
    """
    height, width = matte.shape
    scale = min(1.0, ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    solid = small > SOLID
    likely = _likelihood(picture, small)
    foreign = cv2.morphologyEx(
        (solid & (likely > LIKELIER)).astype(np.uint8), cv2.MORPH_OPEN, np.ones((OPEN_PX, OPEN_PX), np.uint8)
    )
    count, labels, stats, _ = cv2.connectedComponentsWithStats(foreign, connectivity=8)
    beside = cv2.dilate((~solid).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    subject = int(np.count_nonzero(solid))
    found = []
    for label in 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA]):
        pixels = int(stats[label, cv2.CC_STAT_AREA])
        if not LEAST_STRAY * subject <= pixels <= MOST_STRAY * subject:
            continue
        part = labels == label
        rim = part & (cv2.erode(part.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)
        if np.count_nonzero(rim & beside) >= OUTER_SHARE * np.count_nonzero(rim):
            full = cv2.resize(part.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
            found.append(np.asarray(full > 0, np.bool_))
    return found


def _likelihood(picture: NDArray[np.uint8], matte: Plane) -> Plane:
    """How many times more frequent each pixel's colour is beside the subject than in it."""
    lab = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2LAB), np.int32)
    bins = tuple(lab[..., axis] // BINS[axis] for axis in range(3))
    shape = tuple(256 // width for width in BINS)

    def frequency(where: Mask) -> NDArray[np.float64]:
        index = np.ravel_multi_index(tuple(axis[where] for axis in bins), shape)
        counts = np.bincount(index, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
        for axis in range(3):
            # Neighbouring bins share: noise and a slow change of light do not split a colour.
            padded = np.pad(counts, [(1, 1) if a == axis else (0, 0) for a in range(3)], mode="edge")
            before, after = np.take(padded, range(shape[axis]), axis), np.take(padded, range(2, shape[axis] + 2), axis)
            counts = 0.25 * before + 0.5 * counts + 0.25 * after
        return np.asarray(counts / max(1.0, counts.sum()), np.float64)

    outside, inside = frequency(matte < CLEARLY_NOT), frequency(matte > CLEARLY)
    return np.asarray((outside / (inside + 1e-5))[bins], np.float32)


def without(matte: Plane, stray: Mask, kept: Mask, rgb: NDArray[np.uint8], line_px: float) -> Plane:
    """The matte without a stray: the edge of colour parts it from what is surely kept.

    Args:
        matte: (h, w) float32, 0..1.
        stray: (h, w) bool, what goes.
        kept: (h, w) bool, what surely stays.
        rgb: (h, w, 3) uint8 sRGB.
        line_px: softness of the cut, pixels.
    """
    markers = np.zeros(matte.shape, np.int32)
    markers[kept & ~stray] = 1
    markers[stray] = 2
    markers[matte <= 0.0] = 3
    cv2.watershed(np.ascontiguousarray(rgb[..., ::-1]), markers)
    gone = cv2.dilate((markers == 2).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    share = cv2.GaussianBlur(gone.astype(np.float32), (0, 0), line_px)
    return np.asarray(matte * np.where(gone, 0.0, 1.0 - np.clip(share, 0.0, 1.0)), np.float32)
