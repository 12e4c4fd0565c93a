"""Cutting a region in two: what stands side by side, and what is one thing however it looks."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import Box
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.backends.saliency import SaliencyDetector
from services.detect.division import FEATURES, cuts, divided
from services.detect.fitted_division import DIVIDER
from services.detect.labels import load_vocabulary
from services.detect.regions import Region, bounds_of

HEIGHT, WIDTH = 240, 320
RED, PINK = (200, 30, 30), (230, 60, 220)
Picture = NDArray[np.uint8]


def paper() -> Picture:
    """A light ground."""
    return np.full((HEIGHT, WIDTH, 3), 215, np.uint8)


def jug(picture: Picture, x: int, color: tuple[int, int, int]) -> None:
    """A round thing on the ground, 90 pixels wide."""
    cv2.circle(picture, (x, 150), 45, color, -1)


def carton(picture: Picture, left: int, color: tuple[int, int, int]) -> None:
    """An upright thing on the ground, 60 pixels wide."""
    cv2.rectangle(picture, (left, 60), (left + 60, 194), color, -1)


def region_of(picture: Picture) -> Region:
    """All that is not ground."""
    mask = np.asarray((picture != 215).any(axis=2))
    return Region(mask, bounds_of(mask), int(np.count_nonzero(mask)), 0.99, 0.99, 0.0)


def both(color: tuple[int, int, int], other: tuple[int, int, int]) -> Picture:
    """A jug that stands before a carton's left side."""
    picture = paper()
    carton(picture, 150, other)
    jug(picture, 115, color)
    return picture


def two_halves(color: tuple[int, int, int], other: tuple[int, int, int]) -> Picture:
    """One disc whose upper half has another colour."""
    picture = paper()
    jug(picture, 160, color)
    upper = picture[:140]
    upper[(upper == color).all(axis=2)] = other
    return picture


def test_two_things_side_by_side_are_two() -> None:
    """The boxes of both are found to a few pixels; the larger comes first."""
    picture = both(RED, PINK)
    larger, smaller = divided(region_of(picture), picture, DIVIDER)
    assert larger.box().iou(Box(150 / WIDTH, 60 / HEIGHT, 211 / WIDTH, 195 / HEIGHT)) > 0.8
    assert smaller.box().iou(Box(70 / WIDTH, 105 / HEIGHT, 161 / WIDTH, 196 / HEIGHT)) > 0.8
    assert not (larger.mask & smaller.mask).any()
    assert larger.area + smaller.area == region_of(picture).area


@pytest.mark.parametrize("draw", [functools.partial(jug, x=160), functools.partial(carton, left=130)])
def test_one_thing_is_one(draw: Callable[..., None]) -> None:
    """Neither a disc nor a box of one colour is cut."""
    picture = paper()
    draw(picture, color=RED)
    assert divided(region_of(picture), picture, DIVIDER) == []


def test_a_lid_is_no_thing_beside() -> None:
    """Colours that change from top to bottom, as those of a jar and its lid do, cut nothing."""
    picture = two_halves(RED, PINK)
    assert divided(region_of(picture), picture, DIVIDER) == []


def test_what_is_small_is_not_looked_at() -> None:
    """Under a hundredth of the picture there is no line at all; over it each line has every measure."""
    picture = cv2.resize(both(RED, PINK), (WIDTH // 8, HEIGHT // 8), interpolation=cv2.INTER_NEAREST)
    small = paper()
    small[: HEIGHT // 8, : WIDTH // 8] = picture
    assert list(cuts(region_of(small), small)) == []
    tried = list(cuts(region_of(both(RED, PINK)), both(RED, PINK)))
    assert len(tried) > 50
    assert all(cut.features.shape == (len(FEATURES),) and np.isfinite(cut.features).all() for cut in tried)


def test_a_region_of_any_shape_is_measured() -> None:
    """Lines a pixel wide, specks apart, and a mask that is the whole picture are no failure."""
    picture = both(RED, PINK)
    rng = np.random.default_rng(1)
    masks = [np.zeros((HEIGHT, WIDTH), np.bool_) for _ in range(3)]
    masks[0][120] = True
    masks[0][100:110, 50:150] = True
    masks[1][rng.random((HEIGHT, WIDTH)) < 0.05] = True
    masks[2][:] = True
    for mask in masks:
        region = Region(mask, bounds_of(mask), int(np.count_nonzero(mask)), 0.9, 0.9, 0.0)
        assert len(divided(region, picture, DIVIDER)) in (0, 2)


def redness(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """A net that finds what is red."""
    tensor = inputs["input"]
    return {"output": np.clip((tensor[:, :1] - tensor[:, 1:2]) * 3.0, 0.0, 1.0).astype(np.float32)}


def detector(mug: float) -> SaliencyDetector:
    """A detector on fakes; ``mug``: how sure its classifier is, as a logit, that all that it sees are mugs."""

    def classes(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        logits = np.zeros((len(inputs["input"]), 1000), np.float32)
        logits[:, load_vocabulary().labels.index("coffee mug")] = mug
        return {"logits": logits}

    def net(name: str, respond: Callable[..., Any], side: int | None, output: str) -> FakeModel:
        spec = TensorSpec(np.float32, (None, 3, side, side))
        return FakeModel(
            respond, inputs={"input": spec}, outputs=[output], use=ModelUse(name, "test", "a" * 64, "MIT", "detect")
        )

    isnet = net("isnet-general-use", redness, None, "output")
    return SaliencyDetector(isnet, net("efficientnet-lite0", classes, 224, "logits"))


def test_both_are_proposed_beside_the_whole() -> None:
    """Where nothing knows the whole, each of the two is found; a thing that the classifier knows stays one."""
    picture = cv2.resize(both(RED, PINK), None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST)
    known, _, _ = detector(12.0).found(picture)
    assert len(known) == 1
    found, _, _ = detector(0.0).found(picture)
    boxes = [each.box for each in found]
    assert len(boxes) == 3
    for thing in (Box(150 / WIDTH, 60 / HEIGHT, 211 / WIDTH, 195 / HEIGHT), known[0].box):
        assert max(box.iou(thing) for box in boxes) > 0.8
    apart = detector(0.0)
    apart.divider = None
    assert len(apart.found(picture)[0]) == 1
