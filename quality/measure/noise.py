"""What a mean over few objects is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Statistic = Callable[[NDArray[np.float64]], float]

ROUNDS = 2000


def by_object(values: Sequence[float], things: Sequence[str]) -> NDArray[np.float64]:
    """The mean of each object's views, in order of the objects' names."""
    groups: dict[str, list[float]] = {}
    for value, thing in zip(values, things, strict=True):
        groups.setdefault(thing, []).append(value)
    return np.array([np.mean(groups[thing]) for thing in sorted(groups)])


def paired_error(before: NDArray[np.float64], after: NDArray[np.float64], statistic: Statistic = np.mean) -> float:
    """How far a statistic's change from before to after moves when other objects are drawn: bootstrap, seeded."""
    picks = np.random.default_rng(5).integers(0, len(before), (ROUNDS, len(before)))
    return float(np.std([statistic(after[pick]) - statistic(before[pick]) for pick in picks]))


def interval(values: NDArray[np.float64], statistic: Statistic = np.mean, share: float = 0.95) -> tuple[float, float]:
    """The interval that holds ``share`` of the bootstrap's results."""
    random = np.random.default_rng(5)
    picks = random.integers(0, len(values), (ROUNDS, len(values)))
    results = [statistic(values[pick]) for pick in picks]
    low, high = np.quantile(results, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def worst_decile(values: NDArray[np.float64]) -> float:
    """The mean of the lowest tenth, at least one value."""
    count = max(round(len(values) / 10), 1)
    return float(np.sort(values)[:count].mean())
