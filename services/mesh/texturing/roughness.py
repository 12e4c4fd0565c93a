"""How a surface shines, told by its highlights."""

from __future__ import annotations

import numpy as np

from services.mesh.cutout import Cutout


def roughness_of(cutout: Cutout) -> float:
    """A believable roughness from the photo's highlights: glossy things have few, small and very bright ones.

    Returns:
        0.38 (glaze, gloss paint) to 0.85 (paper, cloth).
    """
    # Every fourth pixel says as much: a highlight is more than one.
    value = cutout.photo[::2, ::2].max(axis=2)[cutout.safe[::2, ::2]]
    if not len(value):
        return 0.8
    middle, bright, peak = np.percentile(value.astype(np.float32), (60, 97, 99.7))
    if peak < 205:
        return 0.8
    # How far the brightest spots stand out from what is merely light.
    stand_out = (peak - bright) / 255.0 + 0.35 * max(0.0, float(bright - middle)) / 255.0
    return float(np.clip(0.85 - 1.3 * stand_out, 0.38, 0.85))
