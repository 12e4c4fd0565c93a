"""What the shape network sees: its field, cut along the outline. Proposes nothing where the network is off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lensora.core.errors import InvalidMesh
from services.mesh.kinds import Hypothesis
from services.mesh.kinds.field.carving import Carving, solid_from_prediction
from services.mesh.shape.freeform import FREE_CREASE_DEG, FREE_REACH
from services.mesh.view import View


@dataclass(frozen=True)
class FieldRules:
    """How the field is cut.

    Attributes:
        fine_side: rows and columns on which the winner is cut: half a pixel of the network's picture.
        unsure: doubt from which on one layer is cut instead of the field's own surface, which is torn where the network
            is unsure. Set by eye on photos without truth; on ``unseen`` the best proposals' F-score is 0.653 or 0.654
            at 0.5, 0.58 and 0.65.
    """

    fine_side: int = 160
    unsure: float = 0.58


RULES = FieldRules()


class Field:
    """See ``Kind``."""

    name = "field"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The field's surface in the world that the network's pitch makes upright; where it is unsure, one layer as
        deep as the field."""
        prediction = view.prediction
        if prediction is None:
            return []
        likely = 1.0 / (1.0 + np.exp(-np.clip(prediction.field, -8.0, 8.0)))
        doubt = float((likely * (1.0 - likely)).sum() / max(float(likely.sum()), 1e-6))
        cut = partial(solid_from_prediction, prediction, view.cutout, layered=doubt >= RULES.unsure)
        try:
            solid, camera = cut()
        except InvalidMesh:
            return []
        return [
            Hypothesis(
                self.name,
                self.name,
                solid,
                camera,
                detailed=partial(cut, Carving(side=RULES.fine_side)),
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
                evidence=(("doubt", doubt), ("pitch_spread", min(prediction.pitch_spread, 1.0))),
            )
        ]
