"""The camera moves: pure functions of time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lensora.core.cameras import CINEMATIC_ARC, HERO, Arc, Camera, Rig, frame_poses, hero_frame, pose, projection, turn
from lensora.core.words import CameraMove

TIMES = st.floats(0.0, 1.0)
MOVES = st.sampled_from(list(CameraMove))
RIG = Rig(Camera((0.0, 1.0, 3.0), 0.0, 0.25), (0.0, 0.5, 0.0))


@given(MOVES, TIMES, st.floats(1e-6, 1e-3))
def test_moves_are_continuous(move: CameraMove, t: float, step: float) -> None:
    """A short time moves the camera, the subject and the focus only a little, anywhere in any move."""
    later = min(1.0, t + step)
    a, b = pose(move, t), pose(move, later)
    limit = 12.0 * (later - t) + 1e-12
    assert abs(a.subject_yaw - b.subject_yaw) <= limit
    assert abs(a.azimuth - b.azimuth) <= limit
    assert abs(a.rise - b.rise) <= limit
    assert abs(a.distance - b.distance) <= limit
    assert abs(a.focus - b.focus) <= limit
    eyes = np.array(RIG.camera(a).eye), np.array(RIG.camera(b).eye)
    assert float(np.linalg.norm(eyes[0] - eyes[1])) <= 4.0 * limit


@given(MOVES, TIMES)
def test_moves_stay_in_bounds(move: CameraMove, t: float) -> None:
    """No move leaves the range that framing and defocus count on."""
    at = pose(move, t)
    assert 0.75 <= at.distance <= 1.1
    assert 0.0 <= at.focus <= 1.0
    assert 0.0 <= at.aperture <= 1.0
    assert abs(at.azimuth) <= math.radians(10)
    assert math.radians(-5) <= at.rise <= math.radians(12)


def test_turntable_is_one_even_loop() -> None:
    """Every frame turns the subject by the same angle, and the frame after the last is the first again."""
    poses = frame_poses(CameraMove.TURNTABLE, 96)
    steps = np.diff([each.subject_yaw for each in poses])
    assert np.allclose(steps, 2 * math.pi / 96)
    following = pose(CameraMove.TURNTABLE, 1.0)
    assert np.allclose(turn(following.subject_yaw), turn(poses[0].subject_yaw), atol=1e-12)
    assert {each.distance for each in poses} == {1.0}


def test_dolly_goes_straight_in_and_eases() -> None:
    """The eye stays on one line, never goes back, is slow at both ends, and ends close with the lens wide open."""
    poses = frame_poses(CameraMove.DOLLY, 96)
    eyes = np.array([RIG.camera(each).eye for each in poses])
    steps = np.diff(eyes, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    line = eyes[-1] - eyes[0]
    assert np.allclose(np.cross(steps, line), 0.0, atol=1e-9)
    assert (steps @ line > 0).all()
    assert lengths[0] < 0.1 * lengths.max()
    assert lengths[-1] < 0.1 * lengths.max()
    assert all(each.view_angle == 0.0 and each.aperture == 1.0 > HERO.aperture for each in poses)
    assert poses[-1].distance < 0.85 and poses[-1].focus == 1.0


def test_cinematic_sweeps_half_a_turn_over_the_hero_face() -> None:
    """It sees the subject through 180 degrees, front half-way, rising, and racks the focus to the subject."""
    poses = frame_poses(CameraMove.CINEMATIC, 97)
    angles = np.array([each.view_angle for each in poses])
    assert angles[-1] - angles[0] == pytest.approx(CINEMATIC_ARC)
    assert angles[48] == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(angles) > 0).all()
    assert np.diff(angles)[48] < 0.6 * np.diff(angles)[0]
    assert (np.diff([each.rise for each in poses]) >= 0).all()
    assert poses[0].focus < 0.5
    assert poses[48].focus == 1.0


@given(st.floats(0.3, 1.5), st.floats(0.35, 2.9))
def test_an_uneven_arc_is_one_smooth_sweep(left: float, ratio: float) -> None:
    """With less to see on one side than on the other it never turns back, and passes the hero face half-way."""
    arc = Arc(left, left * ratio)
    angles = np.array([each.view_angle for each in frame_poses(CameraMove.CINEMATIC, 97, arc)])
    assert (angles[0], angles[-1]) == pytest.approx((-arc.left, arc.right))
    assert angles[48] == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(angles) > 0).all()
    assert np.abs(np.diff(angles, 2)).max() < 0.2 * np.diff(angles).max()


def test_an_arc_that_would_turn_back_is_refused() -> None:
    """Neither side reaches over three times as far as the other, or not at all."""
    for left, right in ((0.1, 0.4), (0.0, 1.0), (1.0, -0.5)):
        with pytest.raises(ValueError, match="arc"):
            Arc(left, right)


@given(MOVES, TIMES)
def test_pivot_keeps_its_place_in_the_frame(move: CameraMove, t: float) -> None:
    """Every move turns about the subject's centre, so the centre does not wander in the picture."""
    pivot = np.array([RIG.pivot])
    here = RIG.camera(pose(move, t)).project(pivot)[0]
    assert np.allclose(here, RIG.hero.project(pivot)[0], atol=1e-9)


@given(
    st.tuples(*[st.floats(-0.5, 0.5)] * 3),
    st.tuples(st.floats(0.0, 0.4), st.floats(0.0, 0.4), st.floats(0.6, 1.0), st.floats(0.6, 1.0)),
)
def test_clip_matrix_agrees_with_the_picture(
    point: tuple[float, float, float], window: tuple[float, float, float, float]
) -> None:
    """What OpenGL draws inside a window lies where the pinhole projection says."""
    camera = RIG.hero
    place = camera.project(np.array([point]))[0][0]
    clip = projection(camera, 0.1, 10.0, window) @ camera.view() @ np.array([*point, 1.0])
    x, y = clip[0] / clip[3], clip[1] / clip[3]
    left, top, right, bottom = window
    assert left + (x + 1) / 2 * (right - left) == pytest.approx(place[0], abs=1e-9)
    assert bottom - (y + 1) / 2 * (bottom - top) == pytest.approx(place[1], abs=1e-9)


def test_hero_frame_faces_the_front() -> None:
    """The poster's frame shows angle 0 in every move."""
    for move in CameraMove:
        shown = frame_poses(move, 96)[hero_frame(move, 96)]
        assert abs(shown.view_angle) < math.radians(2)
    assert HERO.view_angle == 0.0


def test_no_frames_is_refused() -> None:
    """A film has at least one frame."""
    with pytest.raises(ValueError, match="frames must be >= 1"):
        frame_poses(CameraMove.DOLLY, 0)
