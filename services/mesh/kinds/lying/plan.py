"""Flat things that lie on the ground and are seen from above, with an outline of their own: keyboards, tablets, shoe
soles.

A cuboid that comes close to the silhouette tells the pitch and the height; the outline itself gives the plan. Its lower
side is where the front wall meets the ground, its upper side where the back wall meets the top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.shape.boxes.cuboid import Cuboid
from services.mesh.shape.relief import relief
from services.mesh.solid import Solid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


LEAST_THICKNESS_PX = 0.5
"""Thinner, front and back would collapse onto each other."""


@dataclass(frozen=True)
class Ground:
    """The ground plane in the view: ``normal . p = level`` with the normal (0, cos pitch, sin pitch).

    Attributes:
        pitch: radians, how far the camera looks down.
        level: view units.
        distance: of the camera, view units.
    """

    pitch: float
    level: float
    distance: float

    def depth(self, up: NDArray[np.floating]) -> Doubles:
        """View z where the rays through image heights ``up`` (view units) meet the ground; -inf above the horizon."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        slope = s - c * np.asarray(up, np.float64) / self.distance
        met = slope > 1e-3
        return np.where(met, (self.level - c * np.asarray(up)) / np.where(met, slope, 1.0), -np.inf)

    def to_world(self) -> Doubles:
        """(3, 3) rotation from the view to a world whose y is up."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])


def lying(alpha: Floats, camera: PhotoCamera, box: Cuboid) -> tuple[Solid, PhotoCamera]:
    """Build the shape.

    Args:
        alpha: (h, w) float32 matte, below 0.5 along the border.
        camera: frontal, in pixels of it.
        box: the cuboid that it resembles.

    Returns:
        the closed solid in a world whose y is up, and the camera in that world.
    """
    turned = Ground(box.pitch, 0.0, camera.distance)
    up = turned.to_world()[1]
    middle = float(up @ box.camera.to_view[:, 3])
    floor = Ground(box.pitch, middle - float(box.half[1]), camera.distance)
    top = Ground(box.pitch, middle + float(box.half[1]), camera.distance)
    inside = alpha >= 0.5
    rows = np.indices(alpha.shape)[0]
    empty = ~inside.any(axis=0)
    first = np.where(empty, 0, np.argmax(inside, axis=0))
    last = np.where(empty, 0, alpha.shape[0] - np.argmax(inside[::-1], axis=0))
    height = -(rows + 0.5 - camera.center[1]) / camera.pixels
    above, below = -(first - camera.center[1]) / camera.pixels, -(last - camera.center[1]) / camera.pixels
    lean = np.tan(box.pitch)
    front_wall = floor.depth(below)[None, :] + lean * (height - below[None, :])
    back_wall = top.depth(above)[None, :] - lean * (above[None, :] - height)
    front = np.minimum(top.depth(height), np.maximum(front_wall, floor.depth(height)))
    back = np.minimum(np.maximum(floor.depth(height), back_wall), front)
    # Rays above the horizon meet no ground: there, and outside, the thing is as thin as it may be.
    met = inside & np.isfinite(front) & np.isfinite(back)
    front, back = np.where(met, front, 0.0), np.where(met, back, 0.0)
    rim = np.where(inside, 0.5 * (front + back), 0.0)
    half = np.maximum(0.5 * (front - back) * camera.pixels, LEAST_THICKNESS_PX)
    shift = float(np.median(rim[inside]))
    square = np.asarray(np.where(inside, half, 0.0) ** 2, np.float32)
    solid = relief(alpha, square, camera, offset=np.asarray((rim - shift) * camera.pixels, np.float32))
    turn = turned.to_world()
    return Solid(solid.vertices @ turn.T, solid.faces), camera.turned(turn.T)
