"""The choice: each hypothesis' terms, weighed and summed; the plain one stays unless another is clearly better."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from services.mesh.judge.terms import terms_of
from services.mesh.kinds import Hypothesis
from services.mesh.lanes import in_lanes
from services.mesh.view import View

PLAIN = ("inflation",)
"""The methods of the plain way, of which the better one wins ties. The first one is what harm is measured against."""

FARTHEST = 2.5
"""Standard deviations beyond which a term says no more: what is unlike all of the corpus is not extrapolated."""

WEIGHTS = {False: "weights.json", True: "weights_network.json"}
"""Written by ``quality.fit_judge``: without the shape network's terms, and with them."""


@dataclass(frozen=True)
class Linear:
    """A weighted sum of standardised terms.

    Attributes:
        constant: what an average hypothesis gets.
        weights: by term, for a change of one standard deviation.
    """

    constant: float
    weights: Mapping[str, float]

    def __call__(self, scaled: Mapping[str, float]) -> float:
        """The sum for terms that are already standardised."""
        return self.constant + sum(weight * scaled[name] for name, weight in self.weights.items())


@dataclass(frozen=True)
class Weights:
    """What was fitted on the corpus' ``tune`` part.

    Attributes:
        scale: each term's mean and standard deviation there.
        shared: gain of F-score over the photo's average hypothesis, whatever the method.
        by_method: what a method adds to that.
        margin: by how much another hypothesis must be expected to be better than the plain one.
        confidence: log-odds that the chosen hypothesis is about right (F-score of 0.5 or more).
    """

    scale: Mapping[str, tuple[float, float]]
    shared: Linear
    by_method: Mapping[str, Linear]
    margin: float
    confidence: Linear

    @classmethod
    def read(cls, text: str) -> Weights:
        """From the JSON that ``quality.fit_judge`` writes."""
        given = json.loads(text)
        return cls(
            scale={name: (float(mean), float(spread)) for name, (mean, spread) in given["scale"].items()},
            shared=Linear(**given["shared"]),
            by_method={method: Linear(**linear) for method, linear in given["by_method"].items()},
            margin=float(given["margin"]),
            confidence=Linear(**given["confidence"]),
        )

    def standardised(self, terms: Mapping[str, float]) -> dict[str, float]:
        """Each term in standard deviations from its mean, at most ``FARTHEST``; one that a hypothesis lacks is 0 before
        that."""
        return {
            name: min(FARTHEST, max(-FARTHEST, (terms.get(name, 0.0) - mean) / spread))
            for name, (mean, spread) in self.scale.items()
        }

    def gain(self, method: str, scaled: Mapping[str, float]) -> float:
        """What is expected of a hypothesis, against the others of its photo."""
        own = self.by_method.get(method)
        return self.shared(scaled) + (0.0 if own is None else own(scaled))


@dataclass(frozen=True)
class Verdict:
    """The choice.

    Attributes:
        best: the chosen hypothesis.
        confidence: how likely it is about right, 0..1, as calibrated on the corpus.
        gains: what was expected of each, in the order given.
        lead: by how much the best exceeds the plain one; 0 for the plain one itself.
    """

    best: Hypothesis
    confidence: float
    gains: tuple[float, ...]
    lead: float


class Judge:
    """Chooses by fitted weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    @classmethod
    def fitted(cls, *, with_network: bool = False) -> Judge:
        """With the weights that lie beside this module, fitted without or with the shape network's terms."""
        return cls(_fitted_weights(with_network))

    def pick(self, methods: Sequence[str], gains: Sequence[float]) -> tuple[int, float]:
        """Number of the hypothesis to take, and by how much it exceeds the plain one."""
        plain = max((k for k, method in enumerate(methods) if method in PLAIN), key=gains.__getitem__)
        best = max(range(len(gains)), key=gains.__getitem__)
        if gains[best] < gains[plain] + self._weights.margin:
            best = plain
        return best, gains[best] - gains[plain]

    def choose(self, view: View, hypotheses: Sequence[Hypothesis]) -> Verdict:
        """The hypothesis that explains the photo clearly better than the plain one, or the plain one.

        Args:
            view: the photo.
            hypotheses: at least one of the methods ``PLAIN``.
        """
        weights = self._weights
        scaled = [weights.standardised(terms) for terms in in_lanes(lambda one: terms_of(one, view), hypotheses)]
        gains = [weights.gain(one.method, terms) for one, terms in zip(hypotheses, scaled, strict=True)]
        best, lead = self.pick([one.method for one in hypotheses], gains)
        odds = weights.confidence({**scaled[best], "lead": lead})
        return Verdict(hypotheses[best], 1.0 / (1.0 + math.exp(-odds)), tuple(gains), lead)


@cache
def _fitted_weights(with_network: bool) -> Weights:
    return Weights.read(files(__package__).joinpath(WEIGHTS[with_network]).read_text("utf-8"))
