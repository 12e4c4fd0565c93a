"""From a view to the hypothesis that explains it: every kind proposes, the judge chooses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from services.mesh.cutout import Cutout
from services.mesh.judge.verdict import Judge, Verdict
from services.mesh.kinds import Hypothesis, Kind
from services.mesh.kinds.registry import KINDS
from services.mesh.lanes import begun
from services.mesh.memory import Memory
from services.mesh.network import ShapeNetwork
from services.mesh.view import View

MOST_KEPT = 3
"""Explanations kept for the other call of their job: it comes within a second, and each holds some megabytes."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A photo and what explains it."""

    view: View
    verdict: Verdict


class Explainer:
    """Explains cutouts. The calls of one job ask for the same at the same time, and it is worked out once.

    Safe to use from several threads.
    """

    def __init__(
        self, network: ShapeNetwork | None = None, kinds: Sequence[Kind] | None = None, judge: Judge | None = None
    ) -> None:
        """
        Args:
            network: the shape network; None does without it.
            kinds: what may propose; every registered one if not given.
            judge: with the fitted weights, if not given.
        """
        self.network = network
        self._kinds = KINDS if kinds is None else kinds
        self._judge = judge
        self._memory: Memory[int, Explained] = Memory(MOST_KEPT)

    def explain(
        self,
        cutout: Cutout,
        between: Callable[[float], None] = lambda _share: None,
        timeout_s: float | None = None,
    ) -> Explained:
        """The view of a cutout and the verdict on it.

        Args:
            cutout: the subject; the same object stands for the same photo.
            between: called now and then with the share of the work done, 0..1; raises to stop.
            timeout_s: seconds after which the network is given up.
        """

        def make() -> Explained:
            between(0.0)
            network = self.network
            # What the photo itself tells is looked for meanwhile.
            view = View(
                cutout,
                awaited=None if network is None else begun(lambda: network.predict(cutout, timeout_s), looks=True),
            )
            return Explained(view, explain(view, self._kinds, self._judge, between))

        # What is kept holds its cutout, whose number is therefore no other's.
        return self._memory.get(id(cutout), make, lambda: between(0.0))


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
    # What waits for the network does so on a lane of its own.
    proposals = {kind.name: begun(partial(kind.propose, view)) for kind in kinds if kind.waits}
    proposed: list[Hypothesis] = []
    for number, kind in enumerate(kinds):
        between(number / (len(kinds) + 1))
        proposed.extend(proposals.get(kind.name, partial(kind.propose, view))())
    between(len(kinds) / (len(kinds) + 1))
    return (judge or Judge.fitted(with_network=view.prediction is not None)).choose(view, proposed)
