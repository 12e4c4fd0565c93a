"""Simplification, normals, atlas, orientation, and the closed solid's rules."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import trimesh

from lensora.adapters.patience import while_waiting
from lensora.core.errors import InvalidMesh
from services.mesh.boolean import difference, union
from services.mesh.finish.orientation import facing_yaw, standing
from services.mesh.finish.sheets import parted
from services.mesh.finish.simplification import RULES, simplified
from services.mesh.finish.surface import surfaced
from services.mesh.model import Model
from services.mesh.raster import covering, weights_at
from services.mesh.solid import Solid, tidied


def solid_of(mesh: trimesh.Trimesh) -> Solid:
    """A library's mesh as a solid."""
    return Solid(np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64))


def test_simplification_keeps_a_closed_mesh_closed() -> None:
    """A sphere of 20,480 triangles becomes one of 2,000 that is closed and of the same volume within 1%."""
    sphere = solid_of(trimesh.creation.icosphere(subdivisions=5))
    small = simplified(sphere, 2_000)
    assert len(small.faces) <= 2_000
    assert small.is_closed()
    assert small.volume() == pytest.approx(sphere.volume(), rel=0.01)


def test_solids_that_are_thinned_at_the_same_time_stay_apart() -> None:
    """The simplifier keeps its mesh in variables of the process: two jobs' models must never be exchanged."""
    solids = {
        height: solid_of(trimesh.creation.icosphere(subdivisions=6).apply_scale((1, height, 1))) for height in (1, 3)
    }
    alone = {height: simplified(solid, 2_000).vertices for height, solid in solids.items()}

    def thinned(height: int) -> bool:
        return all(np.array_equal(simplified(solids[height], 2_000).vertices, alone[height]) for _ in range(6))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(thinned, (1, 3))) == [True, True]


def test_large_solids_are_thinned_in_steps_with_looks_between() -> None:
    """The simplifier cannot be interrupted, so no step of it may be long; the result is as good as in one go."""
    sphere = solid_of(trimesh.creation.icosphere(subdivisions=5))
    looks: list[None] = []
    with while_waiting(lambda: looks.append(None)):
        small = simplified(sphere, 2_000, rules=replace(RULES, faces_at_once=3_000))
    assert len(looks) >= 5
    assert len(small.faces) <= 2_000
    assert small.is_closed()
    assert small.volume() == pytest.approx(sphere.volume(), rel=0.01)


def test_edges_of_a_box_stay_sharp_and_a_ball_stays_smooth() -> None:
    """A cube's normals are its faces' normals; a ball's point away from its middle."""
    front = np.array([0.0, 0.0, 1.0])
    cube = surfaced(solid_of(trimesh.creation.box()), front, np.eye(3))
    assert np.allclose(np.sort(np.abs(cube.normals), axis=1)[:, :2], 0.0, atol=1e-6)
    ball = surfaced(solid_of(trimesh.creation.icosphere(subdivisions=3)), front, np.eye(3))
    assert np.einsum("ij,ij->i", ball.normals, ball.positions).min() > 0.99


def test_no_texel_belongs_to_two_places(blob_model: Model) -> None:
    """The atlas lies in 0..1 and its triangles do not cover each other: their areas sum to the area that they cover."""
    surface = blob_model.surface
    assert float(surface.uvs.min()) > -0.001
    assert float(surface.uvs.max()) < 1.001
    side = 1024
    a, b, c = (surface.uvs[surface.faces[:, k]].astype(np.float64) * side for k in range(3))
    area = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum()
    covered = (covering(surface.uvs * side, surface.faces.astype(np.int64), (side, side)) >= 0).sum()
    assert area < 1.02 * covered


def test_an_s_curve_is_not_laid_over_itself() -> None:
    """Parts that lie before one another in every direction get charts of their own."""
    knot = solid_of(trimesh.creation.torus(1.0, 0.25))
    turned = knot.moved(np.hstack([trimesh.transformations.euler_matrix(0.5, 0.4, 0.3)[:3, :3], np.zeros((3, 1))]))
    surface = surfaced(union(knot, [turned]), np.array([0.0, 0.0, 1.0]), np.eye(3))
    side = 1024
    a, b, c = (surface.uvs[surface.faces[:, k]].astype(np.float64) * side for k in range(3))
    area = 0.5 * np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]).sum()
    covered = (covering(surface.uvs * side, surface.faces.astype(np.int64), (side, side)) >= 0).sum()
    assert area < 1.03 * covered


def test_weights_name_the_place_inside_a_triangle() -> None:
    """Barycentric weights at a pixel's centre give the centre back."""
    points = np.array([[2.0, 2.0], [30.0, 4.0], [6.0, 28.0]])
    faces = np.array([[0, 1, 2]])
    rows, columns, _, weights = weights_at(covering(points, faces, (32, 32)), points, faces)
    inside = weights.min(axis=1) > 0.05
    assert np.allclose((weights @ points)[inside], np.stack([columns + 0.5, rows + 0.5], axis=1)[inside])


@pytest.mark.parametrize("turn_deg", [0.0, 33.0, -50.0, 140.0])
def test_the_largest_face_comes_to_the_front(turn_deg: float) -> None:
    """A board from anywhere, turned by any angle, is brought square to the viewer."""
    board = trimesh.creation.box((1.0, 1.2, 0.2))
    board = board.subdivide().subdivide()
    turn = trimesh.transformations.rotation_matrix(np.radians(turn_deg), [0, 1, 0])
    solid = solid_of(board).moved(turn[:3])
    size = np.ptp(solid.moved(standing(solid, facing_yaw(solid))).vertices, axis=0)
    assert size == pytest.approx(np.array([1.0, 1.2, 0.2]) / 1.2 * 0.3, rel=0.01)


def test_a_round_thing_keeps_the_photos_view() -> None:
    """Nothing stands out on a cylinder, so it is not turned."""
    upright = trimesh.transformations.rotation_matrix(np.pi / 2, [1, 0, 0])
    cylinder = solid_of(trimesh.creation.cylinder(0.5, 1.0, sections=64)).moved(upright[:3])
    assert facing_yaw(cylinder) == 0.0


def test_a_made_up_side_is_not_turned_to_the_front() -> None:
    """Where the photo's view is known, the model is turned by no more than the given reach."""
    board = solid_of(trimesh.creation.box((0.2, 1.2, 1.0)))
    assert abs(abs(facing_yaw(board)) - np.pi / 2) < 0.01
    assert abs(facing_yaw(board, reach=np.radians(80.0))) < np.radians(81.0)


def test_standing_is_centred_on_the_ground() -> None:
    """The lowest point is at y = 0, x and z are centred, the longest side is 30 cm."""
    solid = solid_of(trimesh.creation.icosphere(subdivisions=2)).moved(np.hstack([np.eye(3), [[3.0], [-2.0], [7.0]]]))
    placed = solid.moved(standing(solid, 0.3)).vertices
    low, high = placed.min(axis=0), placed.max(axis=0)
    assert low[1] == pytest.approx(0.0, abs=1e-9)
    assert (low + high)[[0, 2]] == pytest.approx([0.0, 0.0], abs=1e-9)
    assert (high - low).max() == pytest.approx(0.3)


def test_union_and_difference_are_closed() -> None:
    """Overlapping closed solids stay closed under both operations."""
    ball = solid_of(trimesh.creation.icosphere(subdivisions=3))
    moved = ball.moved(np.hstack([np.eye(3), [[0.7], [0.0], [0.0]]]))
    both, rest = union(ball, [moved]), difference(ball, moved)
    assert both.is_closed()
    assert rest.is_closed()
    assert both.volume() - moved.volume() == pytest.approx(rest.volume(), rel=0.01)


def test_vertices_that_coincide_do_not_break_a_closed_mesh() -> None:
    """Two cubes that share a corner point stay closed after vertices are welded by position, as readers do."""
    cube = solid_of(trimesh.creation.box())
    both = Solid(
        np.concatenate([cube.vertices, cube.vertices + 1.0]),
        np.concatenate([cube.faces, cube.faces + len(cube.vertices)]),
    )
    tidy = tidied(both, 1e-6)
    welded = trimesh.Trimesh(tidy.vertices, tidy.faces, process=False)
    welded.merge_vertices()
    assert tidy.is_closed()
    assert welded.is_watertight


def test_sheets_that_touch_along_an_edge_are_parted() -> None:
    """Two boxes that share an edge, welded, become two closed ones; their volume, faces and places stay."""
    left, right = (solid_of(trimesh.creation.box(transform=_at(x, x))) for x in (-0.5, 0.5))
    both = np.concatenate([left.vertices, right.vertices])
    places, welded = np.unique(np.round(both, 6), axis=0, return_inverse=True)
    touching = Solid(places, welded.ravel()[np.concatenate([left.faces, right.faces + len(left.vertices)])])
    assert len(places) == 14
    assert not touching.is_closed()
    apart = parted(touching)
    assert apart.is_closed()
    assert len(apart.vertices) == 16
    assert apart.volume() == pytest.approx(2.0)
    assert np.array_equal(apart.vertices[apart.faces], touching.vertices[touching.faces])


def _at(x: float, y: float) -> np.ndarray:
    move = np.eye(4)
    move[:2, 3] = x, y
    return move


def test_bad_meshes_are_refused() -> None:
    """A face that names no vertex and a vertex that is no number are errors, not crashes later."""
    with pytest.raises(InvalidMesh, match="vertices 0 to 2"):
        Solid(np.zeros((3, 3)), np.array([[0, 1, 3]]))
    with pytest.raises(InvalidMesh, match="finite"):
        Solid(np.full((3, 3), np.nan), np.array([[0, 1, 2]]))
