"""The mark of test keys: words across the cutout, and so across the scene, the model's texture and the film."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WORDS = "LENSORA TEST"
ANGLE_DEG = 30.0
WIDTH_SHARE = 0.6
"""Width of the words, as a share of the picture's shorter side."""
OPACITY = 0.5
"""How much of a pixel under a letter is the letter's: seen on any colour, while the subject stays recognisable."""

_FONT, _STROKE = cv2.FONT_HERSHEY_DUPLEX, 2


def marked(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with the mark; its alpha stays.

    Args:
        rgba: (h, w, 4), straight alpha.
    """
    height, width = rgba.shape[:2]
    letters = _letters(height, width)[..., None] * OPACITY
    # Light letters on what is dark, dark ones on what is light.
    ink = np.where(rgba[..., :3].mean(axis=2, keepdims=True) > 127.0, 0.0, 255.0)
    out = rgba.copy()
    out[..., :3] = np.rint(rgba[..., :3] * (1.0 - letters) + ink * letters).astype(np.uint8)
    return out


def _letters(height: int, width: int) -> NDArray[np.float32]:
    """Coverage of the words, 0 to 1, repeated over the whole picture."""
    (text_width, text_height), _ = cv2.getTextSize(WORDS, _FONT, 1.0, _STROKE)
    scale = WIDTH_SHARE * min(height, width) / text_width
    step_x, step_y = round(text_width * scale * 1.15), round(text_height * scale * 4.0)
    side = int(np.ceil(np.hypot(height, width))) + 2 * step_x
    plane = np.zeros((side, side), np.uint8)
    stroke = max(1, round(_STROKE * scale))
    for row, y in enumerate(range(step_y, side, step_y)):
        for x in range(-step_x // 2 * (row % 2), side, step_x):
            cv2.putText(plane, WORDS, (x, y), _FONT, scale, 255, stroke, cv2.LINE_AA)
    turn = cv2.getRotationMatrix2D((side / 2.0, side / 2.0), ANGLE_DEG, 1.0)
    turned = cv2.warpAffine(plane, turn, (side, side))
    top, left = (side - height) // 2, (side - width) // 2
    return turned[top : top + height, left : left + width].astype(np.float32) / 255.0
