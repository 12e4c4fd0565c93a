"""From a view to the hypothesis that explains it: every kind proposes, the judge chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from services.mesh.judge.verdict import Judge, Verdict
from services.mesh.kinds import Hypothesis, Kind
from services.mesh.kinds.registry import KINDS
from services.mesh.view import View


def explain(
    view: View,
    kinds: Sequence[Kind] = KINDS,
    judge: Judge | None = None,
    between: Callable[[float], None] = lambda _share: None,
) -> Verdict:
    """The judge's choice among everything that the kinds propose.

    Args:
        view: the photo.
        kinds: what may propose; the plain one among them.
        judge: with the fitted weights, if not given.
        between: called between kinds with the share of the work done, 0..1; raises to stop.
    """
    proposed: list[Hypothesis] = []
    for number, kind in enumerate(kinds):
        between(number / (len(kinds) + 1))
        proposed.extend(kind.propose(view))
    between(len(kinds) / (len(kinds) + 1))
    return (judge or Judge.fitted(with_network=view.prediction is not None)).choose(view, proposed)
