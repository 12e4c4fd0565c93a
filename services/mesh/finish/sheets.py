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
    faces, count = solid.faces, len(solid.vertices)
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    edge = np.minimum(start, end) * count + np.maximum(start, end)
    order = np.argsort(edge, kind="stable")
    first, number = np.unique(edge[order], return_index=True, return_counts=True)[1:]
    pairs = order[first[number == 2][:, None] + np.arange(2)]
    if (number == 2).all():
        return solid
    tangled = order[np.repeat(number != 2, number)]
    pairs = np.concatenate([pairs, _folded(solid, edge, tangled, start)])
    # Corner 3 f + k is where face f has its vertex k; half-edge 3 f + k runs from there to its next corner.
    after = np.arange(len(start)) // 3 * 3 + (np.arange(len(start)) + 1) % 3
    one, other = pairs[:, 0], pairs[:, 1]
    links = np.concatenate([np.stack([one, after[other]], axis=1), np.stack([after[one], other], axis=1)])
    graph = sparse.coo_matrix((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(len(start),) * 2)
    group = connected_components(graph, directed=False)[1]
    _, corner, inverse = np.unique(group, return_index=True, return_inverse=True)
    return Solid(solid.vertices[start[corner]], np.asarray(inverse.reshape(-1, 3), np.int64))


def _folded(solid: Solid, edge: Ints, tangled: Ints, start: Ints) -> Ints:
    """Pairs (k, 2) of half-edges along edges of more than two faces: neighbours around the edge with material between
    them.

    Args:
        solid: the surface.
        edge: (3 m,) number of each half-edge's edge.
        tangled: half-edges of such edges, sorted by edge.
        start: (3 m,) vertex at which each half-edge begins.
    """
    found = []
    cuts = np.flatnonzero(np.diff(edge[tangled])) + 1
    for halves in np.split(tangled, cuts):
        if len(halves) % 2:
            continue
        low = int(start[halves].min())
        high = int(edge[halves[0]] % len(solid.vertices))
        along = solid.vertices[high] - solid.vertices[low]
        along = along / max(float(np.linalg.norm(along)), 1e-30)
        tips = solid.vertices[solid.faces[halves // 3, (halves + 2) % 3]] - solid.vertices[low]
        flat = tips - np.outer(tips @ along, along)
        across = flat[0] / max(float(np.linalg.norm(flat[0])), 1e-30)
        angle = np.arctan2(flat @ np.cross(along, across), flat @ across) % (2.0 * np.pi)
        angle[0] = 0.0
        turn = halves[np.argsort(angle, kind="stable")]
        upwards = start[turn] == low
        # A face that runs up the edge has its outside on the side of rising angles, one that runs down has it before:
        # material lies between one that runs down and the next.
        pairs = np.roll(turn, -1 if upwards[0] else 0).reshape(-1, 2)
        if (start[pairs[:, 0]] == start[pairs[:, 1]]).any():
            continue
        found.append(pairs)
    return np.concatenate(found) if found else np.zeros((0, 2), np.int64)
