"""The lattice of samples: what is drawn with a lean comes back upright, its rows set off against each other."""

from __future__ import annotations

import numpy as np
import pytest

from services.render.backends.lattice import bands, lattice_sides, sheared, upright
from services.render.shot import Window


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_samples_lie_where_the_lattice_has_them(factor: int) -> None:
    """Rows of a pixel are 1/factor of a sample apart sideways, evenly about the sample's middle."""
    window = Window(10, 20, 17, 25)
    width, height = lattice_sides(window, factor)
    column, row = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    drawn_at = np.stack([2 * column / width - 1, 2 * row / height - 1, 0 * column, 0 * column + 1], axis=-1)
    seen = drawn_at @ np.linalg.inv(sheared(window, factor)).T
    x = (seen[..., 0] + 1) / 2 * window.width * factor
    y = (seen[..., 1] + 1) / 2 * window.height * factor
    number = np.arange(height * width * 4, dtype=np.int64).astype(np.uint8)
    drawn = number.reshape(height, width, 4)
    found = upright(drawn, window, factor)
    assert np.array_equal(upright(drawn, window, factor, np.empty(number.size, np.uint8)), found)
    assert found.shape == (window.height * factor, window.width * factor, 4)
    for j in range(found.shape[0]):
        within = j % factor
        for i in range(found.shape[1]):
            at = i + (j // factor if factor > 1 else 0)  # the column of the drawing it was taken from
            assert found[j, i, 0] == number.reshape(height, width, 4)[j, at, 0]
            aside = 0.5 - (within + 0.5) / factor if factor > 1 else 0.0
            assert x[j, at] == pytest.approx(i + 0.5 + aside)
            assert y[j, at] == pytest.approx(j + 0.5)


@pytest.mark.parametrize("height", [1, 7, 8, 9, 50])
def test_bands_cover_a_window_once(height: int) -> None:
    """What they keep is each row of the window once, in order; none is taller than allowed, filter rows aside."""
    window = Window(3, 20, 30, 20 + height)
    kept = []
    for band in bands(window, 8):
        assert (band.window.left, band.window.right) == (window.left, window.right)
        assert band.rows <= 8 and band.window.height <= band.rows + 2
        kept += range(band.window.top + band.first, band.window.top + band.first + band.rows)
    assert kept == list(range(window.top, window.bottom))
    assert len(bands(window, 50)) == 1 and bands(window, 50)[0].window == window
