"""Flat things that lie on the ground and are seen from above: keyboards, boards, tablets, soles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.mesh.camera import PhotoCamera
from services.mesh.kinds import Hypothesis, well_above
from services.mesh.kinds.lying.plan import lying
from services.mesh.shape.boxes.refinement import find_box
from services.mesh.shape.grids import FREE_CREASE_DEG, FREE_REACH, draft_grid, fine_grid
from services.mesh.solid import Solid
from services.mesh.view import Grid, View


@dataclass(frozen=True)
class LyingRules:
    """Where a cuboid says nothing of a plan.

    Attributes:
        least_agreement, flattest, least_pitch: a cuboid that is far from the silhouette, no flatter than this share of
            its shorter side, or seen from lower than 10 degrees, says nothing of a plan.
    """

    least_agreement: float = 0.75
    flattest: float = 0.6
    least_pitch: float = 0.17


RULES = LyingRules()


class Lying:
    """See ``Kind``."""

    name = "lying"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The silhouette as the plan of a flat thing, with the height and the pitch of the cuboid that is nearest."""
        box = view.measured(find_box)
        if (
            box.agreement < RULES.least_agreement
            or box.pitch < RULES.least_pitch
            or float(box.half[1]) > RULES.flattest * float(box.half[[0, 2]].min())
        ):
            return []

        def built(grid: Grid) -> tuple[Solid, PhotoCamera]:
            solid, seen = lying(grid.alpha, grid.camera, box)
            return solid, view.camera(seen)

        evidence = (
            ("agreement", box.agreement),
            ("fit", well_above(box.agreement, 0.85)),
            ("height", float(box.half[1] / box.half[[0, 2]].min())),
        )
        return [
            Hypothesis(
                self.name,
                "lying",
                *built(view.measured(draft_grid)),
                detailed=lambda: built(view.measured(fine_grid)),
                crease_deg=FREE_CREASE_DEG,
                reach=FREE_REACH,
                evidence=evidence,
            )
        ]
