"""Long bodies that wheels or legs carry at both ends, seen from the side: cars, trailers, cattle, tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.mesh.camera import PhotoCamera
from services.mesh.kinds import Hypothesis
from services.mesh.kinds.carried.carriage import carried_square, feet_apart, with_rows
from services.mesh.shape.freeform import FREE_CREASE_DEG, FREE_REACH, draft_grid, fine_grid, footed_matte, freeform
from services.mesh.shape.shading import flatness
from services.mesh.shape.stance import find_base
from services.mesh.solid import Solid
from services.mesh.view import Grid, View

WIDEST_TURN = 0.65
"""What is turned by more than 33 degrees shows its end as well as its side."""


class Carried:
    """See ``Kind``."""

    name = "carried"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """A flat-sided body about as wide as high on two rows of feet, where the silhouette stands on feet apart."""

        def built(grid: Grid) -> tuple[Solid, PhotoCamera] | None:
            base = find_base(grid.alpha, grid.camera)
            if not feet_apart(base):
                return None
            high = float(np.ptp(np.flatnonzero(grid.inside.any(axis=1))))
            square = carried_square(footed_matte(grid.alpha, base), high)[: grid.alpha.shape[0]]
            form = freeform(grid.alpha, grid.camera, base, np.sqrt(square).astype(np.float64), WIDEST_TURN)
            return with_rows(form, grid, base), view.camera(form.camera)

        draft = built(view.measured(draft_grid))
        if draft is None:
            return []
        return [
            Hypothesis(
                self.name,
                "carried body",
                *draft,
                detailed=lambda: built(view.measured(fine_grid)) or draft,
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
                evidence=(("flatness", view.measured(flatness)),),
            )
        ]
