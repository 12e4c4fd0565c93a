"""Looking pictures up between their pixels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


def sampled(picture: Floats | Bytes, pixels: NDArray[np.floating]) -> Floats:
    """Bilinear look-up in (h, w) or (h, w, c) at pixels (n, 2), whose (0.5, 0.5) is the middle of the top left one."""
    # Bytes are looked up as bytes: the result is rounded, and a photo is not copied for a few of its pixels.
    x, y = (np.ascontiguousarray(values, np.float32) - np.float32(0.5) for values in np.asarray(pixels).T)
    # OpenCV takes no more than 32,767 rows or columns at a time.
    step = 30_000
    parts = [
        cv2.remap(
            picture, x[None, i : i + step], y[None, i : i + step], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )[0]
        for i in range(0, len(x), step)
    ]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros((0, *picture.shape[2:]), np.float32)
