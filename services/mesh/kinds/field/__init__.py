"""What the shape network sees: its field, cut along the outline. Proposes nothing where the network is off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from lensora.core.errors import InvalidMesh
from services.mesh.kinds import Hypothesis
from services.mesh.kinds.field.carving import Carving, solid_from_prediction
from services.mesh.shape.grids import FREE_CREASE_DEG, FREE_REACH
from services.mesh.view import View


@dataclass(frozen=True)
class FieldRules:
    """How the field is cut.

    Attributes:
        fine_side: rows and columns on which the winner is cut: half a pixel of the network's picture.
    """

    fine_side: int = 160


RULES = FieldRules()


class Field:
    """See ``Kind``."""

    name = "field"
    waits = True

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The field's surface in the world that the network's pitch makes upright."""
        prediction = view.prediction
        if prediction is None:
            return []
        likely = 1.0 / (1.0 + np.exp(-np.clip(prediction.field, -8.0, 8.0)))
        doubt = float((likely * (1.0 - likely)).sum() / max(float(likely.sum()), 1e-6))
        cut = partial(solid_from_prediction, prediction, view.cutout)
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
