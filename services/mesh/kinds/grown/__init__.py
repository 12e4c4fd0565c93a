"""A pot with a plant."""

from __future__ import annotations

from collections.abc import Sequence

from services.mesh.boolean import union, without_crumbs
from services.mesh.kinds import Coloring, Hypothesis
from services.mesh.kinds.grown.growth import GrowthCompletion, find_growth, grown_parts, soil_of
from services.mesh.shape.outline import filled
from services.mesh.shape.vessel import calm_profile, open_vessel
from services.mesh.view import FIT_SIDE_PX, View


class Grown:
    """See ``Kind``."""

    name = "grown"

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """A turned pot with what grows out of it, where the silhouette's lower part is a pot's."""
        grid = view.grid(FIT_SIDE_PX)
        found = find_growth(filled(grid.inside), grid.camera)
        if found is None:
            return []
        camera, soil = view.camera(found.pot.camera), soil_of(found.pot)
        heights, radii = calm_profile(found.pot)
        solid = without_crumbs(union(open_vessel(heights, radii, soil), grown_parts(grid, found)))

        def coloring() -> Coloring:
            return Coloring(GrowthCompletion(view.cutout, camera, found.pot, soil))

        evidence = (("agreement", found.pot.agreement),)
        return [Hypothesis(self.name, "revolution with growth", solid, camera, coloring, evidence=evidence)]
