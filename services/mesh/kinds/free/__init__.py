"""Free shapes: neither boxes nor turned; as thick as outline and light suggest, standing on the ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from services.mesh.camera import PhotoCamera
from services.mesh.kinds import Hypothesis
from services.mesh.shape.freeform import (
    FREE_CREASE_DEG,
    FREE_REACH,
    draft_grid,
    fine_grid,
    freeform,
    rounded_thickness,
)
from services.mesh.shape.inflation import rim_distance
from services.mesh.shape.shading import flatness
from services.mesh.shape.stance import Base, facing, find_base, has_corner, levelled
from services.mesh.solid import Solid
from services.mesh.view import Grid, View


@dataclass(frozen=True)
class FreeRules:
    """Which free shapes are proposed. Set by hand before the corpus was split.

    Attributes:
        plate: what has no inscribed circle of this radius, as a share of its width, is a thin tool: it is shown flat,
            as it was taken.
        roundest_slab: what looks flatter than this is built as flat as this, beside the slab that is built in any case.
    """

    plate: float = 0.08
    roundest_slab: float = 0.9


RULES = FreeRules()


class Free:
    """See ``Kind``."""

    name = "free"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """One with rounded cross-sections, as flat as it looks, and one that is a slab."""
        flat = view.measured(flatness)
        grid = view.measured(draft_grid)
        base = _base(grid)

        def built(share: float, grid: Grid, base: Base) -> tuple[Solid, PhotoCamera]:
            form = freeform(grid.alpha, grid.camera, base, rounded_thickness(grid.alpha, base, share))
            return form.solid, view.camera(form.camera)

        def detailed(share: float) -> tuple[Solid, PhotoCamera]:
            grid = view.measured(fine_grid)
            return built(share, grid, _base(grid))

        proposed = []
        for method, share in (("rounded shape", min(flat, RULES.roundest_slab)), ("rounded slab", 1.0)):
            solid, camera = built(share, grid, base)
            proposed.append(
                Hypothesis(
                    self.name,
                    method,
                    solid,
                    camera,
                    detailed=partial(detailed, share),
                    crease_deg=FREE_CREASE_DEG,
                    reach=FREE_REACH,
                )
            )
        return proposed


def _base(grid: Grid) -> Base:
    """What the silhouette stands on, facing the viewer unless a corner of it tells how the thing is turned."""
    base = find_base(grid.alpha, grid.camera)
    if float(rim_distance(grid.alpha).max()) < RULES.plate * base.wide * grid.camera.pixels:
        return levelled(base)
    return base if has_corner(base) else facing(base)
