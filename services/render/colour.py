"""sRGB pixels to the YUV of a video: BT.709, limited range, 4:2:0, as tagged in the file."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

KR, KB = 0.2126, 0.0722
"""BT.709 luma weights of red and blue (ITU-R BT.709-6, item 3.2)."""


def _matrix() -> NDArray[np.float64]:
    """(3, 4): full-range RGB bytes to limited-range Y, Cb, Cr bytes (ITU-R BT.709-6, item 3.4)."""
    luma = np.array([KR, 1.0 - KR - KB, KB])
    cb = (np.array([0.0, 0.0, 1.0]) - luma) / (2.0 * (1.0 - KB))
    cr = (np.array([1.0, 0.0, 0.0]) - luma) / (2.0 * (1.0 - KR))
    scale = np.array([219.0, 224.0, 224.0]) / 255.0
    return np.concatenate([np.stack([luma, cb, cr]) * scale[:, None], [[16.0], [128.0], [128.0]]], axis=1)


YUV_FROM_RGB = _matrix()


def planes(rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Y (h, w), Cb and Cr (h/2, w/2) of an (h, w, 3) picture with even sides; chroma is the mean of four pixels."""
    height, width = rgb.shape[:2]
    yuv = cv2.transform(rgb, YUV_FROM_RGB)
    half = cv2.resize(yuv, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return cv2.extractChannel(yuv, 0), cv2.extractChannel(half, 1), cv2.extractChannel(half, 2)  # type: ignore[return-value]
