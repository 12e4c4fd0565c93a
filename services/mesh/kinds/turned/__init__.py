"""Turned things: cups, bottles, vases, bowls, lamps, balls; closed or open, with handles and spouts."""

from __future__ import annotations

from collections.abc import Sequence

from services.mesh.kinds import Hypothesis
from services.mesh.kinds.turned.body import turned_hypotheses
from services.mesh.shape.turned import find_turned
from services.mesh.view import View


class Turned:
    """See ``Kind``."""

    name = "turned"
    waits = False

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The best surface of revolution, and the same moved onto the subject's own outline."""
        return turned_hypotheses(view, view.measured(find_turned))
