"""How many triangles a model gets: few where the outline is calm, more for what is thin or has many parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class BudgetRules:
    """Triangles of a model.

    Attributes:
        most: what a model gets where the request allows more: at 768 px a triangle is then about three pixels wide.
        calm: share of that for a calm outline: four pixels wide. Silhouette and texture stay the same to the eye, and a
            film takes a third less time to draw.
        branched: length of an outline, in roots of its area, that gets all: wires and legs close at fewer. A disc has
            3.5, a cup 4.5, an elephant 9.5, a fan with its cage 24.
        geometry_share: share of the bytes that triangles may take: a sharp texture on fewer triangles looks better than
            the reverse.
        triangle_bytes: of the GLB: half a vertex of 32 bytes, a tenth more where charts meet, three indices of two or
            four bytes. The samples take 24 to 27.
    """

    most: int = 20_000
    calm: float = 0.5
    branched: float = 10.0
    geometry_share: float = 0.5
    triangle_bytes: int = 28


RULES = BudgetRules()


def outline_length(mask: NDArray[np.bool_]) -> float:
    """Length of a mask's outlines, holes included, in roots of its area; 0 for an empty one."""
    area = float(mask.sum())
    if not area:
        return 0.0
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(outline, True) for outline in outlines) / math.sqrt(area)


def triangles_for(mask: NDArray[np.bool_], max_triangles: int, max_glb_bytes: int, rules: BudgetRules = RULES) -> int:
    """Triangles of the model of a silhouette.

    Args:
        mask: (h, w), True inside.
        max_triangles: of the request.
        max_glb_bytes: of the request.
        rules: how many.
    """
    share = min(1.0, max(rules.calm, outline_length(mask) / rules.branched))
    affordable = int(max_glb_bytes * rules.geometry_share / rules.triangle_bytes)
    return min(round(share * rules.most), max_triangles, affordable)
