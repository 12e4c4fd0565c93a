"""Where a subject stands in frames of each shape."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.staging import SQUARE, FrameShape, border_fade, staged
from lensora.core.words import Aspect

SIDES = st.floats(0.05, 20.0)


@pytest.mark.parametrize(
    ("aspect", "size", "pixels"),
    [
        (Aspect.SQUARE, 768, (768, 768)),
        (Aspect.PORTRAIT, 768, (614, 768)),
        (Aspect.STORY, 1920, (1080, 1920)),
        (Aspect.WIDE, 1920, (1920, 1080)),
        (Aspect.STORY, 256, (144, 256)),
    ],
)
def test_the_longer_side_is_the_size_and_both_are_even(aspect: Aspect, size: int, pixels: tuple[int, int]) -> None:
    """And the part of the square that is shown has exactly these pixels."""
    assert aspect.pixels(size) == pixels
    left, top, right, bottom = FrameShape.of(*pixels).box(size)
    assert (right - left, bottom - top) == pixels
    assert abs((left + right) - size) <= 2 and abs((top + bottom) - size) <= 2


@given(SIDES, SIDES, st.floats(math.radians(2), math.radians(68)), st.sampled_from(list(Aspect)))
def test_the_whole_subject_is_in_the_frame(width: float, height: float, pitch: float, aspect: Aspect) -> None:
    """With air on every side, however wide, tall or seen from above it is."""
    shape = FrameShape.of(*aspect.pixels(720))
    stage = staged(width, height, pitch, shape)
    across, down = stage.fill * min(1.0, width / height), stage.fill * min(1.0, height / width)
    assert across <= 0.86 * shape.width
    assert stage.base_line <= 1.0 - shape.top - 0.03 * shape.height
    assert stage.base_line - down >= shape.top + 0.03 * shape.height


@given(SIDES, SIDES, st.floats(math.radians(2), math.radians(68)))
def test_a_square_is_staged_as_ever(width: float, height: float, pitch: float) -> None:
    """The shape of the public page's film changes nothing."""
    assert staged(width, height, pitch, SQUARE) == staged(width, height, pitch)
    assert staged(width, height, pitch).fill == pytest.approx(0.66 + 0.08 * (1.0 - min(1.0, height / width)))


@pytest.mark.parametrize("aspect", list(Aspect))
def test_a_shadow_fades_before_each_side_by_that_side(aspect: Aspect) -> None:
    """Nothing is left at the border, and all of it an eighth of the side further in, in frames of each shape."""
    seen = FrameShape.of(*aspect.pixels(640)).box(640)
    left, top, right, bottom = seen
    fade = border_fade(640, 640, seen)
    assert not fade[[top, bottom - 1]].any() and not fade[:, [left, right - 1]].any()
    across, down = math.ceil((right - left) / 8), math.ceil((bottom - top) / 8)
    assert (fade[top + down : bottom - down, left + across : right - across] == 1.0).all()
