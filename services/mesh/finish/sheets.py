"""Sheets of a surface that touch along an edge, parted: simplifying a thin solid brings its sides together in places.

Such an edge has four faces. Nothing is open there, but no reader can tell which two belong together. Faces that meet
at an edge of two are one sheet; a corner that several sheets share becomes one corner for each.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from services.mesh.solid import Solid

Ints = NDArray[np.int64]


def parted(solid: Solid) -> Solid:
    """The solid with a corner of its own for every sheet that meets at a vertex. Closed if that was all it lacked.

    Args:
        solid: every edge has an even number of faces, half of them running each way.
    """
    pairs, tangles = _meeting(solid)
    if not tangles:
        return solid
    # Of the two ways to pair faces around an edge one may leave both ends shared all the same: then the other may not.
    result, other = solid, np.zeros(len(tangles), bool)
    for _ in range(2):
        folded = [_folded(solid, halves, outside) for halves, outside in zip(tangles, other.tolist(), strict=True)]
        result = _joined(solid, np.concatenate([pairs, *folded]))
        left = _meeting(result)[1]
        if not left:
            break
        still = np.concatenate(left)
        other = np.array([bool(np.isin(halves, still).any()) for halves in tangles])
    return result


def _meeting(solid: Solid) -> tuple[Ints, list[Ints]]:
    """Half-edges that meet: the pairs (k, 2) of edges of two faces, and the groups of all other edges.

    Half-edge 3 f + k runs from corner k of face f to its next.
    """
    count = len(solid.vertices)
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    edge = np.minimum(start, end) * count + np.maximum(start, end)
    order = np.argsort(edge, kind="stable")
    _, first, number = np.unique(edge[order], return_index=True, return_counts=True)
    pairs = order[first[number == 2][:, None] + np.arange(2)]
    tangles = [order[low : low + many] for low, many in zip(first[number != 2], number[number != 2], strict=True)]
    return pairs, tangles


def _joined(solid: Solid, pairs: Ints) -> Solid:
    """The solid in which faces share the corners along the half-edges that are paired, and no others."""
    start = solid.faces.ravel()
    after = np.arange(len(start)) // 3 * 3 + (np.arange(len(start)) + 1) % 3
    one, other = pairs[:, 0], pairs[:, 1]
    links = np.concatenate([np.stack([one, after[other]], axis=1), np.stack([after[one], other], axis=1)])
    graph = sparse.coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(len(start),) * 2)
    group = connected_components(graph, directed=False)[1]
    _, corner, inverse = np.unique(group, return_index=True, return_inverse=True)
    return Solid(solid.vertices[start[corner]], np.asarray(inverse.reshape(-1, 3), np.int64))


def _folded(solid: Solid, halves: Ints, outside: bool) -> Ints:
    """Pairs (k, 2) of the half-edges of one edge: neighbours around it with material between them, or none.

    Args:
        solid: the surface.
        halves: of the edge; an odd number is left alone.
        outside: whether neighbours with nothing between them are wanted.
    """
    none = np.zeros((0, 2), np.int64)
    if len(halves) % 2:
        return none
    start, end = solid.faces.ravel()[halves], np.roll(solid.faces, -1, axis=1).ravel()[halves]
    low, high = int(min(start[0], end[0])), int(max(start[0], end[0]))
    along = solid.vertices[high] - solid.vertices[low]
    along = along / max(float(np.linalg.norm(along)), 1e-30)
    tips = solid.vertices[solid.faces[halves // 3, (halves + 2) % 3]] - solid.vertices[low]
    flat = tips - np.outer(tips @ along, along)
    across = flat[0] / max(float(np.linalg.norm(flat[0])), 1e-30)
    angle = np.arctan2(flat @ np.cross(along, across), flat @ across) % (2.0 * np.pi)
    angle[0] = 0.0
    turn = np.argsort(angle, kind="stable")
    # A face that runs up the edge has its outside on the side of rising angles, one that runs down has it before:
    # material lies between one that runs down and the next.
    upwards = start[turn] == low
    shift = -1 if bool(upwards[0]) is not outside else 0
    turn, upwards = np.roll(turn, shift), np.roll(upwards, shift)
    if (upwards[::2] == upwards[1::2]).any():
        return none
    return np.asarray(halves[turn].reshape(-1, 2), np.int64)
