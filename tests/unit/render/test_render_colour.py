"""sRGB to the video's YUV."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.render.colour import YUV_FROM_RGB, planes

BYTES = st.integers(0, 255)


def test_black_white_and_primaries_are_bt709() -> None:
    """Limited range: black 16, white 235; the primaries as ITU-R BT.709 has them."""
    for rgb, expected in (
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (63, 102, 240)),
        ((0, 255, 0), (173, 42, 26)),
        ((0, 0, 255), (32, 240, 118)),
    ):
        values = planes(np.full((2, 2, 3), rgb, np.uint8))
        assert [int(plane[0, 0]) for plane in values] == list(expected)


@given(st.tuples(BYTES, BYTES, BYTES))
def test_flat_colours_come_back_within_two(rgb: tuple[int, int, int]) -> None:
    """Decoding the bytes with the inverse matrix gives the colour back within 2/255."""
    yuv = np.array([float(plane[0, 0]) for plane in planes(np.full((4, 4, 3), rgb, np.uint8))])
    back = np.linalg.solve(YUV_FROM_RGB[:, :3], yuv - YUV_FROM_RGB[:, 3])
    assert np.abs(np.clip(back, 0, 255) - rgb).max() <= 2.0
