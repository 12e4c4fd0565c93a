"""Objects: boxes with names from single-shot detectors (Liu et al. 2016), for a picture and for windows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.boxes import FULL_FRAME, Box, Category
from lensora.core.errors import ConfigurationError, InferenceFailed

SIDE_PX = 300
"""The nets' own input size."""

_MIDDLE = np.float32(127.5)

WINDOWS_AT_ONCE = 2
"""On a CPU ten windows one by one or two by two take half the time and a fifth of the memory of ten at once."""

LEAST_SCORE = 0.4
"""Below this the nets guess."""

SAME_IOU = 0.6
"""Two boxes that overlap more than this are one sighting, whatever they are called."""

INSIDE_IOU = 0.35
SAME_INSIDE = 0.85
"""A weaker box of the same kind, this much inside a stronger one that it overlaps that much, is a part of it."""

MOST_CLOSE = 4
CLOSE_SHARE = 0.6
CLOSE_PADDING = 0.25
"""Close looks at the largest things that are known: how many, the largest window for one, and the air around a thing as
a share of its longer side."""

SAME_WINDOW_IOU = 0.5
"""Two close looks that share more than this show the same."""

TILE = 0.62
"""Side of the five windows in the corners and the middle, for what is small: each holds a third of the picture."""

EDGE = 0.02
"""A box that comes nearer than this to a border of its window, where the picture goes on, shows a part of a thing."""


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One output of a detector.

    Attributes:
        label: plain words.
        category: the public category.
        surface: True for what other things stand on, such as a table.
        alike: ImageNet's labels or general words that mean about the same; empty where it has none.
    """

    label: str
    category: Category
    surface: bool
    alike: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A box with a name.

    Attributes:
        box: in fractions of the picture.
        score: 0..1.
        kind: what it is.
        window: the part of the picture that the net was shown.
    """

    box: Box
    score: float
    kind: ObjectClass
    window: Box


def load_classes(file_name: str) -> tuple[ObjectClass | None, ...]:
    """The classes of a detector in the order of its outputs, from a table of this service; None for unused outputs.

    Raises:
        ConfigurationError: the file is damaged.
    """
    text = (resources.files("services.detect") / file_name).read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    try:
        found = {
            int(index): ObjectClass(
                label, Category(category), role == "surface", frozenset(alike.split(",")) - frozenset("-")
            )
            for index, label, category, role, alike in rows
        }
    except ValueError as error:
        raise ConfigurationError(f"{file_name} is damaged: {error}") from error
    return tuple(found.get(index) for index in range(max(found, default=0) + 1))


class ObjectNet:
    """A detector's pre- and post-processing around a ``Model``."""

    def __init__(self, model: Model, classes: Sequence[ObjectClass | None]) -> None:
        self._model = model
        self._classes = tuple(classes)

    def sightings(
        self, rgb: NDArray[np.uint8], windows: Sequence[Box], timeout_s: float | None = None
    ) -> list[Sighting]:
        """What the net sees in each window, with boxes of the whole picture; things cut by a window are left out.

        Args:
            rgb: (h, w, 3) uint8 sRGB.
            windows: parts of the picture.
            timeout_s: seconds from now after which the run is given up.

        Raises:
            InferenceFailed: the net's answer has another shape than its class list.
        """
        found = []
        for start in range(0, len(windows), WINDOWS_AT_ONCE):
            together = windows[start : start + WINDOWS_AT_ONCE]
            views = np.stack([_view(rgb, window) for window in together])
            tensor = np.ascontiguousarray(np.moveaxis(views, 3, 1), np.float32) / _MIDDLE - 1
            answer = self._model.infer({"input": tensor}, outputs=["boxes", "scores"], timeout_s=timeout_s)
            boxes, scores = answer["boxes"], answer["scores"]
            if boxes.shape[-1] != 4 or scores.shape != (*boxes.shape[:2], len(self._classes)):
                raise InferenceFailed(f"{self._model.name} sent boxes {boxes.shape} with scores {scores.shape}")
            for window, corners, chances in zip(together, boxes, scores, strict=True):
                found += self._seen(window, corners, chances)
        return found

    def _seen(self, window: Box, corners: NDArray[np.float32], chances: NDArray[np.float32]) -> list[Sighting]:
        used = np.array([kind is not None for kind in self._classes])
        chances = np.where(used, chances, 0.0)
        best = chances.argmax(axis=1)
        score = chances[np.arange(len(chances)), best]
        found = []
        for index in np.flatnonzero(score >= LEAST_SCORE):
            kind = self._classes[int(best[index])]
            box = _in_picture(window, corners[index])
            if kind is not None and box is not None:
                found.append(Sighting(box, float(score[index]), kind, window))
        return found


def windows(known: Sequence[Box]) -> list[Box]:
    """Where to look: the whole picture, close to what is known, and five tiles that overlap."""
    close: list[Box] = []
    for box in sorted(known, key=lambda box: box.area, reverse=True):
        air = CLOSE_PADDING * max(box.x2 - box.x1, box.y2 - box.y1)
        window = Box(max(0.0, box.x1 - air), max(0.0, box.y1 - air), min(1.0, box.x2 + air), min(1.0, box.y2 + air))
        if window.area < CLOSE_SHARE and all(window.iou(other) < SAME_WINDOW_IOU for other in close):
            close.append(window)
    rest = 1.0 - TILE
    corners = [(x, y) for y in (0.0, rest) for x in (0.0, rest)]
    tiles = [Box(x, y, min(1.0, x + TILE), min(1.0, y + TILE)) for x, y in (*corners, (rest / 2, rest / 2))]
    return [FULL_FRAME, *close[:MOST_CLOSE], *tiles]


def distinct(sightings: Sequence[Sighting]) -> list[Sighting]:
    """The sightings less those that repeat, or are a part of, a stronger one; strongest first."""
    kept: list[Sighting] = []
    for sighting in sorted(sightings, key=lambda sighting: sighting.score, reverse=True):
        if not any(_repeats(sighting, other) for other in kept):
            kept.append(sighting)
    return kept


def _repeats(sighting: Sighting, other: Sighting) -> bool:
    iou = sighting.box.iou(other.box)
    if iou > SAME_IOU:
        return True
    if sighting.kind != other.kind or iou < INSIDE_IOU:
        return False
    both = iou * (sighting.box.area + other.box.area) / (1 + iou)
    return both > SAME_INSIDE * sighting.box.area


def _view(rgb: NDArray[np.uint8], window: Box) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    left, top, right, bottom = window.pixels(width, height)
    part = rgb[top:bottom, left:right]
    return np.asarray(cv2.resize(part, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def _in_picture(window: Box, corners: NDArray[np.float32]) -> Box | None:
    """A box of the window as one of the picture; None where the window cuts it, or it is empty."""
    left, top, right, bottom = window.x1, window.y1, window.x2, window.y2
    x1, y1, x2, y2 = (float(value) for value in np.clip(corners, 0.0, 1.0))
    cut = (
        (x1 < EDGE and left > 0)
        or (y1 < EDGE and top > 0)
        or (x2 > 1 - EDGE and right < 1)
        or (y2 > 1 - EDGE and bottom < 1)
    )
    if cut or x2 <= x1 or y2 <= y1:
        return None
    width, height = right - left, bottom - top
    return Box(left + x1 * width, top + y1 * height, min(1.0, left + x2 * width), min(1.0, top + y2 * height))
