"""Boxes as answers write them."""

from __future__ import annotations

from lensora.core.boxes import Box

DECIMALS = 4
"""Of a fraction: a tenth of a pixel of a 1,000 pixel side."""


def corners(box: Box) -> tuple[float, ...]:
    """``[x1, y1, x2, y2]``, rounded."""
    return tuple(round(side, DECIMALS) for side in (box.x1, box.y1, box.x2, box.y2))
