"""The simplex search: the same numbers as SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from services.mesh.shape.descent import downhill

Doubles = np.ndarray[tuple[int], np.dtype[np.float64]]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("steps", [None, 0.05])
def test_it_ends_where_scipy_s_search_ends(seed: int, steps: float | None) -> None:
    """To the last bit, for smooth costs and for costs in steps, whether looks run out or it has arrived."""
    random = np.random.default_rng(seed)
    count, most = int(random.integers(2, 10)), int(random.integers(3, 400))
    matrix, middle = random.normal(size=(count, count)), random.normal(size=count)

    def cost(place: Doubles) -> float:
        value = float(((matrix @ (place - middle)) ** 2).sum() + np.abs(np.sin(3.0 * place)).sum())
        return value if steps is None else round(value / steps) * steps

    simplex = np.vstack([np.zeros(count), np.diag(random.normal(size=count))]) + random.normal(size=count)
    options = {"maxfev": most, "initial_simplex": simplex, "xatol": 2e-3, "fatol": 3e-4}
    theirs = minimize(cost, simplex[0], method="Nelder-Mead", options=options)
    place, least = downhill(cost, simplex, most, 2e-3, 3e-4)
    assert np.array_equal(place, theirs.x)
    assert least == theirs.fun
