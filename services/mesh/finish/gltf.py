"""glTF 2.0 binary: one node, one mesh, one material, textures inside. Only what this stage writes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from services.mesh.finish.surface import Surface

GENERATOR = "Lensora Studio mesh"


class _Gl(IntEnum):
    """OpenGL's numbers that glTF uses (glTF 2.0, chapters 3.6 and 3.8)."""

    ARRAY_BUFFER = 34962
    ELEMENT_ARRAY_BUFFER = 34963
    UNSIGNED_SHORT = 5123
    UNSIGNED_INT = 5125
    FLOAT = 5126
    LINEAR = 9729
    LINEAR_MIPMAP_LINEAR = 9987
    CLAMP_TO_EDGE = 33071


@dataclass(frozen=True)
class Material:
    """How the surface looks.

    Attributes:
        base_color: a JPEG or PNG file's bytes, sRGB.
        roughness: 0..1, the whole surface's, or the factor on the green channel of ``metallic_roughness``.
        metallic: 0..1, likewise for the blue channel.
        metallic_roughness: a JPEG or PNG file's bytes (linear), or None.
        blended: whether the alpha of ``base_color`` is opacity, as of glass.
    """

    base_color: bytes
    roughness: float
    metallic: float
    metallic_roughness: bytes | None = None
    blended: bool = False


def write_glb(surface: Surface, material: Material, name: str, extras: Mapping[str, object]) -> bytes:
    """The bytes of a GLB file.

    Args:
        surface: in the house's frame, metres.
        material: its textures.
        name: of node, mesh and material, as shown by viewers.
        extras: goes into ``asset.extras``; must be JSON.
    """
    blob = bytearray()
    views: list[dict[str, object]] = []

    def add(data: bytes, target: int | None) -> int:
        blob.extend(b"\0" * (-len(blob) % 4))
        view: dict[str, object] = {"buffer": 0, "byteOffset": len(blob), "byteLength": len(data)}
        if target is not None:
            view["target"] = target
        blob.extend(data)
        views.append(view)
        return len(views) - 1

    count = len(surface.positions)
    small = count < 65535
    indices = surface.faces.astype(np.uint16 if small else np.uint32).ravel()
    accessors: list[dict[str, object]] = [
        _accessor(add(_bytes(surface.positions), _Gl.ARRAY_BUFFER), count, "VEC3", surface.positions),
        _accessor(add(_bytes(surface.normals), _Gl.ARRAY_BUFFER), count, "VEC3"),
        _accessor(add(_bytes(surface.uvs), _Gl.ARRAY_BUFFER), count, "VEC2"),
        {
            "bufferView": add(indices.tobytes(), _Gl.ELEMENT_ARRAY_BUFFER),
            "componentType": _Gl.UNSIGNED_SHORT if small else _Gl.UNSIGNED_INT,
            "count": len(indices),
            "type": "SCALAR",
        },
    ]
    images: list[dict[str, object]] = []
    textures: list[dict[str, object]] = []
    surface_look: dict[str, object] = {
        "metallicFactor": round(float(material.metallic), 4),
        "roughnessFactor": round(float(material.roughness), 4),
    }
    for slot, picture in (
        ("baseColorTexture", material.base_color),
        ("metallicRoughnessTexture", material.metallic_roughness),
    ):
        if picture is None:
            continue
        media_type = "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
        images.append({"name": slot.removesuffix("Texture"), "mimeType": media_type, "bufferView": add(picture, None)})
        textures.append({"sampler": 0, "source": len(images) - 1})
        surface_look[slot] = {"index": len(textures) - 1}
    blob.extend(b"\0" * (-len(blob) % 4))
    look: dict[str, object] = {"name": name, "pbrMetallicRoughness": surface_look}
    if material.blended:
        look["alphaMode"] = "BLEND"
    document = {
        "asset": {"version": "2.0", "generator": GENERATOR, "extras": dict(extras)},
        "scene": 0,
        "scenes": [{"name": name, "nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [
            {
                "name": name,
                "primitives": [
                    {
                        "attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2},
                        "indices": 3,
                        "material": 0,
                        "mode": 4,
                    }
                ],
            }
        ],
        "materials": [look],
        "textures": textures,
        "images": images,
        "samplers": [
            {
                "magFilter": _Gl.LINEAR,
                "minFilter": _Gl.LINEAR_MIPMAP_LINEAR,
                "wrapS": _Gl.CLAMP_TO_EDGE,
                "wrapT": _Gl.CLAMP_TO_EDGE,
            }
        ],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(blob)}],
    }
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    total = 12 + 8 + len(text) + 8 + len(blob)
    return b"".join(
        [
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(blob), b"BIN\0"),
            bytes(blob),
        ]
    )


def _bytes(values: NDArray[np.float32]) -> bytes:
    """Little-endian float32 bytes, row by row."""
    return np.ascontiguousarray(values, "<f4").tobytes()


def _accessor(view: int, count: int, kind: str, bounds: NDArray[np.float32] | None = None) -> dict[str, object]:
    """An accessor over a whole buffer view of floats."""
    accessor: dict[str, object] = {"bufferView": view, "componentType": _Gl.FLOAT, "count": count, "type": kind}
    if bounds is not None:
        accessor["min"] = [float(x) for x in bounds.min(axis=0)]
        accessor["max"] = [float(x) for x in bounds.max(axis=0)]
    return accessor
