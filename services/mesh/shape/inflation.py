"""Depth over a silhouette: smooth inflation by a Poisson solve.

Depth fields hold the *square* of the half thickness. The Poisson solution of a disc is exactly the squared height of a
sphere, and near every rim the square grows linearly with the distance, so that it interpolates well where the height
itself would be steep.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from lensora.adapters.patience import glance

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class InflationRules:
    """How the plain inflation is solved.

    Attributes:
        sphere_source: with -laplace(f) = 4 a disc of radius R has f = R^2 - r^2: the sphere. A long strip of half width
            a gets 2 a^2.
        min_arm: shortest arm, in pixels, from a node to the rim in the Poisson stencil; shorter ones would spoil its
            conditioning.
        multigrid_px: systems with more unknowns are solved on half the grid and smoothed: a direct solve grows faster
            than its area.
    """

    sphere_source: float = 4.0
    min_arm: float = 0.15
    multigrid_px: int = 45_000


RULES = InflationRules()


def poisson_square(alpha: Floats, source: float = RULES.sphere_source) -> Floats:
    """Solve -laplace(f) = source inside the 0.5 contour of a matte, f = 0 on it.

    The contour runs between pixels: arms from a node to the rim have their true lengths (ghost fluid method, Gibou et
    al. 2002), so that a slanted rim does not print its staircase on the shape.

    Args:
        alpha: (h, w) float32 in 0..1, below 0.5 along the border.
        source: right-hand side; the default gives the squared height of a sphere over a disc, in pixels.

    Returns:
        (h, w) float32, 0 outside.
    """
    inside = alpha >= 0.5
    count = int(inside.sum())
    if count == 0:
        return np.zeros_like(alpha)
    if count > RULES.multigrid_px:
        return _refined(alpha, inside, source)
    index = np.full(alpha.shape, -1, np.int64)
    index[inside] = np.arange(count)
    rows, columns = np.nonzero(inside)
    diagonal = np.zeros(count)
    pairs_a, pairs_b = [], []
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        other = index[rows + dy, columns + dx]
        linked = other >= 0
        pairs_a.append(np.flatnonzero(linked))
        pairs_b.append(other[linked])
        diagonal += np.where(linked, 1.0, 1.0 / _arm(alpha, rows, columns, dy, dx))
    a, b = np.concatenate(pairs_a), np.concatenate(pairs_b)
    matrix = sparse.csc_matrix(
        (
            np.concatenate([diagonal, np.full(len(a), -1.0)]),
            (np.concatenate([np.arange(count), a]), np.concatenate([np.arange(count), b])),
        ),
        shape=(count, count),
    )
    glance()
    factors = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    out = np.zeros(alpha.shape, np.float32)
    out[inside] = factors.solve(np.full(count, source))
    return out


def _arm(alpha: Floats, rows: NDArray[np.int64], columns: NDArray[np.int64], dy: int, dx: int) -> NDArray[np.float64]:
    """Distance in pixels from inside nodes to the 0.5 contour towards one neighbour; 1 and below."""
    here, there = alpha[rows, columns], alpha[rows + dy, columns + dx]
    return np.asarray(np.clip((here - 0.5) / np.maximum(here - there, 1e-6), RULES.min_arm, 1.0), dtype=np.float64)


def _refined(alpha: Floats, inside: NDArray[np.bool_], source: float) -> Floats:
    """The solution on a large grid: solved at half its size, then relaxed at full size."""
    height, width = alpha.shape
    half = cv2.resize(alpha, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
    framed = np.pad(np.asarray(half, np.float32), 1)
    coarse = poisson_square(framed, source * 4.0)[1:-1, 1:-1]
    field = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR) * inside
    rows, columns = np.nonzero(inside)
    weight = np.zeros((4, *alpha.shape), np.float32)
    diagonal = np.zeros(alpha.shape, np.float32)
    for side, (dy, dx) in enumerate(((0, 1), (0, -1), (1, 0), (-1, 0))):
        linked = inside[rows + dy, columns + dx]
        weight[side][rows, columns] = linked
        diagonal[rows, columns] += np.where(linked, 1.0, 1.0 / _arm(alpha, rows, columns, dy, dx))
    diagonal = np.where(inside, diagonal, 1.0)
    for _ in range(24):
        glance()
        total = np.full(alpha.shape, source, np.float32)
        total[:, :-1] += weight[0][:, :-1] * field[:, 1:]
        total[:, 1:] += weight[1][:, 1:] * field[:, :-1]
        total[:-1] += weight[2][:-1] * field[1:]
        total[1:] += weight[3][1:] * field[:-1]
        field = np.where(inside, 0.2 * field + 0.8 * total / diagonal, 0.0).astype(np.float32)
    return np.asarray(field, dtype=np.float32)


def inflated_square(alpha: Floats) -> Floats:
    """Squared half thickness of an inflation whose cross-sections are round wherever the silhouette is thick or thin.

    The plain Poisson solution makes a long limb 1.4 times as deep as it is wide. Here it is scaled, smoothly over the
    silhouette, so that on the spine the half thickness is the radius of the inscribed circle.

    Args:
        alpha: (h, w) float32 in 0..1.

    Returns:
        (h, w) float32, squared pixels, 0 outside.
    """
    field = poisson_square(alpha)
    inside = field > 0
    if not inside.any():
        return field
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    depth = np.maximum(depth - 0.5, 0.25) * inside
    spine = inside & (depth >= cv2.dilate(depth, np.ones((3, 3), np.uint8)) - 1e-4)
    ratio = np.where(spine, np.clip(depth**2 / np.maximum(field, 1e-6), 0.3, 1.0), 0.0)
    # The scale of thick parts reaches far, that of limbs only as far as they are wide: wider and wider blurs, each
    # weaker, so that the scale is smooth everywhere and no step shows where a limb meets the body.
    weight = np.where(spine, depth**2, 0.0).astype(np.float32)
    top, bottom = np.zeros_like(field), np.full_like(field, 1e-12)
    for share, strength in ((0.05, 1.0), (0.12, 0.1), (0.4, 0.001)):
        sigma = max(1.5, share * max(alpha.shape))
        top += strength * cv2.GaussianBlur((ratio * weight).astype(np.float32), (0, 0), sigma)
        bottom += strength * cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(field * np.clip(top / bottom, 0.3, 1.0), np.float32)


def rim_distance(alpha: Floats) -> Floats:
    """Distance in pixels to the 0.5 contour inside it, sub-pixel next to the rim, 0 outside; (h, w) float32."""
    inside = alpha >= 0.5
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 5)
    next_to_rim = inside & (depth < 1.5)
    # One pixel inside the rim the matte itself says how far: it falls from 1 to 0 over about one pixel.
    depth = np.where(next_to_rim, np.clip(alpha - 0.5, 0.05, 0.5) + np.maximum(depth - 1.0, 0.0), depth - 0.5)
    return np.asarray(np.where(inside, depth, 0.0), dtype=np.float32)
