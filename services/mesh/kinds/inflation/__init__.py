"""The plain way: a Poisson inflation, a ball over a disc. What is not clearly better gives way to it."""

from __future__ import annotations

from collections.abc import Sequence

from services.mesh.camera import PhotoCamera
from services.mesh.kinds import Hypothesis
from services.mesh.shape.grids import FREE_CREASE_DEG, FREE_REACH, draft_grid, fine_grid
from services.mesh.shape.inflation import poisson_square
from services.mesh.shape.relief import relief
from services.mesh.solid import Solid
from services.mesh.view import Grid, View


class Inflation:
    """See ``Kind``."""

    name = "inflation"
    waits = False

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """Always exactly one."""

        def built(grid: Grid) -> tuple[Solid, PhotoCamera]:
            return relief(grid.alpha, poisson_square(grid.alpha), grid.camera), view.cutout.camera

        solid, camera = built(view.measured(draft_grid))
        return [
            Hypothesis(
                self.name,
                self.name,
                solid,
                camera,
                detailed=lambda: built(view.measured(fine_grid)),
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
            )
        ]
