"""A picture without the features that its outline does not reach: a dial, keys, a face, a print."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class EnclosedParameters:
    """What is taken out, and how its place is filled.

    Attributes:
        speckle_px: median window that takes speckles out first: they belong to the grain.
        taken_share, around_share: gaps between things that were taken out are taken out with them up to this width,
            and so is what lies this close around them (a dial's rim, a key's edge); shares of the longer side.
        step_px: sigma, pixels of the picture, of the blur that softens the steps where features were cut off.
        changed_levels: what differs by more from the photo was taken out: its fine detail is not the material's.
    """

    speckle_px: int = 5
    taken_share: float = 0.1
    around_share: float = 0.03
    step_px: float = 1.2
    changed_levels: float = 10.0


PARAMETERS = EnclosedParameters()


def without_enclosed(
    photo: Bytes, mask: NDArray[np.bool_], rim: NDArray[np.bool_], weight: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """A picture without the features that its rim does not reach.

    A bright feature stays only as bright as the brightest rim that it is joined to by a path at least as bright, and
    dark ones likewise: grey-scale reconstruction from the rim, by dilation and then by erosion (Vincent 1993). What was
    taken out is filled in from around it.

    Args:
        photo: (h, w, 3) uint8, small: about 256 px on its longer side.
        mask: (h, w) bool, inside.
        rim: (h, w) bool, what may be joined to.
        weight: (h, w) float32, how much each place's colour counts for what is filled in.

    Returns:
        (h, w, 3) float32 and (h, w) bool, what was taken out.
    """
    size = max(mask.shape)
    calm = np.asarray(cv2.medianBlur(photo, PARAMETERS.speckle_px), np.uint8)
    inside, edge = mask[..., None], rim[..., None]
    level = _grown(np.where(edge, calm, 0).astype(np.uint8), np.where(inside, calm, 0).astype(np.uint8))
    hollow = np.where(inside, 255 - level, 0).astype(np.uint8)
    level = (255 - _grown(np.where(edge, hollow, 0).astype(np.uint8), hollow)).astype(np.uint8)
    changed = (np.abs(level.astype(np.float32) - calm).max(axis=2) > PARAMETERS.changed_levels) & mask
    closed = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, disc(0.5 * PARAMETERS.taken_share * size))
    taken = np.asarray(np.asarray(cv2.dilate(closed, disc(PARAMETERS.around_share * size))) > 0)
    taken &= mask & ~rim
    return filled_in(level, np.where(taken, 0.0, weight).astype(np.float32), taken, 1.0), changed


def filled_in(picture: Bytes, weight: Floats, wanted: NDArray[np.bool_], reach: float) -> Floats:
    """The picture with what is wanted made up from what is known around it, near or, failing that, far.

    Args:
        picture: (h, w, 3) uint8.
        weight: (h, w) float32 in 0..1, 0 where nothing is known.
        wanted: (h, w) bool.
        reach: 1 for the nearest colours, more for softer ones.
    """
    size = picture.shape[1::-1]
    total, share = np.zeros(picture.shape, np.float32), np.full(weight.shape, 1e-9, np.float32)
    for share_of_side, strength in ((0.02, 1.0), (0.08, 1e-2), (0.4, 1e-4)):
        sigma = reach * share_of_side * max(weight.shape)
        # A wide blur of a picture that was made small first is the same blur, in a fraction of the time.
        step = max(1.0, sigma / 4.0)
        small = (max(1, round(size[0] / step)), max(1, round(size[1] / step)))
        blurred = (
            cv2.GaussianBlur(
                cv2.resize(values, small, interpolation=cv2.INTER_AREA),
                (0, 0),
                sigma * small[0] / size[0],
                borderType=cv2.BORDER_CONSTANT,
            )
            for values in (picture * weight[..., None], weight)
        )
        color, part = (cv2.resize(values, size, interpolation=cv2.INTER_LINEAR) for values in blurred)
        total += strength * color
        share += strength * part
    here = (
        cv2.GaussianBlur(wanted.astype(np.float32), (0, 0), PARAMETERS.step_px)[..., None]
        if weight.any()
        else np.float32(0.0)
    )
    return np.asarray(picture + here * (total / share[..., None] - picture), np.float32)


def carried_out(picture: Floats, mask: NDArray[np.bool_]) -> Floats:
    """The picture with every pixel outside the mask replaced by the nearest one inside."""
    _, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros((int(labels.max()) + 1, 3), np.float32)
    table[labels[mask]] = picture[mask]
    return np.asarray(table[labels], np.float32)


def disc(radius: float) -> Bytes:
    """A round structuring element."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(radius) + 1,) * 2), np.uint8)


def _grown(marker: Bytes, limit: Bytes) -> Bytes:
    """The marker dilated under the limit until nothing changes, or as often as a path can be long."""
    kernel = np.ones((3, 3), np.uint8)
    for _ in range(max(marker.shape[:2]) // 2):
        glance()
        before = marker
        for _ in range(8):
            marker = np.minimum(cv2.dilate(marker, kernel), limit)
        if np.array_equal(marker, before):
            break
    return marker
