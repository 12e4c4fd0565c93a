"""A finished GLB, read back as another program would read it."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import trimesh
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class SourceView:
    """The photo's camera as the file records it.

    ``world_to_camera``: (3, 4), the camera looks down -z, +y up. ``focal_px`` and ``center_px``: of the photo's
    pixels, x right, y down.
    """

    world_to_camera: Doubles
    focal_px: float
    center_px: tuple[float, float]


@dataclass(frozen=True)
class FinishedModel:
    """What a file holds.

    ``vertices``: (n, 3), seams still split, +Y up. ``faces``: (m, 3). ``uv``: (n, 2), v upwards. ``texture``:
    (h, w, 3) uint8, row 0 at v = 1. ``extras``: the file's own report.
    """

    vertices: Doubles
    faces: NDArray[np.int64]
    uv: Doubles
    texture: NDArray[np.uint8]
    extras: dict[str, Any]

    def welded(self) -> trimesh.Trimesh:
        """The geometry alone, seams joined by position."""
        mesh = trimesh.Trimesh(self.vertices, self.faces, process=False)
        mesh.merge_vertices()
        return mesh

    def source_view(self) -> SourceView:
        """The camera of the photo that the model was made from."""
        view = self.extras["source_view"]
        return SourceView(
            np.asarray(view["world_to_camera"], np.float64)[:3],
            float(view["focal_px"]),
            (float(view["center_px"][0]), float(view["center_px"][1])),
        )

    def confidence(self) -> float | None:
        """How sure the model says that it is, 0..1; None where the report does not say."""
        value = self.extras.get("confidence", self.extras.get("quality", {}).get("confidence"))
        return None if value is None else float(value)


def read_glb(glb: bytes) -> FinishedModel:
    """Read a finished model."""
    scene = trimesh.load(trimesh.util.wrap_as_stream(glb), file_type="glb", process=False)
    mesh = scene.to_mesh() if isinstance(scene, trimesh.Scene) else scene
    assert isinstance(mesh, trimesh.Trimesh)
    length = struct.unpack("<I", glb[12:16])[0]
    visual: Any = mesh.visual
    return FinishedModel(
        vertices=np.asarray(mesh.vertices, np.float64),
        faces=np.asarray(mesh.faces, np.int64),
        uv=np.asarray(visual.uv, np.float64),
        texture=np.asarray(visual.material.baseColorTexture.convert("RGB"), np.uint8),
        extras=json.loads(glb[20 : 20 + length])["asset"]["extras"],
    )
