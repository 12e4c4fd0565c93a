"""How a free shape stands: where its silhouette touches the ground, and how far behind each other those places lie.

The camera looks down on the ground, so of two points that stand on it the higher one in the picture is farther away.
The lower hull of the silhouette, as far as it rests on the ground, is therefore a plan of the front of the base: one
wheel higher than the other means a car seen at an angle, a corner in the middle means two sides that recede. Where two
sides recede, their corner in the plan is taken for a right one, and that gives the pitch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lensora.core.peaks import peaks
from services.mesh.camera import PhotoCamera

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class StanceRules:
    """What counts as a foot, as the ground and as a row of feet. Set by hand before the corpus was split.

    Attributes:
        usual_pitch: where no corner tells the pitch. Photos are mostly taken from higher up, but a shape that is
            sheared by a pitch too much is farther from the truth than one that faces the viewer.
        least_pitch, most_pitch: where a right corner in the plan asks for more or less than this, the corner was no
            corner.
        steepest: a base line that climbs more in the picture than it runs belongs to a part that sticks out, not to the
            base.
        steepest_side, long_side: the same for a long straight side: its least length as a share of the silhouette's
            width.
        highest: nothing above this share of the silhouette's height stands on the ground.
        close: the outline follows the ground along an edge of the hull if the gap is under this share of the edge's
            length.
        straight: a side of a base is straight to this share of its length; a ball's belly bends by 0.1.
        least_run: a base that runs along less of the silhouette's width tells nothing of how the thing is turned: it is
            levelled.
        contact_share: what is within this share of the silhouette's width from the ground rests on it: outlines are not
            known better.
        least_leg, least_rise: shares of the width that both sides of a base must have along and up the picture before
            they tell the pitch.
        least_foot, farthest_foot: shares of the silhouette's height: how far a foot comes down beside its surroundings,
            and how high above the lowest it may be in the picture.
        far_foot: share of the width: of a thing that faces the viewer and stands on feet that are apart, those that end
            higher above the lowest are tails and spouts, or would be drawn out to reach the ground.
        least_dip: a foot comes down by at least this share of its height above the lowest: a bumper or a tail hangs in
            the air.
        least_corner: a corner tells the pitch if its sides are straight: the outline comes this close to their area.
        deepest_pitch: so far is the pitch raised so that the base is no deeper than the shape is taken to be.
        deepest_facing: the same for what faces the viewer, so that its feet are not farther apart than it is thick.
        boldest: a clear corner is believed though it makes the shape this many times as deep.
    """

    usual_pitch: float = float(np.radians(6.0))
    least_pitch: float = float(np.radians(4.0))
    most_pitch: float = float(np.radians(50.0))
    steepest: float = 1.0
    steepest_side: float = 1.5
    long_side: float = 0.2
    highest: float = 0.45
    close: float = 0.05
    straight: float = 0.04
    least_run: float = 0.3
    contact_share: float = 0.02
    least_leg: float = 0.2
    least_rise: float = 0.05
    least_foot: float = 0.05
    farthest_foot: float = 0.25
    far_foot: float = 0.1
    least_dip: float = 0.9
    least_corner: float = 0.8
    deepest_pitch: float = float(np.radians(36.0))
    deepest_facing: float = float(np.radians(15.0))
    boldest: float = 1.6


RULES = StanceRules()


WIDEST_TURN = 1.0
"""From one end to the other the base recedes at most as far as it runs: 45 degrees."""


@dataclass(frozen=True)
class Base:
    """The line along which a silhouette stands.

    Attributes:
        at: (k,) float64, k >= 1, places along x, view units, rising.
        height: (k,) float64, how high they lie in the picture, view units; convex, no neighbour far from its line.
        bottom: (w,) float64, the silhouette's lowest point in each column of the grid, view units; nan where empty.
        touches: (w,) bool, columns whose lowest point rests on the ground.
        feet: (w,) bool, those of them that belong to feet of their own, wherever these come down.
        wide: of the silhouette, view units.
    """

    at: Doubles
    height: Doubles
    bottom: Doubles
    touches: NDArray[np.bool_]
    feet: NDArray[np.bool_]
    wide: float


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

    def plan(self, x: Doubles, up: Doubles) -> tuple[Doubles, Doubles]:
        """Where the rays through (x, up) meet the ground: to the right and towards the viewer along the ground."""
        z = self.depth(up)
        shrink = (self.distance - z) / self.distance
        y = up * shrink
        return x * shrink, z * np.cos(self.pitch) - y * np.sin(self.pitch)

    def to_world(self) -> Doubles:
        """(3, 3) rotation from the view to a world whose y is up."""
        c, s = np.cos(self.pitch), np.sin(self.pitch)
        return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])


def find_base(alpha: Floats, camera: PhotoCamera) -> Base:
    """The part of the silhouette's lower hull that rests on the ground.

    Args:
        alpha: (h, w) float32 matte.
        camera: frontal, in pixels of it.
    """
    inside = alpha >= 0.5
    rows = np.arange(alpha.shape[0])[:, None]
    lowest = np.where(inside, rows, -1).max(axis=0)
    columns = np.flatnonzero(lowest >= 0)
    flat = camera.plane(np.stack([columns + 0.5, lowest[columns] + 1.0], axis=1))
    top = camera.plane(np.array([[0.0, float(np.flatnonzero(inside.any(axis=1))[0])]]))[0, 1]
    hull = _lower_hull(flat)
    lowest_at = int(np.argmin(flat[hull, 1]))
    wide = float(np.ptp(flat[:, 0])) + 1.0 / camera.pixels
    limit = float(flat[:, 1].min()) + RULES.highest * float(top - flat[:, 1].min())
    kept = [hull[lowest_at]]
    for side in (-1, 1):
        chain = hull[lowest_at::side] if side > 0 else hull[lowest_at::-1]
        accepted, trust = _standing_on(flat, chain, limit, wide, float(top - flat[:, 1].min()))
        if trust > 0:
            kept += accepted
            # A doubtful base is levelled: its height counts as much as it is trusted.
            flat[accepted, 1] = flat[kept[0], 1] + trust * (flat[accepted, 1] - flat[kept[0], 1])
    kept = sorted(kept)
    at, height = flat[kept, 0], flat[kept, 1]
    bottom = np.full(alpha.shape[1], np.nan)
    bottom[columns] = camera.plane(np.stack([columns + 0.5, lowest[columns] + 1.0], axis=1))[:, 1]
    line = np.interp(np.arange(alpha.shape[1]), columns[kept], height)
    slack = max(RULES.contact_share * wide, 1.5 / camera.pixels)
    touches = np.abs(bottom - line) <= slack
    ends = columns[[kept[0], kept[-1]]]
    touches[: ends[0]] = touches[ends[1] + 1 :] = False
    feet = _feet(bottom, slack, float(top - np.nanmin(bottom)))
    base = Base(at, height, bottom, touches | feet, feet, wide)
    return base if float(np.ptp(at)) >= RULES.least_run * wide else levelled(base)


def _feet(bottom: Doubles, slack: float, tall: float) -> NDArray[np.bool_]:
    """Columns of feet farther back than the hull's: places where the outline comes down from at least as high as it
    stays above the ground."""
    above = np.where(np.isfinite(bottom), bottom - np.nanmin(bottom), tall)
    found, prominences = peaks(-np.pad(above, 1, constant_values=tall), RULES.least_foot * tall)
    feet = np.zeros(len(bottom), bool)
    for column, prominence in zip(found - 1, prominences, strict=True):
        if above[column] > min(RULES.farthest_foot * tall, prominence / RULES.least_dip):
            continue
        left = right = int(column)
        while left > 0 and above[left - 1] <= above[column] + slack:
            left -= 1
        while right + 1 < len(bottom) and above[right + 1] <= above[column] + slack:
            right += 1
        feet[left : right + 1] = True
    return feet & np.isfinite(bottom)


def _lower_hull(points: Doubles) -> list[int]:
    """Indices of the lower convex hull of points whose x rises."""
    hull: list[int] = []
    for index, (x, y) in enumerate(points):
        while len(hull) >= 2:
            (ax, ay), (bx, by) = points[hull[-2]], points[hull[-1]]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            hull.pop()
        hull.append(index)
    return hull


def _standing_on(points: Doubles, chain: list[int], limit: float, wide: float, tall: float) -> tuple[list[int], float]:
    """The hull's points on one side of the lowest that stand on the ground, and how sure that is, 0..1.

    An edge lies on the ground if the outline follows it, or if it leads over a gap to a foot: then the gap is at least
    as high as the foot.
    """
    ground = points[chain[0], 1]
    accepted: list[int] = []
    followed = 0.0
    for start, end in pairwise(chain):
        run, climb = abs(points[end, 0] - points[start, 0]), points[end, 1] - points[start, 1]
        long = float(np.hypot(run, climb)) >= RULES.long_side * wide
        if climb > (RULES.steepest_side if long else RULES.steepest) * run or points[end, 1] > limit:
            break
        between = np.arange(min(start, end), max(start, end) + 1)
        gap = points[between, 1] - np.interp(points[between, 0], points[[between[0], between[-1]], 0],
                                             points[[between[0], between[-1]], 1])  # fmt: skip
        follows = float(gap.mean()) <= max(RULES.close * float(np.hypot(run, climb)), 0.005 * wide)
        if not follows and float(gap.max()) < max(RULES.least_dip * (points[end, 1] - ground), RULES.least_foot * tall):
            break
        if follows:
            followed += run
        accepted.append(end)
    if not accepted:
        return [], 0.0
    # A foot across a gap is a foot; an outline that bends all the way is the belly of a round thing.
    run, climb = (abs(float(d)) for d in points[accepted[-1]] - points[chain[0]])
    if followed < 0.5 * run:
        return accepted, 1.0
    line = points[chain[0], 1] + climb * np.abs(points[accepted, 0] - points[chain[0], 0]) / run
    bend = float(np.abs(points[accepted, 1] - line).max()) / float(np.hypot(run, climb))
    return accepted, float(np.clip(2.0 - bend / RULES.straight, 0.0, 1.0))


def levelled(base: Base) -> Base:
    """The base of a thing that faces the viewer squarely: its lowest point."""
    low = int(np.argmin(base.height))
    above = base.bottom - base.height[low]
    return replace(
        base,
        at=base.at[low : low + 1],
        height=base.height[low : low + 1],
        touches=base.touches & (np.where(np.isfinite(above), above, np.inf) <= RULES.contact_share * base.wide),
    )


def facing(base: Base) -> Base:
    """The base of a thing that faces the viewer squarely, on feet some of which may stand a little farther back."""
    front = levelled(base)
    near = front.touches | (base.feet & (base.bottom - front.height[0] <= RULES.far_foot * base.wide))
    standing = np.flatnonzero(near)
    if len(standing) and np.ptp(standing) >= RULES.least_run * np.isfinite(base.bottom).sum():
        return replace(front, touches=near)
    return replace(front, touches=front.touches | base.feet)


def find_ground(base: Base, camera: PhotoCamera, thickness: float, turn: float = WIDEST_TURN) -> Ground:
    """The plane that the base stands on: its pitch from the base's corner, or the usual one.

    Args:
        base: of the silhouette.
        camera: the one that ``find_base`` had.
        thickness: the most that half the shape is taken to measure from front to back, view units.
        turn: how far the base may recede from one end to the other for each unit that it runs.
    """
    low = int(np.argmin(base.height))
    pitch = RULES.usual_pitch
    pitches = np.linspace(RULES.least_pitch, RULES.most_pitch, 93)
    if has_corner(base):
        corner = [_corner(base, float(p), camera, low) for p in pitches]
        pitch = float(pitches[int(np.argmin(np.abs(corner)))])
        thickness *= RULES.boldest
    deepest = RULES.deepest_pitch if len(base.at) > 1 else RULES.deepest_facing
    for steeper in pitches[(pitches > pitch) & (pitches < deepest)]:
        if _recession(base, pitch, camera, low) <= turn and _depth(base, pitch, camera, low) <= thickness:
            break
        pitch = float(steeper)
    return _through(base, pitch, camera, low)


def has_corner(base: Base) -> bool:
    """True where two straight sides of the base, not an arc, recede from its lowest point: only they tell how a thing
    is turned. What recedes to one side alone may as well be a far foot, a spout or the toe of a shoe."""
    at, height = base.at, base.height
    low = int(np.argmin(height))
    legs, rises = np.abs(at[[0, -1]] - at[low]), height[[0, -1]] - height[low]
    if legs.min() < RULES.least_leg * base.wide or rises.min() < RULES.least_rise * base.wide:
        return False
    ends = np.interp(at, at[[0, low, -1]], height[[0, low, -1]])
    flat = np.interp(at, at[[0, -1]], height[[0, -1]])
    return bool(np.trapezoid(flat - ends, at) >= RULES.least_corner * np.trapezoid(flat - height, at))


def _through(base: Base, pitch: float, camera: PhotoCamera, low: int) -> Ground:
    """The ground of a pitch on which the base's lowest point lies at depth 0."""
    return Ground(pitch, float(np.cos(pitch) * base.height[low]), camera.distance)


def _corner(base: Base, pitch: float, camera: PhotoCamera, low: int) -> float:
    """Cosine of the angle between the base's two sides on the ground."""
    x, z = _through(base, pitch, camera, low).plan(base.at, base.height)
    a, b = np.array([x[0] - x[low], z[0] - z[low]]), np.array([x[-1] - x[low], z[-1] - z[low]])
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _depth(base: Base, pitch: float, camera: PhotoCamera, low: int) -> float:
    """How far the base comes forward before the line between its ends; before its farthest foot where it has none."""
    if len(base.at) < 2:
        return -float(_through(base, pitch, camera, low).depth(base.bottom[base.touches]).min(initial=0.0))
    x, z = _through(base, pitch, camera, low).plan(base.at, base.height)
    return float((z - np.interp(x, x[[0, -1]], z[[0, -1]])).max())


def _recession(base: Base, pitch: float, camera: PhotoCamera, low: int) -> float:
    """How far the base's ends recede for each unit that it runs sideways."""
    if len(base.at) < 2:
        return 0.0
    x, z = _through(base, pitch, camera, low).plan(base.at, base.height)
    return float(abs(z[-1] - z[0]) / max(float(np.ptp(x)), 1e-6))
