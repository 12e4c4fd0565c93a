"""Detectors: windows of the picture in, boxes of the picture out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME, Box, Category
from lensora.core.errors import InferenceFailed
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.objects import SIDE_PX, ObjectClass, ObjectNet, Sighting, distinct, windows

CUP = ObjectClass("cup", Category.PRODUCT, False, frozenset(("cup",)))
BOTTLE = ObjectClass("bottle", Category.PRODUCT, False, frozenset(("bottle",)))
USE = ModelUse("ssd", "test", "", "Apache-2.0", "detect")


def net(classes: int = 3, boxes: int = 4) -> tuple[ObjectNet, FakeModel]:
    """A detector that sees a cup at the bounds of whatever is red."""

    def respond(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        corners = np.zeros((len(inputs["input"]), 2, boxes), np.float32)
        scores = np.zeros((len(inputs["input"]), 2, classes), np.float32)
        scores[:, :, 0] = 1.0
        for index, picture in enumerate(inputs["input"]):
            red = (picture[0] - picture[1]) > 0.5
            if red.any():
                rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
                found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / SIDE_PX
                corners[index, 0, :4] = found[:boxes]
                scores[index, 0, 1] = 0.9
        return {"boxes": corners, "scores": scores}

    spec = TensorSpec(np.float32, (None, 3, SIDE_PX, SIDE_PX))
    model = FakeModel(respond, inputs={"input": spec}, outputs=["boxes", "scores"], use=USE)
    return ObjectNet(model, (None, CUP, BOTTLE)), model


def picture_of(box: Box, size: tuple[int, int] = (600, 900)) -> NDArray[np.uint8]:
    """A red box on grey."""
    picture = np.full((*size, 3), 120, np.uint8)
    left, top, right, bottom = box.pixels(size[1], size[0])
    cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), (250, 20, 20), -1)
    return picture


def test_boxes_are_of_the_whole_picture() -> None:
    """A thing seen through a window is where it is in the picture, and the window is remembered."""
    thing, window = Box(0.5, 0.4, 0.7, 0.6), Box(0.4, 0.3, 0.9, 0.8)
    detector, model = net()
    found = detector.sightings(picture_of(thing), [FULL_FRAME, window])
    assert [sighting.window for sighting in found] == [FULL_FRAME, window]
    for sighting in found:
        assert sighting.kind == CUP and sighting.score == pytest.approx(0.9)
        assert sighting.box.iou(thing) > 0.95
    assert model.calls[0]["input"].min() >= -1 and model.calls[0]["input"].max() <= 1


def test_what_a_window_cuts_is_left_out() -> None:
    """A thing on a window's border is a part, on the picture's border it is not."""
    cut = picture_of(Box(0.3, 0.3, 0.6, 0.6))
    detector, _model = net()
    assert detector.sightings(cut, [Box(0.5, 0.0, 1.0, 1.0)]) == []
    assert len(detector.sightings(picture_of(Box(0.0, 0.3, 0.3, 0.6)), [FULL_FRAME])) == 1


def test_the_background_and_guesses_are_no_things() -> None:
    """A plain picture, whose best class is the background, gives nothing."""
    detector, _model = net()
    assert detector.sightings(np.full((300, 300, 3), 120, np.uint8), [FULL_FRAME]) == []
    assert detector.sightings(np.full((300, 300, 3), 120, np.uint8), []) == []


def test_an_answer_of_another_shape_is_an_error() -> None:
    """A net that does not fit its table of classes is not believed."""
    detector, _model = net(classes=5)
    with pytest.raises(InferenceFailed, match="scores"):
        detector.sightings(picture_of(Box(0.3, 0.3, 0.6, 0.6)), [FULL_FRAME])


def sighting(box: Box, score: float, kind: ObjectClass = CUP) -> Sighting:
    """A sighting in the whole picture."""
    return Sighting(box, score, kind, FULL_FRAME)


def test_one_thing_is_sighted_once() -> None:
    """The stronger of two like boxes stays, whatever they are called; things apart both stay."""
    strong, weak = sighting(Box(0.1, 0.1, 0.5, 0.5), 0.9), sighting(Box(0.12, 0.1, 0.5, 0.52), 0.6, BOTTLE)
    other = sighting(Box(0.6, 0.1, 0.9, 0.5), 0.5)
    assert distinct([weak, other, strong]) == [strong, other]


def test_a_part_of_the_same_kind_is_no_second_thing() -> None:
    """The lower half of a bottle is the bottle; a cup before it is not."""
    bottle = sighting(Box(0.3, 0.1, 0.5, 0.9), 0.9, BOTTLE)
    half = Box(0.3, 0.45, 0.5, 0.9)
    assert distinct([bottle, sighting(half, 0.6, BOTTLE)]) == [bottle]
    assert len(distinct([bottle, sighting(half, 0.6, CUP)])) == 2


def test_windows_are_the_picture_close_looks_and_tiles() -> None:
    """Each small thing gets one close look with air around it, at most four; the tiles cover the picture."""
    small = [Box(x, 0.4, x + 0.1, 0.5) for x in (0.05, 0.25, 0.45, 0.65, 0.85)]
    found = windows([*small, Box(0.0, 0.0, 1.0, 0.9)])
    assert found[0] == FULL_FRAME
    close, tiles = found[1:-5], found[-5:]
    assert len(close) == 4
    assert all(any(w.x1 < b.x1 and w.x2 > b.x2 and w.y1 < b.y1 and w.y2 > b.y2 for b in small) for w in close)
    assert min(tile.x1 for tile in tiles) == min(tile.y1 for tile in tiles) == 0.0
    assert max(tile.x2 for tile in tiles) == max(tile.y2 for tile in tiles) == 1.0
    assert len(windows([Box(0.4, 0.4, 0.6, 0.6)] * 3)) == 1 + 1 + 5
