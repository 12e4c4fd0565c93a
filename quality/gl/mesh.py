"""Textured triangles, as the renderer takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

CREASE = np.cos(np.radians(40.0))
"""Faces that meet at more than 40 degrees keep a hard edge between them."""


@dataclass(frozen=True)
class TexturedMesh:
    """Triangles with a colour.

    Attributes:
        vertices: (n, 3) float32, +Y up.
        faces: (m, 3) int32, counter-clockwise seen from outside where the mesh knows an outside.
        colors: (n, 3) float32 in 0..1, sRGB; multiplied with the texture.
        uv: (n, 2) float32 with v upwards, or None.
        texture: (h, w, 3) uint8, sRGB, row 0 at v = 1, or None.
    """

    vertices: Floats
    faces: Ints
    colors: Floats
    uv: Floats | None = None
    texture: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or not np.isfinite(self.vertices).all():
            raise ValueError(f"vertices must be finite and of shape (n, 3), not {self.vertices.shape}")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3 or not len(self.faces):
            raise ValueError(f"faces must have shape (m, 3) with m > 0, not {self.faces.shape}")
        if self.faces.min() < 0 or self.faces.max() >= len(self.vertices):
            raise ValueError(f"faces name vertices up to {self.faces.max()}, and there are {len(self.vertices)}")
        if self.colors.shape != self.vertices.shape:
            raise ValueError(f"colors must have the shape of the vertices, not {self.colors.shape}")
        if (self.uv is None) != (self.texture is None):
            raise ValueError("uv and texture come together")

    def unit(self) -> TexturedMesh:
        """The same mesh, its box's middle at the origin and its farthest point at distance 1.

        Raises:
            ValueError: all its corners lie in one point.
        """
        used = self.vertices[np.unique(self.faces)]
        moved = self.vertices - (used.min(axis=0) + used.max(axis=0)) / 2
        radius = float(np.linalg.norm(moved[np.unique(self.faces)], axis=1).max())
        if radius <= 0.0:
            raise ValueError("all corners of its triangles lie in one point")
        scaled = np.asarray(moved / radius, np.float32)
        return TexturedMesh(scaled, self.faces, self.colors, self.uv, self.texture)

    def corner_normals(self) -> Floats:
        """(m, 3, 3) unit normals at the corners of each face: smooth, but for creases, which stay hard."""
        _, place = np.unique(np.round(self.vertices, 4), axis=0, return_inverse=True)
        place = place.ravel()[self.faces].reshape(-1)
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        weighted = np.repeat(np.cross(b - a, c - a), 3, axis=0)
        flat = weighted / (np.linalg.norm(weighted, axis=1, keepdims=True) + 1e-20)
        count = len(place)
        meets = sparse.csr_matrix((np.ones(count, np.float32), (np.arange(count), place)))
        pairs = (meets @ meets.T).tocoo()
        soft = (flat[pairs.row] * flat[pairs.col]).sum(axis=1) > CREASE
        blend = sparse.csr_matrix((np.ones(int(soft.sum())), (pairs.row[soft], pairs.col[soft])), shape=(count, count))
        summed = blend @ weighted
        length = np.linalg.norm(summed, axis=1, keepdims=True)
        normals = np.where(length > 1e-12, summed / np.maximum(length, 1e-12), flat)
        return np.asarray(normals.reshape(-1, 3, 3), np.float32)


def load_mesh(path: Path, texture_px: int = 512) -> TexturedMesh:
    """Read a GLB, centred and scaled into the unit sphere.

    Args:
        path: anything that trimesh opens as a mesh or a scene.
        texture_px: longer textures are scaled down to this side.

    Raises:
        ValueError: the file is broken, or holds no triangles; it is named.
    """
    try:
        scene = trimesh.load(path, process=False)
        mesh = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
        if not isinstance(mesh, trimesh.Trimesh) or not len(mesh.faces):
            raise ValueError("no triangles in it")
        return _textured(mesh, texture_px).unit()
    except OSError:
        raise
    except Exception as error:  # a broken file leads trimesh to raise whatever it stumbles over
        raise ValueError(f"{path.name}: is no mesh that can be drawn: {error}") from error


def _textured(mesh: trimesh.Trimesh, texture_px: int) -> TexturedMesh:
    """Triangles and colours of a mesh as it was read."""
    vertices = np.asarray(mesh.vertices, np.float32)
    colors = np.ones_like(vertices)
    uv = texture = None
    visual: Any = mesh.visual
    material = getattr(visual, "material", None)
    image = getattr(material, "baseColorTexture", None)
    factor = getattr(material, "baseColorFactor", None)
    if factor is not None:
        colors[:] = np.asarray(factor, np.float32)[:3] / (255.0 if np.asarray(factor).dtype == np.uint8 else 1.0)
    if getattr(visual, "uv", None) is not None and image is not None:
        picture = image.convert("RGB")
        picture.thumbnail((texture_px, texture_px))
        uv, texture = np.asarray(visual.uv, np.float32), np.asarray(picture, np.uint8)
    elif visual.kind == "vertex":
        colors = np.asarray(visual.vertex_colors, np.float32)[:, :3] / 255.0
    elif factor is None:
        colors[:] = 0.7
    return TexturedMesh(vertices, np.asarray(mesh.faces, np.int32), colors, uv, texture)
