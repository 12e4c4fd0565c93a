"""Boxes: cartons, books, cases, cabinets; with softly rounded edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.mesh.kinds import Coloring, Hypothesis, well_above
from services.mesh.kinds.box.panels import PanelCompletion
from services.mesh.kinds.box.straightening import straightened
from services.mesh.shape.boxes.cuboid import rounded_box
from services.mesh.shape.boxes.refinement import find_box
from services.mesh.texturing.exposure import FLAT_TRUST
from services.mesh.view import View


@dataclass(frozen=True)
class BoxRules:
    """Which cuboids are proposed. Set by hand before the corpus was split.

    Attributes:
        edge_radius: least radius of a box's edges, share of its largest half side: even cartons have none that are
            sharp.
        least_agreement: below this a cuboid's outline is not the silhouette's, whatever shows inside it.
    """

    edge_radius: float = 0.008
    least_agreement: float = 0.88


RULES = BoxRules()


class Box:
    """See ``Kind``."""

    name = "box"
    waits = False

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """The cuboid whose outline and inner edges agree best with the photo's."""
        box = view.measured(find_box)
        if box.agreement < RULES.least_agreement:
            return []
        solid = rounded_box(box.half, max(box.radius, RULES.edge_radius * float(box.half.max())))
        camera = view.camera(box.camera)
        fit, clear = well_above(box.agreement, 0.9), float(np.mean(box.clearness)) if box.clearness else 0.0
        evidence = (
            ("agreement", box.agreement),
            ("fit", fit),
            ("clear_edges", clear),
            ("explained", fit * clear),
            ("edges", len(box.clearness) / 3.0),
            ("upright", float(box.upright)),
        )

        def coloring() -> Coloring:
            photo = straightened(view.cutout, camera, box.half)
            return Coloring(PanelCompletion(photo, camera, box.half), photo, trust=FLAT_TRUST)

        return [Hypothesis(self.name, "rounded box", solid, camera, coloring, evidence=evidence)]
