"""The true shape as a small GLB: welded, centred, radius 1, positions of 16 bits, no texture."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

STEPS = 32767
"""Positions are whole numbers up to this, scaled by the node to the unit sphere (KHR_mesh_quantization)."""


def write_glb(path: Path, vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> None:
    """Write a triangle mesh, vertices (n, 3) within the unit sphere, faces (m, 3)."""
    whole = np.round(vertices * STEPS).astype(np.int16)
    whole, place = np.unique(whole, axis=0, return_inverse=True)
    corners = place.reshape(-1)[faces]
    corners = corners[
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    ]
    padded = np.zeros((len(whole), 4), np.int16)
    padded[:, :3] = whole
    small = len(whole) < 65535
    index = np.ascontiguousarray(corners, np.uint16 if small else np.uint32).tobytes()
    index += b"\0" * (-len(index) % 4)
    positions = padded.tobytes()
    document = {
        "asset": {"version": "2.0", "generator": "quality.cycles"},
        "extensionsUsed": ["KHR_mesh_quantization"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "scale": [1.0 / STEPS] * 3}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5122,
                "count": len(whole),
                "type": "VEC3",
                "min": whole.min(axis=0).tolist(),
                "max": whole.max(axis=0).tolist(),
            },
            {"bufferView": 1, "componentType": 5123 if small else 5125, "count": corners.size, "type": "SCALAR"},
        ],
        "bufferViews": [
            {"buffer": 0, "byteOffset": 0, "byteLength": len(positions), "byteStride": 8, "target": 34962},
            {"buffer": 0, "byteOffset": len(positions), "byteLength": len(index), "target": 34963},
        ],
        "buffers": [{"byteLength": len(positions) + len(index)}],
    }
    text = json.dumps(document, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 4)
    body = positions + index
    path.write_bytes(
        struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(body))
        + struct.pack("<I4s", len(text), b"JSON")
        + text
        + struct.pack("<I4s", len(body), b"BIN\0")
        + body
    )
