"""How far the camera swings: as far as photos show the model, or its maker trusts it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.cameras import frame_poses
from lensora.core.words import CameraMove
from services.render.sides import RULES, Sides

FRONT = np.array([[0.0, 0.0, 1.0]])
RIGHT, BACK = np.array([[1.0, 0.0, 0.0]]), np.array([[0.0, 0.0, -1.0]])


def level(*degrees: float) -> NDArray[np.float64]:
    """Directions round the subject, 0 being its front, 90 its right side."""
    angles = np.radians(degrees)
    return np.stack([np.sin(angles), np.zeros(len(angles)), np.cos(angles)], axis=1)


def test_a_view_is_as_good_as_what_it_shows() -> None:
    """Of one photo the share of the picture that it shows falls with the angle; the rest counts as the confidence."""
    found = Sides(FRONT, 0.4).fidelity(level(0.0, 60.0, 90.0, 180.0))
    shares = (1.0 + np.cos(np.radians([0.0, 60.0, 90.0, 180.0]))) / 2.0
    assert found == pytest.approx(shares + 0.4 * (1.0 - shares), abs=0.01)
    both = np.concatenate([FRONT, BACK])
    assert Sides(both, 0.0).fidelity(level(0.0, 90.0, 180.0)) == pytest.approx(1.0, abs=0.01)


def test_a_sure_model_is_seen_all_the_way_and_a_weak_one_is_not() -> None:
    """The arc grows with the confidence, to either side alike, from 36 to 90 degrees."""
    reaches = []
    for confidence in (0.0, 0.4, 0.6, 1.0):
        arc = Sides(FRONT, confidence).arc(0.1)
        assert arc.left == pytest.approx(arc.right, abs=RULES.step + 1e-9)
        reaches.append(math.degrees(arc.right))
    assert reaches[0] == pytest.approx(36.0) and reaches[-1] == pytest.approx(90.0)
    assert reaches == sorted(reaches) and reaches[1] < reaches[2]


def test_a_further_photo_opens_its_own_side() -> None:
    """A weak model with a photo of its right side is seen whole from there, and hardly from its left."""
    arc = Sides(np.concatenate([FRONT, RIGHT]), 0.0).arc(0.0)
    assert math.degrees(arc.right) == pytest.approx(90.0) and math.degrees(arc.left) < 45.0


def test_a_front_off_the_photos_side_swings_further_towards_it() -> None:
    """A model that its maker turned by 40 degrees to its largest face is kept near what the photo shows."""
    arc = Sides(level(40.0), 0.1).arc(0.0)
    assert arc.right > arc.left


def test_seen_from_above_every_side_is_as_good() -> None:
    """Turning a thing that is looked down upon hides nothing of what its photo showed."""
    steep = math.radians(65.0)
    above = np.array([[0.0, math.sin(steep), math.cos(steep)]])
    assert Sides(above, 0.2).arc(steep).right > Sides(FRONT, 0.2).arc(0.0).right


def test_only_the_cinematic_move_is_limited() -> None:
    """The turntable turns fully whatever the model is worth; the dolly shows the front alone."""
    weak = Sides(FRONT, 0.0).arc(0.0)
    turns = [pose.view_angle for pose in frame_poses(CameraMove.TURNTABLE, 8, weak)]
    assert np.ptp(turns) == pytest.approx(2.0 * math.pi * 7 / 8)
    assert not any(pose.view_angle for pose in frame_poses(CameraMove.DOLLY, 8, weak))
    swept = [pose.view_angle for pose in frame_poses(CameraMove.CINEMATIC, 9, weak)]
    assert (swept[0], swept[4], swept[-1]) == pytest.approx((-weak.left, 0.0, weak.right))
