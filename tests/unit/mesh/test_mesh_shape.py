"""Shapes from silhouettes: inflation, relief, revolution, cuboid, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from services.mesh.boolean import difference, union
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import read_cutout
from services.mesh.judge.verdict import Judge
from services.mesh.kinds.registry import KINDS
from services.mesh.kinds.turned import Turned
from services.mesh.raster import covering, far_to_near
from services.mesh.shape.boxes.cuboid import rounded_box
from services.mesh.shape.boxes.placement import Placement
from services.mesh.shape.boxes.refinement import find_box
from services.mesh.shape.inflation import inflated_square, poisson_square
from services.mesh.shape.lathe import lathe
from services.mesh.shape.outline import Axis, axis_camera, outline_of
from services.mesh.shape.relief import relief
from services.mesh.shape.revolution import fit_revolution
from services.mesh.shape.shading import doming
from services.mesh.shape.turned import find_turned
from services.mesh.shape.vessel import cavity, is_open, open_vessel, turned_solid
from services.mesh.solid import Solid
from services.mesh.view import FIT_SIDE_PX, View

Draw = Callable[..., NDArray[np.uint8]]


def chosen(photo: NDArray[np.uint8]) -> str:
    """The kind that the judge takes for a photo."""
    view = View(read_cutout(photo))
    return Judge.fitted().choose(view, [one for kind in KINDS for one in kind.propose(view)]).best.kind


def disc(side: int, radius: float) -> NDArray[np.float32]:
    """A smooth matte of a disc in the middle."""
    y, x = np.indices((side, side)) - (side - 1) / 2
    return np.clip(radius - np.hypot(x, y) + 0.5, 0.0, 1.0).astype(np.float32)


def test_a_disc_inflates_to_a_sphere() -> None:
    """The Poisson solution of a disc is the sphere's squared height, also close to the slanted rim."""
    radius = 40.0
    field = poisson_square(disc(101, radius))
    y, x = np.indices(field.shape) - 50.0
    sphere = np.maximum(radius**2 - x**2 - y**2, 0.0)
    assert np.abs(field - sphere).max() < 0.03 * radius**2


def test_a_limb_is_as_deep_as_it_is_wide() -> None:
    """A long strip gets a round cross-section, not one that is 1.4 times as deep as wide."""
    alpha = np.zeros((60, 220), np.float32)
    alpha[20:40, 10:210] = 1.0
    height = np.sqrt(inflated_square(alpha)[30, 60:160])
    assert np.all(np.abs(height - 10.0) < 1.0)


def test_large_grids_are_solved_as_well() -> None:
    """Above the limit of the direct solver the field keeps its accuracy."""
    field = poisson_square(disc(301, 140.0))
    assert abs(float(field.max()) - 140.0**2) < 0.02 * 140.0**2


@settings(max_examples=25, deadline=None)
@given(arrays.arrays(np.bool_, (10, 11), elements=st.booleans()))
def test_a_relief_of_any_mask_is_closed(mask: NDArray[np.bool_]) -> None:
    """Whatever the mask, corners that touch included, the mesh is a closed, consistently wound 2-manifold."""
    alpha = np.pad(mask.astype(np.float32), 2)
    if not alpha.any():
        alpha[5, 5] = 1.0
    solid = relief(alpha, inflated_square(alpha), PhotoCamera.frontal((7.0, 7.0), 6.0))
    assert solid.is_closed()
    assert solid.volume() > 0


def test_holes_stay_holes() -> None:
    """A ring becomes a torus: its Euler characteristic is 0."""
    alpha = disc(90, 40.0) - disc(90, 20.0)
    solid = relief(alpha, inflated_square(alpha), PhotoCamera.frontal((45.0, 45.0), 40.0))
    assert trimesh.Trimesh(solid.vertices, solid.faces, process=False).euler_number == 0


def test_a_relief_is_seen_as_its_mask() -> None:
    """From the photo's camera the relief covers the mask, in spite of perspective."""
    alpha = disc(120, 45.0)
    camera = PhotoCamera.frontal((60.0, 60.0), 45.0)
    solid = relief(alpha, inflated_square(alpha), camera)
    pixels, _ = camera.project(solid.vertices)
    assert np.hypot(*(pixels - 60.0).T).max() == pytest.approx(45.0, abs=0.4)


def bottle() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Heights and radii of a bottle with a neck."""
    heights = np.linspace(-0.85, 0.85, 120)
    return heights, np.where(heights < 0.3, 0.42, np.maximum(0.16, 0.42 - 1.3 * (heights - 0.3)))


@pytest.mark.parametrize("pitch_deg", [6.0, 13.0, 20.0])
def test_a_bottle_is_found_as_it_stands(lit_photo: Draw, pitch_deg: float) -> None:
    """From the silhouette alone come the camera's pitch, the widest radius and the flat base."""
    heights, radii = bottle()
    camera = axis_camera(PhotoCamera.frontal((160.0, 160.0), 150.0), Axis(0.0, 0.0, 1.0), np.radians(pitch_deg))
    cutout = read_cutout(lit_photo(turned_solid(heights, radii), camera, 320))
    grid = View(cutout).grid(FIT_SIDE_PX)
    fit = fit_revolution(outline_of(grid.alpha, grid.camera), np.zeros_like(grid.alpha))
    assert fit.agreement > 0.96
    assert abs(np.degrees(fit.pitch) - pitch_deg) <= 8.0
    tall = float(fit.heights[-1] - fit.heights[0])
    assert float(fit.radii.max()) / tall == pytest.approx(0.42 / 1.7, rel=0.08)
    assert fit.radii[0] > 0.85 * fit.radii.max()


def test_a_lathe_and_a_vessel_are_closed() -> None:
    """Turned bodies enclose their volume, and a vessel much less than the body that it is made of."""
    heights, radii = np.linspace(-0.4, 0.4, 60), np.linspace(0.4, 0.9, 60)
    body, vessel = turned_solid(heights, radii), open_vessel(heights, radii)
    assert body.is_closed()
    assert vessel.is_closed()
    assert 0 < vessel.volume() < 0.5 * body.volume()
    cylinder = lathe(np.array([[0, 0], [1, 0], [1, 2], [0, 2]], np.float64), 200)
    assert cylinder.volume() == pytest.approx(2 * np.pi, rel=1e-3)


def test_a_widening_vessel_is_open_and_a_bottle_is_not(lit_photo: Draw) -> None:
    """A bowl is hollow; a bottle is a closed body."""
    frontal = PhotoCamera.frontal((160.0, 160.0), 140.0)
    camera = axis_camera(frontal, Axis(0.0, 0.0, 1.0), np.radians(20.0))
    found = []
    for heights, radii in ((np.linspace(-0.4, 0.4, 60), np.linspace(0.4, 0.9, 60)), bottle()):
        cutout = read_cutout(lit_photo(turned_solid(heights, radii), camera, 320))
        measured = find_turned(View(cutout))
        found.append(is_open(measured.body, measured.rim, has_handle=False))
    assert found == [True, False]


def test_a_mug_keeps_its_handle_and_the_hole_in_it(lit_photo: Draw) -> None:
    """The body is turned about its own axis, the handle is a closed loop beside it: a solid of genus 1, hollow."""
    heights, radii = np.linspace(-0.6, 0.6, 60), np.full(60, 0.5)
    ring = trimesh.creation.torus(0.3, 0.07)
    handle = Solid(np.asarray(ring.vertices) + np.array([0.55, 0.0, 0.0]), np.asarray(ring.faces, np.int64))
    mug = difference(union(turned_solid(heights, radii), [handle]), cavity(heights, radii))
    view = axis_camera(PhotoCamera.frontal((160.0, 160.0), 144.0), Axis(0.0, 0.0, 1.0), np.radians(16.0))
    cutout = read_cutout(lit_photo(mug, view, 320))
    raw = Turned().propose(View(cutout))[0]
    assert raw.solid.is_closed()
    assert trimesh.Trimesh(raw.solid.vertices, raw.solid.faces, process=False).euler_number == 0
    low, high = raw.solid.vertices.min(axis=0), raw.solid.vertices.max(axis=0)
    assert high[0] > 1.3 * -low[0]
    assert raw.solid.volume() < 0.5 * float(np.pi * low[0] ** 2 * (high[1] - low[1]))


@pytest.mark.parametrize("yaw_deg", [0.0, 32.0, -40.0])
def test_a_box_is_found_as_it_stands(lit_photo: Draw, yaw_deg: float) -> None:
    """Turn, pitch and sides of a box come from its outline; the depth too where it can be seen."""
    half = np.array([0.45, 0.7, 0.25])
    yaw, pitch = np.radians(yaw_deg), np.radians(14.0)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    down = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    camera = PhotoCamera.frontal((160.0, 160.0), 150.0).turned(down @ turn)
    cutout = read_cutout(lit_photo(rounded_box(half, 0.005), camera, 320))
    fit = find_box(View(cutout))
    assert fit.agreement > 0.97
    assert fit.half[0] / fit.half[1] == pytest.approx(0.45 / 0.7, rel=0.1)
    if yaw_deg:
        assert abs(np.degrees(fit.yaw) - yaw_deg) < 8.0
        assert fit.half[2] / fit.half[1] == pytest.approx(0.25 / 0.7, rel=0.25)


@pytest.mark.parametrize(("distance", "roll_deg"), [(2.2, -3.0), (6.0, 2.5)])
def test_a_box_tells_how_far_the_camera_stood_and_how_it_was_held(
    lit_photo: Draw, distance: float, roll_deg: float
) -> None:
    """Where three sides show, perspective gives the camera's distance, the roll, and sides true to a few per cent."""
    half = np.array([0.6, 0.45, 0.35])
    placement = Placement(half, 0.01, np.radians(-35.0), np.radians(26.0), np.radians(roll_deg), np.zeros(2), distance)
    view = placement.seen_by(PhotoCamera.frontal((200.0, 200.0), 190.0))
    fit = find_box(View(read_cutout(lit_photo(rounded_box(half, 0.01), view, 400))))
    assert fit.half / fit.half[0] == pytest.approx(half / half[0], rel=0.06)
    assert np.degrees(fit.roll) == pytest.approx(roll_deg, abs=1.5)
    assert fit.camera.distance / fit.half[0] == pytest.approx(distance / half[0], rel=0.25)
    assert len(fit.clearness) == 3
    assert min(fit.clearness) > 0.8


def test_a_soft_case_is_a_box_of_its_radius_and_a_can_is_none(lit_photo: Draw) -> None:
    """Rounded edges do not keep a case from being a box, though a few corners do not cover its outline; a can over
    which a cuboid fits as well has no inner edges."""
    half = np.array([0.42, 0.62, 0.35])
    placement = Placement(half, 0.1, np.radians(-35.0), np.radians(22.0), 0.0, np.zeros(2), 3.0)
    view = placement.seen_by(PhotoCamera.frontal((160.0, 160.0), 150.0))
    case = find_box(View(read_cutout(lit_photo(rounded_box(half, 0.1), view, 320))))
    assert case.radius / case.half[1] == pytest.approx(0.1 / 0.62, rel=0.35)
    tin = lathe(np.array([[0.0, -0.7], [0.35, -0.7], [0.35, 0.7], [0.0, 0.7]]))
    upright = axis_camera(PhotoCamera.frontal((160.0, 160.0), 150.0), Axis(0.0, 0.0, 1.0), 0.2)
    can = find_box(View(read_cutout(lit_photo(tin, upright, 320))))
    assert np.mean(case.clearness) > 0.8
    assert not can.clearness or np.mean(can.clearness) < 0.6


def test_a_box_seen_from_near_by_at_its_own_height_is_no_box_seen_from_above(lit_photo: Draw) -> None:
    """What converges is laid to the camera's nearness, not to its height, and the widest side is the front."""
    half = np.array([0.45, 0.46, 0.7])
    placement = Placement(half, 0.01, np.radians(38.0), np.radians(3.0), np.radians(-3.4), np.zeros(2), 2.4)
    seen = placement.seen_by(PhotoCamera.frontal((200, 200), 190.0))
    fit = find_box(View(read_cutout(lit_photo(rounded_box(half, 0.01), seen, 400))))
    assert fit.agreement > 0.98
    assert np.degrees(fit.pitch) < 6.0
    assert fit.half / fit.half[0] == pytest.approx(half[[2, 1, 0]] / half[2], rel=0.08)
    assert np.degrees(fit.yaw) == pytest.approx(-52.0, abs=5.0)


def test_a_busy_print_makes_no_box_of_a_tin() -> None:
    """Among print some line is steep wherever an edge is looked for: a tin that is checkered all over becomes no
    box for it."""
    tin = lathe(np.array([[0.0, -0.6], [0.6, -0.6], [0.6, 0.6], [0.0, 0.6]]))
    view = axis_camera(PhotoCamera.frontal((200.0, 200.0), 190.0), Axis(0.0, 0.0, 1.0), 0.35)
    pixels, depth = view.project(tin.vertices)
    inside = covering(pixels, tin.faces, (400, 400), far_to_near(depth, tin.faces)) >= 0
    tiles = np.random.default_rng(4).integers(0, 256, (80, 80, 3)).astype(np.uint8)
    checkered = np.kron(tiles, np.ones((5, 5, 1), np.uint8))
    photo = np.dstack([checkered, np.where(inside, 255, 0).astype(np.uint8)])
    assert chosen(photo) == "turned"


def test_a_rounded_box_is_closed_and_of_its_size() -> None:
    """Its bounds are the given sides, rounding included."""
    box = rounded_box(np.array([0.5, 0.7, 0.2]), 0.03)
    assert box.is_closed()
    assert np.allclose(np.abs(box.vertices).max(axis=0), [0.5, 0.7, 0.2])


def test_each_thing_gets_its_kind_of_shape(lit_photo: Draw, flat_photo: Draw) -> None:
    """A carton seen from its corner is a box, a bottle is turned, and what is neither is inflated."""
    frontal = PhotoCamera.frontal((160.0, 160.0), 150.0)
    bottle_view = axis_camera(frontal, Axis(0.0, 0.0, 1.0), np.radians(12.0))
    half = np.array([0.6, 0.45, 0.35])
    corner = Placement(half, 0.01, np.radians(-35.0), np.radians(26.0), 0.0, np.zeros(2), 3.2)
    carton = lit_photo(rounded_box(half, 0.01), corner.seen_by(frontal), 320)
    blob = np.zeros((240, 240), np.uint8)
    cv2.ellipse(blob, (100, 130), (80, 40), 30, 0, 360, 1, -1)
    cv2.circle(blob, (170, 70), 40, 1, -1)
    photos = (carton, lit_photo(turned_solid(*bottle()), bottle_view, 320), flat_photo(blob))
    assert [chosen(photo) for photo in photos[:2]] == ["box", "turned"]
    assert chosen(photos[2]) in {"inflation", "free"}


def test_shading_tells_a_ball_from_a_disc(lit_photo: Draw, flat_photo: Draw) -> None:
    """The same round silhouette counts as domed when its brightness follows a ball's normals, and as flat when it
    is even."""
    ball = lathe(np.stack([np.sin(np.linspace(0, np.pi, 60)), -np.cos(np.linspace(0, np.pi, 60))], axis=1) * 0.9)
    shaded = read_cutout(lit_photo(ball, PhotoCamera.frontal((120.0, 120.0), 110.0), 240))
    even = read_cutout(flat_photo(disc(240, 100.0) > 0.5))
    assert doming(View(shaded)) > 0.5
    assert doming(View(even)) < 0.1
