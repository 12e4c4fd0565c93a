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

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.kinds.tiered.pair import RULES as PAIR
from services.mesh.kinds.tiered.pair import Pair
from services.mesh.kinds.tiered.search import find_pair, mouth_evidence
from services.mesh.shape.interior import drink_of, interior_of
from services.mesh.shape.lathe import circle_points, discs, lathe
from services.mesh.shape.mouth import RULES as MOUTH
from services.mesh.shape.mouth import Mouth
from services.mesh.shape.outline import Axis, Outline, filled, mirrored, signed_distance
from services.mesh.shape.picture import Picture, across
from services.mesh.shape.revolution import Revolution, at_pitch
from services.mesh.shape.vessel import Contents, inner_wall, spaced, walls
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class TierRules:
    """How the pair becomes a profile. Set by hand before the corpus was split.

    Attributes:
        least_agreement: of the pair with the silhouette: under it there is nothing to judge.
        calm_wall: sigma, sixtieths of the cup's height, over which its wall is smoothed.
        rim, wall_blend: uppermost share of the height on which the hull narrows with the mouth's far half, and that of
            the wall that shows over which it is joined to what does not.
        known_wall: a wall that shows above the saucer's far rim is followed from this share of a step in slope on.
        shown_wall: the wall is followed if it shows over this share of its height.
        feet, bulges: that are looked for in the photo.
        foot_evidence: mean edge strength along the cup's lower outline from which on it counts as seen, 0..1.
        foot_prior, bulge_prior: evidence that being off the likely foot or bulge by one costs: where the cup hides its
            own foot, all do as well.
        least_line_px: least length of the outline on the saucer that is judged.
        profile_steps: heights at which the hull is measured.
    """

    least_agreement: float = 0.9
    calm_wall: float = 2.0
    rim: float = 0.08
    wall_blend: float = 0.15
    known_wall: float = 0.5
    shown_wall: float = 0.3
    feet: tuple[float, ...] = (0.42, 0.5, 0.58, 0.66, 0.74, 0.82, 0.9, 0.97)
    bulges: tuple[float, ...] = (0.0, 0.5, 1.0, 1.6)
    foot_evidence: float = 0.5
    foot_prior: float = 0.6
    bulge_prior: float = 0.1
    least_line_px: int = 12
    profile_steps: int = 160


RULES = TierRules()


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
class Found:
    """A vessel on its saucer, and what speaks for it.

    Attributes:
        tiers: the two bodies.
        agreement: IoU with the symmetric part of the silhouette.
        excess: by how much that exceeds the best single body's.
        near, far: how clearly the mouth's halves show, each 0..1.
        shown: share of the height on which the cup's wall shows above the saucer.
        widening: the mouth's radius over the least one of the wall that shows, less 1.
        shadow: share of the height that is hidden by the ledge's shadow, over what the ledge must hide.
    """

    tiers: Tiers
    agreement: float
    excess: float
    near: float
    far: float
    shown: float
    widening: float
    shadow: float


def find_tiers(outline: Outline, picture: Picture, single: Revolution) -> Found | None:
    """Look for a vessel on its saucer; None where nothing of the kind agrees with the silhouette.

    Args:
        outline: see ``outline.outline_of``.
        picture: the photo on the same grid.
        single: the best single turned body.
    """
    # A cup's handle is small beside the saucer: it must not pass for a part of the symmetric body.
    core = filled(outline.whole & mirrored(outline.whole, outline.camera, outline.axis))
    outline = replace(outline, mask=core, signed=signed_distance(core))
    pair = find_pair(outline, picture, single)
    if pair is None:
        return None
    agreement = _agreement(pair.seen(pair.view(outline.camera), core.shape), outline)
    if agreement < RULES.least_agreement:
        return None
    alone = discs(core.shape, *circle_points(single.camera, single.heights, single.radii, 48))
    near, far = mouth_evidence(pair, pair.view(outline.camera), picture)
    tiers, shown, widening = _profile(pair, replace(outline, axis=pair.axis()), picture)
    if near >= MOUTH.near and far >= MOUTH.far:
        body = replace(single, heights=tiers.cup[0], radii=tiers.cup[1], camera=tiers.camera)
        mouth = Mouth(pair.pitch, pair.top, pair.mouth, near, far)
        inside = interior_of(picture, mouth, body)
        contents = None if inside is None else inside.contents
        tiers = replace(tiers, contents=contents or drink_of(picture, mouth, tiers.camera))
    ledge = (pair.wide - pair.mouth) * float(np.tan(pair.pitch)) / (pair.top - pair.level)
    return Found(
        tiers=tiers,
        agreement=agreement,
        excess=agreement - _agreement(alone, outline),
        near=near,
        far=far,
        shown=shown,
        widening=widening,
        shadow=min((1.0 - shown) / max(ledge, 1e-6), 2.0),
    )


def _agreement(seen: Mask, outline: Outline) -> float:
    """IoU with the symmetric part of the silhouette; what covers a handle is not counted."""
    both = float((seen & outline.mask).sum())
    return both / max(float((seen & ~outline.whole).sum() + outline.mask.sum()), 1.0)


def _profile(pair: Pair, outline: Outline, picture: Picture) -> tuple[Tiers, float, float]:
    """Saucer and cup as one outline; on what share of its height the cup's wall shows above the saucer, and by how
    much it widens there."""
    under, under_radii = pair.underside(12)
    foot, bulge = _foot(pair, outline, picture)
    heights, radii = replace(pair, foot=foot).wall(60, bulge)
    # Above the saucer's far rim the hull is the cup's own wall, from its waist up; the mouth's far half is narrower.
    hull = at_pitch(outline, pair.pitch, RULES.profile_steps, top=pair.top, cut_cones=False)
    inside = (hull.heights > pair.level) & (hull.heights < pair.top - RULES.rim * (pair.top - pair.level))
    known_heights = np.append(hull.heights[inside], pair.top)
    known = np.append(hull.radii[inside], pair.mouth)
    shown, widening = 0.0, 0.0
    if len(known) > 8:
        rise = np.gradient(known, known_heights) * np.tan(pair.pitch)
        shadow = np.flatnonzero(rise[: -len(rise) // 10] < -RULES.known_wall)
        waist = int(shadow[-1]) + 1 if len(shadow) else 0
        join = float(known_heights[waist])
        shown = (pair.top - join) / (pair.top - pair.level)
        widening = pair.mouth / max(float(known[waist:].min()), 1e-6) - 1.0
        if shown >= RULES.shown_wall:
            wall = np.interp(heights, known_heights[waist:], known[waist:])
            share = np.clip((heights - join) / (RULES.wall_blend * (pair.top - join)), 0.0, 1.0)
            lower = radii * float(known[waist]) / max(float(np.interp(join, heights, radii)), 1e-6)
            radii = np.minimum(lower + share * (wall - lower), 1.1 * pair.mouth)
            radii = gaussian_filter1d(radii, RULES.calm_wall, mode="nearest")
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
    return tiers, shown, min(widening, 1.0)


def _foot(pair: Pair, outline: Outline, picture: Picture) -> tuple[float, float]:
    """Foot and bulge of the cup whose lower outline shows best on the saucer; the usual ones where none shows."""
    view, shape = pair.view(outline.camera), outline.whole.shape
    inner = cv2.erode(outline.whole.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    x, y = circle_points(view, np.array([pair.top]), np.array([pair.mouth]), 40)
    lid = cv2.dilate(discs(shape, np.vstack([x, x]), np.vstack([y, y])).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    best, found = 0.0, (pair.foot, PAIR.bulge)
    for foot, bulge in product(RULES.feet, RULES.bulges):
        glance()
        cup = discs(shape, *circle_points(view, *replace(pair, foot=foot).wall(10, bulge), 32))
        lines, _ = cv2.findContours(cup.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        line = max(lines, key=len)[:, 0].astype(np.float64)
        line = np.stack([np.convolve(np.pad(v, 4, mode="wrap"), np.full(9, 1 / 9), "valid") for v in line.T])
        at = np.clip(np.round(line).astype(int), 0, np.array(shape)[::-1, None] - 1)
        counted = (inner & ~lid)[at[1], at[0]]
        if counted.sum() < RULES.least_line_px:
            continue
        outer, within = across(picture, line[:1] + 0.5, line[1:] + 0.5, 1.6)
        step = np.linalg.norm((outer - within)[0, counted, :3], axis=1) / picture.step
        evidence = float(np.minimum(step, 1.0).mean())
        worth = evidence - RULES.foot_prior * abs(foot - pair.foot) - RULES.bulge_prior * abs(bulge - PAIR.bulge)
        if evidence >= RULES.foot_evidence and worth > best:
            best, found = worth, (foot, bulge)
    return found
