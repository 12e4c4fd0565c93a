"""The search for a disc and a cup that are seen as the silhouette, with a mouth that shows in the photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.kinds.tiered.pair import RULES as PAIR
from services.mesh.kinds.tiered.pair import Pair
from services.mesh.shape.mouth import RULES as MOUTH
from services.mesh.shape.mouth import clear_evidence, evidence_of
from services.mesh.shape.outline import Outline, filled
from services.mesh.shape.picture import Picture
from services.mesh.shape.revolution import Revolution, at_pitch, steepest

Doubles = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class SearchRules:
    """Where the search begins and what it weighs. Set by hand before the corpus was split.

    Attributes:
        arc_lean: radians; the near arc of a saucer's picture is a little rounder than its rim's: its underside and the
            perspective add so much.
        near_pitch: radians; the near arc's pitch is not tried beside another that is closer than this.
        mouth_gain: agreement with the silhouette that either half of a clear mouth is worth.
        part_loss: what is left over may be a handle: it costs less than what is too much.
        above: how far above the top of the hull mouths are looked for, view units at 40 degrees: from high up the hull
            is cut below them.
        low_saucer: the saucer's rim lies in this lowest share of the height.
        wider: outer radius of a rim over its inner one.
        rounds, least_gain: the search is begun anew so often at most, as long as it still gains so much.
        ledge, ledge_fall: least width of the ledge around the cup, in radii of the saucer; there the hull falls at
            least so steeply, as a share of the lines of sight.
    """

    arc_lean: float = float(np.radians(2.5))
    near_pitch: float = float(np.radians(3.0))
    mouth_gain: float = 0.03
    part_loss: float = 0.7
    above: float = 0.22
    low_saucer: float = 0.45
    wider: tuple[float, float, float] = (1.05, 1.1, 1.15)
    rounds: int = 5
    least_gain: float = 0.0015
    ledge: float = 0.15
    ledge_fall: float = 0.4


RULES = SearchRules()


def find_pair(outline: Outline, picture: Picture, single: Revolution) -> Pair | None:
    """Disc and cup that agree best with silhouette and photo; None where no ledge shows.

    Args:
        outline: its ``mask`` without what is not symmetric, its ``whole`` with it.
        picture: the photo on the same grid.
        single: the best single turned body.
    """
    firsts = _firsts(outline, single)
    if not firsts:
        return None
    pair = _fitted(firsts, outline, picture)
    return pair if pair.possible else None


def _firsts(outline: Outline, single: Revolution) -> list[Pair]:
    """Where to begin: a saucer's rim is the hull's widest circle at its pitch, which is that of the silhouette's near
    arc or the single body's."""
    pitches = [single.pitch]
    arc = _pitch_of_near_arc(filled(outline.whole))
    if arc is not None and abs(arc - RULES.arc_lean - single.pitch) > RULES.near_pitch:
        pitches.append(arc - RULES.arc_lean)
    return [
        pair for pitch in pitches if PAIR.pitches[0] <= pitch <= PAIR.pitches[1] and (pair := _first(outline, pitch))
    ]


def _first(outline: Outline, pitch: float) -> Pair | None:
    """The hull's widest circle as a saucer and its top as a mouth; None where no ledge lies between them."""
    hull = at_pitch(outline, pitch, 72)
    rim = int(np.flatnonzero(hull.radii >= 0.985 * hull.radii.max())[-1])
    wide, top = float(hull.radii[rim]), float(hull.radii[-1])
    level, height = float(hull.heights[rim]), float(hull.heights[-1])
    if rim > RULES.low_saucer * len(hull.radii) or top > PAIR.mouths[1] * 1.1 * wide:
        return None
    # A ledge casts a shadow: the hull narrows there as fast as the lines of sight rise, or nearly so beside a handle.
    end = level + RULES.ledge * wide / (RULES.ledge_fall * steepest(hull.camera, level))
    if float(np.interp(end, hull.heights, hull.radii)) > (1.0 - RULES.ledge) * wide:
        return None
    axis = outline.axis
    mouth = float(np.clip(top, PAIR.mouths[0] * wide, PAIR.mouths[1] * wide))
    return Pair(hull.pitch, axis.roll, axis.offset, level, wide, height, mouth, 0.1)


def _fitted(firsts: list[Pair], outline: Outline, picture: Picture) -> Pair:
    """The pair that is best seen in silhouette and photo: from the most promising mouths downhill (Nelder and Mead
    1965)."""
    total = float(outline.mask.sum())
    beyond, shape = ~outline.whole, outline.whole.shape

    def cost(values: Doubles, least: float = np.inf) -> float:
        """What is over that of a perfect pair; of one that cannot cost less than ``least`` only that it does not."""
        pair = Pair.of(values)
        if not pair.possible:
            return 2.0
        view = pair.view(outline.camera)
        seen = pair.seen(view, shape)
        over, left = np.count_nonzero(seen & beyond), total - np.count_nonzero(seen & outline.mask)
        share = (over + RULES.part_loss * left) / total
        if share - 2.0 * RULES.mouth_gain >= least:
            return np.inf
        return share - RULES.mouth_gain * sum(mouth_evidence(pair, view, picture))

    def cheapest(groups: tuple[list[Doubles], ...]) -> Doubles:
        glance()
        trials = [trial for group in groups for trial in group]
        best, least = trials[0], cost(trials[0])
        for trial in trials[1:]:
            if (value := cost(trial, least)) < least:
                best, least = trial, value
        return best

    def fallen(start: Doubles, steps: Doubles, most: int) -> tuple[Doubles, float]:
        glance()
        simplex = np.vstack([start, start + np.diag(steps)])
        options = {"initial_simplex": simplex, "maxfev": most, "xatol": 2e-3, "fatol": 3e-4}
        found = minimize(cost, start, method="Nelder-Mead", options=options)
        return np.asarray(found.x, np.float64), float(found.fun)

    clear, all_over = zip(*(_trials(first, outline, picture) for first in firsts), strict=True)
    starts = [cheapest(clear)]
    if any(some is not others for some, others in zip(clear, all_over, strict=True)):
        starts.append(cheapest(all_over))
        # From the same place the same way is gone.
        starts = starts[:1] if np.array_equal(starts[0], starts[1]) else starts
    steps = np.array([0.05, 0.03, 0.03, 0.05, 0.05, 0.05, 0.05, 0.05, 0.1])
    best, least = min((fallen(start, steps, 120) for start in starts), key=lambda found: found[1])
    # A rim has two edges: the outer one is looked for beside the one that was found.
    wider = min((np.concatenate([best[:6], [best[6] * share], best[7:]]) for share in RULES.wider), key=cost)
    best, least = min((best, least), fallen(wider, 0.5 * steps, 120), key=lambda found: found[1])
    # A simplex that has gone flat is set up anew, the other way round, as long as that helps.
    for turn in range(RULES.rounds):
        trial, value = fallen(best, (0.5, -0.5)[turn % 2] * steps, 160)
        gain, best, least = least - value, trial, value
        if gain < RULES.least_gain:
            break
    return Pair.of(best)


def _trials(first: Pair, outline: Outline, picture: Picture) -> tuple[list[Doubles], list[Doubles]]:
    """Pairs with that saucer: those whose mouths show most clearly, and some with mouths of all sizes and heights."""
    above = RULES.above * (0.3 + np.tan(first.pitch) ** 2)
    tops = np.linspace(first.level + 0.3 * PAIR.mouths[0] * first.wide, first.top + above, 32)
    grid = np.meshgrid(tops, first.wide * np.linspace(*PAIR.mouths, 16), indexing="ij")
    heights, radii = (values.ravel() for values in grid)
    near, far = clear_evidence(picture, first.view(outline.camera), heights, radii, picture.step)
    start = _vector(first)
    mouths = zip(heights, radii, strict=True)
    trials = [np.concatenate([start[:5], mouth, start[7:]]) for mouth in mouths]
    clear = np.flatnonzero((near >= MOUTH.near) & (far >= MOUTH.far))
    some = trials[::13]
    return [trials[k] for k in clear[:: 1 + len(clear) // 40]] or some, some


def _vector(pair: Pair) -> Doubles:
    """For the search."""
    return np.array(
        [pair.pitch, pair.roll, pair.offset, pair.level, pair.wide, pair.top, pair.mouth, pair.depth, pair.foot],
        np.float64,
    )


def mouth_evidence(pair: Pair, view: PhotoCamera, picture: Picture) -> tuple[float, float]:
    """How clearly the mouth's near and far half show, each 0..1, to a camera in the pair's frame."""
    near, far = evidence_of(picture, view, np.array([pair.top]), np.array([pair.mouth]), picture.step)
    return float(near[0]), float(far[0])


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
