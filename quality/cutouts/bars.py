"""Drawn bars: outlines as sharp as a renderer's or a screenshot's, which photographs and softened scenes do not show.

Without them the edge network takes the outermost row of a bar that ends with its pixels for nine tenths the bar.
"""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb, srgb_from_linear
from quality.cutouts.edge_fit import some_rows
from services.segment.edges import band_of, edge_features

Plane = NDArray[np.float32]

COUNT = 60
SIDE_PX = 192
LEAST_PX, MARGIN_PX = 48, 24
"""Of a bar's sides, and of the ground around it: nothing of it is thin."""

ALIGNED = 0.6
"""Share of bars that end with their pixels; the others' outermost pixels are mixtures of light."""

HARD = 0.8
"""Share of maps that are the matte itself; the others are soft, and a little off, as a net's."""

SOFTEST_PX, FARTHEST_PX = 2.0, 0.7
LEAST_STEP = 0.08
"""Between the two colours, in linear light: what can be seen at all."""


@cache
def bars(count: int = COUNT) -> tuple[tuple[Plane, Plane], ...]:
    """Features along the outline of each bar, (n, features), with the true alpha, (n,)."""
    return tuple(_bar(seed) for seed in range(count))


def _bar(seed: int) -> tuple[Plane, Plane]:
    rng = np.random.default_rng(seed)
    alpha = _alpha(rng)
    picture = _picture(rng, alpha)
    matte = _map(rng, alpha)
    where = band_of(matte) > 0.0
    return some_rows(edge_features(matte, picture, where), alpha[where], seed)


def _alpha(rng: np.random.Generator) -> Plane:
    """The true matte of a bar."""
    ends = []
    for _axis in range(2):
        near = rng.uniform(MARGIN_PX, SIDE_PX - MARGIN_PX - LEAST_PX)
        far = rng.uniform(near + LEAST_PX, SIDE_PX - MARGIN_PX)
        ends.append((near, far))
    if rng.random() < ALIGNED:
        ends = [(float(round(near)), float(round(far))) for near, far in ends]
    places = np.arange(SIDE_PX, dtype=np.float32)
    down, across = (np.clip(places + 1.0 - near, 0, 1) * np.clip(far - places, 0, 1) for near, far in ends)
    return np.asarray(np.outer(down, across), np.float32)


def _picture(rng: np.random.Generator, alpha: Plane) -> NDArray[np.uint8]:
    """A bar of one colour on a ground of another, mixed in light."""
    while True:
        front, back = (linear_from_srgb(rng.uniform(0.0, 1.0, 3).astype(np.float32)) for _side in range(2))
        if np.linalg.norm(front - back) > LEAST_STEP:
            break
    light = back + alpha[..., None] * (front - back)
    return np.asarray(np.round(srgb_from_linear(light) * 255.0), np.uint8)


def _map(rng: np.random.Generator, alpha: Plane) -> Plane:
    """What a net may say of it."""
    if rng.random() < HARD:
        return alpha
    soft = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.4, SOFTEST_PX))
    moved = np.array([[1, 0, rng.normal()], [0, 1, rng.normal()]]) * np.array([1, 1, FARTHEST_PX / 2])
    return np.asarray(cv2.warpAffine(soft, moved, alpha.shape[::-1], flags=cv2.INTER_LINEAR), np.float32)
