"""Further files of a finished model: USDZ, OBJ in a ZIP, STL."""

from __future__ import annotations

import io
import re
import struct
import tempfile
import zipfile
from enum import StrEnum
from pathlib import Path

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdUtils, Vt

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidMesh
from services.mesh.model import Model

_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""Archives carry no clock: the same model gives the same bytes."""


class FileFormat(StrEnum):
    """What can be had beside GLB."""

    USDZ = "usdz"
    OBJ = "obj"
    STL = "stl"

    @property
    def media_type(self) -> MediaType:
        """The media type of the file."""
        return {FileFormat.USDZ: MediaType.USDZ, FileFormat.OBJ: MediaType.ZIP, FileFormat.STL: MediaType.STL}[self]


def file_of(model: Model, kind: FileFormat) -> bytes:
    """The model as a file of the given kind."""
    return {FileFormat.USDZ: usdz, FileFormat.OBJ: obj_zip, FileFormat.STL: stl}[kind](model)


def stl(model: Model) -> bytes:
    """Binary STL, metres, +Y up: the closed solid, without colour."""
    solid = model.solid
    corners = solid.vertices[solid.faces].astype(np.float32)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-20)
    record = np.zeros(len(corners), dtype=[("normal", "<3f4"), ("corners", "<9f4"), ("extra", "<u2")])
    record["normal"], record["corners"] = normals, corners.reshape(-1, 9)
    header = b"Lensora Studio mesh, metres, +Y up".ljust(80, b"\0")
    return header + struct.pack("<I", len(corners)) + record.tobytes()


def obj_zip(model: Model) -> bytes:
    """A ZIP with name.obj, name.mtl and name.jpg."""
    name, surface = _file_name(model.name), model.surface
    out = io.StringIO()
    out.write(f"# Lensora Studio mesh, metres, +Y up\nmtllib {name}.mtl\no {name}\n")
    np.savetxt(out, surface.positions, fmt="v %.6f %.6f %.6f")
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
            entry = zipfile.ZipInfo(f"{name}.{suffix}", _ZIP_TIME)
            entry.compress_type = how
            bundle.writestr(entry, data)
    return archive.getvalue()


def usdz(model: Model) -> bytes:
    """USDZ as AR Quick Look wants it: one binary layer first, textures inside, uncompressed and aligned, Y up,
    metres."""
    with tempfile.TemporaryDirectory(prefix="lensora-usdz-") as folder:
        texture = Path(folder) / "base_color.jpg"
        texture.write_bytes(model.texture_jpeg)
        layer = Path(folder) / "model.usdc"
        _write_stage(model, layer)
        package = Path(folder) / "model.usdz"
        if not UsdUtils.CreateNewARKitUsdzPackage(Sdf.AssetPath(str(layer)), str(package)):
            raise InvalidMesh("the model could not be packed as USDZ")
        return package.read_bytes()


def _write_stage(model: Model, path: Path) -> None:
    """The USD layer: /Model (component) with a mesh and a UsdPreviewSurface."""
    surface = model.surface
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    root = UsdGeom.Xform.Define(stage, "/Model")
    stage.SetDefaultPrim(root.GetPrim())
    Usd.ModelAPI(root.GetPrim()).SetKind("component")
    root.GetPrim().SetAssetInfoByKey("name", model.name)
    mesh = UsdGeom.Mesh.Define(stage, "/Model/Mesh")
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(surface.positions, np.float32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(surface.faces), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(surface.faces.astype(np.int32).ravel()))
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(surface.normals, np.float32)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    low, high = surface.positions.min(axis=0).tolist(), surface.positions.max(axis=0).tolist()
    mesh.CreateExtentAttr([Gf.Vec3f(*low), Gf.Vec3f(*high)])
    coordinates = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
        "st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex
    )
    flipped = surface.uvs * [1.0, -1.0] + [0.0, 1.0]
    coordinates.Set(Vt.Vec2fArray.FromNumpy(np.ascontiguousarray(flipped, np.float32)))
    material = UsdShade.Material.Define(stage, "/Model/Material")
    shader = UsdShade.Shader.Define(stage, "/Model/Material/Surface")
    shader.CreateIdAttr("UsdPreviewSurface")
    shader.CreateInput("roughness", Sdf.ValueTypeNames.Float).Set(float(model.texture.roughness))
    shader.CreateInput("metallic", Sdf.ValueTypeNames.Float).Set(float(model.texture.metallic))
    reader = UsdShade.Shader.Define(stage, "/Model/Material/Coordinates")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", Sdf.ValueTypeNames.String).Set("st")
    picture = UsdShade.Shader.Define(stage, "/Model/Material/BaseColor")
    picture.CreateIdAttr("UsdUVTexture")
    picture.CreateInput("file", Sdf.ValueTypeNames.Asset).Set("base_color.jpg")
    picture.CreateInput("sourceColorSpace", Sdf.ValueTypeNames.Token).Set("sRGB")
    picture.CreateInput("wrapS", Sdf.ValueTypeNames.Token).Set("clamp")
    picture.CreateInput("wrapT", Sdf.ValueTypeNames.Token).Set("clamp")
    picture.CreateInput("st", Sdf.ValueTypeNames.Float2).ConnectToSource(
        reader.CreateOutput("result", Sdf.ValueTypeNames.Float2)
    )
    shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).ConnectToSource(
        picture.CreateOutput("rgb", Sdf.ValueTypeNames.Float3)
    )
    material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)
    stage.Save()


def _file_name(name: str) -> str:
    """A name that is safe as a file and as an OBJ identifier."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:60] or "model"
