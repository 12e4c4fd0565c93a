"""Does the model look like its photo, and its back like the truth's?"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PHOTO_SIDE_PX = 256
"""The subject's longer side when SSIM is taken: a photo's noise and JPEG blocks are mostly averaged out by then."""

BACK_SIDE_PX = 64
"""Side of both backs when they are compared: what a back shares with the truth at best is its large parts."""

PSNR_SIDE_PX = 128
"""Side of both backs when their PSNR is taken: that of a thumbnail, on which a shift of a pixel is small."""

GREY = 128.0


@dataclass(frozen=True)
class Look:
    """Agreement of two pictures of one thing.

    ``ssim``: mean over the subject, -1..1. ``color_error``: mean CIE76 difference over the subject (2.3 is just
    noticeable). ``histogram``: earth mover's distance between the colours' distributions, mean of Lab's three channels.
    """

    ssim: float
    color_error: float
    histogram: float


def silhouette_iou(drawn: NDArray[np.uint8], mask: NDArray[np.uint8]) -> float:
    """IoU of what a drawing (h, w, 4) covers with a mask (h, w)."""
    ours, truth = drawn[..., 3] >= 128, mask >= 128
    return float((ours & truth).sum()) / max(float((ours | truth).sum()), 1.0)


def against_photo(drawn: NDArray[np.uint8], photo: NDArray[np.uint8]) -> Look:
    """The model drawn from the photo's view (h, w, 4) against the photo with its matte (h, w, 4).

    Outside the matte both are grey; where the model does not cover the matte it is grey too, and that counts.
    """
    rows, columns = np.nonzero(photo[..., 3] >= 128)
    margin = 6
    box = (
        slice(max(rows.min() - margin, 0), rows.max() + margin + 1),
        slice(max(columns.min() - margin, 0), columns.max() + margin + 1),
    )
    factor = PHOTO_SIDE_PX / max(rows.max() - rows.min() + 1, columns.max() - columns.min() + 1)
    # Fine texture that a model does not hold, or a photo's noise, is not what this figure is about.
    size = (
        max(round((box[1].stop - box[1].start) * factor), 16),
        max(round((box[0].stop - box[0].start) * factor), 16),
    )
    matte = photo[..., 3:].astype(np.float32) / 255.0
    ours = drawn[..., :3] * (drawn[..., 3:].astype(np.float32) / 255.0)
    ours = ours + GREY * (1.0 - drawn[..., 3:].astype(np.float32) / 255.0)
    ours = ours * matte + GREY * (1.0 - matte)
    theirs = photo[..., :3] * matte + GREY * (1.0 - matte)
    return compared(_sized(ours[box], size), _sized(theirs[box], size), _sized(matte[box][..., 0], size) >= 0.5)


def against_back(drawn: NDArray[np.uint8], truth: NDArray[np.uint8]) -> Look:
    """Two backs (s, s, 4), each framed to its own silhouette, over the union of both."""
    size = (BACK_SIDE_PX, BACK_SIDE_PX)
    pair, covers = [], []
    for picture in (drawn, truth):
        cover = picture[..., 3:].astype(np.float32) / 255.0
        pair.append(_sized(picture[..., :3] * cover + GREY * (1.0 - cover), size))
        covers.append(_sized(cover[..., 0], size) >= 0.5)
    both = covers[0] | covers[1]
    look = compared(pair[0], pair[1], both)
    return Look(look.ssim, look.color_error, histogram_distance(_lab(pair[0])[covers[0]], _lab(pair[1])[covers[1]]))


def psnr_behind(drawn: NDArray[np.uint8], truth: NDArray[np.uint8], *, within: bool = False) -> float:
    """Peak signal over noise, dB, of two backs (s, s, 4), each framed to its own silhouette.

    Args:
        drawn, truth: the backs.
        within: over what both cover, which is the colours alone; otherwise over what either covers, grey where the
            other one does not.
    """
    pair, covers = [], []
    for picture in (drawn, truth):
        cover = picture[..., 3:].astype(np.float32) / 255.0
        pair.append(_sized(picture[..., :3] * cover + GREY * (1.0 - cover), (PSNR_SIDE_PX, PSNR_SIDE_PX)))
        covers.append(_sized(cover[..., 0], (PSNR_SIDE_PX, PSNR_SIDE_PX)) >= 0.5)
    off = (pair[0] - pair[1])[covers[0] & covers[1] if within else covers[0] | covers[1]]
    return float(10.0 * np.log10(255.0**2 / max(float((off**2).mean()), 1e-3)))


def compared(first: NDArray[np.float32], second: NDArray[np.float32], where: NDArray[np.bool_]) -> Look:
    """Two pictures (h, w, 3), 0..255, over where (h, w)."""
    a, b = _lab(first), _lab(second)
    error = float(np.linalg.norm(a - b, axis=2)[where].mean())
    ssim = float(ssim_map(_luma(first), _luma(second))[where].mean())
    return Look(ssim, error, histogram_distance(a[where], b[where]))


def ssim_map(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """Structural similarity of two grey pictures, 0..255, at each pixel (Wang et al. 2004: Gaussian, sigma 1.5)."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2

    def blurred(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_a, mean_b = blurred(first), blurred(second)
    var_a, var_b = blurred(first * first) - mean_a**2, blurred(second * second) - mean_b**2
    both = blurred(first * second) - mean_a * mean_b
    over = (2 * mean_a * mean_b + c1) * (2 * both + c2)
    under = (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    return np.asarray(over / under, np.float32)


def histogram_distance(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Earth mover's distance between two sets of colours (n, 3), (m, 3): the mean of the channels' own distances."""
    if not len(first) or not len(second):
        return 100.0
    shares = (np.arange(256) + 0.5) / 256
    a, b = np.quantile(first, shares, axis=0), np.quantile(second, shares, axis=0)
    return float(np.abs(a - b).mean())


def _lab(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.cvtColor(np.asarray(picture / 255.0, np.float32), cv2.COLOR_RGB2Lab), np.float32)


def _luma(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(picture @ np.array([0.299, 0.587, 0.114], np.float32), np.float32)


def _sized(picture: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    shrinks = size[0] < picture.shape[1]
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.asarray(picture, np.float32), size, interpolation=way), np.float32)
