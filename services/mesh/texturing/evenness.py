"""Even light: a picture without the slow changes that the light made."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LightParameters:
    """What of a picture's changes is light's.

    Attributes:
        light, light_kept, dark: steps of the logarithm from one pixel to the next that are light's, and that are the
            material's; what is left of the former; and what is added to a colour before its logarithm is taken,
            levels.
    """

    light: tuple[float, float] = (0.03, 0.10)
    light_kept: float = 0.25
    dark: float = 12.0


PARAMETERS = LightParameters()


def evenly_lit(picture: Floats) -> Floats:
    """The picture without slow changes: those are the light's, the material's are sudden (Retinex; Land 1971).

    The gradient of the logarithm is kept where it is steep, and the picture with that gradient is the solution of a
    Poisson equation, by cosine transforms.
    """
    even = [size - size % 2 for size in picture.shape[:2]]
    log = np.log(np.clip(picture[: even[0], : even[1]], 0.0, 255.0) + PARAMETERS.dark)
    rows, columns = even
    step_x, step_y = np.diff(log, axis=1, append=log[:, -1:]), np.diff(log, axis=0, append=log[-1:])
    source = np.diff(_steep(step_x), axis=1, prepend=0.0) + np.diff(_steep(step_y), axis=0, prepend=0.0)
    wave = (
        2.0 * np.cos(np.pi * np.arange(rows) / rows)[:, None]
        + 2.0 * np.cos(np.pi * np.arange(columns) / columns)[None, :]
        - 4.0
    )
    wave[0, 0] = 1.0
    out = np.empty_like(picture)
    for k in range(3):
        spectrum = cv2.dct(np.ascontiguousarray(source[..., k], np.float32)) / wave.astype(np.float32)
        spectrum[0, 0] = 0.0
        level = cv2.idct(spectrum)
        level += np.median(log[..., k] - level)
        out[..., k] = cv2.copyMakeBorder(
            np.exp(level) - PARAMETERS.dark,
            0,
            picture.shape[0] - rows,
            0,
            picture.shape[1] - columns,
            cv2.BORDER_REPLICATE,
        )
    return np.clip(out, 0.0, 255.0)


def _steep(step: Floats) -> Floats:
    """Steps of a logarithm (h, w, 3) with those made small that light alone makes."""
    share = np.clip(
        (np.abs(step).max(axis=2) - PARAMETERS.light[0]) / (PARAMETERS.light[1] - PARAMETERS.light[0]), 0.0, 1.0
    )
    return np.asarray(step * (PARAMETERS.light_kept + (1.0 - PARAMETERS.light_kept) * share)[..., None], np.float32)
