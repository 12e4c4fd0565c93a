"""Does the shape agree with the truth? F-score, chamfer distance and volume IoU after one alignment search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes
from scipy.spatial import cKDTree

Doubles = NDArray[np.float64]

THRESHOLD = 0.05
"""F-score's distance, in radii of the unit sphere."""

SURFACE_SAMPLES, SEARCH_SAMPLES = 20_000, 1_500
"""Points on a surface for the figures, and for the alignment search."""

SOLID_SAMPLES = 400_000
"""Points on a surface that leave no hole in a grid of ``CELLS``."""

CELLS = 64
"""Cells along each side of the grid for the volume IoU."""


@dataclass(frozen=True)
class Agreement:
    """One mesh's agreement with the truth.

    ``fscore``: 0..1 at ``THRESHOLD``. ``chamfer``: mean of both mean distances, in radii. ``volume_iou``: 0..1, on
    64^3 cells; 0 where it was not asked for.
    """

    fscore: float
    chamfer: float
    volume_iou: float


class Truth:
    """The true surface, sampled once, for comparing many meshes with it."""

    def __init__(
        self,
        truth: trimesh.Trimesh,
        *,
        samples: int = SURFACE_SAMPLES,
        search_samples: int = SEARCH_SAMPLES,
        with_volume: bool = True,
    ) -> None:
        """
        Args:
            truth: the true shape.
            samples: points on a surface for F-score and chamfer distance.
            search_samples: points for the alignment search; a third of them finds its starts.
            with_volume: whether ``compare`` also measures the volume, which takes longer than the rest.
        """
        self._count = SOLID_SAMPLES if with_volume else samples
        dense = unit(sampled(truth, self._count))
        self._samples = samples
        self._points = dense[:samples]
        self._tree = cKDTree(self._points)
        self._few = self._points[:search_samples]
        self._searched = search_samples
        self._few_tree = cKDTree(self._few)
        self._cells = filled_cells(dense) if with_volume else None

    def compare(self, mesh: trimesh.Trimesh) -> Agreement:
        """Align a mesh and measure it."""
        whole = unit(sampled(mesh, self._count))
        move = self._aligned(whole[: self._searched])
        placed = whole @ move[:, :3].T + move[:, 3]
        points = placed[: self._samples]
        to_truth, _ = self._tree.query(points)
        to_mesh, _ = cKDTree(points).query(self._points)
        precision, recall = float((to_truth < THRESHOLD).mean()), float((to_mesh < THRESHOLD).mean())
        both = precision + recall
        return Agreement(
            fscore=2 * precision * recall / both if both else 0.0,
            chamfer=0.5 * float(to_truth.mean() + to_mesh.mean()),
            volume_iou=0.0 if self._cells is None else _overlap(filled_cells(placed), self._cells),
        )

    def _aligned(self, points: Doubles) -> Doubles:
        """The (3, 4) similarity that brings points closest to the truth: turns and tilts, then ICP from the best
        four."""
        starts = []
        few = points[: self._searched // 3]
        for yaw in np.arange(0, 360, 15):
            for tilt in (-20.0, -10.0, 0.0, 10.0, 20.0):
                turn = trimesh.transformations.euler_matrix(np.radians(tilt), np.radians(yaw), 0.0, "rxyz")[:3, :3]
                placed = few @ turn.T
                distance = (
                    self._few_tree.query(placed)[0].mean() + cKDTree(placed).query(self._few[: len(few)])[0].mean()
                )
                starts.append((float(distance), turn))
        starts.sort(key=lambda start: start[0])
        best, best_move = np.inf, np.eye(3, 4)
        for _, turn in starts[:4]:
            move = np.hstack([turn, np.zeros((3, 1))])
            for _ in range(25):
                placed = points @ move[:, :3].T + move[:, 3]
                _, near = self._few_tree.query(placed)
                _, back = cKDTree(placed).query(self._few)
                source = np.concatenate([points, points[back]])
                wanted = np.concatenate([self._few[near], self._few])
                move = _similarity(source, wanted)
            placed = points @ move[:, :3].T + move[:, 3]
            distance = self._few_tree.query(placed)[0].mean() + cKDTree(placed).query(self._few)[0].mean()
            if distance < best:
                best, best_move = float(distance), move
        return best_move


def _overlap(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    union = float((first | second).sum())
    return float((first & second).sum()) / union if union else 0.0


def _similarity(source: Doubles, wanted: Doubles) -> Doubles:
    """The (3, 4) similarity that maps source onto wanted with the least squares (Umeyama 1991)."""
    middle_a, middle_b = source.mean(axis=0), wanted.mean(axis=0)
    a, b = source - middle_a, wanted - middle_b
    u, s, vt = np.linalg.svd(b.T @ a / len(a))
    flip = np.diag([1.0, 1.0, float(np.sign(np.linalg.det(u @ vt)))])
    turn = u @ flip @ vt
    scale = float((s * np.diag(flip)).sum() / (a**2).sum(axis=1).mean())
    return np.hstack([scale * turn, (middle_b - scale * turn @ middle_a)[:, None]])


def sampled(mesh: trimesh.Trimesh, count: int) -> Doubles:
    """Points spread evenly over a surface, in random order, the same every time."""
    points, _ = trimesh.sample.sample_surface(mesh, count, seed=1)
    return np.random.default_rng(2).permutation(np.asarray(points, np.float64))


def unit(points: Doubles) -> Doubles:
    """Points moved and scaled so that they fit the unit sphere about the middle of their bounding box."""
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    centred = points - middle
    return centred / max(float(np.linalg.norm(centred, axis=1).max()), 1e-12)


def filled_cells(points: Doubles) -> NDArray[np.bool_]:
    """Cells of the cube from -1 to 1 that hold the surface or that it encloses."""
    cells = np.zeros((CELLS,) * 3, bool)
    index = np.clip(np.floor((points + 1.0) * (CELLS / 2)).astype(int), 0, CELLS - 1)
    cells[index[:, 0], index[:, 1], index[:, 2]] = True
    return np.asarray(binary_fill_holes(cells))
