"""The backplate: parallax, defocus and the room at its edges."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from lensora.core.cameras import Pose, Rig, frame_poses
from lensora.core.words import CameraMove
from services.render.backplate import Plate, blur_radius, fitted_horizon, focus_depth, make_plate, plain_plate
from services.render.framing import fit_rig, pitch_for_horizon
from services.render.shot import Window

SIZE = 192
HORIZON = 0.5


def _support() -> np.ndarray:
    return np.array([[x * 0.3, y, z * 0.3] for x in (-1, 1) for y in (0, 1) for z in (-1, 1)], float)


def _chequers() -> np.ndarray:
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    squares = ((x // 12 + y // 12) % 2 * 120 + 60).astype(np.uint8)
    return np.dstack([squares, np.roll(squares, 6, 1), np.full_like(squares, 128)])


def _film(move: CameraMove, frames: int = 25) -> tuple[Rig, tuple[Pose, ...], Plate]:
    poses = frame_poses(move, frames)
    rig = fit_rig(_support(), move, poses, pitch_for_horizon(HORIZON))
    return rig, poses, make_plate(_chequers(), HORIZON, rig, poses, SIZE)


def test_still_camera_shows_the_picture_in_place() -> None:
    """The turntable's background is the picture itself, only out of focus, and the same in every frame."""
    rig, poses, plate = _film(CameraMove.TURNTABLE)
    frames = [plate.seen(rig.camera(pose), pose) for pose in poses]
    assert all(np.array_equal(frames[0], frame) for frame in frames)
    blurred = cv2.GaussianBlur(_chequers(), (0, 0), 1.0)
    assert np.abs(frames[0].astype(int) - blurred).mean() < 12


@pytest.mark.parametrize("part", [Window(42, 0, 150, SIZE), Window(0, 60, SIZE, 140), Window(30, 101, 90, 180)])
def test_a_part_of_the_frame_is_that_part(part: Window) -> None:
    """What a film of another shape shows is worked out alone, and is the same as in the whole frame."""
    rig, poses, plate = _film(CameraMove.CINEMATIC)
    for pose in (poses[3], poses[-1]):
        whole = plate.seen(rig.camera(pose), pose)[part.top : part.bottom, part.left : part.right]
        alone = plate.seen(rig.camera(pose), pose, part)
        assert alone.shape == whole.shape
        difference = np.abs(alone.astype(int) - whole)
        assert difference.mean() < 0.5 and np.percentile(difference, 99) <= 8


def test_what_is_near_moves_more_than_what_is_far() -> None:
    """When the camera goes round, the ground at the subject's feet moves more than the backdrop: parallax."""
    rig, poses, plate = _film(CameraMove.CINEMATIC)
    first, last = rig.camera(poses[0]), rig.camera(poses[-1])
    pivot = np.array([rig.pivot])
    shift = {}
    for name, point in (("near", [0.0, 0.0, 1.2]), ("far", [0.0, 0.0, plate.backdrop_z])):
        place = np.array([point])
        a = first.project(place)[0] - first.project(pivot)[0]
        b = last.project(place)[0] - last.project(pivot)[0]
        shift[name] = float(b[0, 0] - a[0, 0])
    assert shift["near"] < -0.02
    assert shift["far"] > 0.02


def test_the_ground_stays_under_the_subject() -> None:
    """A mark of the picture where the subject stands is seen where the subject stands, from every pose."""
    poses = frame_poses(CameraMove.CINEMATIC, 9)
    rig = fit_rig(_support(), CameraMove.CINEMATIC, poses, pitch_for_horizon(HORIZON))
    blank = make_plate(np.zeros((SIZE, SIZE, 3), np.uint8), HORIZON, rig, poses, SIZE)
    foot = np.array([[0.0, 0.0, 0.0]])
    at = blank.to_picture @ np.append(rig.hero.project(foot)[0][0], 1.0)
    marked = np.zeros((SIZE, SIZE, 3), np.uint8)
    cv2.circle(marked, (round(at[0]), round(at[1])), 6, (255, 255, 255), -1)
    plate = make_plate(marked, HORIZON, rig, poses, SIZE)
    for pose in poses:
        camera = rig.camera(pose)
        seen = plate.seen(camera, pose)[..., 0].astype(float)
        y, x = np.mgrid[0:SIZE, 0:SIZE] + 0.5
        centre = np.array([(seen * x).sum(), (seen * y).sum()]) / seen.sum() / SIZE
        assert centre == pytest.approx(camera.project(foot)[0][0], abs=0.012)


def test_moving_cameras_do_not_see_past_the_picture() -> None:
    """The picture is enlarged just enough for the move; it is never mirrored for an ordinary horizon."""
    _rig, _poses, plate = _film(CameraMove.CINEMATIC)
    zoom = SIZE / plate.to_picture[0, 0]
    assert 1.0 < zoom < 1.35
    dolly = _film(CameraMove.DOLLY)[2]
    assert dolly.to_picture[0, 0] == pytest.approx(SIZE)


def test_defocus_grows_away_from_the_focus() -> None:
    """The thin lens: sharp at the focus, softer with distance, softer still with a wider opening."""
    assert blur_radius(1.0, 1.0, 1.0) == 0.0
    radii = [blur_radius(depth, 1.0, 1.0) for depth in (1.0, 1.5, 2.0, 4.0, 40.0)]
    assert radii == sorted(radii)
    assert blur_radius(4.0, 1.0, 0.5) == pytest.approx(radii[3] / 2)
    assert focus_depth(1.0, 3.0) == pytest.approx(1.0)
    assert focus_depth(0.0, 3.0) == pytest.approx(3.0)


def test_rack_focus_is_smooth_and_moves_the_sharpness() -> None:
    """No frame of the rack jumps, the backdrop loses contrast, and the subject comes into focus."""
    _rig, poses, plate = _film(CameraMove.CINEMATIC, 97)
    assert plate.subject_blur(poses[0]) > 0.002
    assert plate.subject_blur(poses[60]) == 0.0
    blurs = np.array([plate.subject_blur(pose) for pose in poses])
    assert np.abs(np.diff(blurs)).max() < 0.001
    top = slice(0, SIZE // 4)
    sharp = plate.focused[0][top].astype(float).std()
    soft = plate.focused[-1][top].astype(float).std()
    assert soft < 0.8 * sharp


def test_blurred_highlights_keep_their_energy() -> None:
    """Blurring is done in linear light, so a small bright light becomes a bright disc, not a grey one."""
    poses = frame_poses(CameraMove.CINEMATIC, 9)
    rig = fit_rig(_support(), CameraMove.CINEMATIC, poses, pitch_for_horizon(HORIZON))
    dark = np.zeros((512, 512, 3), np.uint8)
    dark[96:104, 250:258] = 255
    plate = make_plate(dark, HORIZON, rig, poses, 512)
    disc = plate.focused[-1][80:120, 235:275, 0]
    linear = (disc / 255.0) ** 2.2
    assert linear.sum() == pytest.approx(64.0, rel=0.15)
    assert disc.max() > 90


def test_a_plain_plate_has_its_colour() -> None:
    """The plate of ``remove`` is exactly 255 everywhere, one of a colour exactly that."""
    poses = frame_poses(CameraMove.DOLLY, 3)
    rig = fit_rig(_support(), CameraMove.DOLLY, poses, 0.1)
    plate = plain_plate(64, rig, (255, 255, 255))
    assert (plate.seen(rig.camera(poses[1]), poses[1]) == 255).all()
    green = plain_plate(64, rig, (31, 92, 87))
    assert (green.seen(rig.camera(poses[1]), poses[1]) == (31, 92, 87)).all()


def test_horizon_of_a_tall_picture_is_that_of_its_middle() -> None:
    """Only the middle square is shown, so the horizon is counted in it."""
    tall = np.zeros((300, 200, 3), np.uint8)
    assert fitted_horizon(tall, 0.5) == pytest.approx(0.5)
    assert fitted_horizon(tall, 0.6) == pytest.approx((180 - 50) / 200)
    assert fitted_horizon(np.zeros((200, 300, 3), np.uint8), 0.6) == pytest.approx(0.6)
    assert math.isclose(fitted_horizon(tall, 0.0), 0.0)
