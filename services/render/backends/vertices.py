"""A part's vertices and triangles in the device's memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import moderngl
import numpy as np
from numpy.typing import NDArray

from services.render.model import Part


class Owned(Protocol):
    """Something in the device's memory."""

    def release(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True)
class Vertices:
    """The vertices of a part in the device's memory, and what reads them."""

    context: moderngl.Context
    program: moderngl.Program
    content: tuple[moderngl.Buffer, ...]
    layout: tuple[str, ...]
    owned: list[Owned]

    def array(self, triangles: NDArray[np.uint32]) -> moderngl.VertexArray:
        """Triangles (m, 3) over these vertices."""
        indices = self.context.buffer(np.ascontiguousarray(triangles, np.uint32))
        array = self.context.vertex_array(
            self.program, [(*self.content, *self.layout)], index_buffer=indices, index_element_size=4
        )
        self.owned.extend((indices, array))
        return array


def vertices_of(
    context: moderngl.Context,
    part: Part,
    program: moderngl.Program,
    hidden: NDArray[np.float32],
    owned: list[Owned],
) -> Vertices:
    """The vertices of a part, as far as its program reads them.

    Args:
        context: of the device.
        part: with normals.
        program: that draws it.
        hidden: (n, 9) light that the subject keeps from itself.
        owned: takes what has to be released when the shot is done.
    """
    columns: list[tuple[str, NDArray[np.float32] | None]] = [
        ("in_position", part.positions.astype(np.float32)),
        ("in_normal", part.normals),
        ("in_uv", part.uvs),
        ("in_color", part.colors),
        ("in_hidden0", hidden[:, 0:3]),
        ("in_hidden1", hidden[:, 3:6]),
        ("in_hidden2", hidden[:, 6:9]),
        ("in_density", texel_density(part)[:, None] if "in_density" in program else None),
    ]
    used = [(name, values) for name, values in columns if values is not None and name in program]
    packed = np.ascontiguousarray(np.concatenate([values for _, values in used], axis=1), np.float32)
    buffer = context.buffer(packed)
    owned.append(buffer)
    layout = " ".join(f"{values.shape[1]}f" for _, values in used)
    return Vertices(context, program, (buffer,), (layout, *(name for name, _ in used)), owned)


def texel_density(part: Part) -> NDArray[np.float32]:
    """(n,) texels of the base texture a metre at each vertex: the mean of the two directions by their squares.

    From the triangles around the vertex by area: the Frobenius norm of the map from the surface to texels.
    """
    assert part.uvs is not None
    assert part.material.base_texture is not None
    height, width = part.material.base_texture.shape[:2]
    corners, texels = part.positions[part.triangles], part.uvs[part.triangles] * np.array([width, height], np.float32)
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p, q = texels[:, 1] - texels[:, 0], texels[:, 2] - texels[:, 0]
    area = np.linalg.norm(np.cross(a, b), axis=1)  # twice the triangle's, as in all of this
    squared = (p * p).sum(1) * (b * b).sum(1) - 2.0 * (p * q).sum(1) * (a * b).sum(1) + (q * q).sum(1) * (a * a).sum(1)
    weighted = np.sqrt(np.maximum(squared, 0.0) / 2.0)  # area times the density
    index, count = part.triangles.ravel(), len(part.positions)
    total = np.bincount(index, np.repeat(area, 3), count)
    density = np.bincount(index, np.repeat(weighted, 3), count) / np.maximum(total, 1e-30)
    return np.where(total > 0.0, density, 0.0).astype(np.float32)
