"""Cameras and the three camera moves, as pure functions of time.

The world frame is glTF's (see ``lensora.core.frames``): the subject stands on y = 0 at the origin, the backplate lies
towards -Z, and at angle 0 the camera is on +Z. A move says where the camera is relative to its first-fitted place (the
*hero* camera), how far the subject has turned on its turntable, and where the focus lies. It knows neither the subject
nor the picture's size.

Why the subject turns instead of the camera going round it: a backplate is one picture, so there is nothing to see
behind the photographer. The relative motion of camera and subject is the named arc; the camera itself goes only as far
round as one picture can bear (``CINEMATIC_PAN``), and the turntable does the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lensora.core.words import CameraMove

Matrix = NDArray[np.float64]

FOCAL = 1.9
"""Focal length of the hero camera in frame heights: 46 mm on a frame 24 mm high, a short telephoto as products are
shot. The backplates made from words are drawn with the same (``services/segment``), so their ground fits."""

YFOV = 2.0 * math.atan(0.5 / FOCAL)
"""Vertical field of view, radians (29.5 degrees)."""

DOLLY_DISTANCE = 0.815
"""Share of the first distance at which the dolly ends: the subject grows by a quarter, 60% to 75% of the frame."""

CINEMATIC_ARC = math.pi
"""The camera sees the subject through 180 degrees, with angle 0 (the hero face) exactly half-way."""

CINEMATIC_LINGER = 0.075
"""The arc's speed falls to 1 - 2 pi * this (53%) at the hero face and is as much faster at the two edge-on ends."""

CINEMATIC_PAN = math.radians(9.0)
"""How far the camera itself goes round, in all: more would show past the edges of the backplate."""

CINEMATIC_RISE = (math.radians(-2.0), math.radians(9.0))
"""Elevation relative to the hero camera, first and last frame."""

CINEMATIC_DISTANCE = (1.05, 0.96)
"""Distance relative to the hero camera, first and last frame: a slight push in."""

RACK_FOCUS = (0.10, 0.36)
"""Shares of the film's time between which the focus is pulled to the subject: sharp well before the hero face
passes."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Where camera and subject are at one moment of a move.

    Attributes:
        subject_yaw: turn of the subject about +Y, radians, counter-clockwise seen from above.
        azimuth: the camera's way round the subject, radians, positive towards +X.
        rise: the camera's elevation about the subject's centre relative to the hero camera, radians.
        distance: distance from the subject's centre relative to the hero camera's, > 0.
        focus: 0 when the backdrop is in focus, 1 when the subject is.
        aperture: width of the lens opening, 0 (everything sharp) to 1 (the shallowest depth of field in use).
    """

    subject_yaw: float
    azimuth: float
    rise: float
    distance: float
    focus: float
    aperture: float

    @property
    def view_angle(self) -> float:
        """The side of the subject that faces the camera, radians: 0 is the hero face."""
        return self.azimuth - self.subject_yaw


@dataclass(frozen=True, slots=True)
class Arc:
    """How far the cinematic camera sees round the subject to either side of angle 0; less where a model's sides are
    guesses.

    Attributes:
        left: radians towards -X, over 0.
        right: radians towards +X, over 0. Neither is over three times the other, or the subject would turn back.
    """

    left: float = CINEMATIC_ARC / 2.0
    right: float = CINEMATIC_ARC / 2.0

    def __post_init__(self) -> None:
        least, most = sorted((self.left, self.right))
        if not 0.0 < least <= most <= 3.0 * least:
            raise ValueError(f"an arc must reach over 0 to both sides, and 3 times as far at most: {self}")

    def at(self, share: float) -> float:
        """The angle at a share of the way from its left end (-0.5) over angle 0 (0) to its right end (0.5), radians;
        smooth all the way."""
        return (self.left + self.right) * share + 2.0 * (self.right - self.left) * share * share


WHOLE_ARC = Arc()

HERO = Pose(subject_yaw=0.0, azimuth=0.0, rise=0.0, distance=1.0, focus=1.0, aperture=0.5)
"""The pose of the still scene: angle 0, at rest."""


def smoothstep(x: float) -> float:
    """Ease from 0 to 1 with zero speed at both ends; x is clamped to 0..1."""
    x = min(1.0, max(0.0, x))
    return x * x * (3.0 - 2.0 * x)


def _mix(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def turntable(t: float) -> Pose:
    """One full turn at constant speed; ``turntable(1)`` is ``turntable(0)`` one turn later. t: 0..1."""
    return replace(HERO, subject_yaw=2.0 * math.pi * t)


def dolly(t: float) -> Pose:
    """Straight in along the line of sight to the subject, eased at both ends, with a shallow focus. t: 0..1."""
    return replace(HERO, distance=_mix((1.0, DOLLY_DISTANCE), smoothstep(t)), aperture=1.0)


def cinematic(t: float, arc: Arc = WHOLE_ARC) -> Pose:
    """An arc, of 180 degrees if it is whole, from one side over the hero face to the other, rising, with a rack focus.

    Args:
        t: share of the time, 0..1.
        arc: how far it goes.
    """
    swept = t + CINEMATIC_LINGER * math.sin(2.0 * math.pi * t)  # slowest at t = 1/2
    view_angle = arc.at(swept - 0.5)
    azimuth = CINEMATIC_PAN * (smoothstep(t) - 0.5)
    first, last = RACK_FOCUS
    return Pose(
        subject_yaw=azimuth - view_angle,
        azimuth=azimuth,
        rise=_mix(CINEMATIC_RISE, smoothstep(t)),
        distance=_mix(CINEMATIC_DISTANCE, smoothstep(t)),
        focus=_mix((0.45, 1.0), smoothstep((t - first) / (last - first))),
        aperture=1.0,
    )


def pose(move: CameraMove, t: float, arc: Arc = WHOLE_ARC) -> Pose:
    """The pose of ``move`` at the share ``t`` (0..1) of the film's time; ``arc`` limits ``cinematic`` alone."""
    if move is CameraMove.TURNTABLE:
        return turntable(t)
    return dolly(t) if move is CameraMove.DOLLY else cinematic(t, arc)


def frame_poses(move: CameraMove, frames: int, arc: Arc = WHOLE_ARC) -> tuple[Pose, ...]:
    """One pose per frame; ``arc`` as for ``cinematic``.

    The turntable is a loop, so its frame ``frames`` would equal frame 0; the other two begin and end on their first and
    last pose.
    """
    if frames < 1:
        raise ValueError(f"frames must be >= 1, not {frames}")
    steps = frames if move is CameraMove.TURNTABLE else max(1, frames - 1)
    return tuple(pose(move, index / steps, arc) for index in range(frames))


def hero_frame(move: CameraMove, frames: int) -> int:
    """Index of the frame that shows the hero face best: the first, but half-way through the cinematic arc."""
    return frames // 2 if move is CameraMove.CINEMATIC else 0


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera on a square frame, without roll.

    Attributes:
        eye: its place, metres, world frame.
        azimuth: heading, radians: 0 looks along -Z, positive when the camera has gone towards +X and looks back.
        pitch: radians below the level, positive looks down.
        yfov: field of view, radians, the same both ways.
    """

    eye: tuple[float, float, float]
    azimuth: float
    pitch: float
    yfov: float = YFOV

    @property
    def focal(self) -> float:
        """Focal length in frame heights."""
        return 0.5 / math.tan(self.yfov / 2.0)

    def rotation(self) -> Matrix:
        """(3, 3): world directions to camera directions (OpenGL: x right, y up, looks along -z)."""
        ca, sa = math.cos(self.azimuth), math.sin(self.azimuth)
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        heading = np.array([[ca, 0.0, -sa], [0.0, 1.0, 0.0], [sa, 0.0, ca]])
        tilt = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
        return np.asarray(tilt @ heading, np.float64)

    def view(self) -> Matrix:
        """(4, 4): world points to camera points, column vectors."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation()
        matrix[:3, 3] = -matrix[:3, :3] @ np.array(self.eye)
        return matrix

    def picture(self) -> Matrix:
        """(3, 4): homogeneous world points to homogeneous frame coordinates, x and y in 0..1, origin top left."""
        f = self.focal
        to_frame = np.array([[f, 0.0, -0.5], [0.0, -f, -0.5], [0.0, 0.0, -1.0]])
        return np.asarray(to_frame @ self.view()[:3], np.float64)

    def project(self, points: NDArray[np.floating]) -> tuple[Matrix, Matrix]:
        """Frame coordinates (n, 2) and depths along the optical axis (n,), metres, of world points (n, 3)."""
        matrix = self.picture()
        homogeneous = points @ matrix[:, :3].T + matrix[:, 3]
        return homogeneous[:, :2] / homogeneous[:, 2:3], homogeneous[:, 2]


def projection(camera: Camera, near: float, far: float, window: tuple[float, float, float, float]) -> Matrix:
    """(4, 4) OpenGL clip matrix of the part of the frame inside ``window`` (left, top, right, bottom; 0..1)."""
    left, top, right, bottom = window
    f = camera.focal
    width, height = right - left, bottom - top
    return np.array(
        [
            [2.0 * f / width, 0.0, (left + right - 1.0) / width, 0.0],
            [0.0, 2.0 * f / height, (1.0 - top - bottom) / height, 0.0],
            [0.0, 0.0, -(far + near) / (far - near), -2.0 * far * near / (far - near)],
            [0.0, 0.0, -1.0, 0.0],
        ]
    )


@dataclass(frozen=True, slots=True)
class Rig:
    """The hero camera with the point that the moves go about.

    Attributes:
        hero: the camera of the pose ``HERO``.
        pivot: the subject's centre, metres; it stays at one place of the frame in every move.
    """

    hero: Camera
    pivot: tuple[float, float, float]

    def camera(self, at: Pose) -> Camera:
        """The camera of a pose: the hero camera turned about the pivot and moved along its line of sight to it."""
        offset = np.array(self.hero.eye) - np.array(self.pivot)
        cr, sr = math.cos(at.rise), math.sin(at.rise)
        ca, sa = math.cos(at.azimuth), math.sin(at.azimuth)
        x, y, z = offset[0], offset[1] * cr + offset[2] * sr, offset[2] * cr - offset[1] * sr
        turned = np.array([x * ca + z * sa, y, z * ca - x * sa]) * at.distance
        eye = np.array(self.pivot) + turned
        return Camera(
            eye=(float(eye[0]), float(eye[1]), float(eye[2])),
            azimuth=self.hero.azimuth + at.azimuth,
            pitch=self.hero.pitch + at.rise,
            yfov=self.hero.yfov,
        )


def turn(yaw: float) -> Matrix:
    """(3, 3) rotation about +Y by ``yaw`` radians, counter-clockwise seen from above."""
    c, s = math.cos(yaw), math.sin(yaw)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
