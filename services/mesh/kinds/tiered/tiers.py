"""A vessel on its saucer: a wide low disc and a narrower body with a mouth, seen from above.

From above, the silhouette of a cup on a saucer is the saucer's ellipse with the cup rising over its far edge. The
largest surface of revolution inside that silhouette fills the shadow between the two: it is a cone from the saucer up
to the cup's wall. So disc and cup are fitted as two bodies about one axis, seen from one pitch: together they have to
be seen as the silhouette, and the cup's mouth as an ellipse in the photo. Where cup and saucer have one colour, so that
no edge shows between them, their outlines still tell them apart. What the silhouette does not tell of the cup's foot is
looked for as an edge on the saucer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import minimize

from services.mesh.camera import PhotoCamera
from services.mesh.shape.interior import drink_of, interior_of
from services.mesh.shape.lathe import circle_points, discs, lathe
from services.mesh.shape.mouth import FAR_EVIDENCE, NEAR_EVIDENCE, Mouth, Picture, across, evidence_of
from services.mesh.shape.outline import Axis, Outline, axis_camera, filled, mirrored, signed_distance
from services.mesh.shape.revolution import Revolution, at_pitch, steepest
from services.mesh.shape.vessel import Contents, inner_wall, spaced, walls
from services.mesh.solid import Solid

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]

PITCHES = (np.radians(9.0), np.radians(66.0))
"""From lower a saucer is a line, from higher there is no body to see."""

ARC_LEAN = float(np.radians(2.5))
"""The near arc of a saucer's picture is a little rounder than its rim's: its underside and the perspective add so
much."""

MOUTH_SHARES = (0.25, 0.80)
"""Radius of the mouth over that of the saucer: a saucer is at least a quarter wider than its cup."""

MOUTH_GAIN = 0.03
"""Agreement with the silhouette that either half of a clear mouth is worth."""

PART_LOSS = 0.7
"""What is left over may be a handle: it costs less than what is too much."""

AGREEMENT, AS_GOOD = 0.935, 0.014
"""Cup and saucer must agree with the silhouette this well, and nearly as well as the best single body."""

SURE_AGREEMENT, SHOWN_WALL, WIDENING, BETTER = 0.965, 0.3, 1.04, 0.006
"""From here on silhouettes alone tell a vessel on its saucer, if its wall shows over this share of its height, and
widens upwards by this factor or is so much better than any single body."""

ABOVE = 0.22
"""How far above the top of the hull mouths are looked for, view units at 40 degrees: from high up the hull is cut below
them."""

LOW_SAUCER = 0.45
"""The saucer's rim lies in this lowest share of the height."""

LEAST_HEIGHT = 0.2
"""Least height of the cup above its saucer, in radii of its mouth: flatter ones are plates with a pattern."""

WIDER = (1.05, 1.1, 1.15)
"""Outer radius of a rim over its inner one."""

ROUNDS, LEAST_GAIN = 5, 0.0015
"""The search is begun anew so often at most, as long as it still gains so much."""

LEDGE, LEDGE_FALL = 0.15, 0.4
"""Least width of the ledge around the cup, in radii of the saucer; there the hull falls at least so steeply, as a share
of the lines of sight."""

LEDGE_SHADOW = 0.5
"""Least share of the shadow that the ledge must cast on the cup's wall which does so."""

NEAR_PITCH = float(np.radians(3.0))
"""The near arc's pitch is not tried beside another that is closer than this."""

WELL, WELL_DEPTH = 0.7, 0.55
"""Radius of the saucer's well as a share of the saucer's, and its depth as one of the height of the rim over the
stand."""

LEAST_DEPTH = 0.05
"""Least height of a saucer's rim over its stand, in radii of the saucer."""

CALM_WALL = 2.0
"""Sigma, sixtieths of the cup's height, over which its wall is smoothed."""

RIM, WALL_BLEND = 0.08, 0.15
"""Uppermost share of the height on which the hull narrows with the mouth's far half, and that of the wall that shows
over which it is joined to what does not."""

STAND = 0.55
"""Radius of a saucer's stand as a share of the saucer's."""

CUP_FOOT, CUP_BULGE = 0.62, 1.0
"""Radius of a cup's foot over that of its mouth, and how its wall runs up from there, where nothing shows: 0 is
straight, 1 a parabola that ends upright."""

FEET, BULGES = (0.42, 0.5, 0.58, 0.66, 0.74, 0.82, 0.9, 0.97), (0.0, 0.5, 1.0, 1.6)
"""Feet and bulges that are looked for in the photo."""

FOOT_EVIDENCE = 0.5
"""Mean edge strength along the cup's lower outline from which on it counts as seen, 0..1."""

FOOT_PRIOR, BULGE_PRIOR = 0.6, 0.1
"""Evidence that being off the likely foot or bulge by one costs: where the cup hides its own foot, all do as well."""

LEAST_LINE_PX = 12
"""Least length of the outline on the saucer that is judged."""

KNOWN_WALL = 0.5
"""A wall that shows above the saucer's far rim is followed from this share of a step in slope on."""

PROFILE_STEPS = 160


@dataclass(frozen=True)
class Tiers:
    """A vessel on its saucer.

    Attributes:
        axis: in the picture.
        pitch: radians, how far the camera looks down.
        camera: the photo's, in the frame of the solid (axis on y).
        heights: (k,) float64, view units, from the saucer's stand over its rim and down into its well, then
            rising to the mouth.
        radii: (k,) float64 of the outside.
        body: index of the first height of the vessel; those before are the saucer's.
        contents: what fills it, where that shows.
    """

    axis: Axis
    pitch: float
    camera: PhotoCamera
    heights: Doubles
    radii: Doubles
    body: int
    contents: Contents | None

    @property
    def cup(self) -> tuple[Doubles, Doubles]:
        """Heights and radii of the vessel's outside."""
        return self.heights[self.body :], self.radii[self.body :]

    @property
    def inner(self) -> tuple[Doubles, Doubles]:
        """Heights and radii of the vessel's inside."""
        return inner_wall(*self.cup, self.contents)

    def solid(self) -> Solid:
        """The closed surface."""
        outer, inner, rim = walls(*self.cup, self.contents)
        floor = [[0.0, inner[0, 1]]]
        return lathe(np.vstack([self._saucer(), outer, rim, inner[::-1], floor]))

    def closed(self) -> Solid:
        """The same without the vessel's inside."""
        outer = spaced(np.stack(self.cup[::-1], axis=1))
        return lathe(np.vstack([self._saucer(), outer, [[0.0, self.heights[-1]]]]))

    def silhouette(self, shape: tuple[int, ...], camera: PhotoCamera) -> Mask:
        """(h, w) bool, as seen by a camera in the frame of the solid."""
        return discs(shape, *circle_points(camera, self.heights, self.radii, 48))

    def _saucer(self) -> Doubles:
        """Profile from the middle of its stand to the cup."""
        saucer = spaced(np.stack([self.radii[: self.body], self.heights[: self.body]], axis=1))
        return np.vstack([[0.0, self.heights[0]], saucer])


@dataclass(frozen=True)
class _Pair:
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
    foot: float = CUP_FOOT

    @classmethod
    def of(cls, values: Doubles) -> _Pair:
        """From the search's vector."""
        return cls(*(float(v) for v in values))

    @property
    def possible(self) -> bool:
        """Whether it is a cup on a saucer at all."""
        return (
            PITCHES[0] < self.pitch < PITCHES[1]
            and MOUTH_SHARES[0] <= self.mouth / max(self.wide, 1e-6) <= MOUTH_SHARES[1]
            and self.top - self.level > LEAST_HEIGHT * self.mouth
            and 0.0 <= self.depth < 0.3
            and FEET[0] <= self.foot <= 1.0
            and abs(self.roll) < np.radians(15.0)
        )

    def axis(self) -> Axis:
        """In the picture."""
        return Axis(self.roll, self.offset, 1.0)

    def view(self, camera: PhotoCamera) -> PhotoCamera:
        """The camera in the pair's frame."""
        return axis_camera(camera, self.axis(), self.pitch)

    def underside(self, steps: int) -> tuple[Doubles, Doubles]:
        """Heights and radii of the saucer from its stand to its rim: flares out like a quarter of a wave."""
        rise = np.linspace(0.0, 1.0, steps)
        return self.level - max(self.depth, LEAST_DEPTH) * self.wide * (1.0 - rise), self.wide * (
            STAND + (1.0 - STAND) * np.sin(0.5 * np.pi * rise)
        )

    def wall(self, steps: int, bulge: float = CUP_BULGE) -> tuple[Doubles, Doubles]:
        """Heights and radii of the cup from the saucer to its mouth."""
        share = np.linspace(0.0, 1.0, steps)
        heights = self.seat + share * (self.top - self.seat)
        return heights, self.mouth * (self.foot + (1.0 - self.foot) * (share + bulge * share * (1.0 - share)))

    @property
    def seat(self) -> float:
        """Height at which the cup stands: in the saucer's well, half way down to its stand."""
        return self.level - WELL_DEPTH * max(self.depth, LEAST_DEPTH) * self.wide

    def dish(self, steps: int, foot: float) -> tuple[Doubles, Doubles]:
        """Heights and radii of the saucer's top from its rim to the cup's foot, without those two."""
        inner = max(WELL * self.wide, min(foot + 0.05 * self.wide, 0.95 * self.wide))
        run = np.linspace(0.0, 1.0, steps + 1)[1:]
        heights = self.level + (self.seat - self.level) * np.sin(0.5 * np.pi * run)
        return heights, self.wide + (inner - self.wide) * run

    def seen(self, camera: PhotoCamera, shape: tuple[int, ...]) -> Mask:
        """(h, w) bool, its silhouette."""
        view = self.view(camera)
        return np.asarray(
            discs(shape, *circle_points(view, *self.underside(4), 40))
            | discs(shape, *circle_points(view, *self.wall(7), 40))
        )


def find_tiers(outline: Outline, picture: Picture, single: Revolution) -> Tiers | None:
    """Look for a vessel on its saucer; None when the picture does not show one clearly.

    Args:
        outline: see ``outline.outline_of``.
        picture: the photo on the same grid.
        single: the best single turned body.
    """
    # A cup's handle is small beside the saucer: it must not pass for a part of the symmetric body.
    core = filled(outline.whole & mirrored(outline.whole, outline.camera, outline.axis))
    outline = replace(outline, mask=core, signed=signed_distance(core))
    firsts = _firsts(outline, single)
    if not firsts:
        return None
    pair = _fitted(firsts, outline, picture)
    agreement = _agreement(pair.seen(outline.camera, core.shape), outline)
    alone = discs(core.shape, *circle_points(single.camera, single.heights, single.radii, 48))
    best_single = _agreement(alone, outline)
    if not pair.possible or agreement < max(AGREEMENT, best_single - AS_GOOD):
        return None
    near, far = _mouth_evidence(pair, outline, picture)
    tiers, shown, widens = _profile(pair, replace(outline, axis=pair.axis()), picture)
    if 1.0 - shown < LEDGE_SHADOW * (pair.wide - pair.mouth) * np.tan(pair.pitch) / (pair.top - pair.level):
        return None
    clear = near >= NEAR_EVIDENCE and far >= FAR_EVIDENCE
    better = widens or agreement >= best_single + BETTER
    sure = agreement >= SURE_AGREEMENT and far >= FAR_EVIDENCE and shown >= SHOWN_WALL and better
    if not clear and not sure:
        return None
    if not clear:
        return tiers
    body = replace(single, heights=tiers.cup[0], radii=tiers.cup[1], camera=tiers.camera)
    mouth = Mouth(pair.pitch, pair.top, pair.mouth, near, far)
    inside = interior_of(picture, mouth, body)
    contents = None if inside is None else inside.contents
    return replace(tiers, contents=contents or drink_of(picture, mouth, tiers.camera))


def _firsts(outline: Outline, single: Revolution) -> list[_Pair]:
    """Where to begin: a saucer's rim is the hull's widest circle at its pitch, which is that of the silhouette's near
    arc or the single body's."""
    pitches = [single.pitch]
    arc = _pitch_of_near_arc(filled(outline.whole))
    if arc is not None and abs(arc - ARC_LEAN - single.pitch) > NEAR_PITCH:
        pitches.append(arc - ARC_LEAN)
    return [pair for pitch in pitches if PITCHES[0] <= pitch <= PITCHES[1] and (pair := _first(outline, pitch))]


def _first(outline: Outline, pitch: float) -> _Pair | None:
    """The hull's widest circle as a saucer and its top as a mouth; None where no ledge lies between them."""
    hull = at_pitch(outline, pitch, 72)
    rim = int(np.flatnonzero(hull.radii >= 0.985 * hull.radii.max())[-1])
    wide, top = float(hull.radii[rim]), float(hull.radii[-1])
    level, height = float(hull.heights[rim]), float(hull.heights[-1])
    if rim > LOW_SAUCER * len(hull.radii) or top > MOUTH_SHARES[1] * 1.1 * wide:
        return None
    # A ledge casts a shadow: the hull narrows there as fast as the lines of sight rise, or nearly so beside a handle.
    end = level + LEDGE * wide / (LEDGE_FALL * steepest(hull.camera, level))
    if float(np.interp(end, hull.heights, hull.radii)) > (1.0 - LEDGE) * wide:
        return None
    axis = outline.axis
    mouth = float(np.clip(top, MOUTH_SHARES[0] * wide, MOUTH_SHARES[1] * wide))
    return _Pair(hull.pitch, axis.roll, axis.offset, level, wide, height, mouth, 0.1)


def _fitted(firsts: list[_Pair], outline: Outline, picture: Picture) -> _Pair:
    """The pair that is best seen in silhouette and photo: from the most promising mouths downhill (Nelder and Mead
    1965)."""
    total = float(outline.mask.sum())

    def cost(values: Doubles) -> float:
        pair = _Pair.of(values)
        if not pair.possible:
            return 2.0
        seen = pair.seen(outline.camera, outline.whole.shape)
        over, left = np.count_nonzero(seen & ~outline.whole), np.count_nonzero(outline.mask & ~seen)
        return (over + PART_LOSS * left) / total - MOUTH_GAIN * sum(_mouth_evidence(pair, outline, picture))

    def downhill(start: Doubles, steps: Doubles, most: int) -> tuple[Doubles, float]:
        simplex = np.vstack([start, start + np.diag(steps)])
        options = {"initial_simplex": simplex, "maxfev": most, "xatol": 2e-3, "fatol": 3e-4}
        found = minimize(cost, start, method="Nelder-Mead", options=options)
        return np.asarray(found.x, np.float64), float(found.fun)

    trials = [_trials(first, outline, picture) for first in firsts]
    starts = [min((trial for group in groups for trial in group), key=cost) for groups in zip(*trials, strict=True)]
    steps = np.array([0.05, 0.03, 0.03, 0.05, 0.05, 0.05, 0.05, 0.05, 0.1])
    best, least = min((downhill(start, steps, 120) for start in starts), key=lambda found: found[1])
    # A rim has two edges: the outer one is looked for beside the one that was found.
    wider = min((np.concatenate([best[:6], [best[6] * share], best[7:]]) for share in WIDER), key=cost)
    best, least = min((best, least), downhill(wider, 0.5 * steps, 120), key=lambda found: found[1])
    # A simplex that has gone flat is set up anew, the other way round, as long as that helps.
    for turn in range(ROUNDS):
        trial, value = downhill(best, (0.5, -0.5)[turn % 2] * steps, 160)
        gain, best, least = least - value, trial, value
        if gain < LEAST_GAIN:
            break
    return _Pair.of(best)


def _trials(first: _Pair, outline: Outline, picture: Picture) -> tuple[list[Doubles], list[Doubles]]:
    """Pairs with that saucer: those whose mouths show most clearly, and some with mouths of all sizes and heights."""
    tops = np.linspace(
        first.level + 0.3 * MOUTH_SHARES[0] * first.wide, first.top + ABOVE * (0.3 + np.tan(first.pitch) ** 2), 32
    )
    grid = np.meshgrid(tops, first.wide * np.linspace(*MOUTH_SHARES, 16), indexing="ij")
    heights, radii = (values.ravel() for values in grid)
    near, far = evidence_of(picture, first.view(outline.camera), heights, radii, picture.step)
    start = _vector(first)
    mouths = zip(heights, radii, strict=True)
    trials = [np.concatenate([start[:5], mouth, start[7:]]) for mouth in mouths]
    clear = np.flatnonzero((near >= NEAR_EVIDENCE) & (far >= FAR_EVIDENCE))
    return [trials[k] for k in clear[:: 1 + len(clear) // 40]] or trials[::13], trials[::13]


def _vector(pair: _Pair) -> Doubles:
    """For the search."""
    return np.array(
        [pair.pitch, pair.roll, pair.offset, pair.level, pair.wide, pair.top, pair.mouth, pair.depth, pair.foot],
        np.float64,
    )


def _mouth_evidence(pair: _Pair, outline: Outline, picture: Picture) -> tuple[float, float]:
    """How clearly the mouth's near and far half show, each 0..1."""
    near, far = evidence_of(
        picture, pair.view(outline.camera), np.array([pair.top]), np.array([pair.mouth]), picture.step
    )
    return float(near[0]), float(far[0])


def _agreement(seen: Mask, outline: Outline) -> float:
    """IoU with the symmetric part of the silhouette; what covers a handle is not counted."""
    both = float((seen & outline.mask).sum())
    return both / max(float((seen & ~outline.whole).sum() + outline.mask.sum()), 1.0)


def _profile(pair: _Pair, outline: Outline, picture: Picture) -> tuple[Tiers, float, bool]:
    """Saucer and cup as one outline; on what share of its height the cup's wall shows above the saucer, and whether it
    widens there."""
    under, under_radii = pair.underside(12)
    foot, bulge = _foot(pair, outline, picture)
    heights, radii = replace(pair, foot=foot).wall(60, bulge)
    # Above the saucer's far rim the hull is the cup's own wall, from its waist up; the mouth's far half is narrower.
    hull = at_pitch(outline, pair.pitch, PROFILE_STEPS, top=pair.top, cut_cones=False)
    inside = (hull.heights > pair.level) & (hull.heights < pair.top - RIM * (pair.top - pair.level))
    known_heights = np.append(hull.heights[inside], pair.top)
    known = np.append(hull.radii[inside], pair.mouth)
    shown, widens = 0.0, False
    if len(known) > 8:
        rise = np.gradient(known, known_heights) * np.tan(pair.pitch)
        shadow = np.flatnonzero(rise[: -len(rise) // 10] < -KNOWN_WALL)
        waist = int(shadow[-1]) + 1 if len(shadow) else 0
        join = float(known_heights[waist])
        shown = (pair.top - join) / (pair.top - pair.level)
        widens = pair.mouth > WIDENING * float(known[waist:].min())
        if shown >= SHOWN_WALL:
            wall = np.interp(heights, known_heights[waist:], known[waist:])
            share = np.clip((heights - join) / (WALL_BLEND * (pair.top - join)), 0.0, 1.0)
            lower = radii * float(known[waist]) / max(float(np.interp(join, heights, radii)), 1e-6)
            radii = np.minimum(lower + share * (wall - lower), 1.1 * pair.mouth)
            radii = gaussian_filter1d(radii, CALM_WALL, mode="nearest")
    # The saucer's top runs down from its rim into the well that the cup stands in.
    dish, dish_radii = pair.dish(8, float(radii[0]))
    tiers = Tiers(
        axis=pair.axis(),
        pitch=pair.pitch,
        camera=pair.view(outline.camera),
        heights=np.concatenate([under, dish, heights]),
        radii=np.concatenate([under_radii, dish_radii, radii]),
        body=len(under) + len(dish),
        contents=None,
    )
    return tiers, shown, widens


def _foot(pair: _Pair, outline: Outline, picture: Picture) -> tuple[float, float]:
    """Foot and bulge of the cup whose lower outline shows best on the saucer; the usual ones where none shows."""
    view, shape = pair.view(outline.camera), outline.whole.shape
    inner = cv2.erode(outline.whole.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    x, y = circle_points(view, np.array([pair.top]), np.array([pair.mouth]), 40)
    lid = cv2.dilate(discs(shape, np.vstack([x, x]), np.vstack([y, y])).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    best, found = 0.0, (pair.foot, CUP_BULGE)
    for foot, bulge in product(FEET, BULGES):
        cup = discs(shape, *circle_points(view, *replace(pair, foot=foot).wall(10, bulge), 32))
        lines, _ = cv2.findContours(cup.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        line = max(lines, key=len)[:, 0].astype(np.float64)
        line = np.stack([np.convolve(np.pad(v, 4, mode="wrap"), np.full(9, 1 / 9), "valid") for v in line.T])
        at = np.clip(np.round(line).astype(int), 0, np.array(shape)[::-1, None] - 1)
        counted = (inner & ~lid)[at[1], at[0]]
        if counted.sum() < LEAST_LINE_PX:
            continue
        outer, within = across(picture, line[:1] + 0.5, line[1:] + 0.5, 1.6)
        step = np.linalg.norm((outer - within)[0, counted, :3], axis=1) / picture.step
        evidence = float(np.minimum(step, 1.0).mean())
        worth = evidence - FOOT_PRIOR * abs(foot - pair.foot) - BULGE_PRIOR * abs(bulge - CUP_BULGE)
        if evidence >= FOOT_EVIDENCE and worth > best:
            best, found = worth, (foot, bulge)
    return found


def _pitch_of_near_arc(mask: Mask) -> float | None:
    """Radians: a circle seen from ``pitch`` above is flattened by its sine; read off the near half of the contour."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return None
    contour = max(contours, key=len)[:, 0].astype(np.float32)
    near = contour[contour[:, 1] > 0.5 * (contour[:, 1].min() + contour[:, 1].max())]
    if len(near) < 12:
        return None
    _, sides, _ = cv2.fitEllipse(near)
    return float(np.arcsin(np.clip(min(sides) / max(*sides, 1e-6), 0.0, 1.0)))
