"""The judge's weights as a regression: proposals in, ``Weights`` out. No files, no photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.mesh.judge.verdict import FARTHEST, PLAIN, Judge, Linear, Weights

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

RIGHT = 0.5
"""F-score from which on a shape counts as about right, for the confidence."""

FOLDS, SEEDS = 5, 3
"""Objects are dealt into so many parts, so many times, for cross-validation."""

STRENGTHS = (10.0, 30.0, 100.0)
OWN_SHARES = (0.3, 0.6, 1.0)
"""Ridge strengths, and how freely a method's own weights move beside the shared ones, that are tried."""

MARGINS = (0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.15)
"""Leads over the plain hypothesis that are tried as clear ones."""

HARM = 0.03
"""How far under the plain inflation a choice counts as harm."""

HARM_WEIGHT = 0.7
"""What a share of 1 of harmed photos is worth in mean F-score, where the margin is chosen."""

OUTLINE_WEIGHT = 1.5
"""What a silhouette IoU of 1 is worth in F-score: what is not seen as the photo looks wrong, whatever its depth."""


@dataclass(frozen=True)
class Proposal:
    """One hypothesis of one photo: ``fscore`` against the truth, ``terms`` by name, and its solid's ``digest``."""

    kind: str
    method: str
    fscore: float
    terms: Mapping[str, float]
    digest: str = ""

    @property
    def worth(self) -> float:
        """What a judge should go by: the F-score, and the outline that everybody sees."""
        return self.fscore - OUTLINE_WEIGHT * (1.0 - self.terms.get("silhouette.iou", 1.0))


@dataclass(frozen=True)
class Photo:
    """All proposals of one photo; ``thing`` names the object."""

    name: str
    thing: str
    proposals: tuple[Proposal, ...]

    @property
    def plain(self) -> float:
        """The plain inflation's F-score."""
        return next(p.fscore for p in self.proposals if p.method == PLAIN[0])


@dataclass(frozen=True)
class Table:
    """Proposals as arrays.

    Attributes:
        terms: (n, t) float64, standardised.
        fscore: (n,).
        worth: (n,) what the weights are fitted to.
        photo: (n,) index of each proposal's photo.
        method: (n,) index into the methods.
        plain: (n,) bool, of the plain way.
        inflation: (photos,) F-score of the plain inflation.
        things: (photos,) the same number for all photos of an object.
    """

    terms: Doubles
    fscore: Doubles
    worth: Doubles
    photo: Ints
    method: Ints
    plain: NDArray[np.bool_]
    inflation: Doubles
    things: Ints


@dataclass(frozen=True)
class Outcome:
    """What weights do on photos.

    Attributes:
        plain: mean F-score of the plain inflation.
        judged: of the judge's choices.
        iou: mean silhouette IoU of the choices, as the judge's own drawing has it.
        best: of the best proposals: the limit of any judge.
        harmed: share of photos on which the choice is under the plain one by more than ``HARM``.
        worst_decile: mean F-score of the worst tenth of the choices.
        brier: mean squared error of the confidence.
    """

    plain: float
    judged: float
    iou: float
    best: float
    harmed: float
    worst_decile: float
    brier: float


def scale_of(photos: Sequence[Photo]) -> dict[str, tuple[float, float]]:
    """Mean and standard deviation of every term; terms that never change are left out."""
    names = sorted({name for photo in photos for p in photo.proposals for name in p.terms})
    values = np.array([[p.terms.get(name, 0.0) for name in names] for photo in photos for p in photo.proposals])
    both = zip(names, values.mean(axis=0), values.std(axis=0), strict=True)
    return {name: (round(float(mean), 5), round(float(spread), 5)) for name, mean, spread in both if spread > 1e-4}


def tabulated(photos: Sequence[Photo], scale: Mapping[str, tuple[float, float]], methods: Sequence[str]) -> Table:
    """Photos' proposals with standardised terms."""
    rows = [(number, p) for number, photo in enumerate(photos) for p in photo.proposals]
    values = np.array([[p.terms.get(name, 0.0) for name in scale] for _, p in rows])
    mean, spread = np.array(list(scale.values())).T
    things = sorted({photo.thing for photo in photos})
    return Table(
        terms=np.clip((values - mean) / spread, -FARTHEST, FARTHEST),
        fscore=np.array([p.fscore for _, p in rows]),
        worth=np.array([p.worth for _, p in rows]),
        photo=np.array([number for number, _ in rows]),
        method=np.array([methods.index(p.method) for _, p in rows]),
        plain=np.array([p.method in PLAIN for _, p in rows]),
        inflation=np.array([photo.plain for photo in photos]),
        things=np.array([things.index(photo.thing) for photo in photos]),
    )


def design_of(table: Table, methods: int, own: float) -> Doubles:
    """(n, t + methods * (t + 1)): shared terms; for each method a constant and its terms, ``own`` times as free."""
    member = (table.method[:, None] == np.arange(methods)).astype(np.float64)
    each = own * np.concatenate([np.full((len(table.terms), 1), 2.0), table.terms], axis=1)
    return np.concatenate([table.terms, *(each * member[:, [k]] for k in range(methods))], axis=1)


def ridge(design: Doubles, wanted: Doubles, strength: float) -> Doubles:
    """Weights of least squared error plus ``strength`` times their squares."""
    square = design.T @ design
    return np.asarray(np.linalg.solve(square + strength * np.eye(len(square)), design.T @ wanted))


def centred(table: Table) -> Doubles:
    """Each proposal's worth over the mean of its photo's proposals: what a choice can change."""
    mean = np.bincount(table.photo, table.worth) / np.bincount(table.photo)
    return np.asarray(table.worth - mean[table.photo])


def chosen(table: Table, gains: Doubles, margin: float) -> Ints:
    """Row of each photo's choice."""
    ends = np.flatnonzero(np.diff(table.photo, append=-1)) + 1
    rows = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        plain = start + int(np.argmax(np.where(table.plain[start:end], gains[start:end], -np.inf)))
        best = start + int(np.argmax(gains[start:end]))
        rows.append(best if gains[best] >= gains[plain] + margin else plain)
    return np.array(rows)


def worth(table: Table, rows: Ints) -> float:
    """Mean worth of choices, less what the harmed ones cost."""
    harmed = table.fscore[rows] < table.inflation - HARM
    return float(table.worth[rows].mean() - HARM_WEIGHT * harmed.mean())


def cross_validated(table: Table, design: Doubles, strength: float) -> Doubles:
    """(n,) gains, each by weights that never saw its object."""
    wanted, gains = centred(table), np.zeros(len(table.fscore))
    for seed in range(SEEDS):
        fold = np.random.default_rng(seed).permutation(int(table.things.max()) + 1) % FOLDS
        part = fold[table.things][table.photo]
        for held in (part == k for k in range(FOLDS)):
            gains[held] += design[held] @ ridge(design[~held], wanted[~held], strength) / SEEDS
    return gains


def fitted(photos: Sequence[Photo]) -> Weights:
    """The judge's weights from photos of ``tune`` objects."""
    scale = scale_of(photos)
    names = list(scale)
    methods = sorted({p.method for photo in photos for p in photo.proposals})
    table = tabulated(photos, scale, methods)
    trials = []
    for own in OWN_SHARES:
        design = design_of(table, len(methods), own)
        for strength in STRENGTHS:
            gains = cross_validated(table, design, strength)
            trials += [(worth(table, chosen(table, gains, margin)), own, strength, margin) for margin in MARGINS]
    _, own, strength, margin = max(trials)
    design = design_of(table, len(methods), own)
    solved = ridge(design, centred(table), strength)
    by_method = {}
    for number, method in enumerate(methods):
        start = len(names) + number * (len(names) + 1)
        constant, *weights = own * solved[start : start + len(names) + 1]
        by_method[method] = Linear(round(2.0 * float(constant), 5), _named(names, weights))
    confidence = _confidence(table, names, cross_validated(table, design, strength), margin)
    return Weights(scale, Linear(0.0, _named(names, solved[: len(names)])), by_method, margin, confidence)


def _named(names: Sequence[str], values: Sequence[float] | Doubles) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in zip(names, values, strict=True)}


def _confidence(table: Table, names: Sequence[str], gains: Doubles, margin: float) -> Linear:
    """Logistic regression of "the choice is about right" on its terms and its lead, by Newton's method."""
    rows, plain = chosen(table, gains, margin), chosen(table, gains, np.inf)
    inputs = np.column_stack([np.ones(len(rows)), table.terms[rows], gains[rows] - gains[plain]])
    right = (table.fscore[rows] >= RIGHT).astype(np.float64)
    damping = np.array([1e-6, *np.full(len(names), 8.0), 0.1])
    weights = np.zeros(inputs.shape[1])
    for _ in range(30):
        likely = 1.0 / (1.0 + np.exp(-inputs @ weights))
        slope = inputs.T @ (right - likely) - damping * weights
        bend = (inputs * (likely * (1.0 - likely))[:, None]).T @ inputs + np.diag(damping)
        weights = weights + np.linalg.solve(bend, slope)
    return Linear(round(float(weights[0]), 5), _named([*names, "lead"], weights[1:]))


def outcome(photos: Sequence[Photo], weights: Weights) -> tuple[Outcome, list[float]]:
    """Choose for each photo; the figures, and the chosen F-scores."""
    judge = Judge(weights)
    picks, errors, ious = [], [], []
    for photo in photos:
        scaled = [weights.standardised(p.terms) for p in photo.proposals]
        gains = [weights.gain(p.method, terms) for p, terms in zip(photo.proposals, scaled, strict=True)]
        number, lead = judge.pick([p.method for p in photo.proposals], gains)
        picks.append(photo.proposals[number].fscore)
        ious.append(photo.proposals[number].terms.get("silhouette.iou", 1.0))
        odds = weights.confidence({**scaled[number], "lead": lead})
        errors.append((1.0 / (1.0 + np.exp(-odds)) - float(picks[-1] >= RIGHT)) ** 2)
    plain = [photo.plain for photo in photos]
    figures = Outcome(
        plain=float(np.mean(plain)),
        judged=float(np.mean(picks)),
        iou=float(np.mean(ious)),
        best=float(np.mean([max(p.fscore for p in photo.proposals) for photo in photos])),
        harmed=float(np.mean([pick < own - HARM for pick, own in zip(picks, plain, strict=True)])),
        worst_decile=float(np.sort(picks)[: max(1, len(picks) // 10)].mean()),
        brier=float(np.mean(errors)),
    )
    return figures, picks
