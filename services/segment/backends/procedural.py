"""Backplates painted by rule from a closed vocabulary: no weights, the same on every machine, under a second."""

from __future__ import annotations

import numpy as np

from lensora import __version__
from lensora.core.artifacts import ModelUse
from lensora.rpc.call import UNWATCHED, Call
from services.segment.backends import KnownKey, Painted
from services.segment.scenery.scene import build
from services.segment.scenery.words import read

LEAST_RISE = 0.25
"""Sine of the lowest key light: the light on the ground is divided by it to get that on a facing surface."""


class ProceduralScenery:
    """``BackplateBackend`` without a net."""

    def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        seed: int,
        pitch: float,
        call: Call = UNWATCHED,
    ) -> Painted:
        plate = build(read(prompt), width, height, seed, call, pitch)
        mood = plate.mood
        # Moods give the light that leaves a flat white ground; irradiance is pi times that, on a facing surface more.
        facing = np.pi * mood.key / max(LEAST_RISE, float(mood.key_direction[1]))
        key = KnownKey(mood.key_direction, np.asarray(facing, np.float32))
        return Painted(plate.picture, plate.horizon, plate.pitch, key, plate.mirror, plate.roughness)

    def describe(self) -> ModelUse:
        return ModelUse("lensora-scenery", __version__, "", "Apache-2.0", "segment")
