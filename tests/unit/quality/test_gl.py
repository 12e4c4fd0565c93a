"""The fast renderer: what it draws must agree with its camera, its depth and its normals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from quality.gl import Lighting, Picture, Pose, Renderer, TexturedMesh, random_lighting, random_pose
from quality.split import is_reserved
from quality.views.limits import painted_db, tilted_db
from quality.views.photographer import Sloppiness, photographed

SIZE = 96


def _box(half: tuple[float, float, float]) -> TexturedMesh:
    box = trimesh.creation.box(extents=2 * np.array(half))
    vertices = np.asarray(box.vertices, np.float32)
    return TexturedMesh(vertices, np.asarray(box.faces, np.int32), np.ones_like(vertices))


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    """One context for the module."""
    with Renderer(SIZE) as made:
        yield made


def _drawn(renderer: Renderer, mesh: TexturedMesh, pose: Pose) -> Picture:
    shown = renderer.upload(mesh)
    picture = renderer.draw(shown, pose)
    shown.release()
    return picture


@settings(max_examples=25, deadline=None)
@given(azimuth=st.floats(0, 6.28), pitch=st.floats(-0.3, 1.5), roll=st.floats(-0.2, 0.2), distance=st.floats(2.3, 6.5))
def test_pixels_lie_where_the_camera_says(
    renderer: Renderer, azimuth: float, pitch: float, roll: float, distance: float
) -> None:
    """The drawn box's bounding box is that of its projected corners, in the middle, longer side short of the margin."""
    mesh = _box((0.5, 0.3, 0.7)).unit()
    picture = _drawn(renderer, mesh, Pose(azimuth, pitch, roll, distance))
    pixels, _ = picture.camera.project(mesh.vertices)
    inside = picture.rgba[..., 3] >= 128
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    drawn = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    promised = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)])
    assert np.abs(drawn - promised).max() <= 2.0  # a sharp corner may cover less than half of its pixel
    assert np.abs((promised[:2] + promised[2:]) / 2 - SIZE / 2).max() < 0.5
    assert (promised[2:] - promised[:2]).max() == pytest.approx(SIZE / 1.1, rel=0.02)


def test_depth_and_normals_are_those_of_the_box(renderer: Renderer) -> None:
    """Every pixel's point, led back into the world, lies on a face of the box, and the normal is that face's."""
    half = np.array([0.5, 0.4, 0.3])
    mesh = _box((0.5, 0.4, 0.3))
    picture = _drawn(renderer, mesh, Pose(azimuth=0.6, pitch=0.4, roll=0.1, distance=3.0))
    camera = picture.camera
    rows, columns = np.nonzero(picture.rgba[..., 3] == 255)
    z = picture.depth[rows, columns]
    flat = np.stack([columns + 0.5 - camera.center[0], camera.center[1] - rows - 0.5], axis=1) / camera.pixels
    points = np.column_stack([flat * ((camera.distance - z) / camera.distance)[:, None], z])
    rotation, shift = camera.world_to_view[:, :3], camera.world_to_view[:, 3]
    world = (points - shift) @ rotation
    assert np.abs(np.abs(world / half).max(axis=1) - 1.0).max() < 0.08
    normals = picture.normals[rows, columns] @ rotation
    axis = np.abs(world / half).argmax(axis=1)
    facing = np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] * np.sign(
        np.take_along_axis(world, axis[:, None], axis=1)[:, 0]
    )
    assert np.median(facing) > 0.999
    assert (facing > 0.95).mean() > 0.93  # the rest are pixels across an edge


def test_texture_and_light_reach_the_picture(renderer: Renderer) -> None:
    """A box with a red upper and a blue lower half shows red above blue, and brighter under more light."""
    box = _box((0.5, 0.5, 0.5))
    uv = np.column_stack([np.full(8, 0.5), box.vertices[:, 1] + 0.5]).astype(np.float32)
    texture = np.zeros((64, 4, 3), np.uint8)
    texture[:32, :, 0], texture[32:, :, 2] = 200, 200
    mesh = TexturedMesh(box.vertices, box.faces, box.colors, uv, texture)
    picture = _drawn(renderer, mesh, Pose(pitch=0.0))
    top, bottom = picture.rgba[SIZE // 4, SIZE // 2], picture.rgba[3 * SIZE // 4, SIZE // 2]
    assert top[0] > 100 > top[2]
    assert bottom[2] > 100 > bottom[0]
    shown = renderer.upload(mesh)
    dark = renderer.draw(shown, Pose(pitch=0.0), Lighting(sky=(0.1,) * 3, ground=(0.1,) * 3, colors=((0.1,) * 3,) * 3))
    shown.release()
    assert dark.rgba[SIZE // 4, SIZE // 2, 0] < top[0] - 30


def test_the_same_seed_draws_the_same_bytes(renderer: Renderer) -> None:
    """Pose, light and pixels follow from the seed alone."""
    shown = renderer.upload(_box((0.5, 0.3, 0.7)).unit())
    pictures = [
        renderer.draw(shown, random_pose(rng), random_lighting(rng)).rgba.tobytes()
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    ]
    shown.release()
    assert pictures[0] == pictures[1]


def test_a_fifth_of_the_objects_is_reserved() -> None:
    """The split keeps back about one name in five, and always the same ones."""
    names = [f"object_{k}" for k in range(2000)]
    assert 0.17 < np.mean([is_reserved(name) for name in names]) < 0.23
    assert is_reserved("aws_residential_sofa_01") is False
    assert [n for n in names[:12] if is_reserved(n)] == [n for n in names[:12] if is_reserved(n)]


def test_the_limits_of_a_back_are_told_by_camera_and_pitch(renderer: Renderer) -> None:
    """The true thing at its pitch is the back itself, and is worse the farther off the pitch is; a back photo taken
    exactly from behind colours the true shape nearly as it is."""
    mesh = _box((0.5, 0.3, 0.4))
    mesh = replace(mesh, colors=np.random.default_rng(0).uniform(0.2, 0.9, mesh.vertices.shape).astype(np.float32))
    exact = photographed(renderer, mesh, 5, ("back",), Sloppiness(0.0, 0.0, 0.0, (20.0, 20.0), (3.0, 3.0)))
    off = photographed(renderer, mesh, 5, ("back",), Sloppiness(12.0, 8.0, 2.0, (20.0, 20.0), (3.0, 3.0)))
    pitch = exact.behind.pitch
    told = [tilted_db(renderer, mesh, exact, pitch + tilt) for tilt in (0.0, 0.1, 0.3)]
    assert told[0] > 60.0 > told[1] > told[2]
    assert painted_db(renderer, mesh, exact) > max(painted_db(renderer, mesh, off), 28.0)
