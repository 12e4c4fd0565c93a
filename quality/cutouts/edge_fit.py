"""The fit of the edge network: one hidden layer, by Adam (Kingma and Ba 2015), on pixels along true outlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from services.segment.edges import EdgeNet

Rows = NDArray[np.float32]

UNITS = 12
STEPS, BATCH, RATE, DECAY = 5000, 1024, 0.004, 1e-4
ROWS_OF_A_THING = 4000


def some_rows(features: Rows, alpha: Rows, seed: int) -> tuple[Rows, Rows]:
    """A thing's share of the pixels, so that a large one does not count more than a small one."""
    chosen = np.random.default_rng(seed).permutation(len(features))[:ROWS_OF_A_THING]
    return features[chosen], alpha[chosen]


def edge_net(things: Sequence[tuple[Rows, Rows]], steps: int = STEPS) -> EdgeNet:
    """The network for pixels of several things.

    Args:
        things: features (n, features) and true alpha (n,) of each.
        steps: of the fit.
    """
    features = np.concatenate([rows for rows, _alpha in things]).astype(np.float32)
    alpha = np.concatenate([alpha for _rows, alpha in things]).astype(np.float32)
    mean, spread = features.mean(axis=0), features.std(axis=0) + np.float32(1e-3)
    scaled = (features - mean) / spread
    rng = np.random.default_rng(0)
    inputs = scaled.shape[1]
    weights = [
        rng.normal(0.0, inputs**-0.5, (inputs, UNITS)).astype(np.float32),
        np.zeros(UNITS, np.float32),
        rng.normal(0.0, UNITS**-0.5, UNITS).astype(np.float32),
        np.zeros(1, np.float32),
    ]
    slow, fast = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
    for step in range(1, steps + 1):
        batch = rng.integers(0, len(scaled), BATCH)
        rows = scaled[batch]
        units = np.tanh(rows @ weights[0] + weights[1])
        chance = 0.5 * (1.0 + np.tanh(0.5 * (units @ weights[2] + weights[3][0])))
        error = ((chance - alpha[batch]) / BATCH).astype(np.float32)
        back = np.outer(error, weights[2]) * (1.0 - units * units)
        gradients = [
            rows.T @ back + DECAY * weights[0],
            back.sum(axis=0),
            units.T @ error + DECAY * weights[2],
            np.array([error.sum()], np.float32),
        ]
        rate = RATE * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        for index, gradient in enumerate(gradients):
            slow[index] = 0.9 * slow[index] + 0.1 * gradient
            fast[index] = 0.999 * fast[index] + 0.001 * gradient**2
            move = slow[index] / (1.0 - 0.9**step) / (np.sqrt(fast[index] / (1.0 - 0.999**step)) + 1e-8)
            weights[index] = (weights[index] - rate * move).astype(np.float32)
    return EdgeNet(
        mean=_rounded(mean),
        spread=_rounded(spread),
        hidden=tuple(_rounded(unit) for unit in weights[0].T),
        bias=_rounded(weights[1]),
        out=_rounded(weights[2]),
        level=round(float(weights[3][0]), 4),
    )


def _rounded(values: Rows) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)
