"""Boxes: padding, pixels, overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.boxes import FULL_FRAME, Box

fractions = st.floats(0.0, 1.0, allow_nan=False)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    x1, x2 = sorted((draw(fractions), draw(fractions)))
    y1, y2 = sorted((draw(fractions), draw(fractions)))
    return Box(x1 * 0.9, y1 * 0.9, min(1.0, x2 * 0.9 + 0.05), min(1.0, y2 * 0.9 + 0.05))


@given(boxes(), st.integers(1, 8000), st.integers(1, 8000), st.floats(0.0, 0.5))
def test_a_padded_box_contains_the_box_and_stays_inside(box: Box, width: int, height: int, padding: float) -> None:
    """Padding never shrinks a box and never leaves the image."""
    padded = box.padded(width, height, padding)
    assert padded.x1 <= box.x1 < box.x2 <= padded.x2
    assert padded.y1 <= box.y1 < box.y2 <= padded.y2


@given(boxes(), st.integers(1, 8000), st.integers(1, 8000))
def test_pixels_are_a_slice_of_the_image(box: Box, width: int, height: int) -> None:
    """The pixel rectangle has at least one pixel each way and lies inside the image."""
    left, top, right, bottom = box.pixels(width, height)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


@given(boxes(), boxes())
def test_iou_is_symmetric_and_bounded(a: Box, b: Box) -> None:
    """IoU is the same both ways, 1 for a box with itself, and lies in 0..1."""
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert a.iou(a) == pytest.approx(1.0)
    assert 0.0 <= a.iou(b) <= 1.0 + 1e-9


@pytest.mark.parametrize("corners", [(0.5, 0, 0.5, 1), (0.6, 0, 0.5, 1), (-0.1, 0, 1, 1), (0, 0, 1, 1.01)])
def test_an_impossible_box_is_refused(corners: tuple[float, float, float, float]) -> None:
    """Empty, reversed and outside boxes raise ValueError with the corners in the sentence."""
    with pytest.raises(ValueError, match="box must have"):
        Box(*corners)


def test_the_full_frame_is_the_whole_image() -> None:
    """The full frame has area 1 and padding does not change it."""
    assert FULL_FRAME.area == 1.0
    assert FULL_FRAME.padded(640, 480) == FULL_FRAME
