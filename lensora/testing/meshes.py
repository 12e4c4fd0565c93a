"""Small meshes as glTF 2.0 binary files, made from numbers, for tests and benches of whatever reads GLB."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT, UNSIGNED_INT = 5126, 5125
"""glTF component types."""


@dataclass(frozen=True)
class Shape:
    """Triangles with what a GLB may hold for them.

    Attributes:
        positions: (n, 3) float32, metres, +Y up.
        triangles: (m, 3) uint32, counter-clockwise seen from outside.
        normals: (n, 3) float32, or None.
        uvs: (n, 2) float32, origin top left, or None.
        colors: (n, 4) float32 linear RGBA, or None.
    """

    positions: NDArray[np.float32]
    triangles: NDArray[np.uint32]
    normals: NDArray[np.float32] | None = None
    uvs: NDArray[np.float32] | None = None
    colors: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Finish:
    """A material: glTF's factors, and a PNG or JPEG file as base colour texture."""

    color: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    metallic: float = 0.0
    roughness: float = 0.7
    texture: bytes = b""
    extra: dict[str, Any] = field(default_factory=dict)


def vase(rings: int = 24, sectors: int = 48, wobble: float = 0.18) -> Shape:
    """A closed, smooth surface of revolution, 0.3 m high, with 2 * sectors * (rings + 1) triangles or so."""
    t = np.linspace(0.0, 1.0, rings + 1)
    radius = (
        0.07 * (1.0 + wobble * np.sin(2.2 * np.pi * t + 0.4)) * np.sqrt(np.clip(1.0 - (2.0 * t - 1.0) ** 8, 0.0, 1.0))
    )
    around = np.linspace(0.0, 2.0 * np.pi, sectors + 1)
    grid_r, grid_a = np.meshgrid(radius, around, indexing="ij")
    height = np.broadcast_to((0.3 * t)[:, None], grid_r.shape)
    positions = np.stack([grid_r * np.sin(grid_a), height, grid_r * np.cos(grid_a)], axis=-1)
    slope = np.gradient(radius, 0.3 * t)
    lean = 1.0 / np.sqrt(1.0 + slope**2)
    normals = np.stack(
        [
            np.sin(grid_a) * lean[:, None],
            np.broadcast_to((-slope * lean)[:, None], grid_r.shape),
            np.cos(grid_a) * lean[:, None],
        ],
        axis=-1,
    )
    normals[0], normals[-1] = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)
    uvs = np.stack(np.broadcast_arrays(around[None, :] / (2.0 * np.pi), 1.0 - t[:, None]), axis=-1)
    row, column = np.meshgrid(np.arange(rings), np.arange(sectors), indexing="ij")
    a = (row * (sectors + 1) + column).ravel()
    b, c, d = a + 1, a + sectors + 1, a + sectors + 2
    triangles = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return Shape(
        positions.reshape(-1, 3).astype(np.float32),
        triangles.astype(np.uint32),
        normals.reshape(-1, 3).astype(np.float32),
        uvs.reshape(-1, 2).astype(np.float32),
    )


def box(width: float = 0.2, height: float = 0.3, depth: float = 0.1) -> Shape:
    """A closed box on y = 0 with flat normals; each face shows the whole texture."""
    positions: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    uvs: list[tuple[int, int]] = []
    triangles: list[tuple[int, int, int]] = []
    half = np.array([width, height, depth]) / 2.0
    for axis in range(3):
        for sign in (-1.0, 1.0):
            normal = np.zeros(3)
            normal[axis] = sign
            right = np.array([sign, 0.0, 0.0]) if axis == 2 else np.array([0.0, 0.0, -sign])
            right = np.array([1.0, 0.0, 0.0]) if axis == 1 else right
            up = np.cross(normal, right)
            start = len(positions)
            for u, v in ((0, 1), (1, 1), (1, 0), (0, 0)):
                corner = (normal + right * (2 * u - 1) + up * (1 - 2 * v)) * half + np.array([0.0, half[1], 0.0])
                positions.append(corner)
                normals.append(normal)
                uvs.append((u, v))
            triangles += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return Shape(
        np.array(positions, np.float32),
        np.array(triangles, np.uint32),
        np.array(normals, np.float32),
        np.array(uvs, np.float32),
    )


def glb(shape: Shape, finish: Finish | None = None, gltf: dict[str, Any] | None = None) -> bytes:
    """A glTF 2.0 binary file of one mesh.

    Args:
        shape: its triangles.
        finish: its material; None leaves it out.
        gltf: top-level properties that replace the ones written here, such as ``nodes``.
    """
    blob = bytearray()
    views: list[dict[str, Any]] = []
    accessors: list[dict[str, Any]] = []

    def view(data: bytes) -> int:
        blob.extend(b"\0" * (-len(blob) % 4))
        views.append({"buffer": 0, "byteOffset": len(blob), "byteLength": len(data)})
        blob.extend(data)
        return len(views) - 1

    def accessor(values: NDArray[Any], component: int, kind: str) -> int:
        entry = {"bufferView": view(values.tobytes()), "componentType": component, "count": len(values), "type": kind}
        if kind == "VEC3":
            finite = np.nan_to_num(values)
            entry |= {"min": finite.min(axis=0).tolist(), "max": finite.max(axis=0).tolist()}
        accessors.append(entry)
        return len(accessors) - 1

    attributes = {"POSITION": accessor(shape.positions, FLOAT, "VEC3")}
    for name, values, kind in (
        ("NORMAL", shape.normals, "VEC3"),
        ("TEXCOORD_0", shape.uvs, "VEC2"),
        ("COLOR_0", shape.colors, "VEC4"),
    ):
        if values is not None:
            attributes[name] = accessor(values, FLOAT, kind)
    primitive: dict[str, Any] = {
        "attributes": attributes,
        "indices": accessor(shape.triangles.reshape(-1), UNSIGNED_INT, "SCALAR"),
    }
    document: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [primitive]}],
    }
    if finish is not None:
        primitive["material"] = 0
        pbr: dict[str, Any] = {
            "baseColorFactor": list(finish.color),
            "metallicFactor": finish.metallic,
            "roughnessFactor": finish.roughness,
        }
        if finish.texture:
            pbr["baseColorTexture"] = {"index": 0}
            media_type = "image/png" if finish.texture.startswith(b"\x89PNG") else "image/jpeg"
            document["images"] = [{"bufferView": view(finish.texture), "mimeType": media_type}]
            document["textures"] = [{"source": 0}]
        document["materials"] = [{"pbrMetallicRoughness": pbr, **finish.extra}]
    blob.extend(b"\0" * (-len(blob) % 4))
    document |= {"buffers": [{"byteLength": len(blob)}], "bufferViews": views, "accessors": accessors}
    document |= gltf or {}
    return pack(document, bytes(blob))


def pack(document: dict[str, Any], binary: bytes) -> bytes:
    """A GLB container around a glTF document and its binary chunk."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    length = 12 + 8 + len(text) + 8 + len(binary)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, length),
            struct.pack("<II", len(text), 0x4E4F534A),
            text,
            struct.pack("<II", len(binary), 0x004E4942),
            binary,
        ]
    )
