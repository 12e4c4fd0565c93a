"""How many triangles a model gets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BudgetRules:
    """Triangles of a model.

    Attributes:
        most: what a thing full of detail gets where the request allows more: at 768 px a triangle is then about three
            pixels wide.
        geometry_share: share of the bytes that triangles may take: a sharp texture on fewer triangles looks better than
            the reverse.
        triangle_bytes: of the GLB: half a vertex of 32 bytes, a tenth more where charts meet, three indices of two or
            four bytes. The samples take 24 to 27.
    """

    most: int = 20_000
    geometry_share: float = 0.5
    triangle_bytes: int = 28


RULES = BudgetRules()


def triangles_for(detail: float, max_triangles: int, max_glb_bytes: int, rules: BudgetRules = RULES) -> int:
    """Triangles of a model.

    Args:
        detail: share of the most that its detail asks for, 0..1.
        max_triangles: of the request.
        max_glb_bytes: of the request.
        rules: how many.
    """
    affordable = int(max_glb_bytes * rules.geometry_share / rules.triangle_bytes)
    return min(round(detail * rules.most), max_triangles, affordable)
