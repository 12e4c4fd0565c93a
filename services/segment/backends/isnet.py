"""Cutout by IS-Net, general use (Qin et al. 2022, "Highly Accurate Dichotomous Image Segmentation")."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse

MODEL = "isnet-general-use"
"""Name in the model manifest."""

SIDE_PX = 1024
"""The net was trained on pictures stretched to this square; other shapes cost accuracy."""

LEAST_RANGE = 0.2
"""A map that spans less than this shows nothing; any other is stretched to 0..1, as the net's authors do."""

INPUT, OUTPUT = "input", "output"


class IsNet:
    """``CutoutBackend`` on any inference adapter."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def salience(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> NDArray[np.float32]:
        height, width = rgb.shape[:2]
        square = np.asarray(Image.fromarray(rgb).resize((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS))
        tensor = np.empty((1, 3, SIDE_PX, SIDE_PX), np.float32)
        # rgb / brightest - 0.5, channels first, without a second copy.
        np.multiply(square.transpose(2, 0, 1), np.float32(1.0 / max(1, int(square.max()))), out=tensor[0])
        tensor -= np.float32(0.5)
        found = self._model.infer({INPUT: tensor}, outputs=[OUTPUT], timeout_s=timeout_s)[OUTPUT][0, 0]
        found = np.asarray(found, np.float32)
        low, high = float(found.min()), float(found.max())
        if high - low > LEAST_RANGE:
            found = (found - low) / (high - low)
        grown = cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(grown, 0.0, 1.0), np.float32)

    def describe(self) -> ModelUse:
        return self._model.describe()
