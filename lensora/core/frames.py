"""Frames of reference and the units of the whole house.

Geometry has one convention, glTF 2.0's: right-handed, +Y up, +Z towards the viewer (out of the photo), +X to the
viewer's right, metres. Angles are radians; degrees only where a name ends in ``_deg``. A backend that thinks in other
axes converts at its own edge with the matrices here.

Images are arrays of shape (height, width, channels), row 0 at the top. "Linear" means linear-light Rec. 709 primaries;
"sRGB" means encoded with the sRGB transfer function (IEC 61966-2-1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Y_UP_FROM_Z_UP: NDArray[np.float64] = np.array(
    [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
)
"""(4, 4) row-major matrix for column vectors: x right, y into the scene, z up (Blender, TRELLIS, Shap-E) -> glTF."""


def linear_from_srgb(srgb: NDArray[np.floating]) -> NDArray[np.float32]:
    """Decode sRGB values in 0..1 to linear light in 0..1, any shape (IEC 61966-2-1)."""
    value = np.asarray(srgb, dtype=np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def srgb_from_linear(linear: NDArray[np.floating]) -> NDArray[np.float32]:
    """Encode linear light to sRGB; values are clipped to 0..1 first, any shape (IEC 61966-2-1)."""
    value = np.clip(np.asarray(linear, dtype=np.float32), 0.0, 1.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1 / 2.4) - 0.055).astype(np.float32)
