"""USDZ, OBJ and STL, each opened again by a library that did not write it."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tinyusdz
import trimesh
from PIL import Image
from pxr import Sdf, Usd

from services.mesh.finish import usda
from services.mesh.finish.formats import FileFormat, file_of
from services.mesh.model import Model


def test_stl_is_the_closed_solid(blob_model: Model) -> None:
    """trimesh reads a watertight mesh of the model's own size, in millimetres."""
    mesh = trimesh.load(io.BytesIO(file_of(blob_model, FileFormat.STL)), file_type="stl")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(blob_model.solid.volume() * 1e9, rel=1e-3)


def test_stl_stands_on_a_slicers_bed(blob_model: Model) -> None:
    """Millimetres, +Z up, standing on z = 0, its front towards -Y; the file's header says so."""
    data = file_of(blob_model, FileFormat.STL)
    assert data[:80].rstrip(b"\0").endswith(b"millimetres, +Z up")
    mesh = trimesh.load(io.BytesIO(data), file_type="stl")
    low, high = blob_model.solid.vertices.min(axis=0) * 1000, blob_model.solid.vertices.max(axis=0) * 1000
    np.testing.assert_allclose(mesh.bounds[0], [low[0], -high[2], low[1]], atol=1e-2)
    np.testing.assert_allclose(mesh.bounds[1], [high[0], -low[2], high[1]], atol=1e-2)
    assert abs(mesh.bounds[0][2]) < 0.5


def test_obj_has_its_material_and_texture(blob_model: Model) -> None:
    """trimesh reads the mesh from the archive; the material names the JPEG that lies beside it, which Pillow opens."""
    archive = zipfile.ZipFile(io.BytesIO(file_of(blob_model, FileFormat.OBJ)))
    assert archive.namelist() == ["thing.obj", "thing.mtl", "thing.jpg"]
    mesh = trimesh.load(io.BytesIO(archive.read("thing.obj")), file_type="obj", process=False)
    assert len(mesh.faces) == len(blob_model.surface.faces)
    assert "map_Kd thing.jpg" in archive.read("thing.mtl").decode()
    assert Image.open(io.BytesIO(archive.read("thing.jpg"))).size == blob_model.texture.pixels.shape[:2]
    # OBJ's v runs upwards: the mesh read back has the texture coordinates of the model.
    assert np.abs(mesh.visual.uv[:, 1].max() - (1.0 - blob_model.surface.uvs[:, 1].min())) < 1e-4


USDZ_WRITERS = {"usdc": lambda model: file_of(model, FileFormat.USDZ), "usda": usda.package}
"""By the kind of their layer: with usd-core, and without."""


@pytest.mark.parametrize("kind", USDZ_WRITERS)
def test_usdz_follows_the_rules_of_quick_look(kind: str, blob_model: Model) -> None:
    """A ZIP without compression whose files start at multiples of 64 bytes, the layer first, textures inside."""
    data = USDZ_WRITERS[kind](blob_model)
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.namelist()[0].endswith(f".{kind}")
    assert any(name.endswith(".jpg") for name in archive.namelist())
    for entry in archive.infolist():
        name_length, extra_length = struct.unpack("<HH", data[entry.header_offset + 26 : entry.header_offset + 30])
        assert entry.compress_type == zipfile.ZIP_STORED
        assert (entry.header_offset + 30 + name_length + extra_length) % 64 == 0


@pytest.mark.parametrize("kind", USDZ_WRITERS)
def test_usdz_opens_in_another_library(kind: str, blob_model: Model) -> None:
    """tinyusdz reads the stage: Y up, metres, the mesh with all its triangles."""
    stage = tinyusdz.load_bytes(USDZ_WRITERS[kind](blob_model))
    assert stage.get_metadata("upAxis") == "Y"
    assert stage.get_metadata("metersPerUnit") == 1.0
    assert stage.get_default_prim() == "Model"
    text = stage.export_to_string()
    assert "UsdPreviewSurface" in text
    corners = text.split("faceVertexCounts = [", 1)[1].split("]", 1)[0]
    assert corners.count("3") == len(blob_model.surface.faces)


def test_the_text_layer_says_what_the_binary_one_says(blob_model: Model, tmp_path: Path) -> None:
    """USD's own library reads the same prims, attributes and values, numbers to 1e-5, from both packages."""
    stages = []
    for kind, write in USDZ_WRITERS.items():
        path = tmp_path / f"{kind}.usdz"
        path.write_bytes(write(replace(blob_model, name='a "thing"')))
        stages.append(Usd.Stage.Open(str(path)))
    binary, text = (
        {attribute.GetPath(): attribute for prim in stage.Traverse() for attribute in prim.GetAttributes()}
        for stage in stages
    )
    assert binary.keys() == text.keys()
    for path, attribute in binary.items():
        assert attribute.GetTypeName() == text[path].GetTypeName(), path
        assert attribute.GetConnections() == text[path].GetConnections(), path
        ours, theirs = text[path].Get(), attribute.Get()
        if isinstance(theirs, Sdf.AssetPath):
            assert Path(ours.path).name == Path(theirs.path).name
        elif theirs is not None and "[]" in str(attribute.GetTypeName()):
            assert np.asarray(ours) == pytest.approx(np.asarray(theirs), abs=1e-5), path
        else:
            assert ours == (pytest.approx(theirs, abs=1e-5) if isinstance(theirs, float) else theirs), path
    names = [stage.GetDefaultPrim().GetAssetInfoByKey("name") for stage in stages]
    assert names == ['a "thing"'] * 2


@pytest.mark.parametrize("name", ["Caf\u00e9", "\u8336\u7897 \U0001fad6", 'a \\ "b" it\'s', "tab\tline\nbell\x07\x01f"])
def test_the_text_layer_keeps_every_name(name: str, blob_model: Model, tmp_path: Path) -> None:
    """USD's own library reads the model's name as it was given: any script, quotes, control characters."""
    path = tmp_path / "named.usdz"
    path.write_bytes(usda.package(replace(blob_model, name=name)))
    assert Usd.Stage.Open(str(path)).GetDefaultPrim().GetAssetInfoByKey("name") == name
