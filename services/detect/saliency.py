"""Saliency: how much each pixel looks like part of a subject (IS-Net), at a chosen working size."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model

_MIDDLE, _RANGE = 128.0, 256.0
"""IS-Net's normalisation: ``(rgb - 128) / 256``."""


class Saliency:
    """IS-Net's pre- and post-processing around a ``Model``."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def maps(
        self, crops: Sequence[NDArray[np.uint8]], side_px: int, timeout_s: float | None = None
    ) -> list[NDArray[np.float32]]:
        """Saliency of several pictures, one after the other: a batch is no faster on a CPU, and takes its memory times.

        Args:
            crops: (h, w, 3) uint8 sRGB each, of any size; squeezed to a square, as in training.
            side_px: side of that square, a multiple of 64.
            timeout_s: seconds from now after which the run is given up.

        Returns:
            (side_px, side_px) float32 in 0..1 for each picture.
        """
        return [self._map(crop, side_px, timeout_s) for crop in crops]

    def _map(self, crop: NDArray[np.uint8], side_px: int, timeout_s: float | None) -> NDArray[np.float32]:
        square = cv2.resize(crop, (side_px, side_px), interpolation=cv2.INTER_AREA)
        tensor = np.ascontiguousarray(np.moveaxis(square, 2, 0)[None], np.float32)
        tensor -= _MIDDLE
        tensor /= _RANGE
        result = self._model.infer({"input": tensor}, outputs=["output"], timeout_s=timeout_s)["output"]
        return np.asarray(np.clip(result[0, 0], 0.0, 1.0), np.float32)
