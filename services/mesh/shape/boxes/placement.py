"""Where a box stands before the camera, and the camera before it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.shape.boxes.creases import SIGNS
from services.mesh.shape.boxes.cuboid import Cuboid

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PlacementRules:
    """Where the search for a cuboid begins. Set by hand before the corpus was split.

    Attributes:
        level_roll, lowest_pitch: products stand upright and are not seen from below.
        front_reach, tie: a side that is turned farther away is seen too slantingly to be a front; sides within this
            share are as wide.
        least_distance, most_distance: nearer, the subject would fill a wide-angle lens; from farther off, nothing
            converges any more.
        least_radius, first_radius, most_radius: of the edges, share of the smallest half side: the search begins with
            the second; rounder things are no boxes.
        typical_radius: of a carton's edges, share of the largest half side.
    """

    level_roll: float = float(np.radians(9.0))
    lowest_pitch: float = float(np.radians(-8.0))
    front_reach: float = float(np.radians(70.0))
    tie: float = 0.93
    least_distance: float = 1.7
    most_distance: float = 12.0
    least_radius: float = 0.01
    first_radius: float = 0.15
    most_radius: float = 0.75
    typical_radius: float = 0.012


RULES = PlacementRules()


_OCTANT = np.array([(i, j, 3 - i - j) for i in range(4) for j in range(4 - i)], np.float64)
BALLS = np.concatenate([sign * _OCTANT / np.linalg.norm(_OCTANT, axis=1)[:, None] for sign in SIGNS])
"""(80, 3) directions: points of eight balls, each on the outer eighth of its own."""

_FLIP = np.array([1.0, -1.0])
_CENTERS = np.repeat(SIGNS, len(_OCTANT), axis=0)


@dataclass(frozen=True)
class Placement:
    """A box before the camera.

    Attributes:
        half: (3,) float64 half sides, view units.
        radius: of its edges.
        yaw: radians, how far its front is turned to the viewer's right about the vertical.
        pitch: radians, how far the camera looks down on it.
        roll: radians, how far the picture is turned anticlockwise.
        middle: (2,) of the box in the view.
        distance: of the camera, view units.
    """

    half: Doubles
    radius: float
    yaw: float
    pitch: float
    roll: float
    middle: Doubles
    distance: float

    @classmethod
    def like(cls, box: Cuboid) -> Placement:
        """Where the search has found a box."""
        radius = RULES.first_radius * float(box.half.min())
        middle = np.asarray(box.camera.to_view[:2, 3], np.float64)
        return cls(box.half, radius, box.yaw, box.pitch, 0.0, middle, box.camera.distance)

    def resembles(self, other: Placement) -> bool:
        """True where both would be refined to the same box."""
        sides = float(np.abs(np.log(self.half / other.half)).max())
        return sides < 0.25 and abs(self.yaw - other.yaw) < 0.15 and abs(self.pitch - other.pitch) < 0.12

    @property
    def upright(self) -> bool:
        """True for a box that stands as things stand."""
        return abs(self.roll) <= RULES.level_roll and self.pitch >= RULES.lowest_pitch

    def fronted(self) -> Placement:
        """The same box with the widest upright side that shows well as its front; of two alike that which is nearer."""
        turns = [q for q in range(-2, 3) if abs(self.yaw - q * 0.5 * np.pi) <= RULES.front_reach]
        if not turns:
            return self
        sides = {q: self.half[[2, 1, 0]] if q % 2 else self.half for q in turns}
        widest = max(float(half[0]) for half in sides.values())
        alike = [q for q in turns if float(sides[q][0]) >= RULES.tie * widest]
        best = min(alike, key=lambda q: abs(self.yaw - q * 0.5 * np.pi))
        return replace(self, half=sides[best], yaw=self.yaw - best * 0.5 * np.pi)

    def turn(self) -> Doubles:
        """(3, 3): from the box's axes to the view's."""
        cy, sy, cp, sp = math.cos(self.yaw), math.sin(self.yaw), math.cos(self.pitch), math.sin(self.pitch)
        cr, sr = math.cos(self.roll), math.sin(self.roll)
        seen = np.array([[cy, 0.0, sy], [sp * sy, cp, -sp * cy], [-cp * sy, sp, cp * cy]])
        return np.asarray(np.array([[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]]) @ seen, np.float64)

    def seen_by(self, camera: PhotoCamera) -> PhotoCamera:
        """The frontal ``camera`` in the frame of the box."""
        held = replace(camera, distance=self.distance)
        return held.turned(self.turn(), np.array([self.middle[0], self.middle[1], 0.0]))

    def pixels(self, camera: PhotoCamera, points: Doubles) -> Doubles:
        """(n, 2): where the frontal ``camera`` sees points (n, 3) of the box."""
        # By hand, for the fit looks at a thousand boxes.
        seen = points @ self.turn().T
        seen[:, :2] += self.middle
        scale = camera.pixels * self.distance / np.maximum(self.distance - seen[:, 2], 1e-6)
        return np.asarray(camera.center + seen[:, :2] * (scale[:, None] * _FLIP), np.float64)

    def balls(self) -> Doubles:
        """(n, 3) points on the eight corners: the box is their hull."""
        return balls(self.half, self.radius)

    def values(self) -> Doubles:
        """(10,) the unknowns as numbers that may take any value."""
        share = self.radius / float(self.half.min())
        return np.concatenate(
            [
                np.log(self.half),
                [self.yaw, self.pitch, *self.middle, self.roll, np.log(self.distance)],
                [share],
            ]
        )

    @staticmethod
    def pixels_of(values: Doubles, camera: PhotoCamera, points: Callable[[Doubles, Doubles], Doubles]) -> Doubles:
        """(m, n, 2): ``pixels`` of as many boxes as there are rows of unknowns (m, 10), in one go.

        Args:
            values: see ``values``.
            camera: frontal.
            points: from half sides (m, 1, 3) and radii (m, 1, 1) to points (m, n, 3) of each box.
        """
        half, radius = sides_of(values)
        distance = np.exp(np.clip(values[:, 8], np.log(RULES.least_distance), np.log(RULES.most_distance)))
        (cy, cp, cr), (sy, sp, sr) = np.cos(values[:, [3, 4, 7]]).T, np.sin(values[:, [3, 4, 7]]).T
        x, y, z = np.moveaxis(points(half[:, None, :], radius[:, None, None]), 2, 0)
        across = cy[:, None] * x + sy[:, None] * z
        up = (sp * sy)[:, None] * x + cp[:, None] * y - (sp * cy)[:, None] * z
        near = (-cp * sy)[:, None] * x + sp[:, None] * y + (cp * cy)[:, None] * z
        scale = (camera.pixels * distance)[:, None] / np.maximum(distance[:, None] - near, 1e-6)
        right = (cr[:, None] * across - sr[:, None] * up + values[:, 5, None]) * scale
        down = (sr[:, None] * across + cr[:, None] * up + values[:, 6, None]) * scale
        return np.stack([camera.center[0] + right, camera.center[1] - down], axis=2)

    @classmethod
    def of(cls, values: Doubles) -> Placement:
        """What ``values`` were of."""
        half, radius = sides_of(values[None])
        distance = float(np.exp(np.clip(values[8], np.log(RULES.least_distance), np.log(RULES.most_distance))))
        return cls(
            half[0],
            float(radius[0]),
            float(values[3]),
            float(values[4]),
            float(values[7]),
            values[5:7].copy(),
            distance,
        )


def balls(half: Doubles, radius: Doubles | float) -> Doubles:
    """(..., n, 3) points on the eight corners of boxes of half sides (..., 3), whose edges have a radius."""
    return np.asarray(_CENTERS * (half - radius) + radius * BALLS, np.float64)


def sides_of(values: Doubles) -> tuple[Doubles, Doubles]:
    """Half sides (m, 3) and radii (m,) of the boxes of unknowns (m, 10), see ``Placement.values``."""
    half = np.exp(np.clip(values[:, :3], -5.0, 2.0))
    return half, half.min(axis=1) * np.clip(values[:, 9], RULES.least_radius, RULES.most_radius)
