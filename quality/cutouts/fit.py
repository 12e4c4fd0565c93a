"""The sums of the judge's fit: ridge regression of the gain, logistic regression of the confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.cutouts.edge_fit import edge_net, some_rows
from quality.cutouts.samples import Sample
from services.segment.candidates import Candidate, candidates
from services.segment.edges import RULES, EdgeNet, band_of, edge_features, refined
from services.segment.judge import RIVALS, Bench, Judgement, confidence, pick, takes_edge

Vector = NDArray[np.float64]

RIGHT_IOU = 0.95
RIDGE, MOST_GAIN, SURE_RIDGE = 0.02, 0.03, 0.3
LEAST_SCALE = 0.1
"""A feature that hardly varies on these things must not decide on others."""

FOLDS = 5
MARGINS = (0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05)
HARM = 0.005
"""Loss of IoU that counts as harm."""

LOOKED_AGAIN = ("wide", "wider")
"""Rivals of the second look."""

EDGE_MARGINS = (0.0, 0.0005, 0.001, 0.0015, 0.002, 0.003, 0.005)
LEARNT_IOU = 0.9
"""Outlines of mattes that are farther off than this teach nothing about edges."""

LOSS_PRICE = 3.0
"""A loss of IoU counts so many times what a gain does: whatever is clever must do no harm."""

LEVELS = tuple(np.round(np.linspace(0.3, 0.99, 70), 2))
HIT = 0.6
"""Share of the flagged that must be wrong: the public promise is a half."""

WORTH_A_LOOK = 0.0007
"""Gain of IoU for which a second run of the net, about a second, is not worth while."""


@dataclass(frozen=True)
class Case:
    """A sample with its candidates, their IoUs and features."""

    sample: Sample
    bench: Bench
    found: list[Candidate]
    ious: Vector
    features: NDArray[np.float64]

    def first_look(self) -> Case:
        """The same without what a second look adds."""
        kept = [index for index, each in enumerate(self.found) if each.name not in LOOKED_AGAIN]
        if len(kept) == len(self.found):
            return self
        found = [self.found[index] for index in kept]
        return replace(self, found=found, ious=self.ious[kept], features=self.bench.gain_features(found))

    def iou(self, chosen: Candidate) -> float:
        """Overlap of one of its candidates with the truth."""
        return float(self.ious[self.found.index(chosen)])


@dataclass(frozen=True)
class Edged:
    """A case's chosen candidate with its edge refined.

    Attributes:
        chosen: the candidate as it was.
        other: the same with the refined edge.
        before, after: their IoUs.
        features: ``EDGE_FEATURES``.
    """

    chosen: Candidate
    other: Candidate
    before: float
    after: float
    features: Vector


@dataclass(frozen=True)
class Fit:
    """What was fitted."""

    judgement: Judgement
    net: EdgeNet


def case(sample: Sample) -> Case:
    """Make and measure a sample's candidates."""
    aim = sample.aim
    found = list(candidates(sample.salience, aim.picture, aim.within, sample.wide))
    bench = Bench(aim.picture, aim.within, found[0].matte)
    ious = np.array([sample.iou(each.matte) for each in found])
    return Case(sample, bench, found, ious, bench.gain_features(found))


def edged(case_: Case, chosen: Candidate, net: EdgeNet) -> Edged:
    """Refine the edge of a case's chosen candidate."""
    other = Candidate("edged", refined(chosen.matte, case_.sample.aim.picture, net))
    features = case_.bench.edge_features(chosen.matte, other.matte, case_.found)
    return Edged(chosen, other, case_.iou(chosen), case_.sample.iou(other.matte), features)


def fitted(cases: Sequence[Case]) -> Fit:
    """The judgement for these cases; each margin is chosen on objects that its weights have not seen."""
    gain = tuple(float(w) for w in _ridge([(each.features, each.ious[1:] - each.ious[0]) for each in cases]))
    judgement = Judgement(gain, margins(cases), (), 0.0, (), 0.5, 0.5)
    chosen = [pick(each.bench, each.found, judgement) for each in cases]
    things = [_band(each, choice) for each, choice in zip(cases, chosen, strict=True)]
    fold_of = folds(cases, 2)
    nets = [
        edge_net([rows for rows, fold in zip(things, fold_of, strict=True) if rows is not None and fold != left_out])
        for left_out in range(2)
    ]
    edges = [edged(each, choice, nets[fold]) for each, choice, fold in zip(cases, chosen, fold_of, strict=True)]
    weights, margin = _edge_gate(cases, edges)
    judgement = replace(judgement, edge=weights, edge_margin=margin)
    verdicts = [verdict(each, edge, judgement) for each, edge in zip(cases, edges, strict=True)]
    right = np.array([iou >= RIGHT_IOU for _matte, iou in verdicts])
    rows = np.array(
        [
            each.bench.sure_features(choice.matte, [*each.found, edge.other])
            for each, edge, (choice, _iou) in zip(cases, edges, verdicts, strict=True)
        ]
    )
    judgement = replace(judgement, sure=tuple(float(w) for w in _logistic(rows, right.astype(np.float64))))
    trust = 1.0 / (1.0 + np.exp(-np.clip(rows @ np.array(judgement.sure), -30.0, 30.0)))
    judgement = replace(judgement, doubt=_doubt(trust, right), look_again=_look_again(cases, judgement))
    return Fit(judgement, edge_net([rows for rows in things if rows is not None]))


def verdict(case_: Case, edge: Edged, judgement: Judgement) -> tuple[Candidate, float]:
    """What is taken in the end, and its IoU."""
    if takes_edge(case_.bench, edge.chosen.matte, edge.other.matte, case_.found, judgement):
        return edge.other, edge.after
    return edge.chosen, edge.before


def folds(cases: Sequence[Case], count: int) -> list[int]:
    """The fold of each case; all cases of a thing are in one."""
    names = sorted({each.sample.thing for each in cases})
    fold_of = {name: index % count for index, name in enumerate(names)}
    return [fold_of[each.sample.thing] for each in cases]


def _band(case_: Case, chosen: Candidate) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """Pixels along the outline with their true alpha; None where the outline is another thing's."""
    matte, sample = chosen.matte, case_.sample
    if case_.iou(chosen) < LEARNT_IOU or max(matte.shape) > RULES.largest_px:
        return None
    where = band_of(matte) > 0.0
    alpha = sample.alpha if sample.alpha.shape == matte.shape else _at(sample.alpha, matte)
    return some_rows(edge_features(matte, sample.aim.picture, where), alpha[where], len(sample.name))


def _at(alpha: NDArray[np.float32], matte: NDArray[np.float32]) -> NDArray[np.float32]:
    """The true matte at the size of another."""
    size = (matte.shape[1], matte.shape[0])
    return np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)


def _edge_gate(cases: Sequence[Case], edges: Sequence[Edged]) -> tuple[tuple[float, ...], float]:
    """Weights of ``EDGE_FEATURES`` and their margin."""
    gains = np.array([edge.after - edge.before for edge in edges])
    rows = np.array([edge.features for edge in edges])
    fold_of = np.array(folds(cases, FOLDS))
    worth = np.zeros(len(EDGE_MARGINS))
    for fold in range(FOLDS):
        inside = fold_of == fold
        foretold = rows[inside] @ _ridge([(rows[~inside], gains[~inside])])
        for index, margin in enumerate(EDGE_MARGINS):
            worth[index] += _priced(np.where(foretold > margin, gains[inside], 0.0))
    return tuple(float(w) for w in _ridge([(rows, gains)])), EDGE_MARGINS[int(np.argmax(worth))]


def _priced(changes: Vector) -> float:
    return float(np.where(changes > 0.0, changes, LOSS_PRICE * changes).sum())


def _ridge(parts: Sequence[tuple[NDArray[np.float64], Vector]]) -> Vector:
    """Weights of a ridge regression of clipped gains."""
    rows = np.concatenate([each for each, _gains in parts])
    gains = _clipped(np.concatenate([gains for _rows, gains in parts]))
    scale = np.maximum(rows.std(axis=0), 1e-3)
    scale[0] = 1.0
    scaled = rows / scale
    weights = np.linalg.solve(scaled.T @ scaled + RIDGE * len(rows) * np.eye(rows.shape[1]), scaled.T @ gains)
    return np.asarray(weights / scale)


def margins(cases: Sequence[Case]) -> tuple[float, ...]:
    """For each rival of the plain candidate, how much better it must be foretold to be.

    It is the lowest margin at which no thing that the weights have not seen loses more than ``HARM``: whatever is
    clever must do no harm. A rival of the second look shows what the first one did not. It must also be better by more
    than its gain is usually wrong by (root of the mean square), on things that the plain one gets wrong.
    """
    fold_of = folds(cases, FOLDS)
    worst = np.zeros(len(MARGINS))
    errors: dict[str, list[float]] = {name: [] for name in RIVALS}
    for fold in range(FOLDS):
        gain = _ridge([(c.features, c.ious[1:] - c.ious[0]) for c, f in zip(cases, fold_of, strict=True) if f != fold])
        for each, own in zip(cases, fold_of, strict=True):
            if own != fold or len(each.found) == 1:
                continue
            foretold = each.features @ gain
            change = each.ious[1:] - each.ious[0]
            if each.ious[0] < RIGHT_IOU:
                for candidate, error in zip(each.found[1:], _clipped(change) - foretold, strict=True):
                    errors[candidate.name].append(float(error))
            best = int(foretold.argmax())
            for index, margin in enumerate(MARGINS):
                if foretold[best] > margin:
                    worst[index] = min(worst[index], change[best])
    harmless = next((margin for margin, loss in zip(MARGINS, worst, strict=True) if loss >= -HARM), MARGINS[-1])
    usual = {name: float(np.sqrt(np.mean(np.square(errors[name] or [0.0])))) for name in LOOKED_AGAIN}
    return tuple(harmless + usual.get(name, 0.0) for name in RIVALS)


def _clipped(gains: Vector) -> Vector:
    """A gain or a loss, a large one counting no more than ``MOST_GAIN``."""
    return np.clip(gains, -MOST_GAIN, MOST_GAIN)


def _logistic(rows: NDArray[np.float64], right: Vector) -> Vector:
    """Weights of a logistic regression with a little ridge, by Newton's method."""
    scale = np.maximum(np.abs(rows).max(axis=0), LEAST_SCALE)
    scaled = rows / scale
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(scaled @ weights, -30, 30)))
        gradient = scaled.T @ (right - chance) - SURE_RIDGE * weights
        curve = (scaled * (chance * (1 - chance))[:, None]).T @ scaled + SURE_RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, gradient)
    return np.asarray(weights / scale)


def _doubt(trust: Vector, right: NDArray[np.bool_]) -> float:
    """The highest confidence under which so many are wrong that a person's look is worth asking for."""
    levels = [level for level in LEVELS if (trust < level).any() and float((~right[trust < level]).mean()) >= HIT]
    return float(max(levels, default=LEVELS[0]))


def _look_again(cases: Sequence[Case], judgement: Judgement) -> float:
    """The lowest confidence of the plain matte over which a second view gains next to nothing."""
    gains, trust = [], []
    for each in cases:
        first = each.first_look()
        if first is not each:
            again, once = (pick(seen.bench, seen.found, judgement) for seen in (each, first))
            gains.append(each.iou(again) - first.iou(once))
            trust.append(confidence(each.bench, each.found[0].matte, first.found, judgement))
    for level in LEVELS:
        over = np.array(trust) >= level
        if not over.any() or float(np.maximum(np.array(gains)[over], 0.0).mean()) < WORTH_A_LOOK:
            return float(level)
    return float(LEVELS[-1])
