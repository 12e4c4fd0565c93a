"""The search for things, with nets that are functions of colour: each look does what it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.testing.inference import FakeModel, TensorSpec
from services.detect.regions import Region
from services.detect.saliency import Saliency
from services.detect.search import FIRST_SIDE_PX, Search, wipe

USE = ModelUse("isnet-general-use", "test", "", "MIT", "detect")
RED, BLUE, GREY = (220, 30, 30), (30, 30, 220), (150, 150, 150)

Net = Callable[[NDArray[np.float32]], NDArray[np.float32]]


def saliency_of(net: Net) -> tuple[Saliency, FakeModel]:
    """A net that maps one picture (3, s, s) in 0..255 to (s, s), behind the real pre- and post-processing."""

    def respond(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        pictures = inputs["input"] * 256 + 128
        return {"output": np.stack([net(picture)[None] for picture in pictures]).astype(np.float32)}

    spec = TensorSpec(np.float32, (None, 3, None, None))
    model = FakeModel(respond, inputs={"input": spec}, outputs=["output"], use=USE)
    return Saliency(model), model


def redness(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 on red, 0 on grey."""
    return np.clip((picture[0] - picture[1]) / 150, 0, 1)


def blueness(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """1 on blue, 0 on grey."""
    return np.clip((picture[2] - picture[1]) / 150, 0, 1)


def scene(*discs: tuple[tuple[int, int, int], int, int, int], size: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    """Discs (colour, x, y, radius) on grey."""
    picture = np.full((*size, 3), GREY, np.uint8)
    for color, x, y, radius in discs:
        cv2.circle(picture, (x, y), radius, color, -1)
    return picture


def centres(regions: list[Region]) -> list[tuple[float, float]]:
    """Middles of the regions' boxes, left to right."""
    boxes = [region.box() for region in regions]
    return sorted((round((box.x1 + box.x2) / 2, 2), round((box.y1 + box.y2) / 2, 2)) for box in boxes)


def test_clear_things_are_found_in_two_looks() -> None:
    """Two discs that stand out are found at once; only the look for what they may outshine follows."""
    saliency, model = saliency_of(redness)
    found = Search(scene((RED, 160, 240, 60), (RED, 480, 240, 80)), saliency).run()
    assert centres(found.regions) == [(0.25, 0.5), (0.75, 0.5)]
    assert [call["input"].shape[0] for call in model.calls] == [1, 1]
    assert model.calls[0]["input"].shape[-1] == FIRST_SIDE_PX


def test_boxes_are_tight_in_any_aspect() -> None:
    """In wide and in tall pictures the box fits the disc to one per cent of the longer side."""
    saliency, _model = saliency_of(redness)
    for height, width in ((300, 900), (900, 300)):
        found = Search(scene((RED, width // 3, height // 2, 90), size=(height, width)), saliency).run()
        (region,) = found.regions
        box = region.box()
        wanted = np.array([width / 3 - 90, height / 2 - 90, width / 3 + 90, height / 2 + 90])
        have = np.array([box.x1 * width, box.y1 * height, box.x2 * width, box.y2 * height])
        assert np.abs(have - wanted).max() <= 0.01 * 900


def test_a_second_subject_comes_out_when_the_first_is_wiped_out() -> None:
    """A net that sees blue only where there is no red finds both."""
    saliency, _model = saliency_of(
        lambda picture: redness(picture) if redness(picture).max() > 0.5 else blueness(picture)
    )
    found = Search(scene((RED, 160, 240, 70), (BLUE, 480, 240, 70)), saliency).run()
    assert centres(found.regions) == [(0.25, 0.5), (0.75, 0.5)]


def test_what_was_wiped_out_does_not_come_back() -> None:
    """A net that answers the same whatever it sees finds its thing once."""
    grid = np.zeros((FIRST_SIDE_PX, FIRST_SIDE_PX), np.float32)
    cv2.circle(grid, (200, 256), 90, 1.0, -1)
    saliency, _model = saliency_of(lambda picture: cv2.resize(grid, picture.shape[1:], interpolation=cv2.INTER_AREA))
    assert len(Search(scene(), saliency).run().regions) == 1


def test_a_pale_whole_is_seen_close_up() -> None:
    """A thing that is faint with bright details in the whole picture is found as a whole by a close look."""

    def shy(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        red = redness(picture)
        if red.mean() > 0.06:
            return (red > 0.05).astype(np.float32)
        return np.where(red > 0.8, 1.0, np.where(red > 0.05, 0.25, 0.0)).astype(np.float32)

    saliency, _model = saliency_of(shy)
    picture = scene(((190, 130, 130), 320, 240, 70))
    cv2.circle(picture, (300, 220), 18, RED, -1)
    cv2.circle(picture, (345, 260), 18, RED, -1)
    (region,) = Search(picture, saliency).run().regions
    box = region.box()
    assert abs((box.x2 - box.x1) * 640 - 140) < 12


def test_clutter_is_seen_through_windows() -> None:
    """Where the whole picture is a blur of saliency, things that stand out in windows are found."""

    def overwhelmed(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        red = redness(picture)
        discs = cv2.connectedComponents((red > 0.5).astype(np.uint8))[0] - 1
        return red if discs <= 1 else np.where(cv2.GaussianBlur(red, (0, 0), 90) > 0.02, 0.55, 0.0).astype(np.float32)

    saliency, _model = saliency_of(overwhelmed)
    discs = [(RED, x, y, 55) for x in (110, 530) for y in (100, 380)]
    found = Search(scene(*discs), saliency).run()
    assert found.regions == []
    assert len(found.doubtful) == 4
    assert all(doubt.region.contrast > 0.9 for doubt in found.doubtful)
    # The whole picture does not show them: a texture may look like that, too.
    assert all(doubt.steadiness < 0.6 for doubt in found.doubtful)


def test_a_plain_picture_holds_nothing() -> None:
    """Where nothing is salient, nothing is found, and faint noise invents nothing."""
    saliency, _model = saliency_of(redness)
    assert Search(scene(), saliency).run().regions == []
    rng = np.random.default_rng(3)
    noisy, _model = saliency_of(lambda picture: rng.uniform(0, 0.14, picture.shape[1:]).astype(np.float32))
    assert Search(scene(), noisy).run().regions == []


def test_surroundings_are_no_thing() -> None:
    """A map that is bright nearly everywhere and runs out of the picture is not proposed."""
    saliency, _model = saliency_of(lambda picture: np.ones(picture.shape[1:], np.float32))
    assert Search(scene(), saliency).run().regions == []


def test_wiping_fills_smoothly_from_the_surroundings() -> None:
    """What is wiped takes the colours around it, and the rest of the picture stays as it is."""
    picture = scene((RED, 320, 240, 60))
    mask = np.zeros((120, 160), np.bool_)
    cv2.circle(view := mask.view(np.uint8), (80, 60), 16, 1, -1)
    assert view.any()
    wiped = wipe(picture, mask)
    assert np.abs(wiped.astype(int) - GREY).max() <= 6
    np.testing.assert_array_equal(wiped[:100], picture[:100])
