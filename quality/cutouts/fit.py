"""The sums of the judge's fit: ridge regression of the gain, logistic regression of the confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quality.cutouts.samples import Sample
from services.segment.candidates import Candidate, candidates
from services.segment.judge import GAIN_FEATURES, SURE_FEATURES, Bench, Judgement, confidence, pick

Vector = NDArray[np.float64]

RIGHT_IOU = 0.95
RIDGE, MOST_GAIN, SURE_RIDGE = 0.02, 0.03, 0.3
FOLDS = 5
MARGINS = (0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.01, 0.02, 0.05)
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


def case(sample: Sample) -> Case:
    """Make and measure a sample's candidates."""
    aim = sample.aim
    found = list(candidates(sample.salience, aim.picture, aim.within, sample.wide))
    bench = Bench(aim.picture, aim.within, found[0].matte)
    ious = np.array([sample.iou(each.matte) for each in found])
    features = np.array([bench.gain_features(each) for each in found[1:]]).reshape(-1, len(GAIN_FEATURES))
    return Case(sample, bench, found, ious, features)


def fitted(cases: Sequence[Case]) -> Judgement:
    """The judgement for these cases; the margin is chosen on objects that its weights have not seen."""
    gain = _gain_weights(cases)
    margin = _margin(cases)
    judgement = Judgement(tuple(gain), margin, (0.0,) * len(SURE_FEATURES), 0.5, 0.5)
    picks = [pick(each.bench, each.found, judgement) for each in cases]
    sure = _logistic(
        np.array([_sure(each, chosen) for each, chosen in zip(cases, picks, strict=True)]),
        np.array([float(_iou(each, chosen) >= RIGHT_IOU) for each, chosen in zip(cases, picks, strict=True)]),
    )
    judgement = replace(judgement, sure=tuple(sure))
    trust = np.array([trusted(each, chosen, judgement) for each, chosen in zip(cases, picks, strict=True)])
    right = np.array([_iou(each, chosen) >= RIGHT_IOU for each, chosen in zip(cases, picks, strict=True)])
    return replace(judgement, doubt=_doubt(trust, right), look_again=_look_again(cases, judgement))


def trusted(case_: Case, chosen: Candidate, judgement: Judgement) -> float:
    """Confidence in a case's chosen candidate."""
    return confidence(case_.bench, chosen.matte, case_.found, judgement)


def _iou(case_: Case, chosen: Candidate) -> float:
    return float(case_.ious[case_.found.index(chosen)])


def _sure(case_: Case, chosen: Candidate) -> Vector:
    return case_.bench.sure_features(chosen.matte, case_.found)


def _gain_weights(cases: Sequence[Case]) -> Vector:
    rows = np.concatenate([each.features for each in cases])
    gains = np.concatenate([each.ious[1:] - each.ious[0] for each in cases])
    gains = np.clip(gains, -MOST_GAIN, MOST_GAIN)
    scale = np.maximum(rows.std(axis=0), 1e-3)
    scale[0] = 1.0
    scaled = rows / scale
    weights = np.linalg.solve(scaled.T @ scaled + RIDGE * len(rows) * np.eye(rows.shape[1]), scaled.T @ gains)
    return np.asarray(weights / scale)


def _margin(cases: Sequence[Case]) -> float:
    names = sorted({each.sample.thing for each in cases})
    fold_of = {name: index % FOLDS for index, name in enumerate(names)}
    worth = np.zeros(len(MARGINS))
    for fold in range(FOLDS):
        others = [each for each in cases if fold_of[each.sample.thing] != fold]
        gain = tuple(_gain_weights(others))
        for each in (each for each in cases if fold_of[each.sample.thing] == fold):
            for index, margin in enumerate(MARGINS):
                chosen = pick(each.bench, each.found, Judgement(gain, margin, (), 0.0, 0.0))
                change = _iou(each, chosen) - each.ious[0]
                worth[index] += change if change > 0 else LOSS_PRICE * change
    return MARGINS[int(np.argmax(worth))]


def _logistic(rows: NDArray[np.float64], right: Vector) -> Vector:
    """Weights of a logistic regression with a little ridge, by Newton's method."""
    scale = np.maximum(np.abs(rows).max(axis=0), 1e-3)
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
        names = [candidate.name for candidate in each.found]
        if "wide" in names:
            place = names.index("wide")
            gains.append(float(each.ious[place:].max() - each.ious[:place].max()))
            trust.append(confidence(each.bench, each.found[0].matte, each.found[:place], judgement))
    for level in LEVELS:
        over = np.array(trust) >= level
        if not over.any() or float(np.maximum(np.array(gains)[over], 0.0).mean()) < WORTH_A_LOOK:
            return float(level)
    return float(LEVELS[-1])
