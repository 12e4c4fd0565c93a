"""Peaks of a curve, held to SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import find_peaks

from lensora.core.peaks import peaks


@pytest.mark.parametrize("seed", range(30))
def test_peaks_are_those_of_scipy(seed: int) -> None:
    """Places and prominences agree with SciPy's, on smooth and rough curves, with flat tops and infinite ends."""
    random = np.random.default_rng(seed)
    curve = np.cumsum(random.normal(size=200)) if seed % 2 else random.integers(0, 5, 60).astype(np.float64)
    if seed % 3 == 0:
        curve = np.repeat(curve, 3)
    if seed % 5 == 0:
        curve[[0, -1]] = np.inf
    for least in (0.5, 2.0):
        places, prominences = peaks(curve, least)
        theirs, shape = find_peaks(curve, prominence=least)
        assert places.tolist() == theirs.tolist()
        assert prominences == pytest.approx(shape["prominences"])


@pytest.mark.parametrize("curve", [[], [1.0], [1.0, 2.0], [2.0, 2.0, 2.0], [1.0, 2.0, 3.0]])
def test_a_curve_without_a_top_has_no_peaks(curve: list[float]) -> None:
    """Short, flat and rising curves have none."""
    assert len(peaks(curve, 0.1)[0]) == 0
