"""USDZ, for augmented reality on Apple's devices. Needs the package usd-core, the extra ``usd``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from pxr import Gf, Sdf, Usd, UsdGeom, UsdShade, UsdUtils, Vt

from lensora.core.errors import InvalidMesh
from services.mesh.model import Model


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
