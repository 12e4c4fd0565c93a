"""The mark of test keys."""

from __future__ import annotations

import numpy as np
import pytest

from services.segment.stamp import marked


@pytest.mark.parametrize("size", [(64, 64), (300, 900), (900, 300), (1024, 1024)])
@pytest.mark.parametrize("grey", [0, 90, 255])
def test_the_mark_is_seen_everywhere_and_changes_no_outline(size: tuple[int, int], grey: int) -> None:
    """On any colour, in each quarter of the picture; a fair part of the pixels stays, and alpha stays whole."""
    rgba = np.full((*size, 4), grey, np.uint8)
    rgba[: size[0] // 2, :, 3] = 200
    out = marked(rgba)
    assert np.array_equal(out[..., 3], rgba[..., 3])
    changed = np.abs(out[..., :3].astype(int) - grey).max(axis=2) > 40
    assert 0.02 < changed.mean() < 0.4
    height, width = size
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            assert changed[rows, columns].any()
    assert np.array_equal(marked(rgba), out)
