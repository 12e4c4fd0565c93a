"""The surface where a sampled field is 0, by marching tetrahedra: always closed, and a manifold.

Each cell of the grid is cut into the six tetrahedra around its long diagonal (Kuhn's subdivision), the same in every
cell, so that neighbours agree. In a tetrahedron no case is ambiguous: one corner apart gives a triangle, two give a
quadrangle. Marching cubes needs fewer triangles, and has cases in which the surface is not a manifold. Such a surface
shows the grid's steps; ``calmed`` takes them out.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from lensora.adapters.patience import glance

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

NEAREST_CORNER = 0.05
"""A crossing stays this share of an edge away from its ends, so that no triangle collapses."""

TAUBIN = (0.5, -0.53)
"""Steps of one round of smoothing: in, and nearly as far out again (Taubin 1995)."""

_OFFSETS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
"""Corners of a cell; corner k has the bits of k as its steps along the three axes."""


def _tetrahedra() -> list[tuple[int, int, int, int]]:
    """The corners of the six tetrahedra: every way from corner 0 to corner 7 along three edges."""
    return [(0, 1 << a, (1 << a) | (1 << b), 7) for a, b, _ in permutations(range(3))]


def _triangles(tetrahedron: tuple[int, int, int, int]) -> list[list[list[tuple[int, int]]]]:
    """For each of the 16 cases (bit k: corner k inside), triangles of edges (corner, corner), wound outwards."""
    at = _OFFSETS[list(tetrahedron)].astype(np.float64)
    cases: list[list[list[tuple[int, int]]]] = []
    for case in range(16):
        inside = [k for k in range(4) if case >> k & 1]
        outside = [k for k in range(4) if not case >> k & 1]
        polygon: list[tuple[int, int]] = []
        if len(inside) == 1:
            polygon = [(inside[0], k) for k in outside]
        elif len(inside) == 3:
            polygon = [(k, outside[0]) for k in inside]
        elif len(inside) == 2:
            (a, b), (c, d) = inside, outside
            polygon = [(a, c), (a, d), (b, d), (b, c)]
        made = [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
        for triangle in made:
            p, q, r = (0.5 * (at[i] + at[j]) for i, j in triangle)
            away = at[outside].mean(axis=0) - at[inside].mean(axis=0)
            if np.cross(q - p, r - p) @ away < 0:
                triangle.reverse()
        cases.append([[(tetrahedron[i], tetrahedron[j]) for i, j in triangle] for triangle in made])
    return cases


_CASES = [(tetrahedron, _triangles(tetrahedron)) for tetrahedron in _tetrahedra()]


def isosurface(field: Floats) -> tuple[NDArray[np.float64], Ints]:
    """The closed surface around the points where a field is positive.

    Args:
        field: (a, b, c), not positive along its borders.

    Returns:
        vertices (n, 3) in grid indices, and faces (m, 3) counter-clockwise seen from where the field is negative, in a
        right-handed frame of the three axes. Both are empty where nothing is positive.
    """
    steps = np.array([field.shape[1] * field.shape[2], field.shape[2], 1])
    flat = field.reshape(-1)
    inside = field > 0
    cells = _mixed(inside)
    corner_steps = _OFFSETS @ steps
    starts, ends = [np.zeros((0, 3), np.int64)], [np.zeros((0, 3), np.int64)]
    signs = flat[cells[:, None] + corner_steps] > 0
    for tetrahedron, cases in _CASES:
        glance()
        case = signs[:, list(tetrahedron)] @ np.array([1, 2, 4, 8])
        for number in range(1, 15):
            chosen = cells[case == number]
            for triangle in cases[number]:
                starts.append(np.stack([chosen + corner_steps[a] for a, _ in triangle], axis=1))
                ends.append(np.stack([chosen + corner_steps[b] for _, b in triangle], axis=1))
    glance()
    start, end = np.concatenate(starts), np.concatenate(ends)
    edges, faces = np.unique((np.minimum(start, end) * len(flat) + np.maximum(start, end)).ravel(), return_inverse=True)
    low, high = np.divmod(edges, len(flat))
    share = flat[low] / np.where(flat[low] == flat[high], 1.0, flat[low] - flat[high])
    share = np.clip(share, NEAREST_CORNER, 1.0 - NEAREST_CORNER).astype(np.float64)[:, None]
    first = np.stack(np.unravel_index(low, field.shape), axis=1)
    last = np.stack(np.unravel_index(high, field.shape), axis=1)
    vertices = np.asarray(first + share * (last - first), np.float64)
    return vertices, np.asarray(faces.reshape(-1, 3), np.int64)


def _mixed(inside: NDArray[np.bool_]) -> Ints:
    """Flat indices of the first corners of the cells whose corners are not all alike."""
    shape = tuple(size - 1 for size in inside.shape)
    some, every = np.zeros(shape, bool), np.ones(shape, bool)
    for offset in _OFFSETS:
        corner = inside[tuple(slice(step, step + size) for step, size in zip(offset, shape, strict=True))]
        some |= corner
        every &= corner
    rows = np.nonzero(some & ~every)
    return np.asarray(np.ravel_multi_index(rows, inside.shape), np.int64)


def calmed(points: NDArray[np.float64], faces: NDArray[np.int64], rounds: int) -> NDArray[np.float64]:
    """(n, 3) points of a surface, smoothed over their neighbours without shrinking it (Taubin 1995)."""
    starts, ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    count = len(points)
    near = sparse.csr_matrix((np.ones(len(starts)), (starts, ends)), shape=(count, count))
    mean = sparse.diags(1.0 / np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1.0)) @ near
    for _ in range(rounds):
        for step in TAUBIN:
            points = points + step * (mean @ points - points)
    return np.asarray(points, np.float64)
