"""Disc and cup about one axis: the few numbers that a vessel on its saucer is searched by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.shape.lathe import circle_points, discs
from services.mesh.shape.outline import Axis, axis_camera

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class PairRules:
    """Proportions of cups and saucers. Set by hand before the corpus was split.

    Attributes:
        pitches: radians; from lower a saucer is a line, from higher there is no body to see.
        mouths: radius of the mouth over that of the saucer: a saucer is at least a quarter wider than its cup.
        least_height: of the cup above its saucer, in radii of its mouth: flatter ones are plates with a pattern.
        least_depth: of a saucer's rim over its stand, in radii of the saucer.
        most_depth: the same, at most.
        most_roll: radians, of the axis in the picture.
        stand: radius of a saucer's stand as a share of the saucer's.
        well, well_depth: radius of the saucer's well as a share of the saucer's, and its depth as one of the height of
            the rim over the stand.
        foot, bulge: radius of a cup's foot over that of its mouth, and how its wall runs up from there, where nothing
            shows: 0 is straight, 1 a parabola that ends upright.
        least_foot: the narrowest.
    """

    pitches: tuple[float, float] = (float(np.radians(9.0)), float(np.radians(66.0)))
    mouths: tuple[float, float] = (0.25, 0.80)
    least_height: float = 0.2
    least_depth: float = 0.05
    most_depth: float = 0.3
    most_roll: float = float(np.radians(15.0))
    stand: float = 0.55
    well: float = 0.7
    well_depth: float = 0.55
    foot: float = 0.62
    bulge: float = 1.0
    least_foot: float = 0.42


RULES = PairRules()


@dataclass(frozen=True)
class Pair:
    """Disc and cup about one axis.

    Attributes:
        pitch: radians.
        roll: radians, of the axis in the picture.
        offset: view units, of the axis.
        level: of the saucer's rim, view units along the axis.
        wide: radius of the saucer.
        top: height of the mouth.
        mouth: its radius.
        depth: of the saucer's stand below its rim, in radii of the saucer.
        foot: radius of the cup's foot, in radii of its mouth.
    """

    pitch: float
    roll: float
    offset: float
    level: float
    wide: float
    top: float
    mouth: float
    depth: float
    foot: float = RULES.foot

    @classmethod
    def of(cls, values: Doubles) -> Pair:
        """From the search's vector."""
        return cls(*values.tolist())

    @property
    def possible(self) -> bool:
        """Whether it is a cup on a saucer at all."""
        return (
            RULES.pitches[0] < self.pitch < RULES.pitches[1]
            and RULES.mouths[0] <= self.mouth / max(self.wide, 1e-6) <= RULES.mouths[1]
            and self.top - self.level > RULES.least_height * self.mouth
            and 0.0 <= self.depth < RULES.most_depth
            and RULES.least_foot <= self.foot <= 1.0
            and abs(self.roll) < RULES.most_roll
        )

    def axis(self) -> Axis:
        """In the picture."""
        return Axis(self.roll, self.offset, 1.0)

    def view(self, camera: PhotoCamera) -> PhotoCamera:
        """The camera in the pair's frame."""
        return axis_camera(camera, self.axis(), self.pitch)

    def underside(self, steps: int) -> tuple[Doubles, Doubles]:
        """Heights and radii of the saucer from its stand to its rim: flares out like a quarter of a wave."""
        rise = _shares(steps)
        return self.level - max(self.depth, RULES.least_depth) * self.wide * (1.0 - rise), self.wide * (
            RULES.stand + (1.0 - RULES.stand) * np.sin(0.5 * np.pi * rise)
        )

    def wall(self, steps: int, bulge: float = RULES.bulge) -> tuple[Doubles, Doubles]:
        """Heights and radii of the cup from the saucer to its mouth."""
        share = _shares(steps)
        heights = self.seat + share * (self.top - self.seat)
        return heights, self.mouth * (self.foot + (1.0 - self.foot) * (share + bulge * share * (1.0 - share)))

    @property
    def seat(self) -> float:
        """Height at which the cup stands: in the saucer's well, half way down to its stand."""
        return self.level - RULES.well_depth * max(self.depth, RULES.least_depth) * self.wide

    def dish(self, steps: int, foot: float) -> tuple[Doubles, Doubles]:
        """Heights and radii of the saucer's top from its rim to the cup's foot, without those two."""
        inner = max(RULES.well * self.wide, min(foot + 0.05 * self.wide, 0.95 * self.wide))
        run = np.linspace(0.0, 1.0, steps + 1)[1:]
        heights = self.level + (self.seat - self.level) * np.sin(0.5 * np.pi * run)
        return heights, self.wide + (inner - self.wide) * run

    def seen(self, view: PhotoCamera, shape: tuple[int, ...]) -> Mask:
        """(h, w) bool, its silhouette, as seen by a camera in the pair's frame."""
        under, wall = self.underside(4), self.wall(7)
        heights, radii = (np.concatenate(both) for both in zip(under, wall, strict=True))
        return discs(shape, *circle_points(view, heights, radii, 40), apart=4)


@cache
def _shares(steps: int) -> Doubles:
    """Evenly spaced from 0 to 1."""
    return np.linspace(0.0, 1.0, steps)
