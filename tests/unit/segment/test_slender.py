"""Long thin things."""

from __future__ import annotations

import numpy as np
import pytest

from lensora.core.artifacts import ModelUse
from lensora.core.boxes import FULL_FRAME, Box
from lensora.core.errors import SubjectNotFound
from lensora.imaging.header import read_header
from services.segment.cutout import cut_out, encode_png
from services.segment.slender import salience_of
from services.segment.viewing import View

NOTHING = (225, 225, 228)
BAR = (150, 80, 40)


class Squarish:
    """A net that, like the real one, finds what is red only in pictures that are not too long."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        self.shapes.append(rgb.shape)
        if max(rgb.shape[:2]) > 5 * min(rgb.shape[:2]):
            return np.zeros(rgb.shape[:2], np.float32)
        red = rgb[..., 0].astype(np.float32) - rgb[..., 1]
        return np.clip(red / 60.0, 0.0, 1.0).astype(np.float32)

    def describe(self) -> ModelUse:
        return ModelUse("squarish", "1", "", "Apache-2.0", "segment")


def photo(width: int, height: int, box: Box) -> np.ndarray:
    """A bar on a plain ground."""
    rgb = np.full((height, width, 3), NOTHING, np.uint8)
    left, top, right, bottom = box.pixels(width, height)
    rgb[top:bottom, left:right] = BAR
    return rgb


@pytest.mark.parametrize("turned", [False, True])
def test_a_strip_is_shown_to_the_net_with_room_around_it(turned: bool) -> None:
    """A bar of 20:1 with a little border is found, lying and standing, and nothing but the bar."""
    box = Box(0.01, 0.12, 0.99, 0.88)
    rgb = photo(2000, 110, box)
    if turned:
        rgb, box = np.ascontiguousarray(rgb.swapaxes(0, 1)), Box(0.12, 0.01, 0.88, 0.99)
    net = Squarish()
    cutout = cut_out(rgb, None, box, FULL_FRAME, net)
    assert all(max(shape[:2]) <= 4.1 * min(shape[:2]) for shape in net.shapes)
    alpha = cutout.rgba[..., 3] > 127
    assert alpha.mean() == pytest.approx(box.area, abs=0.03)
    assert (np.abs(cutout.rgba[..., :3][alpha].astype(int) - BAR).max(axis=1) <= 3).mean() > 0.99


def test_a_bar_that_fills_its_frame_is_its_box() -> None:
    """Where nothing stands out in so long a box, the box is the subject, and a person is asked to look at it."""
    cutout = cut_out(photo(2000, 100, FULL_FRAME), None, FULL_FRAME, FULL_FRAME, Blind())
    assert (cutout.rgba[..., 3] > 127).mean() > 0.9
    assert cutout.confidence == 0.0
    stripe = cut_out(photo(2000, 100, FULL_FRAME), None, Box(0.1, 0.24, 0.91, 0.28), FULL_FRAME, Blind())
    assert (stripe.rgba[..., 3] > 127).mean() > 0.9
    with pytest.raises(SubjectNotFound):
        cut_out(photo(400, 300, FULL_FRAME), None, FULL_FRAME, FULL_FRAME, Blind())


class Blind(Squarish):
    """A net that finds nothing."""

    def salience(self, rgb: np.ndarray, timeout_s: float | None = None) -> np.ndarray:
        return np.zeros(rgb.shape[:2], np.float32)


def test_an_ordinary_picture_is_shown_as_it_is() -> None:
    """Up to 4:1 the net sees the very picture."""
    net = Squarish()
    rgb = photo(400, 100, Box(0.2, 0.2, 0.8, 0.8))
    assert salience_of(net, rgb, None).shape == (100, 400)
    assert net.shapes == [(100, 400, 3)]


@pytest.mark.parametrize("size", [(3_200, 64), (3_000, 100), (51_000, 1_020)])
def test_the_cutout_of_a_strip_is_a_picture_that_every_stage_takes(size: tuple[int, int]) -> None:
    """Of up to 50:1, as long as a photo may be: none under 64 pixels across, which are the least of a picture."""
    width, height = size
    view = View.of(width, height, FULL_FRAME, FULL_FRAME)
    scale = min(1.0, view.longest_side_px / width)
    rgb = photo(round(width * scale), round(height * scale), Box(0.02, 0.2, 0.98, 0.8))
    found = cut_out(rgb, None, FULL_FRAME, FULL_FRAME, Squarish())
    header = read_header(encode_png(found.rgba))
    assert min(header.width, header.height) == 64
