"""Framing: how large the subject is, where it stands, and that it is never clipped."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lensora.core.cameras import Camera, frame_poses
from lensora.core.staging import FrameShape, staged
from lensora.core.words import Aspect, CameraMove
from services.render.framing import (
    GREATEST_ELEVATION,
    MOST_FILL,
    PLAIN_PITCH,
    elevation,
    extent,
    fit_rig,
    frame_bounds,
    pitch_for_horizon,
    raised_rig,
)


def _cylinder(radius: float, height: float) -> np.ndarray:
    around = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    ring = np.stack([radius * np.cos(around), np.zeros(60), radius * np.sin(around)], axis=1)
    return np.concatenate([ring, ring + np.array([0.0, height, 0.0])])


def _cuboid(width: float, height: float, depth: float) -> np.ndarray:
    return np.array([[x * width / 2, y * height, z * depth / 2] for x in (-1, 1) for y in (0, 1) for z in (-1, 1)])


def test_pitch_grows_with_a_higher_horizon() -> None:
    """A horizon higher in the picture means a camera that looks further down; bounds hold for any value."""
    pitches = [pitch_for_horizon(h) for h in np.linspace(0.0, 1.0, 21)]
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(pitches))
    assert max(pitches) <= math.radians(20)
    assert min(pitches) > math.radians(3)
    camera = Camera((0.0, 1.0, 3.0), 0.0, pitch_for_horizon(0.2))
    far = camera.project(np.array([[0.0, 0.0, -1e6]]))[0][0]
    assert far[1] == pytest.approx(0.15, abs=1e-3)


@pytest.mark.parametrize("move", list(CameraMove))
@pytest.mark.parametrize(
    "support",
    [
        _cylinder(0.2, 1.0),
        _cylinder(0.4, 0.9),
        _cuboid(0.76, 1.0, 0.34),
        _cuboid(1.0, 0.6, 0.4),
        _cylinder(0.5, 0.6),
        _cuboid(1.0, 1.0, 1.0),
        _cuboid(1.0, 0.04, 0.35),
        _cuboid(0.3, 0.3, 1.0),
    ],
    ids=["bottle", "mug", "box", "shoe", "bowl", "cube", "keyboard", "plank"],
)
def test_subjects_fill_60_to_75_per_cent_at_their_largest(move: CameraMove, support: np.ndarray) -> None:
    """The larger extent lies in 60-75% at its largest over the whole move; the base line is where the still has it."""
    poses = frame_poses(move, 96)
    rig = fit_rig(support, move, poses, pitch_for_horizon(0.55))
    bounds = [frame_bounds(rig.camera(pose), support, pose.subject_yaw) for pose in poses]
    hero = frame_bounds(rig.hero, support, 0.0)
    assert 0.60 <= max(extent(each) for each in bounds) <= MOST_FILL + 0.012
    stage = staged(hero[2] - hero[0], hero[3] - hero[1])
    assert extent(hero) <= stage.fill + 0.01
    assert hero[3] == pytest.approx(stage.base_line, abs=0.005 if move is CameraMove.TURNTABLE else 0.04)
    assert (hero[0] + hero[2]) / 2 == pytest.approx(0.5, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.02, 1.0),
    st.floats(0.02, 1.0),
    st.floats(0.02, 1.0),
    st.sampled_from(list(CameraMove)),
    st.floats(0.0, 1.0),
    st.sampled_from(list(Aspect)),
)
def test_nothing_is_ever_clipped(
    width: float, height: float, depth: float, move: CameraMove, horizon: float, aspect: Aspect
) -> None:
    """Any cuboid under any move and horizon stays inside a frame of any shape, with a margin, and fills at most 75% of
    its width and its height."""
    shape = FrameShape.of(*aspect.pixels(720))
    scale = 1.0 / max(width, height, depth)
    support = _cuboid(width * scale, height * scale, depth * scale)
    poses = frame_poses(move, 96)
    rig = fit_rig(support, move, poses, pitch_for_horizon(horizon), shape=shape)
    for pose in poses:
        left, top, right, bottom = frame_bounds(rig.camera(pose), support, pose.subject_yaw)
        assert extent((left, top, right, bottom), shape) <= MOST_FILL + 0.012
        assert min(left - shape.left, top - shape.top) >= 0.02
        assert max(right + shape.left, bottom + shape.top) <= 0.98


@pytest.mark.parametrize("aspect", list(Aspect))
@pytest.mark.parametrize("move", list(CameraMove))
def test_the_largest_frame_fills_55_to_75_per_cent_of_any_shape(move: CameraMove, aspect: Aspect) -> None:
    """Tall, wide, flat and long things, seen from low and from above, are large in each of the frame's shapes."""
    shape, poses = FrameShape.of(*aspect.pixels(720)), frame_poses(move, 48)
    for support in (_cylinder(0.2, 1.0), _cuboid(1.0, 0.6, 0.4), _cuboid(1.0, 0.04, 0.35), _cuboid(0.3, 0.3, 1.0)):
        for pitch in (15.0, 66.0):
            rig = fit_rig(support, move, poses, math.radians(pitch), shape=shape)
            bounds = [frame_bounds(rig.camera(pose), support, pose.subject_yaw) for pose in poses]
            assert 0.55 <= max(extent(each, shape) for each in bounds) <= MOST_FILL + 0.002


def test_plain_scenes_look_a_little_down() -> None:
    """The white plate's camera sees the ground, or there would be no shadow to see."""
    support = _cylinder(0.3, 1.0)
    poses = frame_poses(CameraMove.TURNTABLE, 24)
    rig = fit_rig(support, CameraMove.TURNTABLE, poses, PLAIN_PITCH)
    assert rig.hero.eye[1] > 0.3


@pytest.mark.parametrize("move", list(CameraMove))
def test_the_camera_looks_down_as_the_photo_did(move: CameraMove) -> None:
    """A cup photographed from 45 degrees is seen from as far up as goes, its size and place in the frame kept."""
    support, poses = _cylinder(0.5, 0.8), frame_poses(move, 96)
    low = fit_rig(support, move, poses, pitch_for_horizon(0.55))
    rig = raised_rig(support, move, poses, pitch_for_horizon(0.55), math.radians(45.0), 0.55)
    assert elevation(low) < math.radians(9.0)
    assert elevation(rig) == pytest.approx(GREATEST_ELEVATION, abs=math.radians(2.5))
    bounds = [frame_bounds(rig.camera(pose), support, pose.subject_yaw) for pose in poses]
    assert 0.60 <= max(extent(each) for each in bounds) <= MOST_FILL + 0.012
    halfway = raised_rig(support, move, poses, pitch_for_horizon(0.55), math.radians(13.0), 0.55)
    assert elevation(halfway) == pytest.approx(math.radians(13.0), abs=math.radians(2.5))


@pytest.mark.parametrize("photo", [None, math.radians(-5.0), math.radians(4.0)])
def test_level_photos_keep_the_backplates_camera(photo: float | None) -> None:
    """A photo from no further above than the backplate's camera, or from nobody knows where, changes nothing."""
    support, poses = _cylinder(0.4, 0.9), frame_poses(CameraMove.TURNTABLE, 24)
    as_before = fit_rig(support, CameraMove.TURNTABLE, poses, pitch_for_horizon(0.55))
    assert raised_rig(support, CameraMove.TURNTABLE, poses, pitch_for_horizon(0.55), photo, 0.55) == as_before


@pytest.mark.parametrize("edge", [0.5, 0.6, 0.65, 0.7, 0.8])
def test_the_subject_stays_on_its_surface(edge: float) -> None:
    """However low the surface's edge is in the picture, no raised camera has the subject's far side hang over it."""
    support, poses = _cuboid(1.0, 0.2, 1.0), frame_poses(CameraMove.TURNTABLE, 24)
    rig = raised_rig(support, CameraMove.TURNTABLE, poses, 0.05, math.radians(45.0), edge)
    furthest = rig.hero.project(np.array([[0.0, 0.0, -math.sqrt(0.5)]]))[0][0, 1]
    unraised = fit_rig(support, CameraMove.TURNTABLE, poses, 0.05)
    assert furthest >= edge or rig == unraised
    if edge <= 0.6:
        assert elevation(rig) > elevation(unraised) + math.radians(3.0)
