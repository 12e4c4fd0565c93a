"""How subjects rest: on faces that carry them, as the photo says, without a gap."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from services.mesh.shape.boxes.cuboid import rounded_box
from services.render.model import Material, Part, prepare
from services.render.rest import UP, centre_of_mass, planted, resting, stable_faces, tilt_to_fall, turn_between

Doubles = NDArray[np.float64]


def cuboid(x: float, y: float, z: float) -> tuple[Doubles, NDArray[np.int64]]:
    """Corners and triangles of a box around the origin, counter-clockwise seen from outside."""
    points = np.array([[i, j, k] for i in (-x, x) for j in (-y, y) for k in (-z, z)]) / 2.0
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))]
    return points, np.array(faces)


def tilted(degrees: float) -> Doubles:
    """(3, 3): about x, as a thing leans that was modelled askew."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def photo_up(degrees: float) -> Doubles:
    """Up in the axes of a photo that looked down by so much."""
    return np.array([0.0, math.cos(math.radians(degrees)), math.sin(math.radians(degrees))])


def test_a_box_stays_on_six_faces() -> None:
    """Each face of a box carries it, and the wider the face, the further it can be tilted."""
    points, faces = cuboid(1.0, 0.5, 0.25)
    found = stable_faces(points, centre_of_mass(points, faces))
    assert len(found) == 6
    tips = {int(np.argmax(np.abs(normal))): tip for normal, tip in found}
    assert tips[2] > tips[1] > tips[0]
    assert tips[2] == pytest.approx(math.atan2(0.25, 0.125))


@pytest.mark.parametrize("seen", [55.0, 70.0, 88.0])
def test_what_was_photographed_lying_lies(seen: float) -> None:
    """A thin slab modelled on its end lies on its back when its photo was taken from above."""
    points, faces = cuboid(0.3, 1.0, 0.06)
    rest = resting(points, faces, photo_up(seen))
    settled = points @ rest.turn.T
    assert np.ptp(settled[:, 1]) == pytest.approx(0.06)
    # What faced the camera is now on top, what was low in the picture is near.
    assert rest.turn @ np.array([0.0, 0.0, 1.0]) == pytest.approx([0.0, 1.0, 0.0], abs=1e-9)
    assert (rest.turn @ np.array([0.0, -1.0, 0.0]))[2] == pytest.approx(1.0)


@pytest.mark.parametrize("seen", [0.0, 15.0, 35.0])
def test_what_stands_stays_standing(seen: float) -> None:
    """A bottle-like box that was photographed from the side or a little above stands as it was modelled."""
    points, faces = cuboid(0.4, 1.0, 0.4)
    rest = resting(points, faces, photo_up(seen))
    assert rest.tilt == pytest.approx(0.0, abs=1e-6)
    assert rest.tip > math.radians(15.0)


def test_a_leaning_thing_is_set_straight() -> None:
    """A box that was modelled four degrees askew stands on its whole face, not on an edge."""
    points, faces = cuboid(0.5, 1.0, 0.5)
    askew = points @ tilted(4.0).T
    rest = resting(askew, faces, photo_up(10.0))
    heights = (askew @ rest.turn.T)[:, 1]
    assert math.degrees(rest.tilt) == pytest.approx(4.0, abs=0.01)
    assert np.count_nonzero(heights < heights.min() + 1e-6) == 4


def test_a_photo_from_a_little_above_topples_nothing() -> None:
    """What stands firmly is not leant by a photo that looked down on it; one from right above lays it on its back."""
    points, faces = cuboid(0.5, 1.0, 0.3)
    rest = resting(points, faces, photo_up(35.0))
    assert rest.tilt == pytest.approx(0.0, abs=1e-6)
    assert math.degrees(resting(points, faces, photo_up(80.0)).tilt) == pytest.approx(90.0)


def test_odd_shapes_are_no_error() -> None:
    """A flat sheet, a line and a single point have no face to stand on, and keep their pose."""
    sheet = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    for points in (sheet, sheet[:2].repeat(2, axis=0), sheet[:1].repeat(3, axis=0)):
        rest = resting(points, np.array([[0, 1, 2]]), UP)
        assert np.array_equal(rest.turn, np.eye(3))


@pytest.mark.parametrize("target", [UP, -UP, np.array([0.6, 0.0, 0.8])])
def test_turns_are_rotations(target: Doubles) -> None:
    """The smallest turn between two directions is a rotation that brings one onto the other, opposites included."""
    turn = turn_between(UP, target)
    assert turn @ UP == pytest.approx(target)
    assert turn @ turn.T == pytest.approx(np.eye(3)) and np.linalg.det(turn) == pytest.approx(1.0)


def test_a_round_belly_gets_a_footprint() -> None:
    """A ball is pressed flat where it touches: its support lies under its middle, and nothing is below the ground."""
    k = np.arange(3000) + 0.5
    y = 1.0 - 2.0 * k / 3000
    around, radius = k * 2.399963, np.sqrt(1.0 - y * y)
    ball = np.stack([radius * np.cos(around), y, radius * np.sin(around)], axis=1)
    standing = planted(ball)
    assert standing[:, 1].min() == 0.0
    assert np.count_nonzero(standing[:, 1] == 0.0) > 20
    assert tilt_to_fall(standing, np.array([0.0, 1.0, 0.0]), -UP, 1e-6) > math.radians(3.0)


def test_a_prepared_subject_rests_without_a_gap() -> None:
    """After preparation the subject stands on y = 0, its mass over its support, its normals turned with it."""
    points, faces = cuboid(0.3, 1.0, 0.06)
    part = Part(points, faces.astype(np.uint32), None, None, None, Material())
    model = prepare([part], oriented=True, upright=photo_up(75.0))
    settled = model.parts[0].positions
    assert model.height == pytest.approx(0.06, rel=0.2)
    assert settled[:, 1].min() == pytest.approx(0.0, abs=1e-6)
    assert np.count_nonzero(settled[:, 1] < 0.005 * model.height) >= 4
    assert model.rest is not None and model.rest.tip > math.radians(30.0)


def test_slivers_of_a_hull_are_no_faces() -> None:
    """A box with rounded edges, whose flat sides have many points, stays on six faces, each with a direction."""
    solid = rounded_box(np.array([0.5, 0.4, 0.3]), 0.01)
    found = stable_faces(solid.vertices, centre_of_mass(solid.vertices, solid.faces))
    assert len(found) == 6
    assert all(np.linalg.norm(normal) == pytest.approx(1.0) for normal, _ in found)


def test_what_was_modelled_far_askew_is_set_as_the_photo_saw_it() -> None:
    """A shape that stands on an edge in its file is turned to the photo's up: onto a face that is near it, else onto
    what touches the ground there, which is pressed until it carries; what is nearly upright is not leant."""
    points, faces = cuboid(0.5, 1.0, 0.4)
    lean = tilted(40.0)
    points, up = points @ lean.T, lean @ tilted(8.0) @ UP
    assert resting(points, faces, up).turn @ lean @ UP == pytest.approx(UP, abs=1e-6)
    on_edge = lean @ tilted(45.0) @ UP
    rest = resting(points, faces, on_edge)
    assert rest.turn @ on_edge == pytest.approx(UP, abs=1e-6)
    assert planted(points @ rest.turn.T, rest.dent)[:, 1].min() == 0.0 and rest.dent > 0.006
    upright, faces = cuboid(0.5, 1.0, 0.4)
    assert resting(upright, faces, photo_up(12.0)).tilt == pytest.approx(0.0, abs=1e-6)
