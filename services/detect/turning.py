"""Which pictures of a film of a turning thing are kept: sharp ones, spread evenly over the turn.

How far the thing has turned between two pictures follows from how what is seen of it moves sideways. Its near side is
all that one sees, and moves one way for as long as the thing turns one way. That tells neither how far a whole turn is
nor anything of a plain thing, so that passing time counts as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import Box
from lensora.core.errors import InvalidVideo
from lensora.core.words import MOST_FRAMES
from services.detect.film import FIELD, Still

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class TurnRules:
    """How pictures are chosen.

    Attributes:
        frames: that are kept.
        inner: share of the thing's box, each way from its middle, in which motion and sharpness are measured.
        edges: share of those places whose brightness changes most sideways: only there motion can be told.
        time: how much passing time counts for motion when pictures are spread. On ten things of ``quality.views``'s
            part ``tune``, turned unevenly, places in the turn are off by 15 degrees with 2, by 18 with 0.5.
        near: pictures may be taken so far from where they should be, shares of the gap between two; the sharpest is.
        narrow: pixels of the part that is looked at, at least.
        least: half widths of the thing by which it must move in all: less is no turn.
    """

    frames: int = MOST_FRAMES
    inner: float = 0.7
    edges: float = 0.3
    time: float = 2.0
    near: float = 0.35
    least: float = 0.2
    narrow: int = 8


RULES = TurnRules()


@dataclass(frozen=True)
class Chosen:
    """The pictures of a turn.

    Attributes:
        numbers: of the stills that are kept, in their order.
        shares: of the turn before each, 0..1.
        direction: -1..1, which way it turns: 1 where what is seen always moves to the left, as it does where the camera
            goes round to the right; 0 where that cannot be told.
    """

    numbers: tuple[int, ...]
    shares: tuple[float, ...]
    direction: float


def chosen(stills: Sequence[Still], box: Box, alive: Callable[[], None] = lambda: None) -> Chosen:
    """Choose the pictures.

    Args:
        stills: of the film, in order.
        box: where the thing is, about, in all of them.
        alive: called between pictures; raises when nobody waits any more.

    Raises:
        InvalidVideo: hardly anything moves.
    """
    height, width = stills[0].grey.shape
    part = (_inner(box.y1, box.y2, height), _inner(box.x1, box.x2, width))
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    moved, sharp = [], []
    for number, still in enumerate(stills):
        alive()
        sharp.append(float(cv2.Laplacian(still.grey[part], cv2.CV_64F).var()))
        if number:
            moved.append(_sideways(flow, stills[number - 1].grey, still.grey, part))
    steps = np.array(moved)
    far = float(np.abs(steps).sum()) / max((box.x2 - box.x1) * width / 2.0, 1.0)
    if far < RULES.least:
        raise InvalidVideo(
            f"{FIELD} must show the thing turning: what is seen of it moves by {far:.2f} of its half width in all, and "
            f"must by {RULES.least:g}.",
            field=FIELD,
        )
    return _spread(np.abs(steps), np.array(sharp), -float(steps.sum() / np.abs(steps).sum()))


def _inner(low: float, high: float, size: int) -> slice:
    """The inner part of a box along one side, at least a few pixels of ``size``."""
    start = int(((low + high) - (high - low) * RULES.inner) / 2.0 * size)
    end = math.ceil(((low + high) + (high - low) * RULES.inner) / 2.0 * size)
    return slice(max(min(start, size - RULES.narrow), 0), max(end, start + RULES.narrow))


def _spread(steps: Doubles, sharp: Doubles, direction: float) -> Chosen:
    """The sharpest picture near each of the places that share the turn evenly, its very ends left out."""
    weights = steps + RULES.time * steps.mean()
    shares = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    gap = 1.0 / (RULES.frames + 1)
    numbers: list[int] = []
    for place in gap * np.arange(1, RULES.frames + 1):
        after = numbers[-1] + 1 if numbers else 0
        # As many must be left as places are.
        before = len(shares) - (RULES.frames - len(numbers) - 1)
        candidates = np.arange(after, before)
        off = np.abs(shares[candidates] - place)
        near = candidates[off <= max(RULES.near * gap, float(off.min()))]
        numbers.append(int(near[sharp[near].argmax()]))
    return Chosen(tuple(numbers), tuple(float(shares[number]) for number in numbers), direction)


def _sideways(
    flow: cv2.DISOpticalFlow, before: NDArray[np.uint8], after: NDArray[np.uint8], part: tuple[slice, slice]
) -> float:
    """How far what is seen has moved to the right, pixels: the middle one of the places where that can be told."""
    moved = flow.calc(before, after, np.zeros((*before.shape, 2), np.float32))[part][..., 0]
    slope = np.abs(cv2.Sobel(before, cv2.CV_32F, 1, 0)[part])
    return float(np.median(moved[slope >= np.quantile(slope, 1.0 - RULES.edges)]))
