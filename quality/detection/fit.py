"""The sums of the ranking's fit: logistic regression, and the levels of chance and of names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from quality.detection.finds import RIGHT_IOU, Scene
from quality.detection.names import Called, shares
from services.detect.ranking import FEATURES, Ranking

RIDGE = 0.5
LEAST_SCALE = 0.2
"""A feature that hardly varies on these scenes must not decide on others."""

FOLDS = 5
LEVELS = tuple(np.round(np.linspace(0.1, 0.8, 36), 3))
LEAST_PRECISION = 0.86
"""Asked of the tune part, on scenes that the weights have not seen; 0.85 is the promise on others."""

NAME_LEVELS = tuple(np.round(np.linspace(0.5, 0.99, 50), 3))
NAME_PRECISION = 0.9


def fitted(scenes: Sequence[Scene]) -> Ranking:
    """The ranking for these scenes; the least chance is chosen on scenes that its weights have not seen."""
    weights = [
        tuple(_weights([other for place, other in enumerate(scenes) if place % FOLDS != fold])) for fold in range(FOLDS)
    ]
    chances = [Ranking(weights[index % FOLDS], 0.0).chances(scene.features) for index, scene in enumerate(scenes)]
    return Ranking(tuple(round(float(w), 4) for w in _weights(scenes)), _least(scenes, chances))


def releveled(scenes: Sequence[Scene], ranking: Ranking) -> Ranking:
    """Weights that are there, with the least chance for these scenes, which they have not seen."""
    return replace(ranking, least=_least(scenes, [ranking.chances(scene.features) for scene in scenes]))


def _least(scenes: Sequence[Scene], chances: Sequence[NDArray[np.float64]]) -> float:
    """The lowest chance at which enough of the proposals are things, and empty scenes get none."""
    right = [scene.right() for scene in scenes]
    empty = [chance for chance, scene in zip(chances, scenes, strict=True) if not scene.truth and not scene.aside]
    return float(
        next(
            (lvl for lvl in LEVELS if _precision(chances, right, lvl) >= LEAST_PRECISION and _quiet(empty, lvl)),
            LEVELS[-1],
        )
    )


def name_level(things: Sequence[Called]) -> float:
    """The lowest probability over which nine in ten names are right."""
    for level in NAME_LEVELS:
        given, right = shares(list(things), float(level))
        if right >= NAME_PRECISION * given:
            return float(level)
    return 1.0


def of_scenes(scenes: Sequence[Scene], ranking: Ranking) -> list[Called]:
    """Names of what is proposed in scenes."""
    return [
        Called(label, probability, shows)
        for scene in scenes
        for (label, probability), shows, chance in zip(
            scene.names, scene.shows, ranking.chances(scene.features), strict=True
        )
        if shows and chance >= ranking.least
    ]


def unranked() -> Ranking:
    """What was there before: a thing's contrast is its chance, and nothing is left out."""
    weights = tuple(float(name == "contrast") for name in FEATURES)
    return Ranking(weights, 0.0)


def report(scenes: Sequence[Scene], ranking: Ranking) -> str:
    """Recall, precision, first right and quiet empty scenes, in words."""
    things = boxes = matched = first = filled = quiet = 0
    for scene in scenes:
        proposals = scene.listed(ranking)
        things += len(scene.truth)
        boxes += len(proposals)
        if not scene.truth:
            quiet += not proposals
            continue
        filled += 1
        first += bool(proposals) and max(proposals[0].iou(box) for box in scene.truth) >= RIGHT_IOU
        left = list(scene.truth)
        for proposal in proposals:
            best = max(left, key=proposal.iou, default=None)
            if best is not None and proposal.iou(best) >= RIGHT_IOU:
                left.remove(best)
                matched += 1
    return (
        f"recall {matched / max(1, things):.3f} ({matched} of {things}), precision {matched / max(1, boxes):.3f} "
        f"({matched} of {boxes}), first right {first} of {filled}, nothing on {quiet} of {len(scenes) - filled} empty"
    )


def _precision(chances: Sequence[NDArray[np.float64]], right: Sequence[NDArray[np.float64]], level: float) -> float:
    kept = np.concatenate([truth[chance >= level] for chance, truth in zip(chances, right, strict=True)])
    return float(np.nanmean(kept)) if np.isfinite(kept).any() else 1.0


def _quiet(empty: Sequence[NDArray[np.float64]], level: float) -> bool:
    """True where nothing is proposed on scenes that hold nothing, but for one in fifty."""
    return sum(bool((chance >= level).any()) for chance in empty) <= len(empty) // 50


def _weights(scenes: Sequence[Scene]) -> NDArray[np.float64]:
    """Weights of a logistic regression with a little ridge."""
    rows = np.concatenate([scene.features for scene in scenes])
    right = np.concatenate([scene.right() for scene in scenes])
    rows, right = rows[np.isfinite(right)], right[np.isfinite(right)]
    scale = np.maximum(np.abs(rows).max(axis=0), LEAST_SCALE)
    return regression(rows / scale, right, np.ones(len(rows)), RIDGE) / scale


def regression(
    rows: NDArray[np.float64], right: NDArray[np.float64], counts: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """(features,) weights of a logistic regression, by Newton's method.

    Args:
        rows: (n, features), of about one size.
        right: (n,) 0 or 1.
        counts: (n,) how much each row counts.
        ridge: half of what the squares of the weights cost.
    """
    weights = np.zeros(rows.shape[1])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-np.clip(rows @ weights, -30.0, 30.0)))
        gradient = rows.T @ (counts * (right - chance)) - ridge * weights
        curve = (rows * (counts * chance * (1.0 - chance))[:, None]).T @ rows + ridge * np.eye(len(weights))
        weights = weights + np.linalg.solve(curve, gradient)
    return weights
