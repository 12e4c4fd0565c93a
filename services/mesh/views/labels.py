"""Which photo each triangle is coloured from: the one that sees it best, with seams where they cost least.

Alpha expansion over graph cuts (Boykov, Veksler and Zabih 2001) with scipy's maximum flow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from lensora.adapters.patience import glance

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

SCALE = 2_000
"""Capacities of the flow are whole numbers: costs times this."""


def cheapest(costs: Doubles, pairs: Ints, seams: Doubles) -> Ints:
    """(n,) the labels with about the least sum of costs.

    Args:
        costs: (n, labels), of each label for each triangle, >= 0.
        pairs: (k, 2) triangles side by side, each pair once.
        seams: (k,) >= 0, the cost of different labels on the two.
    """
    labels = np.argmin(costs, axis=1)
    for label in range(costs.shape[1]):
        glance()
        labels = _expanded(labels, label, costs, pairs, seams)
    return np.asarray(labels, np.int64)


def _expanded(labels: Ints, label: int, costs: Doubles, pairs: Ints, seams: Doubles) -> Ints:
    """The labels after each triangle has kept its own or taken this one, whatever is cheapest together."""
    count = len(labels)
    gain = costs[:, label] - costs[np.arange(count), labels]
    one, two = labels[pairs[:, 0]], labels[pairs[:, 1]]
    keep = seams * (one != two)
    second, first = seams * (one != label), seams * (two != label)
    gain = gain + np.bincount(pairs[:, 0], first - keep, minlength=count)
    gain = gain - np.bincount(pairs[:, 1], first, minlength=count)
    between = first + second - keep
    source, sink = count, count + 1
    nodes = np.arange(count)
    rising, falling = gain > 0, gain < 0
    linked = between > 0
    start = np.concatenate([np.full(int(rising.sum()), source), nodes[falling], pairs[linked, 0]])
    end = np.concatenate([nodes[rising], np.full(int(falling.sum()), sink), pairs[linked, 1]])
    capacity = np.concatenate([gain[rising], -gain[falling], between[linked]])
    graph = sparse.csr_matrix((np.round(capacity * SCALE).astype(np.int32), (start, end)), shape=(count + 2, count + 2))
    flow = maximum_flow(graph, source, sink).flow
    left = graph - flow
    left.data = np.maximum(left.data, 0)
    left.eliminate_zeros()
    kept = np.zeros(count + 2, bool)
    kept[breadth_first_order(left, source, return_predecessors=False)] = True
    return np.asarray(np.where(kept[:count], labels, label), np.int64)
