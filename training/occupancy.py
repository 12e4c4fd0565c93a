"""What is solid: a signed distance grid of any mesh, closed or not, by looking at it from all round.

A point is free if some view sees past it; whatever no view can reach is solid. So a scan with an open bottom, an inner
wall, or faces wound wrongly still gives a solid, and a cup that is open stays open. Sheets without thickness, which
every view sees past, are given a small one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from quality.gl import PictureCamera, Pose, Renderer, TexturedMesh, UploadedMesh

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Carving:
    """How finely an object is looked at.

    Attributes:
        cells: along each side of the grid.
        reach: the grid's half side, radii of the object's sphere.
        views: directions, spread evenly over the sphere.
        sheet: half thickness given to sheets, radii; a bin of the network's field is about twice as deep.
        samples: points on the surface by which sheets are found.
        distance: from which it is looked at: far, so that rays are nearly parallel.
    """

    cells: int = 80
    reach: float = 1.06
    views: int = 32
    sheet: float = 0.016
    samples: int = 20_000
    distance: float = 40.0


def distance_grid(renderer: Renderer, shown: UploadedMesh, carving: Carving | None = None) -> Floats:
    """Signed distances to an object's surface.

    Args:
        renderer: that the mesh was uploaded to; 192 to 256 pixels a side are enough.
        shown: inside the unit sphere.
        carving: how finely.

    Returns:
        (n, n, n) float32 by x, y, z: radii, negative inside, exact near the surface and cut off at 4 cells.
    """
    how = carving or Carving()
    points = grid_points(how)
    views = [renderer.surface(shown, pose) for pose in _poses(how, is_closed(shown.mesh))]
    limit = 4.0 * 2.0 * how.reach / how.cells
    inside = np.full(len(points), -limit, np.float32)
    active = np.flatnonzero((points**2).sum(axis=1) < 1.1)
    for picture, camera in views:
        height = _heights(picture, camera, points[active])
        hidden = height <= 0.0
        active = active[hidden]
        inside[active] = np.maximum(inside[active], height[hidden])
    solid = np.zeros((how.cells,) * 3, bool)
    solid.reshape(-1)[active] = True
    band = ndimage.binary_dilation(solid, np.ones((3, 3, 3), bool), iterations=2) & ~solid
    near = np.flatnonzero(band)
    outside = np.full(len(points), limit, np.float32)
    for picture, camera in views:
        height = _heights(picture, camera, points[near])
        outside[near] = np.minimum(outside[near], np.where(height > 0.0, height, limit))
    distance = np.where(solid.reshape(-1), inside, outside).reshape(solid.shape)
    return np.asarray(np.minimum(distance, _sheets(shown.mesh, solid, how)), np.float32)


def _heights(picture: Floats, camera: PictureCamera, points: Floats) -> Floats:
    """(n,) how far points lie before the surface that a view sees there, along its normal; infinite where none is."""
    side = len(picture)
    turned = points @ camera.world_to_view[:, :3].T.astype(np.float32) + camera.world_to_view[:, 3].astype(np.float32)
    scale = np.float32(camera.pixels * camera.distance) / (np.float32(camera.distance) - turned[:, 2])
    column = (turned[:, 0] * scale + np.float32(camera.center[0])).astype(np.int32)
    row = (np.float32(camera.center[1]) - turned[:, 1] * scale).astype(np.int32)
    seen = (column >= 0) & (row >= 0) & (column < side) & (row < side)
    at = picture.reshape(-1, 4)[np.where(seen, row * side + column, 0)]
    is_surface = seen & (at[:, :3] != 0.0).any(axis=1)
    return np.where(is_surface, (turned[:, 2] - at[:, 3]) * np.clip(at[:, 2], 0.05, 1.0), np.float32(np.inf))


def grid_points(how: Carving) -> Floats:
    """(n^3, 3) middles of the grid's cells, in the order of the grid."""
    line = (((np.arange(how.cells) + 0.5) / how.cells * 2.0 - 1.0) * how.reach).astype(np.float32)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)


def sampled(grid: Floats, points: Doubles, how: Carving) -> Floats:
    """(...,) distances at points (..., 3), between cells linear."""
    index = (points / how.reach + 1.0) * (how.cells / 2) - 0.5
    limit = 4.0 * 2.0 * how.reach / how.cells
    flat = ndimage.map_coordinates(grid, index.reshape(-1, 3).T, order=1, mode="constant", cval=limit)
    return np.asarray(flat.reshape(points.shape[:-1]), np.float32)


def is_closed(mesh: TexturedMesh) -> bool:
    """Whether the surface encloses something, seams of the texture aside."""
    _, place = np.unique(np.round(mesh.vertices, 4), axis=0, return_inverse=True)
    faces = place.ravel()[mesh.faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, count = np.unique(edges, axis=0, return_counts=True)
    return bool((count % 2 == 0).mean() > 0.995)


def _poses(how: Carving, closed: bool) -> list[Pose]:
    """Directions on a Fibonacci sphere and along the axes; not from below where a bottom may be missing."""
    number = np.arange(how.views)
    pitch = np.arcsin(1.0 - 2.0 * (number + 0.5) / how.views)
    azimuth = number * math.pi * (3.0 - math.sqrt(5.0))
    angles = [*zip(azimuth, pitch, strict=True), *((k * math.pi / 2, 0.0) for k in range(4)), (0.0, math.pi / 2)]
    if closed:
        angles.append((0.0, -math.pi / 2))
    return [Pose(float(a), float(p), 0.0, how.distance, 1.02) for a, p in angles if closed or p > -0.15]


def _sheets(mesh: TexturedMesh, solid: NDArray[np.bool_], how: Carving) -> Floats:
    """Distances to those parts of the surface that no solid lies behind, less their thickness."""
    surface = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    points, _ = trimesh.sample.sample_surface(surface, how.samples, seed=1)
    points = np.asarray(points, np.float64)
    cell = 2.0 * how.reach / how.cells
    out = np.full(solid.shape, 4.0 * cell, np.float32)
    index = np.clip(np.floor((points / how.reach + 1.0) * (how.cells / 2)).astype(np.int64), 0, how.cells - 1)
    thin = points[~ndimage.binary_dilation(solid)[tuple(index.T)]]
    if not len(thin):
        return out
    near = np.zeros(solid.shape, bool)
    near[tuple(np.clip(np.floor((thin / how.reach + 1.0) * (how.cells / 2)).astype(np.int64), 0, how.cells - 1).T)] = (
        True
    )
    near = ndimage.binary_dilation(near, np.ones((3, 3, 3), bool), iterations=2)
    reach, _ = cKDTree(thin).query(grid_points(how)[near.reshape(-1)], distance_upper_bound=4.0 * cell)
    out[near] = np.minimum(reach, 4.0 * cell) - how.sheet
    return out
