"""Solids that objects are put together from: closed, +Y up, any unit. All sizes are full extents, not halves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from manifold3d import CrossSection, Manifold, OpType
from numpy.typing import ArrayLike, NDArray

Doubles = NDArray[np.float64]

SIDES = 28
"""Segments around a circle."""


@dataclass(frozen=True)
class Part:
    """A solid with the number of its material; parts of one number share their colours."""

    solid: Manifold
    material: int = 0

    def moved(self, offset: ArrayLike) -> Part:
        """The part elsewhere."""
        return Part(self.solid.translate(np.asarray(offset, np.float64)), self.material)


def union(solids: Sequence[Manifold]) -> Manifold:
    """All of several solids."""
    return Manifold.batch_boolean(list(solids), OpType.Add)


def box(size: ArrayLike, center: ArrayLike = (0, 0, 0)) -> Manifold:
    """A cuboid with sharp edges."""
    return Manifold.cube(np.asarray(size, np.float64), True).translate(np.asarray(center, np.float64))


def rounded_box(size: ArrayLike, radius: float, center: ArrayLike = (0, 0, 0)) -> Manifold:
    """A cuboid whose edges are rounded by ``radius``, at most by half its shortest side."""
    size = np.asarray(size, np.float64)
    radius = min(radius, float(size.min()) * 0.499)
    ball = Manifold.sphere(radius, 12)
    at = size / 2 - radius
    corners = [ball.translate(at * sign) for sign in _SIGNS]
    return Manifold.batch_hull(corners).translate(np.asarray(center, np.float64))


def ellipsoid(size: ArrayLike, center: ArrayLike = (0, 0, 0)) -> Manifold:
    """A ball scaled to its extents."""
    return Manifold.sphere(0.5, SIDES).scale(np.asarray(size, np.float64)).translate(np.asarray(center, np.float64))


def cylinder(
    width: float, height: float, center: ArrayLike = (0, 0, 0), axis: str = "y", top: float | None = None
) -> Manifold:
    """A round bar along an axis; ``top`` is its width at the far end, the same if not given."""
    sides = SIDES if width > 0.05 else 12
    bar = Manifold.cylinder(height, width / 2, width / 2 if top is None else top / 2, sides, True)
    turns = {"y": (-90.0, 0.0, 0.0), "x": (0.0, 90.0, 0.0), "z": (0.0, 0.0, 0.0)}
    return bar.rotate(turns[axis]).translate(np.asarray(center, np.float64))


def prism(outline: ArrayLike, depth: float, axis: str = "z") -> Manifold:
    """An outline (n, 2), counter-clockwise, extruded by ``depth`` about 0 along an axis. Along y, it lies flat."""
    flat = CrossSection([np.asarray(outline, np.float64)])
    slab = Manifold.extrude(flat, depth).translate((0.0, 0.0, -depth / 2))
    turns = {"z": (0.0, 0.0, 0.0), "y": (-90.0, 0.0, 0.0), "x": (0.0, 90.0, 0.0)}
    return slab.rotate(turns[axis])


def lathe(profile: ArrayLike, sides: int = 40) -> Manifold:
    """A closed outline of (radius, height) pairs, turned about +Y."""
    section = CrossSection([np.asarray(profile, np.float64)])
    if section.area() < 0:
        section = CrossSection([np.asarray(profile, np.float64)[::-1]])
    return Manifold.revolve(section, sides).rotate((-90.0, 0.0, 0.0))


def filled(radii: ArrayLike, heights: ArrayLike, sides: int = 40) -> Manifold:
    """A turned solid without a hollow."""
    outer = np.column_stack([radii, heights])
    return lathe(np.vstack([[0.0, outer[0, 1]], outer, [0.0, outer[-1, 1]]]), sides)


def hollow(radii: ArrayLike, heights: ArrayLike, wall: float, sides: int = 40) -> Manifold:
    """A turned vessel, open at its upper end, with a floor as thick as its wall."""
    outer = np.column_stack([radii, heights])
    inner = outer.copy()
    inner[:, 0] = np.maximum(outer[:, 0] - wall, 0.01)
    inner = inner[inner[:, 1] > outer[0, 1] + wall]
    floor = [[0.0, outer[0, 1] + wall], [max(float(outer[0, 0]) - wall, 0.01), outer[0, 1] + wall]]
    return lathe(np.vstack([[0.0, outer[0, 1]], outer, inner[::-1], floor[::-1]]), sides)


def tube(path: ArrayLike, widths: ArrayLike) -> Manifold:
    """A round bar along points (n, 3); ``widths`` is one width or one for each point."""
    points = np.asarray(path, np.float64)
    radii = np.broadcast_to(np.asarray(widths, np.float64) / 2, (len(points),))
    balls = [Manifold.sphere(float(r), 10).translate(p) for p, r in zip(points, radii, strict=True)]
    return union([Manifold.batch_hull([a, b]) for a, b in pairwise(balls)])


def loft(sections: Sequence[Doubles]) -> Manifold:
    """A body through convex sections, each (n, 3) points: the hulls of neighbours, joined."""
    return union([Manifold.hull_points(np.vstack([a, b])) for a, b in pairwise(sections)])


def ring(width: float, thickness: float, depth: float | None = None) -> Manifold:
    """A torus about +Z: outer ``width``, of round ``thickness``, stretched to ``depth`` along z."""
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    radius = thickness / 2
    section = np.column_stack([width / 2 - radius + radius * np.cos(turn), radius * np.sin(turn)])
    made = Manifold.revolve(CrossSection([section]), 32)
    return made.scale((1.0, 1.0, 1.0 if depth is None else depth / thickness))


def mirrored(solid: Manifold) -> list[Manifold]:
    """A solid and its image on the other side of x = 0."""
    return [solid, solid.mirror((1.0, 0.0, 0.0))]


def oval(width: float, length: float, count: int = 20) -> Doubles:
    """(count, 2) points of an ellipse, counter-clockwise."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([width / 2 * np.cos(turn), length / 2 * np.sin(turn)])


def smooth_profile(rng: np.random.Generator, low: float, high: float, knots: int, count: int = 24) -> Doubles:
    """(count,) random smooth radii between two bounds: a Bernstein curve through random control values."""
    values = rng.uniform(low, high, knots)
    t = np.linspace(0.0, 1.0, count)
    k = np.arange(knots)
    choose = np.array([_choose(knots - 1, int(i)) for i in k])
    curve = (choose * t[:, None] ** k * (1 - t[:, None]) ** (knots - 1 - k)) @ values
    stretched = (curve - curve.min()) / max(float(np.ptp(curve)), 1e-6)
    return np.asarray(values.min() + stretched * np.ptp(values))


def _choose(n: int, k: int) -> float:
    return float(np.prod([(n - i) / (i + 1) for i in range(k)])) if k else 1.0


_SIGNS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
