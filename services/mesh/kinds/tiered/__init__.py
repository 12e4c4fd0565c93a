"""A vessel on its saucer."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.boolean import difference, union, without_crumbs
from services.mesh.kinds import Coloring, Hypothesis
from services.mesh.kinds.tiered.saucer import TieredCompletion
from services.mesh.kinds.tiered.tiers import Tiers, find_tiers
from services.mesh.shape.handles import parts_beside, upright_part
from services.mesh.shape.lathe import circle_points, discs
from services.mesh.shape.turned import find_outline, find_picture, find_turned
from services.mesh.shape.vessel import cavity
from services.mesh.view import FIT_SIDE_PX, Grid, View


class Tiered:
    """See ``Kind``."""

    name = "tiered"
    waits = False

    def propose(self, view: View) -> Sequence[Hypothesis]:
        """A cup on its saucer, where a ledge shows that disc and cup explain."""
        single = view.measured(find_turned)
        found = find_tiers(view.measured(find_outline), view.measured(find_picture), single.body)
        if found is None:
            return []
        tiers = found.tiers
        camera = view.camera(tiers.camera)
        grid = view.grid(FIT_SIDE_PX)
        solid, beside = tiers.solid(), _handles(grid, tiers)
        if beside.any():
            part = upright_part(grid, beside, tiers.pitch, tiers.camera)
            solid = without_crumbs(difference(union(tiers.closed(), [part]), cavity(*tiers.cup, tiers.contents)))
        evidence = (
            ("agreement", found.agreement),
            ("excess", found.excess),
            ("mouth", min(found.near, found.far)),
            ("shown", found.shown),
            ("widening", found.widening),
            ("shadow", found.shadow),
            ("contents", float(tiers.contents is not None)),
        )

        def coloring() -> Coloring:
            return Coloring(TieredCompletion(view.cutout, camera, tiers))

        return [Hypothesis(self.name, "revolution in tiers", solid, camera, coloring, evidence=evidence)]


def _handles(grid: Grid, tiers: Tiers) -> NDArray[np.bool_]:
    """(h, w) bool: parts beside the cup; what is beside the saucer only is no handle."""
    shape = grid.alpha.shape
    cup = discs(shape, *circle_points(tiers.camera, *tiers.cup, 48))
    beside = parts_beside(grid.inside, tiers.silhouette(shape, tiers.camera))
    count, labels = cv2.connectedComponents(beside.astype(np.uint8))
    near = cv2.dilate(cup.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    touching = [k for k in range(1, count) if ((labels == k) & near).sum() >= 5]
    return np.asarray(np.isin(labels, touching), np.bool_)
