"""What the shape network sees: its field, cut along the outline. Proposes nothing where the network is off."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lensora.core.errors import InvalidMesh
from services.mesh.kinds import Hypothesis
from services.mesh.kinds.field.carving import solid_from_prediction
from services.mesh.shape.freeform import FREE_CREASE_DEG, FREE_REACH
from services.mesh.view import View


class Field:
    """See ``Kind``."""

    name = "field"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The field's surface in the world that its own pitch and roll make upright."""
        prediction = view.prediction
        if prediction is None:
            return []
        try:
            solid, camera = solid_from_prediction(prediction, view.cutout)
        except InvalidMesh:
            return []
        likely = 1.0 / (1.0 + np.exp(-np.clip(prediction.field, -8.0, 8.0)))
        doubt = float((likely * (1.0 - likely)).sum() / max(float(likely.sum()), 1e-6))
        evidence = (("doubt", doubt), ("pitch_spread", min(prediction.pitch_spread, 1.0)))
        return [
            Hypothesis(
                self.name,
                self.name,
                solid,
                camera,
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
                evidence=evidence,
            )
        ]
