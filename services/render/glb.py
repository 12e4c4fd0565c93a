"""Reads glTF 2.0 binary files (Khronos glTF 2.0 specification) into parts; small, and wary of what it reads.

What a viewer may leave out is left out here: animation, skins, cameras, lights, points and lines. A texture that is
missing or cannot be decoded counts as white; a file whose triangles cannot be read is refused.
"""

from __future__ import annotations

import base64
import io
import json
import struct
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.core.errors import InvalidMesh
from services.render.model import Material, Part

MAGIC = b"glTF"
CHUNK_JSON, CHUNK_BIN = 0x4E4F534A, 0x004E4942
DTYPE = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTH = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN = 4, 5, 6

UNDERSTOOD = {
    "KHR_mesh_quantization",
    "KHR_texture_transform",
    "KHR_materials_unlit",
    "KHR_materials_emissive_strength",
    "EXT_texture_webp",
}
"""Extensions a file may *require*: the first two are read; without the others the picture is still right enough."""

MAX_TEXTURE_SIDE = 2048
"""Larger textures are scaled down: a film of 2160 pixels shows fewer texels, and a 4096 one would take 85 MB."""

MAX_TEXTURE_PIXELS = 100_000_000
"""A picture that claims more is not decoded."""

MAX_DEPTH = 64
"""Nodes nested deeper than this are taken for a cycle."""


@dataclass
class _File:
    """The parsed file with its caches."""

    gltf: dict[str, Any]
    binary: bytes
    textures: dict[int, NDArray[np.uint8] | None] = field(default_factory=dict)


def read_glb(data: bytes) -> list[Part]:
    """The triangles of the default scene, in the file's world frame.

    Raises:
        InvalidMesh: not a glTF 2.0 binary file, damaged, or in need of an extension that is not understood.
    """
    try:
        return _read(data)
    except InvalidMesh:
        raise
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, struct.error, RecursionError) as exc:
        raise InvalidMesh(f"glb is damaged: {type(exc).__name__}: {exc}", field="glb") from exc


def _read(data: bytes) -> list[Part]:
    file = _File(*chunks(data))
    required = set(file.gltf.get("extensionsRequired", [])) - UNDERSTOOD
    if required:
        raise InvalidMesh(f"glb requires {', '.join(sorted(required))}, which is not understood", field="glb")
    parts: list[Part] = []
    for node in _roots(file.gltf):
        _walk(file, node, np.eye(4), 0, parts)
    return parts


def chunks(data: bytes) -> tuple[dict[str, Any], bytes]:
    """A file's JSON and its binary part. Raises InvalidMesh, or what ``json`` raises."""
    if len(data) < 20 or data[:4] != MAGIC:
        raise InvalidMesh("glb is not a glTF binary file: it must begin with 'glTF'", field="glb")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise InvalidMesh(f"glb has version {version}; only 2 is read", field="glb")
    if length > len(data):
        raise InvalidMesh(f"glb is cut short: {len(data)} of {length} bytes", field="glb")
    document: dict[str, Any] | None = None
    binary, at = b"", 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<II", data, at)
        body = data[at + 8 : at + 8 + size]
        if len(body) < size:
            raise InvalidMesh(f"glb is cut short: a chunk of {size} bytes has {len(body)}", field="glb")
        if kind == CHUNK_JSON and document is None:
            document = json.loads(body)
        elif kind == CHUNK_BIN and not binary:
            binary = body
        at += 8 + size
    if not isinstance(document, dict):
        raise InvalidMesh("glb has no JSON chunk", field="glb")
    return document, binary


def _roots(gltf: dict[str, Any]) -> list[int]:
    scenes, nodes = gltf.get("scenes", []), gltf.get("nodes", [])
    if scenes:
        return list(scenes[gltf.get("scene", 0)].get("nodes", []))
    children = {child for node in nodes for child in node.get("children", [])}
    return [index for index in range(len(nodes)) if index not in children]


def _walk(file: _File, index: int, parent: NDArray[np.float64], depth: int, parts: list[Part]) -> None:
    if depth > MAX_DEPTH:
        raise InvalidMesh(f"glb nests nodes deeper than {MAX_DEPTH}", field="glb")
    node = file.gltf["nodes"][index]
    world = parent @ _local(node)
    if "mesh" in node:
        for primitive in file.gltf["meshes"][node["mesh"]]["primitives"]:
            part = _part(file, primitive, world)
            if part is not None:
                parts.append(part)
    for child in node.get("children", []):
        _walk(file, child, world, depth + 1, parts)


def _local(node: dict[str, Any]) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    matrix = np.eye(4)
    x, y, z, w = np.array(node.get("rotation", [0.0, 0.0, 0.0, 1.0]), np.float64)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.array(node.get("scale", [1.0, 1.0, 1.0]), np.float64)
    matrix[:3, 3] = node.get("translation", [0.0, 0.0, 0.0])
    return matrix


def _view(file: _File, index: int) -> tuple[bytes, int]:
    view = file.gltf["bufferViews"][index]
    buffer = file.gltf["buffers"][view["buffer"]]
    data = file.binary if "uri" not in buffer else _data_uri(buffer["uri"])
    start = view.get("byteOffset", 0)
    body = data[start : start + view["byteLength"]]
    if len(body) < view["byteLength"]:
        raise InvalidMesh(
            f"glb buffer view {index} needs {view['byteLength']} bytes; {len(body)} are there", field="glb"
        )
    return body, int(view.get("byteStride", 0))


def _data_uri(uri: str) -> bytes:
    if not uri.startswith("data:") or "," not in uri:
        raise InvalidMesh("glb refers to another file; everything must be embedded", field="glb")
    return base64.b64decode(uri.split(",", 1)[1])


def _accessor(file: _File, index: int) -> NDArray[Any]:
    """(count, width) in the stored type; normalised integers become float32."""
    accessor = file.gltf["accessors"][index]
    dtype, width, count = np.dtype(DTYPE[accessor["componentType"]]), WIDTH[accessor["type"]], int(accessor["count"])
    if "bufferView" in accessor:
        body, stride = _view(file, accessor["bufferView"])
        step, start = stride or dtype.itemsize * width, accessor.get("byteOffset", 0)
        if count < 0 or start + (count - 1) * step + dtype.itemsize * width > len(body):
            raise InvalidMesh(f"glb accessor {index} runs past its buffer", field="glb")
        values = np.ndarray((count, width), dtype, body, start, (step, dtype.itemsize)).copy()
    else:
        values = np.zeros((min(count, 10_000_000), width), dtype)
    if "sparse" in accessor:
        sparse = accessor["sparse"]
        at = np.frombuffer(
            _view(file, sparse["indices"]["bufferView"])[0],
            DTYPE[sparse["indices"]["componentType"]],
            sparse["count"],
            sparse["indices"].get("byteOffset", 0),
        )
        replacing = np.frombuffer(
            _view(file, sparse["values"]["bufferView"])[0],
            dtype,
            sparse["count"] * width,
            sparse["values"].get("byteOffset", 0),
        )
        values[at] = replacing.reshape(-1, width)
    if accessor.get("normalized") and dtype.kind in "iu":
        return np.asarray(np.maximum(values.astype(np.float32) / _greatest(dtype), -1.0), np.float32)
    return values


def _greatest(dtype: np.dtype[Any]) -> float:
    """What a normalised value is divided by: 1 for floats."""
    return 1.0 if dtype.kind == "f" else float(2 ** (8 * dtype.itemsize - (dtype.kind == "i")) - 1)


def _part(file: _File, primitive: dict[str, Any], world: NDArray[np.float64]) -> Part | None:
    mode, attributes = primitive.get("mode", TRIANGLES), primitive.get("attributes", {})
    if mode not in (TRIANGLES, TRIANGLE_STRIP, TRIANGLE_FAN) or "POSITION" not in attributes:
        return None
    positions = _accessor(file, attributes["POSITION"]).astype(np.float64)
    order = (
        _accessor(file, primitive["indices"]).reshape(-1).astype(np.int64)
        if "indices" in primitive
        else np.arange(len(positions))
    )
    triangles = _triangles(order, mode)
    with np.errstate(invalid="ignore", over="ignore"):
        positions = positions @ world[:3, :3].T + world[:3, 3]
    normals: NDArray[np.float32] | None = None
    if "NORMAL" in attributes:
        given = _accessor(file, attributes["NORMAL"]).astype(np.float64)
        if np.linalg.det(world[:3, :3]) != 0.0:
            given = given @ np.linalg.inv(world[:3, :3])
        with np.errstate(invalid="ignore", divide="ignore"):
            given = given / np.linalg.norm(given, axis=1, keepdims=True)
        normals = given.astype(np.float32) if len(given) == len(positions) else None
    if np.linalg.det(world[:3, :3]) < 0.0:
        triangles = triangles[:, ::-1]
    material, uv_set, transform = _material(file, primitive.get("material"))
    uvs: NDArray[np.floating] | None = None
    if f"TEXCOORD_{uv_set}" in attributes:
        uvs = _accessor(file, attributes[f"TEXCOORD_{uv_set}"]).astype(np.float32)
        uvs = uvs @ transform[:2, :2].T + transform[:2, 2] if len(uvs) == len(positions) else None
    colors = None
    if "COLOR_0" in attributes:
        read = _accessor(file, attributes["COLOR_0"])
        values = read.astype(np.float32) / _greatest(read.dtype)
        if len(values) == len(positions):
            colors = np.ones((len(values), 4), np.float32)
            colors[:, : values.shape[1]] = np.clip(values, 0.0, 1.0)
    return Part(
        positions=positions,
        triangles=np.ascontiguousarray(triangles, np.uint32),
        normals=normals,
        uvs=None if uvs is None else uvs.astype(np.float32),
        colors=colors,
        material=material,
    )


def _triangles(order: NDArray[np.int64], mode: int) -> NDArray[np.int64]:
    if mode == TRIANGLES:
        return order[: len(order) // 3 * 3].reshape(-1, 3)
    if len(order) < 3:
        return np.zeros((0, 3), np.int64)
    if mode == TRIANGLE_FAN:
        return np.stack([np.full(len(order) - 2, order[0]), order[1:-1], order[2:]], axis=1)
    strip = np.stack([order[:-2], order[1:-1], order[2:]], axis=1)
    strip[1::2] = strip[1::2, [1, 0, 2]]
    return strip


def _material(file: _File, index: int | None) -> tuple[Material, int, NDArray[np.float64]]:
    """The material, the number of its texture coordinates, and their (3, 3) transform."""
    if index is None:
        return Material(), 0, np.eye(3)
    source = file.gltf["materials"][index]
    pbr = source.get("pbrMetallicRoughness", {})
    base = pbr.get("baseColorTexture")
    surface = _texture(file, pbr.get("metallicRoughnessTexture"))
    factor = [float(x) for x in pbr.get("baseColorFactor", [1.0, 1.0, 1.0, 1.0])]
    emissive = [float(x) for x in source.get("emissiveFactor", [0.0, 0.0, 0.0])]
    # glTF's default is full metal, which exporters that know no materials leave standing: only a file that speaks of
    # metal is believed.
    metallic = float(pbr.get("metallicFactor", 1.0 if surface is not None else 0.0))
    roughness = float(pbr.get("roughnessFactor", 1.0))
    if "KHR_materials_unlit" in source.get("extensions", {}):
        metallic, roughness = 0.0, 1.0
    normal, emission = source.get("normalTexture"), source.get("emissiveTexture")
    placing = next((each for each in (base, normal, pbr.get("metallicRoughnessTexture"), emission) if each), None)
    uv_set, transform = _placement(placing)
    if normal is not None and _differs(_placement(normal), (uv_set, transform)):
        normal = None  # one set of coordinates is read; a shape that others spread would be worse than none
    material = Material(
        base_color=(factor[0], factor[1], factor[2], factor[3]),
        base_texture=_texture(file, base),
        metallic=min(1.0, max(0.0, metallic)),
        roughness=min(1.0, max(0.0, roughness)),
        surface_texture=surface,
        normal_texture=_texture(file, normal),
        normal_scale=float((normal or {}).get("scale", 1.0)),
        emissive=(emissive[0], emissive[1], emissive[2]),
        emissive_texture=_texture(file, emission),
        alpha_mode=str(source.get("alphaMode", "OPAQUE")),
        alpha_cutoff=float(source.get("alphaCutoff", 0.5)),
        double_sided=bool(source.get("doubleSided", False)),
    )
    return material, uv_set, transform


def _placement(reference: dict[str, Any] | None) -> tuple[int, NDArray[np.float64]]:
    """Which texture coordinates a texture goes by, and their (3, 3) transform."""
    if reference is None:
        return 0, np.eye(3)
    moved = reference.get("extensions", {}).get("KHR_texture_transform", {})
    angle, (sx, sy), (ox, oy) = moved.get("rotation", 0.0), moved.get("scale", (1, 1)), moved.get("offset", (0, 0))
    c, s = np.cos(angle), np.sin(angle)
    transform = np.array([[c * sx, s * sy, ox], [-s * sx, c * sy, oy], [0.0, 0.0, 1.0]])
    return int(moved.get("texCoord", reference.get("texCoord", 0))), transform


def _differs(a: tuple[int, NDArray[np.float64]], b: tuple[int, NDArray[np.float64]]) -> bool:
    return a[0] != b[0] or not np.allclose(a[1], b[1])


def _texture(file: _File, reference: dict[str, Any] | None) -> NDArray[np.uint8] | None:
    """(h, w, 4) uint8 RGBA; None when there is none or it cannot be decoded."""
    if reference is None:
        return None
    index = int(reference["index"])
    if index not in file.textures:
        try:
            texture = file.gltf["textures"][index]
            webp = texture.get("extensions", {}).get("EXT_texture_webp", {})
            image = file.gltf["images"][webp.get("source", texture.get("source"))]
            body = _view(file, image["bufferView"])[0] if "bufferView" in image else _data_uri(image["uri"])
            file.textures[index] = _decoded(body)
        except (InvalidMesh, LookupError, TypeError, ValueError, OSError, cv2.error, Image.DecompressionBombError):
            file.textures[index] = None
    return file.textures[index]


def _decoded(body: bytes) -> NDArray[np.uint8] | None:
    with Image.open(io.BytesIO(body)) as header:  # reads the size alone
        width, height = header.size
    if width * height > MAX_TEXTURE_PIXELS:
        return None
    pixels = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        return None
    if pixels.dtype == np.uint16:
        pixels = np.right_shift(pixels.astype(np.uint16), 8).astype(np.uint8)
    longer = max(pixels.shape[:2])
    if longer > MAX_TEXTURE_SIDE:
        scale = MAX_TEXTURE_SIDE / longer
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    conversion = {1: cv2.COLOR_GRAY2RGBA, 3: cv2.COLOR_BGR2RGBA, 4: cv2.COLOR_BGRA2RGBA}[channels]
    return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
