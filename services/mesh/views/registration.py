"""The cameras under which all photos of a thing agree.

Two things are asked of them. *Outlines*: every line of sight that a photo says hits the thing must somewhere run inside
the outlines of all others. *Fields*: what two photos hold for inside should be the same places. The numbers of each
further camera are searched one by one from what its side and the shape network say, in steps that get smaller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.views.cameras import Standpoint
from services.mesh.views.evidence import Evidence

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SearchRules:
    """How cameras are searched.

    Attributes:
        rays, bins: lines of sight of each photo on which photos are compared, and places on each.
        soft: half sides beyond an outline within which a place is still allowed in part.
        reach: z of the farthest places before and behind the middle, half sides.
        outline: weight of outlines against fields.
        pull: weight of a number's distance from where it began, in spreads.
        yaw: spread of the yaw of a photo whose side is known, radians.
        size, shift: spreads of size and place, where both photos look along the same line, and where they do not.
        near: spread of the depth of the middle.
        steps: first step of each number.
        halvings: the last step is the first one halved so many times.
        rounds: over all numbers, at most.
        turns: yaws from which a photo of unknown side is searched ...
        rough: ... rounds of each of these searches ...
        apart: ... and how far two of them lie apart on different sides, radians.
        along: cosine of the yaw between photos from which on both see a thing as wide.
    """

    rays: int = 350
    bins: int = 48
    soft: float = 0.03
    reach: float = 1.2
    outline: float = 3.0
    pull: float = 0.05
    yaw: float = math.radians(12.0)
    size: tuple[float, float] = (0.05, 0.12)
    shift: tuple[float, float] = (0.04, 0.08)
    near: float = 0.04
    steps: Mapping[str, float] = field(
        default_factory=lambda: {
            "near": 0.06,
            "up": 0.05,
            "size": 0.05,
            "right": 0.05,
            "yaw": math.radians(6.0),
            "pitch": math.radians(4.0),
            "roll": math.radians(2.0),
        }
    )
    halvings: int = 2
    rounds: int = 9
    turns: int = 8
    rough: int = 4
    apart: float = math.radians(50.0)
    along: float = 0.85


RULES = SearchRules()


@dataclass(frozen=True)
class Witness:
    """A photo's word and where it is held to have been taken from."""

    evidence: Evidence
    standpoint: Standpoint

    def world(self, places: Floats) -> Floats:
        """(3, n): points of the world, for points (3, n) of the photo's frame."""
        move = self.standpoint.to_view()
        linear = np.linalg.inv(move[:, :3])
        shift = -linear @ move[:, 3]
        x, y, z = (
            row[0] * places[0] + row[1] * places[1] + row[2] * places[2] + offset
            for row, offset in zip(linear.astype(np.float32), shift.astype(np.float32), strict=True)
        )
        return np.stack([x, y, z]).astype(np.float32)

    @cached_property
    def rays(self) -> Floats:
        """(3, rays * bins) float32: places along the lines of sight that hit the thing, in the photo's frame."""
        return np.stack(self._rays[0])

    @cached_property
    def weights(self) -> Floats:
        """(rays,) float32: how much of each line's cell is inside the outline."""
        return self._rays[1]

    @cached_property
    def _rays(self) -> tuple[tuple[Floats, Floats, Floats], Floats]:
        outline, bins = self.evidence.outline, RULES.bins
        side = len(outline)
        rows, columns = np.nonzero(outline >= 0.5)
        if not len(rows):
            rows, columns = np.nonzero(outline >= outline.max())
        # Every so manieth pixel inside: thin parts have their share of lines, however thin they are.
        step = max(1, len(rows) // RULES.rays)
        order = np.lexsort((columns * 7919 % 1009, rows // 4))[:: max(step, 1)]
        rows, columns = rows[order], columns[order]
        u = ((columns + 0.5) * (2.0 / side) - 1.0).astype(np.float32)
        v = (1.0 - (rows + 0.5) * (2.0 / side)).astype(np.float32)
        z = ((1.0 - (np.arange(bins) + 0.5) * (2.0 / bins)) * RULES.reach).astype(np.float32)
        away = (np.float32(self.evidence.distance) - z) / np.float32(self.evidence.distance)
        points = (
            (u[:, None] * away).ravel(),
            (v[:, None] * away).ravel(),
            np.broadcast_to(z, (len(u), bins)).ravel(),
        )
        return points, np.ones(len(rows), np.float32)

    def likely_at(self, places: Floats) -> Floats:
        """(n,) float32 0..1: how likely places of its picture are inside."""
        likely = self.evidence.matte_at(places) / (1.0 + np.exp(-self.evidence.logits_at(places)))
        return np.asarray(likely, np.float32)


@dataclass(frozen=True)
class Found:
    """A camera that was searched.

    Attributes:
        witness: the photo there.
        score: how well it agrees with the others; 1 is all.
        covered: share of all photos' lines of sight that run inside the outlines of all others somewhere.
        lead: by how much the score exceeds that of the best camera on another side; endless where the side was told.
    """

    witness: Witness
    score: float
    covered: float
    lead: float = math.inf


def agreements(evidence: Evidence, places: Sequence[Standpoint], others: Sequence[Witness]) -> list[float]:
    """How well a photo agrees with others from each of some standpoints; 1 is all."""
    said = _Agreement(evidence, others)
    return [said.of(place)[0] for place in places]


def find(
    evidence: Evidence, starts: Sequence[Standpoint], others: Sequence[Witness], known: bool, rounds: int | None = None
) -> Found:
    """The camera under which a photo agrees best with others.

    Args:
        evidence: the photo's.
        starts: where it is searched from; numbers are pulled back to there.
        others: photos whose cameras hold.
        known: whether the photo's side was told.
        rounds: of the search from a single start; as many as ``RULES`` has if not given.
    """
    if len(starts) == 1:
        return _searched(evidence, starts[0], others, known, rounds or RULES.rounds)
    tried = [_searched(evidence, start, others, known, RULES.rough) for start in starts]
    number = max(range(len(tried)), key=lambda one: tried[one].score)
    apart = [math.remainder(start.yaw - starts[number].yaw, 2.0 * math.pi) for start in starts]
    other = max((one.score for one, off in zip(tried, apart, strict=True) if abs(off) > RULES.apart), default=-math.inf)
    best = _searched(evidence, tried[number].witness.standpoint, others, known, RULES.rounds)
    return replace(best, lead=tried[number].score - other)


def _searched(evidence: Evidence, start: Standpoint, others: Sequence[Witness], known: bool, rounds: int) -> Found:
    # The main photo's own pitch may be off: from behind that is a pitch of this photo, from the side a roll.
    main = others[0].evidence.pitch_spread
    along, across = math.cos(start.yaw), math.sin(start.yaw)
    across_line = int(not same_line(start))
    spreads = {
        "near": RULES.near,
        "up": RULES.shift[across_line],
        "right": RULES.shift[across_line],
        "size": RULES.size[across_line],
        "yaw": RULES.yaw if known else math.inf,
        "pitch": math.hypot(evidence.pitch_spread, main * along),
        "roll": math.hypot(evidence.roll_spread, main * across),
    }
    said = _Agreement(evidence, others)

    def worth(place: Standpoint) -> tuple[float, float]:
        score, covered = said.of(place)
        pulled = sum(((getattr(place, name) - getattr(start, name)) / spread) ** 2 for name, spread in spreads.items())
        return score - RULES.pull * pulled, covered

    best, (score, covered) = start, worth(start)
    step = 1.0
    for _ in range(rounds):
        glance()
        better = False
        for name, first in RULES.steps.items():
            for sign in (1.0, -1.0):
                place = best.moved(name, sign * step * first)
                value, cover = worth(place)
                if value > score + 1e-5:
                    best, score, covered, better = place, value, cover, True
                    break
        if not better:
            step *= 0.5
            if step < 0.5**RULES.halvings:
                break
    return Found(Witness(evidence, best), score, covered)


def same_line(standpoint: Standpoint) -> bool:
    """Whether a camera looks along the main photo's line of sight, either way: both see a thing as wide and tall."""
    return abs(math.cos(standpoint.yaw)) > RULES.along and not standpoint.from_above


class _Agreement:
    """How well a photo agrees with others, for any standpoint."""

    def __init__(self, evidence: Evidence, others: Sequence[Witness]) -> None:
        self._evidence = evidence
        self._others = others
        main = others[0]
        self._points = [one.world(one.rays) for one in others]
        # On the rays of each other photo: whether all the rest allow the place, and how likely it is.
        self._allowed = []
        for number, one in enumerate(others):
            allowed = np.ones(self._points[number].shape[1], np.float32)
            for rest in others:
                if rest is not one:
                    places = rest.evidence.places(self._points[number], rest.standpoint)
                    allowed = np.minimum(allowed, _allowed(rest.evidence, places))
            self._allowed.append(allowed)
        votes = np.zeros(self._points[0].shape[1], np.float32)
        for one in others:
            votes += one.evidence.logits_at(one.evidence.places(self._points[0], one.standpoint))
        likely = np.asarray(self._allowed[0] / (1.0 + np.exp(-votes / len(others))), np.float32)
        spread = (main.evidence.distance - main.rays[2]) / main.evidence.distance
        area = 4.0 * float((main.evidence.outline >= 0.5).mean())
        cell = area / len(main.weights) * (2.0 * RULES.reach / RULES.bins)
        self._likely, self._volume = likely, (spread**2 * cell).astype(np.float32)
        self._filled = float((self._likely * self._volume).sum())
        own = evidence.likely
        bins, rows, columns = own.shape
        cell = 4.0 / (rows * columns) * 2.0 * evidence.reach / bins
        self._mass = float((own.sum(axis=(1, 2)) * evidence.spacing).sum()) * cell

    def of(self, standpoint: Standpoint) -> tuple[float, float]:
        """The score of a standpoint, and the share of lines of sight that all photos allow."""
        mine = Witness(self._evidence, standpoint)
        covers = []
        overlap = 0.0
        for number, (other, points) in enumerate(zip(self._others, self._points, strict=True)):
            places = self._evidence.places(points, standpoint)
            covers.append(_covered(np.minimum(_allowed(self._evidence, places), self._allowed[number]), other.weights))
            if number == 0:
                likely = mine.likely_at(places)
                both = float((np.minimum(likely, self._likely) * self._volume).sum())
                mass = self._mass * math.exp(-3.0 * standpoint.size)
                overlap = both / max(self._filled + mass - both, 1e-9)
        world = mine.world(self._own_rays)
        allowed = np.ones(world.shape[1], np.float32)
        for other in self._others:
            allowed = np.minimum(allowed, _allowed(other.evidence, other.evidence.places(world, other.standpoint)))
        covers.append(_covered(allowed, self._own_weights))
        covered = float(np.mean(covers))
        return overlap + RULES.outline * (covered - 1.0) * len(covers) / 2.0, covered

    @cached_property
    def _own_rays(self) -> Floats:
        return Witness(self._evidence, self._evidence.standpoint).rays

    @cached_property
    def _own_weights(self) -> Floats:
        return Witness(self._evidence, self._evidence.standpoint).weights


def _allowed(evidence: Evidence, places: Floats) -> Floats:
    """(n,) 0..1: whether an outline allows places."""
    return np.asarray(np.clip(1.0 + evidence.rim_at(places) * np.float32(1.0 / RULES.soft), 0.0, 1.0), np.float32)


def _covered(allowed: Floats, weights: Floats) -> float:
    """Share of lines of sight that some place of theirs is allowed on."""
    most = allowed.reshape(len(weights), -1).max(axis=1)
    return float((np.minimum(most, weights) * weights).sum() / max(float((weights**2).sum()), 1e-9))
