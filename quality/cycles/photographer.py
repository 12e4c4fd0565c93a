"""Where a seller holds the phone: direction, height, focal length, framing. Pure numpy.

World frame: glTF's, +Y up, the object's bounding box centred at the origin, its furthest vertex at radius 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

FOCAL_LENGTHS_MM = ((24.0, 28.0, 0.5), (33.0, 37.0, 0.15), (48.0, 52.0, 0.2), (70.0, 85.0, 0.15))
"""Lenses of phones, 35 mm equivalent: from, to, share."""

SENSOR_SIDE_MM = 25.96
"""Height of a 4:3 sensor with the diagonal of 35 mm film: what a square crop of the whole frame measures."""

PITCHES_DEG = {
    "low": ((-5.0, 6.0, 0.3), (6.0, 16.0, 0.7)),
    "usual": ((6.0, 16.0, 0.3), (16.0, 32.0, 0.7)),
    "high": ((28.0, 45.0, 0.7), (45.0, 58.0, 0.3)),
    "above": ((55.0, 70.0, 0.4), (70.0, 85.0, 0.6)),
}
"""How far above the horizon the phone is: from, to, share."""


@dataclass(frozen=True)
class Shot:
    """One photograph's camera.

    ``camera_to_world``: (4, 4), the camera looks down -z, +y up. ``focal_px``, ``center_px``: of the square picture,
    x right, y down. ``pitch_deg``: how far the camera is above the horizon as seen from the object.
    """

    camera_to_world: Doubles
    focal_px: float
    center_px: tuple[float, float]
    size_px: int
    focal_mm: float
    azimuth_deg: float
    pitch_deg: float
    roll_deg: float
    distance: float
    sensor_mm: float

    def world_to_camera(self) -> Doubles:
        """(4, 4) inverse of ``camera_to_world``."""
        return np.linalg.inv(self.camera_to_world)

    def project(self, points: Doubles) -> Doubles:
        """(n, 3) world points to (n, 2) pixels."""
        matrix = self.world_to_camera()
        at = points @ matrix[:3, :3].T + matrix[:3, 3]
        return np.stack(
            [
                self.center_px[0] + self.focal_px * at[:, 0] / -at[:, 2],
                self.center_px[1] - self.focal_px * at[:, 1] / -at[:, 2],
            ],
            axis=1,
        )


def take(
    points: Doubles,
    *,
    height: str,
    yaw_deg: float,
    spread_deg: float,
    size_px: int,
    random: np.random.Generator,
) -> Shot:
    """A camera that frames points (n, 3) as a seller does.

    The azimuth is ``yaw_deg`` give or take ``spread_deg``; the whole frame is cropped to a square about the object, so
    that the lens' axis need not be in the picture's middle.
    """
    azimuth = yaw_deg + float(random.uniform(-spread_deg, spread_deg))
    pitch = _drawn(PITCHES_DEG[height], random)
    roll = float(random.normal(0.0, 1.2))
    focal = _drawn(FOCAL_LENGTHS_MM, random)
    # The phone frames loosely, with the object near the middle; whoever sells crops.
    frame_fill = float(random.uniform(0.42, 0.72))
    turn = _rotation(azimuth, pitch, roll)
    half_view = SENSOR_SIDE_MM / 2 / focal
    distance = 1.0
    for _ in range(12):
        extent = _extent(points, turn, distance)
        distance *= float(np.abs(extent).max()) / (half_view * frame_fill)
        distance = max(distance, 1.35)
    extent = _extent(points, turn, distance)
    middle = 0.5 * (extent[0] + extent[1])
    fill = float(random.uniform(0.6, 0.86))
    half_crop = 0.5 * float((extent[1] - extent[0]).max()) / fill
    slack = half_crop - 0.5 * (extent[1] - extent[0])
    middle = middle + random.uniform(-0.35, 0.35, 2) * slack * (1.0 - 0.06 / (1.0 - fill + 0.06))
    focal_px = size_px / (2.0 * half_crop)
    center = (size_px / 2 - middle[0] * focal_px, size_px / 2 + middle[1] * focal_px)
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = turn[:, 2] * distance
    return Shot(
        camera_to_world=matrix,
        focal_px=focal_px,
        center_px=(float(center[0]), float(center[1])),
        size_px=size_px,
        focal_mm=focal,
        azimuth_deg=azimuth,
        pitch_deg=pitch,
        roll_deg=roll,
        distance=distance,
        sensor_mm=2.0 * half_crop * focal,
    )


def behind(shot: Shot, points: Doubles, size_px: int) -> Shot:
    """The same camera half a turn about the vertical further, the object in the middle of the picture."""
    turn = _rotation(shot.azimuth_deg + 180.0, shot.pitch_deg, 0.0)
    extent = _extent(points, turn, shot.distance)
    middle = 0.5 * (extent[0] + extent[1])
    half = 0.5 * float((extent[1] - extent[0]).max()) / 0.9
    focal_px = size_px / (2.0 * half)
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    matrix[:3, 3] = turn[:, 2] * shot.distance
    return Shot(
        camera_to_world=matrix,
        focal_px=focal_px,
        center_px=(float(size_px / 2 - middle[0] * focal_px), float(size_px / 2 + middle[1] * focal_px)),
        size_px=size_px,
        focal_mm=shot.focal_mm,
        azimuth_deg=shot.azimuth_deg + 180.0,
        pitch_deg=shot.pitch_deg,
        roll_deg=0.0,
        distance=shot.distance,
        sensor_mm=2.0 * half * shot.focal_mm,
    )


def _drawn(ranges: tuple[tuple[float, float, float], ...], random: np.random.Generator) -> float:
    low, high, _ = ranges[int(random.choice(len(ranges), p=[share for _, _, share in ranges]))]
    return float(random.uniform(low, high))


def _rotation(azimuth_deg: float, pitch_deg: float, roll_deg: float) -> Doubles:
    """(3, 3) camera axes in the world, as columns: right, up, backwards."""
    azimuth, pitch, roll = np.radians([azimuth_deg, pitch_deg, roll_deg])
    back = np.array([np.sin(azimuth) * np.cos(pitch), np.sin(pitch), np.cos(azimuth) * np.cos(pitch)])
    right = np.array([np.cos(azimuth), 0.0, -np.sin(azimuth)])
    up = np.cross(back, right)
    return np.stack([np.cos(roll) * right + np.sin(roll) * up, np.cos(roll) * up - np.sin(roll) * right, back], axis=1)


def _extent(points: Doubles, turn: Doubles, distance: float) -> Doubles:
    """(2, 2) lowest and highest tangents x (right), y (up) of points seen from a distance."""
    at = (points - turn[:, 2] * distance) @ turn
    tangents = at[:, :2] / np.maximum(-at[:, 2:], 0.05)
    return np.stack([tangents.min(axis=0), tangents.max(axis=0)])
