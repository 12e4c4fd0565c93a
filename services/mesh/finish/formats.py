"""Further files of a finished model: OBJ in a ZIP, STL, and USDZ (``usdz``, or ``usda`` without its package)."""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
from enum import StrEnum

import numpy as np

from lensora.core.artifacts import STL_FRAME, MediaType
from lensora.core.words import OutputFormat
from services.mesh.finish import usda
from services.mesh.model import Model

_MILLIMETRES = 1000.0
_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From +Y up and +Z towards the viewer to +Z up and -Y towards the viewer: STL has no words for either, and every
slicer takes millimetres and +Z up."""


class FileFormat(StrEnum):
    """What can be had beside GLB."""

    USDZ = OutputFormat.USDZ
    OBJ = OutputFormat.OBJ
    STL = OutputFormat.STL

    @property
    def media_type(self) -> MediaType:
        """The media type of the file."""
        return {FileFormat.USDZ: MediaType.USDZ, FileFormat.OBJ: MediaType.ZIP, FileFormat.STL: MediaType.STL}[self]


def file_of(model: Model, kind: FileFormat) -> bytes:
    """The model as a file of the given kind."""
    return {FileFormat.USDZ: _usdz, FileFormat.OBJ: obj_zip, FileFormat.STL: stl}[kind](model)


def _usdz(model: Model) -> bytes:
    try:
        from services.mesh.usdz import usdz  # noqa: PLC0415 - 200 MB that an installation may do without
    except ImportError:
        return usda.package(model)
    return usdz(model)


def stl(model: Model) -> bytes:
    """Binary STL, millimetres, +Z up, the front towards -Y, as slicers take it: the closed solid, without colour."""
    solid = model.solid
    upright = solid.vertices.astype(np.float64) @ _Z_UP.T * _MILLIMETRES
    corners = upright[solid.faces].astype(np.float32)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-20)
    record = np.zeros(len(corners), dtype=[("normal", "<3f4"), ("corners", "<9f4"), ("extra", "<u2")])
    record["normal"], record["corners"] = normals, corners.reshape(-1, 9)
    header = f"Lensora Studio mesh, {STL_FRAME}".encode().ljust(80, b"\0")
    return header + struct.pack("<I", len(corners)) + record.tobytes()


def obj_zip(model: Model) -> bytes:
    """A ZIP with name.obj, name.mtl and name.jpg."""
    name, surface = _file_name(model.name), model.surface
    out = io.StringIO()
    out.write(f"# Lensora Studio mesh, metres, +Y up\nmtllib {name}.mtl\no {name}\n")
    # To a micrometre; what is under a decimetre long to a hundred-thousandth of it, or its triangles would collapse.
    digits = max(6, 5 - math.floor(math.log10(float(np.ptp(surface.positions, axis=0).max()))))
    np.savetxt(out, surface.positions, fmt=f"v %.{digits}f %.{digits}f %.{digits}f")
    # OBJ counts v upwards from the bottom of the picture.
    np.savetxt(out, surface.uvs * [1.0, -1.0] + [0.0, 1.0], fmt="vt %.6f %.6f")
    np.savetxt(out, surface.normals, fmt="vn %.4f %.4f %.4f")
    out.write(f"usemtl {name}\n")
    np.savetxt(out, np.repeat(surface.faces.astype(np.int64) + 1, 3, axis=1), fmt="f %d/%d/%d %d/%d/%d %d/%d/%d")
    # Phong exponent for a roughness: 2 / roughness^4 - 2 (Karis 2013).
    shininess = min(1000.0, max(1.0, 2.0 / max(model.texture.roughness, 0.1) ** 4 - 2.0))
    material = (
        f"newmtl {name}\nKa 0 0 0\nKd 1 1 1\nKs 0.04 0.04 0.04\nNs {shininess:.1f}\nPr {model.texture.roughness:.3f}\n"
        f"Pm {model.texture.metallic:.3f}\nillum 2\nmap_Kd {name}.jpg\n"
    )
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        for suffix, data, how in (
            ("obj", out.getvalue().encode(), zipfile.ZIP_DEFLATED),
            ("mtl", material.encode(), zipfile.ZIP_DEFLATED),
            ("jpg", model.texture_jpeg, zipfile.ZIP_STORED),
        ):
            entry = zipfile.ZipInfo(f"{name}.{suffix}", usda.ZIP_TIME)
            entry.compress_type = how
            bundle.writestr(entry, data)
    return archive.getvalue()


def _file_name(name: str) -> str:
    """A name that is safe as a file and as an OBJ identifier."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:60] or "model"
