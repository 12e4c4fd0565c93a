"""The simplex search of Nelder and Mead (1965), for costs that take some microseconds.

It goes step by step as SciPy's does, to the same numbers, without what that does beside each look: checks of arguments,
copies and a report for each round took a fifth of the time of fitting a box.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


class _Spent(Exception):
    """All looks are taken."""


def downhill(
    cost: Callable[[Doubles], float], simplex: Doubles, most: int, apart: float = 1e-4, differ: float = 1e-4
) -> tuple[Doubles, float]:
    """Where a search ends, and its cost there.

    Args:
        cost: of a place (n,); must not keep or change it.
        simplex: (n + 1, n) where it begins.
        most: looks.
        apart, differ: it ends where no corner of the simplex is farther than this from the best one along an axis,
            and no cost differs by more.
    """
    corners = np.array(simplex, np.float64)
    count = corners.shape[1]
    costs = np.full(count + 1, np.inf)
    left = most

    def look(place: Doubles) -> float:
        nonlocal left
        if left <= 0:
            raise _Spent
        left -= 1
        return float(cost(place))

    def ordered() -> None:
        nonlocal corners, costs
        order = np.argsort(costs)
        corners, costs = corners.take(order, axis=0), costs.take(order)

    def step() -> None:
        middle = np.add.reduce(corners[:-1], 0) / count
        worst = corners[-1]
        reflected = 2 * middle - worst
        found = look(reflected)
        if found < costs[0]:
            farther = 3 * middle - 2 * worst
            better = look(farther)
            corners[-1], costs[-1] = (farther, better) if better < found else (reflected, found)
            return
        if found < costs[-2]:
            corners[-1], costs[-1] = reflected, found
            return
        if found < costs[-1]:
            nearer = 1.5 * middle - 0.5 * worst
            closer = look(nearer)
            if closer <= found:
                corners[-1], costs[-1] = nearer, closer
                return
        else:
            nearer = 0.5 * middle + 0.5 * worst
            closer = look(nearer)
            if closer < costs[-1]:
                corners[-1], costs[-1] = nearer, closer
                return
        for k in range(1, count + 1):
            corners[k] = corners[0] + 0.5 * (corners[k] - corners[0])
            costs[k] = look(corners[k])

    with suppress(_Spent):
        for k in range(count + 1):
            costs[k] = look(corners[k])
    # SciPy sorts twice here, which its sort, unstable where costs are equal, may take otherwise than once.
    ordered()
    ordered()
    while left > 0:
        if costs[-1] - costs[0] <= differ and np.abs(corners[1:] - corners[0]).max() <= apart:
            break
        with suppress(_Spent):
            step()
        ordered()
    return corners[0], float(costs[0])
