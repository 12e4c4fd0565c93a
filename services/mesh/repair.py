"""Meshes from elsewhere made into closed solids: welded, freed of crumbs, wound outwards, shut where they are open."""

from __future__ import annotations

from dataclasses import dataclass

import manifold3d
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from lensora.core.errors import InvalidMesh
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class RepairRules:
    """What counts as damage of a surface.

    Attributes:
        weld_share: corners nearer to each other than this share of the size are one: nets write seams twice, with the
            same numbers.
        crumb_share: pieces with less than this share of the largest piece's area are floaters of the net, not parts.
        grid: cells along the longest side of the grid that an open mesh is shut on: near what the nets themselves
            resolve.
        border: empty cells around it, so that the shape never touches the grid's edge.
        edge_cells: edge of the tetrahedra that the surface is taken on, in cells: they lie twice as dense as cubes of
            the same edge, so this gives as many corners as cubes of one cell, in half the calls.
        max_faces: no net of ours writes more; a runaway field would take the process's memory.
    """

    weld_share: float = 1e-6
    crumb_share: float = 0.01
    grid: int = 112
    border: int = 3
    edge_cells: float = 1.4
    max_faces: int = 4_000_000


RULES = RepairRules()


def closed_solid(vertices: NDArray[np.floating], faces: NDArray[np.integer]) -> Solid:
    """The mesh as one closed solid.

    A mesh that is closed already keeps its triangles. Any other one is drawn into a grid, filled, and its surface taken
    again from there, then drawn back onto the mesh.

    Args:
        vertices: (n, 3), any units.
        faces: (m, 3), indices of vertices, wound either way.

    Raises:
        InvalidMesh: nothing in it that could be a surface.
    """
    if not len(faces) or len(faces) > RULES.max_faces:
        raise InvalidMesh(f"mesh must have 1 to {RULES.max_faces} faces, not {len(faces)}")
    given = Solid(np.asarray(vertices, np.float64), np.asarray(faces, np.int64))
    clean = _without_crumbs(_welded(given))
    if not clean.is_closed():
        clean = _shut(clean)
    if clean.volume() < 0:
        clean = Solid(clean.vertices, clean.faces[:, ::-1].copy())
    return clean


def _welded(solid: Solid) -> Solid:
    """Equal corners joined, triangles without area and doubles of others left out."""
    low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    step = max(float((high - low).max()) * RULES.weld_share, 1e-12)
    keys = np.round((solid.vertices - low) / step).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1)[solid.faces]
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = faces[distinct]
    if not len(faces):
        raise InvalidMesh("mesh must have at least one face with an area, not none")
    _, kept = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    return Solid(solid.vertices[first], faces[np.sort(kept)])


def _without_crumbs(solid: Solid) -> Solid:
    """The solid without pieces that are far smaller than the largest."""
    count = len(solid.vertices)
    a, b = solid.faces[:, [0, 1]].ravel(), solid.faces[:, [1, 2]].ravel()
    links = sparse.coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    pieces, label = connected_components(links, directed=False)
    area = np.bincount(label[solid.faces[:, 0]], np.linalg.norm(solid.cross(), axis=1), minlength=pieces)
    keep = area >= RULES.crumb_share * float(area.max())
    faces = solid.faces[keep[label[solid.faces[:, 0]]]]
    used = np.zeros(count, bool)
    used[faces] = True
    return Solid(solid.vertices[used], (np.cumsum(used) - 1)[faces])


def _shut(solid: Solid) -> Solid:
    """A closed surface near an open or tangled one."""
    low, high = solid.vertices.min(axis=0), solid.vertices.max(axis=0)
    cell = max(float((high - low).max()), 1e-9) / RULES.grid
    points = _samples(solid, 0.5 * cell)
    index = np.floor((points - low) / cell).astype(np.int64) + RULES.border
    size = np.floor((high - low) / cell).astype(np.int64) + 1 + 2 * RULES.border
    shell = np.zeros(tuple(size), bool)
    shell[tuple(index.T)] = True
    full = ndimage.binary_fill_holes(ndimage.binary_closing(shell, iterations=2))
    if full.sum() < 1.5 * shell.sum():
        # Water ran out through a hole: a cell is inside where the shell lies on both sides of it along two of three
        # axes.
        full = shell | (np.add.reduce([_between(shell, axis).astype(np.int8) for axis in range(3)]) >= 2)
    field = ndimage.gaussian_filter(full.astype(np.float32), 1.0)
    corners, faces = _level_set(field, 0.5)
    taken = (corners - RULES.border + 0.5) * cell + low
    distance, nearest = cKDTree(points).query(taken, workers=-1)
    # The shell is a cell thick: corners go back onto the mesh where it is near, and stay where a hole was shut.
    taken = np.where((distance < 1.5 * cell)[:, None], points[nearest], taken)
    closed = Solid(taken, faces)
    return closed if closed.is_closed() else Solid((corners - RULES.border + 0.5) * cell + low, faces)


def _level_set(field: NDArray[np.float32], level: float) -> tuple[Doubles, Ints]:
    """The closed surface where a sampled field passes a level, wound outwards: corners in cells, and triangles."""
    sample = field.data
    last_x, last_y, last_z = (length - 2 for length in field.shape)

    def above(x: float, y: float, z: float) -> float:
        i, j, k = min(int(x), last_x), min(int(y), last_y), min(int(z), last_z)
        u, v, w = x - i, y - j, z - k
        near = (sample[i, j, k] * (1 - w) + sample[i, j, k + 1] * w) * (1 - v)
        near += (sample[i, j + 1, k] * (1 - w) + sample[i, j + 1, k + 1] * w) * v
        far = (sample[i + 1, j, k] * (1 - w) + sample[i + 1, j, k + 1] * w) * (1 - v)
        far += (sample[i + 1, j + 1, k] * (1 - w) + sample[i + 1, j + 1, k + 1] * w) * v
        return float(near * (1 - u) + far * u) - level

    box = [0.0, 0.0, 0.0, *(float(length - 1) for length in field.shape)]
    mesh = manifold3d.Manifold.level_set(above, box, RULES.edge_cells).to_mesh()
    return np.asarray(mesh.vert_properties, np.float64)[:, :3], np.asarray(mesh.tri_verts, np.int64)


def _samples(solid: Solid, spacing: float) -> Doubles:
    """Points on the surface, no farther from each other than about ``spacing``."""
    a, b, c = (solid.vertices[solid.faces[:, k]] for k in range(3))
    longest = np.maximum(
        np.linalg.norm(b - a, axis=1), np.maximum(np.linalg.norm(c - b, axis=1), np.linalg.norm(a - c, axis=1))
    )
    steps = np.clip(np.ceil(longest / spacing).astype(np.int64), 1, 256)
    found = [solid.vertices]
    for count in np.unique(steps):
        chosen = steps == count
        i, j = np.meshgrid(np.arange(count + 1), np.arange(count + 1), indexing="ij")
        inside = i + j <= count
        u, v = i[inside] / count, j[inside] / count
        at = a[chosen][:, None] + (b - a)[chosen][:, None] * u[:, None] + (c - a)[chosen][:, None] * v[:, None]
        found.append(at.reshape(-1, 3))
    return np.concatenate(found)


def _between(shell: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
    """True where the shell lies before and after along an axis."""
    before = np.logical_or.accumulate(shell, axis=axis)
    after = np.flip(np.logical_or.accumulate(np.flip(shell, axis), axis=axis), axis)
    return np.asarray(before & after)
