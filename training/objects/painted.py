"""Parts become one textured mesh: joined into a closed solid, every material printed on by projection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manifold3d import Manifold
from numpy.typing import NDArray

from quality.gl import TexturedMesh
from training.objects.parts import Part, union
from training.objects.prints import TILE, palette, tile

Doubles = NDArray[np.float64]

_COLUMNS = 3
"""Prints side by side in the atlas: one for each axis that a face can look along."""

_BORDER = 0.02
"""Share of a print's side that is left unused at its rim, so that neighbours do not bleed in."""


def painted(parts: Sequence[Part], rng: np.random.Generator, printed: float = 1.0) -> TexturedMesh:
    """Join parts and print on them.

    Args:
        parts: in any unit; where they overlap, one solid results.
        rng: draws the prints.
        printed: how much likelier than usual text and labels are.

    Raises:
        ValueError: the parts enclose nothing.
    """
    originals = [Part(part.solid.as_original(), part.material) for part in parts if not part.solid.is_empty()]
    owner = {part.solid.original_id(): part.material for part in originals}
    joined = union([part.solid for part in originals])
    if joined.is_empty() or joined.volume() <= 0:
        raise ValueError("the parts enclose nothing")
    mesh = joined.to_mesh()
    vertices = np.asarray(mesh.vert_properties, np.float64)[:, :3]
    faces = np.asarray(mesh.tri_verts, np.int64)
    material = np.zeros(len(faces), np.int64)
    bounds = np.asarray(mesh.run_index) // 3
    for run, original in enumerate(mesh.run_original_id):
        material[bounds[run] : bounds[run + 1]] = owner.get(int(original), 0)
    corners = vertices[faces]
    uv = np.zeros((len(faces), 3, 2))
    used = np.unique(material)
    atlas = np.zeros((len(used) * TILE, _COLUMNS * TILE, 3), np.uint8)
    same = rng.random() < 0.25
    colors = palette(rng)
    for row, number in enumerate(used):
        mine = material == number
        ground = colors if same else palette(rng)
        for column in range(_COLUMNS):
            atlas[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = tile(rng, ground, printed)
        axis, flat = _projected(corners[mine])
        flat = _BORDER + flat * (1 - 2 * _BORDER)
        uv[mine] = np.stack(
            [(axis[:, None] + flat[..., 0]) / _COLUMNS, 1 - (row + 1 - flat[..., 1]) / len(used)], axis=2
        )
    count = len(faces) * 3
    return TexturedMesh(
        np.asarray(corners.reshape(-1, 3), np.float32),
        np.arange(count, dtype=np.int32).reshape(-1, 3),
        np.ones((count, 3), np.float32),
        np.asarray(uv.reshape(-1, 2), np.float32),
        atlas,
    ).unit()


def _projected(corners: Doubles) -> tuple[NDArray[np.int64], Doubles]:
    """For triangles (m, 3, 3): the axis each looks along (m,), and its corners (m, 3, 2) in the box's 0..1."""
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    inside = (corners - low) / np.maximum(high - low, 1e-9)
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    axis = np.abs(normal).argmax(axis=1)
    across = np.array([[2, 1], [0, 2], [0, 1]])[axis]
    return axis, np.take_along_axis(inside, across[:, None, :].repeat(3, axis=1), axis=2)


def cut(part: Part, tool: Manifold) -> Part:
    """A part without what lies inside a tool."""
    return Part(part.solid - tool, part.material)
