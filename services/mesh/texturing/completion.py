"""Colours of what the photo does not show.

The photo is trusted where the surface faces it. The rest is made up so that it belongs: on surfaces of revolution by
carrying each height's ring of colour around the axis (``rings.py``), on free shapes from what reaches the outline
(``backside.py``) by offsets that make it meet what is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from lensora.adapters.patience import glance
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]


@dataclass(frozen=True)
class CompletionParameters:
    """How colours go on where the photo shows nothing.

    Attributes:
        back_pull: weight of the back's own colours, against 1 for agreement with each neighbour: felt over about six
            edges.
        neighbours: vertices that a colour between them is weighted from: the corners of a triangle.
    """

    back_pull: float = 0.03
    neighbours: int = 3


PARAMETERS = CompletionParameters()


class Completion(Protocol):
    """Colours by place on the surface, in the frame of the backend's solid."""

    @property
    def detailed(self) -> bool:
        """Whether the colours hold fine texture; the photo's grain is added to those that do not."""

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Colors:
        """(n, 3) float32 sRGB in 0..255 for points (n, 3) with unit normals (n, 3)."""


def harmonic_offsets(solid: Solid, known: NDArray[np.bool_], offset: Colors, back: Doubles) -> Colors:
    """Offsets for every vertex: the known ones as they are, continued smoothly and, on the back, towards zero.

    Args:
        solid: n vertices.
        known: (n,) bool.
        offset: (n, 3) float32, valid where known.
        back: (n,) how much each vertex faces away from the photo, 0..1.

    Returns:
        (n, 3) float32.
    """
    count = len(solid.vertices)
    result = np.where(known[:, None], offset, 0.0).astype(np.float32)
    free = np.flatnonzero(~known)
    if not len(free):
        return result
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    length = np.linalg.norm(solid.vertices[start] - solid.vertices[end], axis=1)
    typical = max(float(np.median(length)), 1e-12)
    weight = 1.0 / np.clip(length / typical, 0.2, 5.0)
    link = sparse.coo_matrix((weight, (start, end)), shape=(count, count)).tocsr()
    link = link.maximum(link.T)
    rows = link[free]
    degree = np.asarray(rows.sum(axis=1)).ravel()
    pull = PARAMETERS.back_pull * np.clip(back[free], 0.0, 1.0) + 1e-4
    matrix = sparse.diags(degree + pull) - rows[:, free]
    right = rows[:, np.flatnonzero(known)] @ result[known]
    glance()
    factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    result[free] = factors.solve(right)
    return result


class VertexColors:
    """Colours that a backend gave for its vertices, between them weighted from the nearest.

    They are looked up in the backend's own vertices, before simplification: that moves the surface by far less than
    their distance, so nothing of them is lost.
    """

    detailed = False

    def __init__(self, points: Doubles, colors: NDArray[np.uint8] | Colors) -> None:
        """
        Args:
            points: (n, 3), the backend's vertices.
            colors: (n, 3) sRGB, 0..255.
        """
        self._tree = cKDTree(points)
        self._colors = colors.astype(np.float32)

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Colors:
        """See ``Completion``."""
        count = min(PARAMETERS.neighbours, len(self._colors))
        distance, nearest = self._tree.query(points, k=count, workers=-1)
        distance, nearest = distance.reshape(-1, count), nearest.reshape(-1, count)
        weight = 1.0 / np.maximum(distance, 1e-9)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("nk,nkc->nc", weight, self._colors[nearest]), np.float32)
