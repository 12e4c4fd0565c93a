"""The photo on the fitting grid, and how its colours are looked up along curves."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

CLEAR_STEP = (12.0, 25.0)
"""Steps of colour (CIELAB units) that count fully, in dull and in contrasty photos."""

SPREAD_SHARE = 0.6
"""The step that counts fully as a share of the spread of the subject's colours, within ``CLEAR_STEP``."""


@dataclass(frozen=True)
class Picture:
    """The photo on the fitting grid.

    Attributes:
        lab: (h, w, 4) float32: CIELAB, and the matte in 0..1.
        step: difference of colour that counts as a clear edge, CIELAB units.
    """

    lab: Floats
    step: float


def picture_of(photo: NDArray[np.uint8], alpha: Floats) -> Picture:
    """The photo (h, w, 3) uint8 sRGB and the matte of one grid."""
    lab = cv2.cvtColor(photo.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    inside = alpha >= 0.5
    spread = float(np.sqrt(lab[inside].var(axis=0).sum())) if inside.any() else 0.0
    return Picture(np.dstack([lab, alpha]).astype(np.float32), float(np.clip(SPREAD_SHARE * spread, *CLEAR_STEP)))


def across(
    picture: Picture, x: Doubles, y: Doubles, reach_px: float, judged: NDArray[np.intp] | slice = slice(None)
) -> tuple[Floats, Floats]:
    """Colours (k, n, 4) just outside and just inside of ellipses whose points are (k, n); of those ``judged`` alone."""
    # x and y in one array, and both sides in one look: a search asks for thousands of single circles.
    at = _paired(x, y)
    along = (_after(at) - _before(at))[:, :, judged]
    middle = np.add.reduce(at, axis=2, keepdims=True) / at.shape[2]
    at = at[:, :, judged]
    along /= np.maximum(np.hypot(along[0], along[1]), 1e-6)
    normal_x, normal_y = along[1], -along[0]
    from_middle = at - middle
    outwards = reach_px * np.sign(from_middle[0] * normal_x + from_middle[1] * normal_y)
    off = _paired(outwards * normal_x, outwards * normal_y)
    beside = looked_up(picture.lab, *np.concatenate([at + off, at - off], axis=1))
    return beside[: len(x)], beside[len(x) :]


def _paired(x: Doubles, y: Doubles) -> Doubles:
    """Both in one array: ``np.stack`` takes four times as long for a few of them."""
    both = np.empty((2, *x.shape))
    both[0], both[1] = x, y
    return both


def _after(values: Doubles) -> Doubles:
    """The next along closed lines (..., n): ``np.roll`` takes four times as long."""
    return np.concatenate([values[..., 1:], values[..., :1]], axis=-1)


def _before(values: Doubles) -> Doubles:
    """The one before."""
    return np.concatenate([values[..., -1:], values[..., :-1]], axis=-1)


def looked_up(lab: Floats, x: Doubles, y: Doubles) -> Floats:
    """Bilinear values at pixels x, y of any common shape; 0 outside the picture."""
    if not x.size:
        return np.zeros((*x.shape, lab.shape[2]), np.float32)
    wide = min(4096, x.size)  # OpenCV takes at most 32,767 columns.
    missing = -x.size % wide
    at = [(v.ravel() - 0.5).astype(np.float32) for v in (x, y)]
    if missing:
        at = [np.concatenate([v, np.zeros(missing, np.float32)]) for v in at]
    columns, rows = (v.reshape(-1, wide) for v in at)
    values = cv2.remap(lab, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(values.reshape(-1, lab.shape[2])[: x.size].reshape(*x.shape, lab.shape[2]), np.float32)
