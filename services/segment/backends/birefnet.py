"""Cutout by BiRefNet, general (Zheng et al. 2024, "Bilateral Reference for High-Resolution Dichotomous Image
Segmentation")."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse

MODEL = "birefnet-general"
"""Name in the model manifest."""

SIDE_PX = 1024
"""The published graph takes pictures stretched to this square, one at a time."""

INPUT, OUTPUT = "input_image", "output_image"

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
"""ImageNet's, which the net was trained with."""


class BiRefNet:
    """``CutoutBackend`` on any inference adapter."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def salience(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> NDArray[np.float32]:
        height, width = rgb.shape[:2]
        shrinks = max(height, width) > SIDE_PX
        square = cv2.resize(rgb, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        normal = (square.astype(np.float32) / np.float32(255.0) - MEAN) / DEVIATION
        tensor = np.ascontiguousarray(normal.transpose(2, 0, 1)[None])
        found = self._model.infer({INPUT: tensor}, outputs=[OUTPUT], timeout_s=timeout_s)[OUTPUT][0, 0]
        # The graph ends in logits. Halving them first keeps exp() inside float32 whatever the net says.
        matte = np.float32(0.5) * (np.tanh(np.float32(0.5) * found.astype(np.float32)) + np.float32(1.0))
        grown = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(grown, 0.0, 1.0), np.float32)

    def describe(self) -> ModelUse:
        return self._model.describe()
