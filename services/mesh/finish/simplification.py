"""Fewer triangles for a closed solid that stays closed."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import fast_simplification
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.boolean import coarser
from services.mesh.finish.sheets import parted
from services.mesh.solid import Solid

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SimplifierRules:
    """How a solid is thinned.

    Attributes:
        aggressions: how steeply the simplifier's threshold rises, in the order in which they are tried. At 4 thin parts
            stay closed that collapse at the library's own 7, in the same time; only 7 reaches budgets of a few hundred
            triangles.
        starts: times that the simplifier goes on from its own best result.
        faces_at_once: the simplifier cannot be interrupted and takes a second for a million faces: more than these are
            thinned in steps, and between them it is looked whether anybody still waits ...
        step: ... to this share each, for a quarter more time.
    """

    aggressions: tuple[float, float, float] = (4.0, 7.0, 2.0)
    starts: int = 3
    faces_at_once: int = 200_000
    step: float = 0.6


RULES = SimplifierRules()


_TURN = threading.Lock()
"""Held around the simplifier: it keeps its mesh in variables of the process. It loads it in one call, thins it in
another, and hands it out in further ones: a thread that came between would get another job's model."""

EVEN_AGGRESSIONS = (7.0, 4.0, 2.0)
"""The same for triangles of about one size, where each is to have a colour of its own."""


def simplified(
    solid: Solid, max_triangles: int, aggressions: tuple[float, ...] = RULES.aggressions, rules: SimplifierRules = RULES
) -> Solid:
    """Quadric simplification to a budget that keeps the solid closed.

    Sheets that came to touch are parted. Where the simplifier's result is not closed for all that, or stops short of
    the budget, it is asked for again with another aggression; in the end the smallest closed solid is taken, be it the
    given one.

    Args:
        solid: closed.
        max_triangles: >= 4.
        aggressions: see ``SimplifierRules``.
        rules: the rest of them.
    """
    best = solid
    # What does not get there in one go, thin parts closed, may get there from where it stopped.
    for start in range(rules.starts):
        given = solid if start == 0 else best
        for aggression in aggressions:
            if len(best.faces) <= max_triangles:
                return best
            result = _thinned(given, max_triangles, aggression, rules)
            result = result if result.is_closed() else parted(result)
            if len(result.faces) < len(best.faces) and result.is_closed():
                best = result
    return coarser(best, max_triangles)


def _thinned(solid: Solid, target: int, aggression: float, rules: SimplifierRules) -> Solid:
    """What the simplifier makes of a solid, in steps where it is large; it may stop short of the target."""
    points, faces = solid.vertices.astype(np.float32), solid.faces.astype(np.int32)
    while True:
        glance()
        before = len(faces)
        aim = max(target, int(rules.step * before)) if before > rules.faces_at_once else target
        with _TURN:
            points, faces = fast_simplification.simplify(points, faces, target_count=aim, agg=aggression)
        if aim == target or len(faces) > 0.5 * (aim + before):
            break
    return _compact(Solid(np.asarray(points, np.float64), _without_flats(np.asarray(faces, np.int64))))


def _without_flats(faces: Ints) -> Ints:
    """Faces without pairs on the same three corners: thin parts that have collapsed and enclose nothing."""
    _, group, count = np.unique(np.sort(faces, axis=1), axis=0, return_inverse=True, return_counts=True)
    return faces[count[group.ravel()] == 1] if (count > 1).any() else faces


def _compact(solid: Solid) -> Solid:
    """The solid without vertices that no face uses."""
    used = np.zeros(len(solid.vertices), bool)
    used[solid.faces] = True
    return Solid(solid.vertices[used], (np.cumsum(used) - 1)[solid.faces])
