"""Image-to-3D nets in the mesh stage: repair, the view that is found, axes and colours; the net is a function."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.core.errors import DeadlineExceeded, InferenceFailed, InvalidMesh
from lensora.core.frames import linear_from_srgb
from lensora.testing.inference import FakeModel, TensorSpec
from services.mesh.backends.photo_net import NetSpec, PhotoNet, framed
from services.mesh.backends.shap_e import SHAP_E
from services.mesh.backends.trellis import TRELLIS
from services.mesh.backends.triposr import TRIPOSR
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.model import ModelRequest, create_model
from services.mesh.raster import covering, far_to_near
from services.mesh.registration import find_view
from services.mesh.repair import closed_solid
from services.mesh.solid import Solid

RED, BLUE, GREEN = (0.8, 0.25, 0.2), (0.2, 0.3, 0.8), (0.1, 0.7, 0.2)


def thing() -> tuple[Solid, NDArray[np.float32]]:
    """A shape without symmetry, in our axes: a red body, a blue box on its right, a green knob on top; colours 0..1."""
    body = trimesh.creation.icosphere(subdivisions=3, radius=0.5).apply_scale([1.0, 0.8, 0.7])
    box = trimesh.creation.box([0.35, 0.25, 0.3]).apply_translation([0.55, 0.1, 0.1])
    knob = trimesh.creation.icosphere(subdivisions=2, radius=0.15).apply_translation([0.0, 0.45, 0.0])
    mesh = trimesh.boolean.union([body, box, knob], engine="manifold").subdivide()
    points = np.asarray(mesh.vertices, np.float64)
    colors = np.tile(np.float32(RED), (len(points), 1))
    colors[points[:, 0] > 0.4] = BLUE
    colors[points[:, 1] > 0.38] = GREEN
    return Solid(points, np.asarray(mesh.faces, np.int64)), colors


def camera_at(yaw: float, pitch: float, size: int) -> PhotoCamera:
    """A camera that looks at the origin from yaw (towards +x) and pitch (upwards), degrees."""
    c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    around = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    c, s = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    over = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return PhotoCamera(np.hstack([over @ around, np.zeros((3, 1))]), (size / 2, size / 2), 0.6 * size, 3.0)


def photo(solid: Solid, colors: NDArray[np.float32], yaw: float, pitch: float, size: int = 240) -> NDArray[np.uint8]:
    """(size, size, 4) uint8: the thing as a camera sees it, flatly lit."""
    pixels, depth = camera_at(yaw, pitch, size).project(solid.vertices)
    seen = covering(pixels, solid.faces, (size, size), far_to_near(depth, solid.faces))
    face = colors[solid.faces].mean(axis=1)
    picture = np.zeros((size, size, 4), np.uint8)
    picture[seen >= 0, :3] = np.round(face[seen[seen >= 0]] * 255)
    picture[seen >= 0, 3] = 255
    return picture


def net_of(spec: NetSpec, solid: Solid, colors: NDArray[np.float32], *, flip: bool = False) -> PhotoNet:
    """A net that always answers with the thing, in its own axes and colours."""
    back = np.linalg.inv(np.array(spec.to_house))
    answer = {
        "vertices": (solid.vertices @ back.T).astype(np.float32),
        "faces": (solid.faces[:, ::-1] if flip else solid.faces).astype(np.int32),
        "colors": (linear_from_srgb(colors) if spec.linear_colors else colors).astype(np.float32),
    }
    return fake_net(spec, answer)


def fake_net(spec: NetSpec, answer: dict[str, NDArray[np.generic]], *, seconds: float = 0.0) -> PhotoNet:
    """A net with that answer, after so long."""
    model = FakeModel(
        lambda _inputs: dict(answer),
        inputs={"image": TensorSpec(np.uint8, (spec.side_px, spec.side_px, 3)), "seed": TensorSpec(np.int64, (1,))},
        outputs=["vertices", "faces", "colors"],
        use=ModelUse(spec.model, "1", "f" * 64, "MIT", "mesh"),
        seconds=seconds,
    )
    return PhotoNet(spec, model)


@pytest.mark.parametrize(
    ("spec", "yaw", "pitch", "flip"), [(TRELLIS, 200, 20, False), (SHAP_E, -60, 25, True), (TRIPOSR, 0, 0, False)]
)
def test_a_net_s_mesh_becomes_a_model_that_agrees_with_the_photo(
    spec: NetSpec, yaw: float, pitch: float, flip: bool
) -> None:
    """Whatever its axes, winding and colour space, the mesh is closed, upright and seen as the photo shows it."""
    solid, colors = thing()
    model = create_model(
        photo(solid, colors, yaw, pitch), ModelRequest(), net_of(spec, solid, colors, flip=flip), lambda *_: None
    )
    assert model.fidelity.silhouette_iou > 0.93
    assert model.fidelity.image_similarity > 0.8
    assert model.solid.is_closed()
    assert model.solid.volume() > 0
    assert [use.name for use in model.models] == [spec.model]
    # The knob is on top: the green texels belong to the highest part.
    top = model.surface.positions[:, 1] > 0.9 * float(model.surface.positions[:, 1].max())
    uv = (model.surface.uvs[top] * (model.texture.pixels.shape[0] - 1)).astype(int)
    red, green, blue = np.median(model.texture.pixels[uv[:, 1], uv[:, 0]].astype(float), axis=0)
    assert green > 1.5 * max(red, blue)


@pytest.mark.parametrize(("yaw", "pitch"), [(0, 10), (95, 30), (180, 5), (-40, 20)])
def test_the_photo_s_view_is_found(yaw: float, pitch: float) -> None:
    """The direction of a photo is found within ten degrees from outline and colours."""
    solid, colors = thing()
    cutout = read_cutout(photo(solid, colors, yaw, pitch))
    view = find_view(solid, solid.vertices, colors * 255, cutout)
    off = (np.degrees(view.yaw) - yaw + 180) % 360 - 180
    assert abs(off) < 10
    assert abs(np.degrees(view.pitch) - pitch) < 10
    assert view.overlap > 0.9


def test_the_net_sees_the_subject_framed_as_it_was_trained() -> None:
    """The subject is centred, fills its share of the square, and lies on the net's own background."""
    solid, colors = thing()
    picture = framed(read_cutout(photo(solid, colors, 30, 10, size=900)), TRIPOSR)
    assert picture.shape == (512, 512, 3)
    assert tuple(picture[0, 0]) == (128, 128, 128)
    rows, columns = np.nonzero((picture.astype(int) - 128).__abs__().max(axis=2) > 12)
    span = max(np.ptp(rows), np.ptp(columns)) + 1
    assert abs(span / 512 - 0.85) < 0.02
    assert abs((columns.min() + columns.max()) / 2 - 255.5) < 3
    assert abs((rows.min() + rows.max()) / 2 - 255.5) < 3


def test_an_open_mesh_is_shut_where_it_is_open() -> None:
    """A ball with a cap cut off becomes closed, keeps its place, and loses little of its volume."""
    ball = trimesh.creation.icosphere(subdivisions=4, radius=1.0)
    faces = ball.faces[ball.vertices[ball.faces].mean(axis=1)[:, 1] < 0.8]
    solid = closed_solid(ball.vertices, faces)
    assert solid.is_closed()
    assert 0.9 * 4.19 < solid.volume() < 1.05 * 4.19
    assert np.linalg.norm(solid.vertices, axis=1).max() < 1.03


def test_crumbs_go_and_inside_out_is_turned() -> None:
    """Floaters far smaller than the thing are left out; faces wound inwards are turned."""
    ball = trimesh.creation.icosphere(subdivisions=3, radius=1.0)
    crumb = trimesh.creation.icosphere(subdivisions=1, radius=0.03).apply_translation([3.0, 0.0, 0.0])
    both = trimesh.util.concatenate([ball, crumb])
    solid = closed_solid(both.vertices, both.faces[:, ::-1])
    assert solid.volume() > 0
    assert solid.vertices[:, 0].max() < 1.01


def test_a_mesh_without_area_is_refused() -> None:
    """Triangles that are lines are no surface."""
    with pytest.raises(InvalidMesh, match="face with an area"):
        closed_solid(np.zeros((3, 3)), np.array([[0, 1, 2]]))


GOOD = {
    "vertices": np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32),
    "faces": np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], np.int32),
    "colors": np.full((4, 3), 0.5, np.float32),
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"faces": np.zeros((0, 3), np.int32)}, "found no surface"),
        ({"faces": np.array([[0, 1, 9]], np.int32)}, "name vertices 0 to 9"),
        ({"vertices": np.full((4, 3), np.nan, np.float32)}, "not finite"),
        ({"colors": np.zeros((3, 3), np.float32)}, "colours of shape"),
        ({"vertices": np.zeros((4, 2), np.float32)}, "vertices of shape"),
    ],
)
def test_a_server_s_bad_answer_is_told(change: dict[str, NDArray[np.generic]], said: str) -> None:
    """What a net's server sends is checked before it is used; the sentence names the net."""
    cutout = read_cutout(photo(*thing(), 0, 0))
    net = fake_net(TRIPOSR, GOOD | change)
    with pytest.raises(InferenceFailed, match=f"triposr.*{said}"):
        net.reconstruct(cutout, lambda *_: None)


def test_a_net_is_given_up_at_the_call_s_deadline() -> None:
    """The time that the caller still waits reaches the net: a slower one ends the call as ``deadline_exceeded``."""
    net = fake_net(TRIPOSR, GOOD, seconds=30.0)
    with pytest.raises(DeadlineExceeded, match="triposr"):
        net.reconstruct(read_cutout(photo(*thing(), 0, 0)), lambda *_: None, 0.05)
