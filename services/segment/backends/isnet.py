"""Cutout by IS-Net, general use (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation")."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse

MODEL = "isnet-general-use"
"""Name in the model manifest."""

SIDE_PX = 1024
"""The net was trained on pictures stretched to this square; other shapes cost accuracy."""

UPSCALE = cv2.INTER_LANCZOS4
"""Small crops are enlarged with a sharp kernel: over six subjects it gives 0.001 more IoU than a linear one, 0.007 on
the most intricate."""

INPUT, OUTPUT = "input", "output"


class IsNet:
    """``CutoutBackend`` on any inference adapter."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def salience(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> NDArray[np.float32]:
        height, width = rgb.shape[:2]
        shrinks = max(height, width) > SIDE_PX
        square = cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA if shrinks else UPSCALE)
        tensor = np.empty((1, 3, SIDE_PX, SIDE_PX), np.float32)
        # (rgb - 128) / 256, channels first, without a second copy.
        np.subtract(square.transpose(2, 0, 1), np.float32(128.0), out=tensor[0])
        tensor *= np.float32(1.0 / 256.0)
        found = self._model.infer({INPUT: tensor}, outputs=[OUTPUT], timeout_s=timeout_s)[OUTPUT][0, 0]
        grown = cv2.resize(np.asarray(found, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.clip(grown, 0.0, 1.0).astype(np.float32)

    def describe(self) -> ModelUse:
        return self._model.describe()
