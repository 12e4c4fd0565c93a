"""The sums of the judge's fit: logistic regression of the confidence, and the levels that go by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quality.cutouts.outlines import HARM, net_of, outline, with_share
from quality.cutouts.samples import Sample
from services.segment.candidates import Candidate, averaged, wider
from services.segment.edges import EdgeNet, refined
from services.segment.grabcut import coloured
from services.segment.judge import Bench, Judgement, confidence, pick

Vector = NDArray[np.float64]

RIGHT_IOU = 0.95
RIDGE = 0.3
LEAST_SCALE = 0.1
"""A feature that hardly varies on these things must not decide on others."""

FOLDS = 5
MOST_GAIN, LEAD_RIDGE = 0.1, 0.2
HARM_COUNTS, AS_GOOD = 3.0, 0.97
"""A loss over ``HARM`` weighs so many gains; of all worth, so much must be left by a higher margin."""

MARGINS = tuple(np.round(np.linspace(0.0, 0.1, 101), 3))
"""Foretold gains of IoU."""

AIR = 1.5
"""The highest rise that did harm on these things is not the highest that there is: it is exceeded by so much. Chosen
with unseen things in view (docs/notes/segment.md), and tried on others."""

APARTS = (0.0, 0.001, 0.002, 0.004, 0.008, 0.016, 0.03, 0.06)
"""Shares of a matte in which two looks may differ and still be averaged."""

NEVER = -1.0
"""No two looks are so close that they are averaged."""

LEVELS = tuple(np.round(np.linspace(0.3, 0.99, 70), 2))
HIT = 0.55
"""Share of the flagged that must be wrong: the public promise is a half."""

WORTH_A_LOOK, WORTH_AN_OUTLINE = 0.0007, 0.0003
"""Gains of IoU for which a second run of the net, about half a second, is not worth while: of small and large crops."""


@dataclass(frozen=True)
class Case:
    """A sample with its candidates and their IoUs, the plain one first."""

    sample: Sample
    bench: Bench
    found: list[Candidate]
    ious: list[float]

    def first_look(self) -> Case:
        """The same without what a second look adds."""
        return replace(self, found=self.found[:1], ious=self.ious[:1])

    def iou(self, chosen: Candidate) -> float:
        """Overlap of one of its candidates, or of a mean of them, with the truth."""
        for each, iou in zip(self.found, self.ious, strict=True):
            if each is chosen:
                return iou
        return self.sample.iou(chosen.matte)


@dataclass(frozen=True)
class Fit:
    """What was fitted."""

    judgement: Judgement
    net: EdgeNet


def case(sample: Sample) -> Case:
    """Make and measure a sample's candidates."""
    aim = sample.aim
    found = [Candidate("plain", sample.salience)]
    again = None if sample.wide is None else wider(sample.wide, aim.picture, aim.within)
    found += [] if again is None else [again]
    bench = Bench(aim.picture, aim.within, sample.salience)
    return Case(sample, bench, found, [sample.iou(each.matte) for each in found])


def fitted(cases: Sequence[Case]) -> Fit:
    """The judgement for these cases; every level is chosen on objects that the weights have not seen."""
    outlines = [[outline(each.sample, candidate.matte) for candidate in each.found] for each in cases]
    halves = folds(cases, 2)
    nets = [
        net_of([own for own, half in zip(outlines, halves, strict=True) if half != left_out]) for left_out in range(2)
    ]
    rows: list[NDArray[np.float64]] = []
    ious: list[Vector] = []
    for each, half in zip(cases, halves, strict=True):
        mattes = [refined(candidate.matte, each.sample.aim.picture, nets[half]) for candidate in each.found]
        rows.append(np.array([each.bench.features(matte) for matte in mattes]))
        ious.append(np.array([each.sample.iou(matte) for matte in mattes]))
    lead, least = leads(cases)
    judgement = Judgement(_rounded(_weights(rows, ious)), lead, least, 0.5, 0.5, 0.5, NEVER, 1.0)
    chosen = [each.found.index(pick(each.bench, each.found, judgement)) for each in cases]
    trust = _chance(np.array([own[at] for own, at in zip(_foretold(cases, rows, ious), chosen, strict=True)]))
    right = np.array([own[place] >= RIGHT_IOU for own, place in zip(ious, chosen, strict=True)])
    judgement = replace(judgement, doubt=doubt(trust, right), apart=_apart(cases, judgement))
    alone = replace(judgement, apart=NEVER)
    judgement = replace(
        judgement,
        look_again=_look_again(cases, alone, WORTH_A_LOOK),
        look_large=_look_again(cases, judgement, WORTH_AN_OUTLINE),
        rise=rise(cases, judgement),
    )
    return Fit(judgement, with_share(net_of(outlines), outlines))


def recoloured(cases: Sequence[Case], judgement: Judgement, net: EdgeNet) -> Fit:
    """A judgement and an edge network that are there, with the choice of what colours add fitted for these cases."""
    return Fit(replace(judgement, rise=rise(cases, judgement)), net)


def rise(cases: Sequence[Case], judgement: Judgement) -> float:
    """By how much the confidence in a doubted look must rise for what colours add to it to be taken."""
    rises, gains = [], []
    for each in cases:
        look, aim = pick(each.bench, each.found, judgement), each.sample.aim
        trust = confidence(each.bench, look.matte, judgement)
        found = coloured(each.found[0].matte, aim.picture, aim.within) if trust < judgement.doubt else None
        if found is not None:
            rises.append(confidence(each.bench, found.matte, judgement) - trust)
            gains.append(each.sample.iou(found.matte) - each.iou(look))
    return harmless(np.array(rises), np.array(gains))


def harmless(rises: Vector, gains: Vector) -> float:
    """``AIR`` times the highest rise of what loses more than ``HARM``, in hundredths."""
    highest = float(rises[gains < -HARM].max(initial=0.0))
    return float(np.ceil(AIR * highest * 100.0) / 100.0)


def repicked(cases: Sequence[Case], judgement: Judgement, net: EdgeNet) -> Fit:
    """A judgement and an edge network that are there, with the choice between both looks fitted for these cases."""
    lead, least = leads(cases)
    return Fit(replace(judgement, lead=lead, margin=least), net)


def edged(cases: Sequence[Case], judgement: Judgement) -> Fit:
    """A judgement that is there, with the edge network for these cases."""
    outlines = [[outline(each.sample, candidate.matte) for candidate in each.found] for each in cases]
    return Fit(judgement, with_share(net_of(outlines), outlines))


def leads(cases: Sequence[Case]) -> tuple[tuple[float, ...], float]:
    """What differences of features foretell of a second look's gain, and the margin.

    The gain is a ridge regression, large gains clipped; for the margin each thing is foretold by weights of all others.
    """
    again = [each for each in cases if len(each.found) > 1]
    features = [[each.bench.features(candidate.matte) for candidate in each.found[:2]] for each in again]
    rows, gains = (
        np.array([other - plain for plain, other in features]),
        np.array([e.ious[1] - e.ious[0] for e in again]),
    )
    thing_of = np.array([each.sample.thing for each in again])
    foretold = np.zeros(len(again))
    for thing in np.unique(thing_of):
        inside = thing_of == thing
        foretold[inside] = rows[inside] @ _ridge(rows[~inside], gains[~inside])
    return _rounded(_ridge(rows, gains)), margin(foretold, gains)


def _ridge(rows: NDArray[np.float64], gains: Vector) -> Vector:
    scale = np.maximum(rows.std(axis=0), 1e-3)
    scaled = rows / scale
    normal = scaled.T @ scaled + LEAD_RIDGE * len(rows) * np.eye(rows.shape[1])
    return np.asarray(np.linalg.solve(normal, scaled.T @ np.clip(gains, -MOST_GAIN, MOST_GAIN)) / scale)


def _foretold(cases: Sequence[Case], rows: Sequence[NDArray[np.float64]], ious: Sequence[Vector]) -> list[Vector]:
    """For each case the log-odds of its candidates, by weights that have not seen its thing."""
    fold_of = folds(cases, FOLDS)
    weights = []
    for left_out in range(FOLDS):
        others = [place for place, fold in enumerate(fold_of) if fold != left_out]
        weights.append(_weights([rows[place] for place in others], [ious[place] for place in others]))
    return [mine @ weights[fold] for fold, mine in zip(fold_of, rows, strict=True)]


def _weights(rows: Sequence[NDArray[np.float64]], ious: Sequence[Vector]) -> Vector:
    """Of the chance that a candidate is right."""
    return logistic(np.concatenate(rows), np.concatenate(ious) >= RIGHT_IOU)


def folds(cases: Sequence[Case], count: int) -> list[int]:
    """The fold of each case; all cases of a thing are in one."""
    names = sorted({each.sample.thing for each in cases})
    fold_of = {name: index % count for index, name in enumerate(names)}
    return [fold_of[each.sample.thing] for each in cases]


def margin(foretold: Vector, gains: Vector) -> float:
    """How much better than the plain candidate another must be foretold to be.

    It is the highest margin that is about as good as the best one. That nothing at all may lose was the rule before:
    one pair of scissors then put off fourteen second looks, of 148, that gain 0.05 each.
    """
    counted = np.where(gains < -HARM, HARM_COUNTS * gains, gains)
    worths = np.array([counted[foretold > level].sum() for level in MARGINS])
    if worths.max() <= 0.0:
        return float(MARGINS[-1])
    return float(MARGINS[np.flatnonzero(worths >= AS_GOOD * worths.max())[-1]])


def logistic(rows: NDArray[np.float64], right: NDArray[np.bool_]) -> Vector:
    """Weights of a logistic regression with a little ridge, by Newton's method."""
    scale = np.maximum(np.abs(rows).max(axis=0), LEAST_SCALE)
    scaled = rows / scale
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = _chance(scaled @ weights)
        gradient = scaled.T @ (right - chance) - RIDGE * weights
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, gradient)
    return np.asarray(weights / scale)


def _chance(odds: Vector) -> Vector:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))))


def _rounded(weights: Vector) -> tuple[float, ...]:
    return tuple(round(float(weight), 5) for weight in weights)


def doubt(trust: Vector, right: NDArray[np.bool_]) -> float:
    """The highest confidence under which so many are wrong that a person's look is worth asking for."""
    levels = [level for level in LEVELS if (trust < level).any() and float((~right[trust < level]).mean()) >= HIT]
    return float(max(levels, default=LEVELS[0]))


def _apart(cases: Sequence[Case], judgement: Judgement) -> float:
    """How far two looks may be apart and still be averaged, where the second one does not win by itself."""
    ties = [each for each in cases if len(each.found) > 1 and pick(each.bench, each.found, judgement) is each.found[0]]
    means = [averaged(*each.found[:2]) for each in ties]
    gains = np.array([each.sample.iou(mean.matte) - each.ious[0] for each, mean in zip(ties, means, strict=True)])
    return widest(np.array([each.bench.apart(*(look.matte for look in each.found[:2])) for each in ties]), gains)


def widest(aparts: Vector, gains: Vector) -> float:
    """Among the levels under which averaging loses nothing over ``HARM``, the one that gains most."""
    harmless = [level for level in APARTS if gains[aparts <= level].min(initial=0.0) >= -HARM]
    return float(max(harmless, key=lambda level: float(gains[aparts <= level].sum()), default=APARTS[0]))


def _look_again(cases: Sequence[Case], judgement: Judgement, worth: float) -> float:
    """The lowest confidence of the plain matte over which a second view gains less than it is worth.

    No edge is refined here, as none is in a large crop; the edges of a small one gain nothing by a mean of two looks.
    """
    again = [each for each in cases if len(each.found) > 1]
    gains = np.array([each.iou(pick(each.bench, each.found, judgement)) - each.ious[0] for each in again])
    trust = np.array([confidence(each.bench, each.found[0].matte, judgement) for each in again])
    for level in LEVELS:
        over = trust >= level
        if not over.any() or float(np.maximum(gains[over], 0.0).mean()) < worth:
            return float(level)
    return float(LEVELS[-1])
