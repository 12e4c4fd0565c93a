"""What a picture's own transparency says of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLEAR_SHARE = 0.03
"""A photo with this share of clear pixels was cut out by its maker, whose matte is better than any guess."""


def is_matte(alpha: NDArray[np.uint8]) -> bool:
    """True when (h, w) alpha separates a subject from nothing, and is not a stray pixel or a full frame."""
    clear = float((alpha < 32).mean())
    solid = float((alpha > 224).mean())
    return clear >= CLEAR_SHARE and solid > 0.0
