"""The photo's camera, told from a cutout."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.core.errors import SubjectNotFound
from lensora.core.viewpoint import Viewpoint
from services.mesh.cutout import Cutout, read_cutout
from services.mesh.explanation import Explained, explain
from services.mesh.network import FieldFrame, ShapePrediction
from services.mesh.view import View
from services.mesh.viewpoint import TRUST, diagonality, estimate_camera, footing, lies

SIDE = 480


def box_photo(pitch: float, yaw: float = 0.6) -> NDArray[np.uint8]:
    """A carton seen from above by ``pitch`` radians, each face in its own shade."""
    c, s, cy, sy = math.cos(pitch), math.sin(pitch), math.cos(yaw), math.sin(yaw)
    turn = np.array([[1, 0, 0], [0, c, -s], [0, s, c]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    half = np.array([0.55, 0.35, 0.45])
    photo = np.zeros((SIDE, SIDE, 4), np.uint8)
    for axis, shade in ((1, 220), (0, 120), (2, 170)):
        for sign in (-1.0, 1.0):
            normal = turn[:, axis] * sign
            others = [k for k in range(3) if k != axis]
            corners = np.zeros((4, 3))
            corners[:, axis] = sign * half[axis]
            corners[:, others] = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half[others]
            seen = corners @ turn.T
            if normal @ (np.array([0, 0, 3.2]) - seen.mean(axis=0)) <= 0:
                continue
            flat = seen[:, :2] * (3.2 / (3.2 - seen[:, 2:])) * 220 * [1, -1] + SIDE / 2
            cv2.fillConvexPoly(photo, np.round(flat * 16).astype(np.int32), (shade, shade, shade, 255), cv2.LINE_AA, 4)
    return photo


def said(pitch_deg: float, spread_deg: float) -> ShapePrediction:
    """A network that tells a camera and nothing else."""
    frame = FieldFrame()
    cells, side = frame.cells, frame.image_px
    return ShapePrediction(
        field=np.zeros((cells,) * 3, np.float32),
        depth=np.zeros((side, side), np.float32),
        normals=np.zeros((side, side, 3), np.float32),
        spread=np.ones((side, side), np.float32),
        pitch=math.radians(pitch_deg),
        roll=0.0,
        pitch_spread=math.radians(spread_deg),
        roll_spread=math.radians(spread_deg),
        distance=3.2,
        half_side_px=77.0,
        center_px=(100.0, 100.0),
        frame=frame,
    )


def disc() -> Cutout:
    """A plain ball: nothing tells where it was seen from."""
    photo = np.zeros((200, 200, 4), np.uint8)
    cv2.circle(photo, (100, 100), 70, (150, 110, 80, 255), -1, cv2.LINE_AA)
    return read_cutout(photo)


@pytest.mark.parametrize("degrees", [18.0, 35.0])
def test_a_carton_tells_its_camera(degrees: float) -> None:
    """The pitch of a clear box is right to a few degrees, and the estimate says that it is."""
    seen = estimate_camera(read_cutout(box_photo(math.radians(degrees))))
    assert math.degrees(seen.pitch) == pytest.approx(degrees, abs=5.0)
    assert math.degrees(seen.pitch_doubt) < 6.0


def test_the_surest_witness_is_believed() -> None:
    """A network that is sure is followed; the less sure it is, the nearer the pitch stays to the guess of the rules."""
    cutout = disc()
    verdict = explain(View(cutout))
    plain = estimate_camera(cutout)
    followed, doubtful, lost = (
        estimate_camera(cutout, explained=Explained(View(cutout, said(50.0, spread)), verdict))
        for spread in (3.0, math.degrees(TRUST.half), 400.0)
    )
    assert math.degrees(followed.pitch) == pytest.approx(50.0, abs=1.0)
    assert followed.pitch_doubt == pytest.approx(math.radians(3.0))
    assert doubtful.pitch == pytest.approx((plain.pitch + math.radians(50.0)) / 2.0)
    assert lost.pitch == pytest.approx(plain.pitch, abs=0.01) and lost.pitch_doubt == plain.pitch_doubt


def test_a_name_tells_that_a_thing_lies() -> None:
    """Scissors were photographed lying, whatever their outline; a keychain is no key, a ringtone no ring."""
    assert lies("scissors") and lies("Remote control") and lies("kitchen knife")
    assert not lies("keychain") and not lies("ringtone") and not lies("")
    assert estimate_camera(disc(), "a pair of scissors").pitch > math.radians(55.0)
    assert estimate_camera(disc(), "ball").pitch < math.radians(35.0)


def test_footing_and_diagonal() -> None:
    """A block stands on all of its width and runs nowhere; a bar from corner to corner stands on a tip."""
    block, bar = np.zeros((200, 200, 4), np.uint8), np.zeros((200, 200, 4), np.uint8)
    cv2.rectangle(block, (40, 60), (160, 140), (90, 90, 90, 255), -1)
    cv2.line(bar, (30, 170), (170, 30), (90, 90, 90, 255), 12)
    assert footing(read_cutout(block)) > 0.95 and diagonality(read_cutout(block)) < 0.05
    assert footing(read_cutout(bar)) < 0.25 and diagonality(read_cutout(bar)) > 0.7


def test_an_empty_cutout_has_no_camera() -> None:
    """There is no camera where there is no subject."""
    with pytest.raises(SubjectNotFound):
        estimate_camera(read_cutout(np.zeros((100, 100, 4), np.uint8)))


def test_up_follows_pitch_and_roll() -> None:
    """From the side up is up in the picture; from above it points at the viewer; a roll leans it."""
    assert Viewpoint(pitch=0.0).up == pytest.approx([0.0, 1.0, 0.0])
    assert Viewpoint(pitch=math.pi / 2).up == pytest.approx([0.0, 0.0, 1.0])
    assert Viewpoint(pitch=0.0, roll=0.1).up[0] < 0.0


@pytest.mark.parametrize("wrong", [{"pitch": 2.0}, {"pitch": math.nan}, {"pitch_doubt": 0.0}])
def test_cameras_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    """A viewpoint checks its numbers."""
    with pytest.raises(ValueError, match="must"):
        Viewpoint(**wrong)
