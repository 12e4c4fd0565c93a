"""What the shape network sees: its field, cut along the outline. Proposes nothing where the network is off."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

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
        """The field's surface, and one layer as deep as it, in the world that the network's pitch makes upright."""
        prediction = view.prediction
        if prediction is None:
            return []
        likely = 1.0 / (1.0 + np.exp(-np.clip(prediction.field, -8.0, 8.0)))
        doubt = float((likely * (1.0 - likely)).sum() / max(float(likely.sum()), 1e-6))
        evidence = (("doubt", doubt), ("pitch_spread", min(prediction.pitch_spread, 1.0)))
        hypotheses = []
        for method, layered in (("field", False), ("field in layers", True)):
            with contextlib.suppress(InvalidMesh):
                solid, camera = solid_from_prediction(prediction, view.cutout, layered=layered)
                one = Hypothesis(self.name, method, solid, camera, crease_deg=FREE_CREASE_DEG, reach=FREE_REACH)
                hypotheses.append(replace(one, evidence=evidence))
        return hypotheses
