"""Long thin things: a ruler, a bar, a fishing rod that fills its frame.

A net that sees every picture as a square sees a strip of 20:1 stretched twenty times, and finds nothing in it. So a
strip is shown with more of its own border around. Where the thing leaves no border at all, the box is the thing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.backends import CutoutBackend
from services.segment.matte import PixelBox


@dataclass(frozen=True)
class SlenderRules:
    """When a picture is a strip.

    Attributes:
        most_aspect: long side over short side that the net is shown; a longer picture is widened to this.
        box_aspect: of a box that is taken for its subject where nothing stands out in it: so long a box has hardly any
            background.
        least_share: of so long a picture's short side that a box must cover; a thinner one is a stripe on the thing,
            which then fills the picture.
        soft_px: width of its edge, pixels.
    """

    most_aspect: float = 4.0
    box_aspect: float = 8.0
    least_share: float = 0.5
    soft_px: float = 1.0


RULES = SlenderRules()


def salience_of(
    backend: CutoutBackend, rgb: NDArray[np.uint8], timeout_s: float | None, rules: SlenderRules = RULES
) -> NDArray[np.float32]:
    """What stands out in a picture: (h, w) float32, 0..1. A strip is continued on both sides by its own border.

    Args:
        backend: finds it.
        rgb: (h, w, 3) uint8 sRGB.
        timeout_s: seconds that the net may take; None means no limit.
        rules: when a picture is a strip.
    """
    height, width = rgb.shape[:2]
    down = max(0, math.ceil((width / rules.most_aspect - height) / 2))
    across = max(0, math.ceil((height / rules.most_aspect - width) / 2))
    if not down and not across:
        return backend.salience(rgb, timeout_s)
    wide = cv2.copyMakeBorder(rgb, down, down, across, across, cv2.BORDER_REPLICATE)
    found = backend.salience(np.asarray(wide, np.uint8), timeout_s)
    return np.ascontiguousarray(found[down : down + height, across : across + width])


def box_itself(box: PixelBox, shape: tuple[int, int], rules: SlenderRules = RULES) -> NDArray[np.float32] | None:
    """The matte of a box that is taken for its subject; None where the box is not slender.

    Args:
        box: in the picture's pixels.
        shape: rows and columns of the picture.
        rules: when a box is slender.
    """
    picture = PixelBox(0.0, 0.0, float(shape[1]), float(shape[0]))
    if picture.longer >= rules.box_aspect * min(shape) and _shorter(box) < rules.least_share * min(shape):
        box = picture
    if box.longer < rules.box_aspect * _shorter(box):
        return None
    rows, columns = np.arange(shape[0])[:, None] + 0.5, np.arange(shape[1])[None, :] + 0.5
    inside = np.minimum(
        np.minimum(columns - box.left, box.right - columns), np.minimum(rows - box.top, box.bottom - rows)
    )
    return np.asarray((inside / rules.soft_px + 0.5).clip(0.0, 1.0), np.float32)


def _shorter(box: PixelBox) -> float:
    return min(box.right - box.left, box.bottom - box.top)
