"""Where a picture is taken from, and the camera that follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

FRAMING_ROUNDS = 8
"""Moving the camera changes what perspective shows: the box's middle settles within a few rounds."""


@dataclass(frozen=True)
class Pose:
    """The camera's place about the subject; radians, and radii of the unit sphere.

    Attributes:
        azimuth: 0 looks from +Z, grows towards +X.
        pitch: positive looks down.
        roll: positive leans the subject clockwise in the picture.
        distance: from the camera to the point it looks at, > 1.
        margin: the picture's half side over half the silhouette's longer side, >= 1.
    """

    azimuth: float = 0.0
    pitch: float = 0.2
    roll: float = 0.0
    distance: float = 3.2
    margin: float = 1.1

    def rotation(self) -> Doubles:
        """(3, 3): world directions to the view's axes."""
        ca, sa = math.cos(self.azimuth), math.sin(self.azimuth)
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        heading = np.array([[ca, 0.0, -sa], [0.0, 1.0, 0.0], [sa, 0.0, ca]])
        tilt = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
        lean = np.array([[cr, sr, 0.0], [-sr, cr, 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(lean @ tilt @ heading)


@dataclass(frozen=True)
class PictureCamera:
    """World to pixels; the frames are those of the package's docstring.

    Attributes:
        world_to_view: (3, 4) float64, rigid.
        center: principal point, pixels; x right, y down, the top left pixel's middle is (0.5, 0.5).
        pixels: pixels for one view unit on the plane z = 0.
        distance: from the camera to the view's origin.
        pose: where it was asked to stand.
    """

    world_to_view: Doubles
    center: tuple[float, float]
    pixels: float
    distance: float
    pose: Pose

    def project(self, points: NDArray[np.floating]) -> tuple[Doubles, Doubles]:
        """Pixels (n, 2) of world points (n, 3), and their z in the view (n,)."""
        seen = np.asarray(points, np.float64) @ self.world_to_view[:, :3].T + self.world_to_view[:, 3]
        scale = self.pixels * self.distance / (self.distance - seen[:, 2])
        pixels = np.stack([self.center[0] + seen[:, 0] * scale, self.center[1] - seen[:, 1] * scale], axis=1)
        return pixels, seen[:, 2]

    def clip_matrix(self, size: int) -> Doubles:
        """(4, 4) OpenGL matrix from world points to clip space, for a square picture of ``size`` pixels."""
        d, scale = self.distance, 2.0 * self.pixels / size
        near, far = max(d - 1.6, 0.05), d + 1.6
        slope, offset = (far + near) / (far - near), 2.0 * far * near / (far - near)
        project = np.array(
            [
                [d * scale, 0.0, 0.0, 0.0],
                [0.0, d * scale, 0.0, 0.0],
                [0.0, 0.0, -slope, slope * d - offset],
                [0.0, 0.0, -1.0, d],
            ]
        )
        return np.asarray(project @ np.vstack([self.world_to_view, [0.0, 0.0, 0.0, 1.0]]))


def framed(vertices: NDArray[np.floating], pose: Pose, size: int) -> PictureCamera:
    """The camera at a pose that shows all of some points in the middle of a picture of ``size`` pixels."""
    rotation = pose.rotation()
    turned = np.asarray(vertices, np.float64) @ rotation.T
    shift = np.zeros(2)
    half = 1.0
    for _ in range(FRAMING_ROUNDS):
        flat = (turned[:, :2] + shift) * (pose.distance / (pose.distance - turned[:, 2]))[:, None]
        low, high = flat.min(axis=0), flat.max(axis=0)
        half = float((high - low).max()) / 2
        shift -= (low + high) / 2
    move = np.hstack([rotation, np.array([[shift[0]], [shift[1]], [0.0]])])
    return PictureCamera(move, (size / 2, size / 2), size / 2 / (max(half, 1e-6) * pose.margin), pose.distance, pose)


def random_pose(rng: np.random.Generator) -> Pose:
    """A pose as sellers take them: mostly from a little above, a quarter straight on to a side, some from the top."""
    band = rng.choice(4, p=(0.52, 0.26, 0.15, 0.07))
    pitch = math.radians(rng.uniform(*((2.0, 32.0), (32.0, 60.0), (60.0, 89.0), (-12.0, 2.0))[band]))
    azimuth = rng.uniform(0.0, 2.0 * math.pi)
    if rng.random() < 0.3:
        azimuth = math.radians(90.0 * rng.integers(4)) + rng.normal() * math.radians(6.0)
    distance = float(np.exp(rng.uniform(np.log(2.3), np.log(6.5))))
    return Pose(azimuth, pitch, float(rng.normal() * math.radians(3.0)), distance)
