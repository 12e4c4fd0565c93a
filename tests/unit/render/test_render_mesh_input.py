"""Reading and cleaning meshes, the hostile ones above all."""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensora.core.cameras import turn
from lensora.core.errors import InvalidMesh
from lensora.testing.meshes import Finish, Shape, box, glb, vase
from services.render.glb import read_glb
from services.render.model import Part, prepare


def _png(color: tuple[int, int, int] = (10, 120, 200)) -> bytes:
    return bytes(cv2.imencode(".png", np.full((8, 8, 3), color, np.uint8))[1])


def _claiming(side: int) -> bytes:
    """A PNG's beginning that claims to be so many pixels wide and high."""
    header = b"IHDR" + struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">II", zlib.crc32(header), 0) + b"IDAT"


def _one_triangle() -> Shape:
    return Shape(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), np.array([[0, 1, 2]], np.uint32))


def test_reads_what_was_written() -> None:
    """Positions, texture coordinates, colours, factors and the texture come through unchanged."""
    shape = replace(vase(4, 6), colors=np.full((5 * 7, 4), 0.5, np.float32))
    (part,) = read_glb(glb(shape, Finish((0.5, 0.6, 0.7, 1.0), 0.25, 0.4, _png())))
    assert np.allclose(part.positions, shape.positions)
    assert part.uvs is not None
    assert np.allclose(part.uvs, shape.uvs)
    assert part.colors is not None
    assert np.allclose(part.colors, 0.5)
    assert part.material.base_color == pytest.approx((0.5, 0.6, 0.7, 1.0))
    assert part.material.base_texture is not None
    assert part.material.base_texture[0, 0].tolist() == [200, 120, 10, 255]


def test_prepared_model_stands_centred_in_unit_size() -> None:
    """Whatever the file's units and place, the model's longest side is 1, its foot on y = 0, its middle on the axis."""
    for scale, shift in ((1e-6, 0.0), (1.0, 20.0), (1e7, -3.0)):
        shape = box()
        moved = replace(
            shape, positions=(shape.positions.astype(np.float64) * scale + shift * scale).astype(np.float32)
        )
        model = prepare(read_glb(glb(moved)))
        low, high = model.support.min(axis=0), model.support.max(axis=0)
        assert (high - low).max() == pytest.approx(1.0, abs=1e-4)
        assert low[1] == pytest.approx(0.0, abs=1e-4)
        assert (low + high)[[0, 2]] == pytest.approx([0.0, 0.0], abs=1e-4)


def test_closed_meshes_are_told_from_open_ones() -> None:
    """Back faces may be left out only of a closed surface; one that is inside out is turned."""
    assert prepare(read_glb(glb(vase()))).closed
    assert not prepare(read_glb(glb(_one_triangle()))).closed
    shape = box()
    turned = prepare(read_glb(glb(replace(shape, triangles=shape.triangles[:, ::-1].copy(), normals=None))))
    assert turned.closed
    corners = turned.parts[0].positions[turned.parts[0].triangles].astype(np.float64)
    assert np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) > 0


@pytest.mark.parametrize("angle_deg", [-60, -30, 0, 25, 45, 70, 90])
def test_auto_orient_brings_the_largest_face_square(angle_deg: float) -> None:
    """A box turned anyhow is shown with its widest side to the camera."""
    shape = box(0.3, 0.2, 0.1)
    positions = shape.positions @ turn(math.radians(angle_deg)).T.astype(np.float32)
    model = prepare(read_glb(glb(replace(shape, positions=positions.astype(np.float32), normals=None))))
    size = np.ptp(model.support, axis=0)
    assert size[0] == pytest.approx(1.0, abs=0.02)
    assert size[2] == pytest.approx(1 / 3, abs=0.02)
    assert abs(model.yaw) <= math.pi / 2 + 1e-9


def test_a_front_that_the_maker_chose_is_kept() -> None:
    """A mesh whose file holds the photo's view has been oriented by its maker, who knows what the photo shows."""
    shape = box(0.3, 0.2, 0.1)
    positions = shape.positions @ turn(math.radians(45.0)).T.astype(np.float32)
    data = glb(replace(shape, positions=positions.astype(np.float32), normals=None))
    assert prepare(read_glb(data), oriented=True).yaw == 0.0
    assert prepare(read_glb(data)).yaw != 0.0


def test_round_things_keep_their_front() -> None:
    """A surface of revolution has no largest face: the photo's own view stays in front."""
    assert prepare(read_glb(glb(vase()))).yaw == 0.0


def test_missing_normals_are_made() -> None:
    """Without normals the triangles around a vertex give one, of unit length and outwards."""
    shape = vase()
    model = prepare(read_glb(glb(replace(shape, normals=None))))
    normals = model.parts[0].normals
    assert normals is not None
    assert np.allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-5)
    side = np.abs(shape.positions[:, 1] - 0.15) < 0.1
    assert shape.normals is not None
    assert (np.einsum("ij,ij->i", normals, shape.normals)[side] > 0.9).all()


def test_triangles_with_nan_are_dropped() -> None:
    """Vertices that are no numbers cost their triangles, not the film."""
    shape = vase()
    positions = shape.positions.copy()
    positions[30] = np.nan
    positions[31, 1] = np.inf
    model = prepare(read_glb(glb(replace(shape, positions=positions))))
    assert 0 < model.triangle_count < len(shape.triangles)
    assert all(np.isfinite(part.positions).all() for part in model.parts)


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        (replace(_one_triangle(), positions=np.full((3, 3), np.nan, np.float32)), "no triangle that can be drawn"),
        (replace(_one_triangle(), positions=np.ones((3, 3), np.float32)), "no extent"),
        (replace(_one_triangle(), triangles=np.array([[0, 1, 9]], np.uint32)), "no triangle that can be drawn"),
        (replace(_one_triangle(), triangles=np.array([[0, 0, 1]], np.uint32)), "no triangle that can be drawn"),
    ],
)
def test_meshes_with_nothing_to_draw_are_refused(shape: Shape, sentence: str) -> None:
    """Nothing to draw is the caller's error, with a sentence that says why."""
    with pytest.raises(InvalidMesh, match=sentence):
        prepare(read_glb(glb(shape)))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not a glTF binary"),
        (b"PK\x03\x04" + b"\0" * 40, "not a glTF binary"),
        (glb(vase())[:200], "cut short"),
        (glb(vase(), gltf={"extensionsRequired": ["KHR_draco_mesh_compression"]}), "KHR_draco_mesh_compression"),
        (glb(vase(), gltf={"nodes": [{"children": [0], "mesh": 0}]}), "deeper"),
        (glb(vase(), gltf={"meshes": [{"primitives": [{"attributes": {"POSITION": 99}}]}]}), "damaged"),
        (
            glb(vase(), gltf={"accessors": [{"bufferView": 0, "componentType": 5126, "count": 10**9, "type": "VEC3"}]}),
            "past its buffer",
        ),
        (glb(vase(), gltf={"nodes": [{"mesh": 0, "scale": [10**400, 1, 1]}]}), "damaged"),
        (
            glb(
                vase(),
                gltf={"accessors": [{"bufferView": 0, "componentType": 5126, "count": math.inf, "type": "VEC3"}]},
            ),
            "damaged",
        ),
    ],
)
def test_damaged_files_are_refused(data: bytes, sentence: str) -> None:
    """What is no readable glTF is an InvalidMesh that names the fault."""
    with pytest.raises(InvalidMesh, match=sentence):
        prepare(read_glb(data))


def test_missing_textures_count_as_white() -> None:
    """A texture that is not there, is no picture, or claims to be a huge one leaves the colour factor."""
    broken = read_glb(glb(vase(), Finish(texture=b"\x89PNG not really")))
    huge = read_glb(glb(vase(), Finish(texture=_claiming(20_000))))
    missing = read_glb(glb(vase(), Finish(texture=_png()), {"images": [{"uri": "elsewhere.png"}]}))
    assert broken[0].material.base_texture is None
    assert huge[0].material.base_texture is None
    assert missing[0].material.base_texture is None


def test_nodes_place_and_mirror_their_meshes() -> None:
    """Translation, rotation and scale apply down the tree; a mirrored mesh keeps its outside outside."""
    nodes = [
        {"children": [1], "translation": [1, 2, 3]},
        {"mesh": 0, "scale": [-2, 2, 2], "rotation": [0, math.sqrt(0.5), 0, math.sqrt(0.5)]},
    ]
    shape = box()
    (part,) = read_glb(glb(shape, gltf={"nodes": nodes}))
    expected = (shape.positions * np.array([-2, 2, 2])) @ turn(math.pi / 2).T + np.array([1, 2, 3])
    assert np.allclose(part.positions, expected, atol=1e-5)
    assert prepare([part]).closed


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_mangled_files_never_escape_the_error_tree(data: st.DataObject) -> None:
    """Any byte changed anywhere gives a model or an InvalidMesh, nothing else."""
    file = bytearray(glb(vase(3, 5), Finish(texture=_png())))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(0, len(file) - 1))] = data.draw(st.integers(0, 255))
    try:
        prepare(read_glb(bytes(file)))
    except InvalidMesh as refused:
        assert refused.message


def test_vertex_count_is_bounded() -> None:
    """More triangles than can be drawn are refused before anything is made of them."""
    many = Part(np.eye(3), np.zeros((3_000_001, 3), np.uint32), None, None, None, read_glb(glb(box()))[0].material)
    with pytest.raises(InvalidMesh, match="at most 3000000"):
        prepare([many])
