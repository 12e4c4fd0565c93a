"""From a saliency map to the matte of one subject: which of the salient things is meant, and where it is solid.

The net answers "what stands out in this crop"; the user chose a box. Here the box decides between things that stand out
together, parts of the subject that reach a little over the box stay, and solid things lose their faint spots.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import SubjectNotFound

Plane = NDArray[np.float32]

ANALYSIS_PX = 448
"""Components are found at this longest side: connectivity does not need more."""

FLOOR, CEILING = 0.06, 0.94
"""Net outputs under the floor are veil, over the ceiling solid: measured on renders with true masks, this takes a sixth
off the error at the edges and moves no outline."""

LOOSE = 0.15
"""Salience that still ties parts together: a thin leg is fainter than a body."""

SOLID = 0.5
"""Salience that counts as the subject."""

LEAST_SHARE = 0.004
"""A subject smaller than this share of its box is noise: 6% of the box's side."""

LEAST_PEAK = 0.6
"""A subject whose clearest spot is fainter than this does not stand out."""

GRACE = 0.05
"""Parts that reach over the box by up to this share of its longer side are the subject's own: boxes are not exact."""

KEPT_INSIDE = 0.6
"""A separate part belongs when this share of it lies in the box: a neighbour that pokes in has more outside."""

LEAST_PART = 0.012
"""Separate parts under this share of the subject are specks unless they lie close to it."""

NEAR_GAP = 0.04
"""Parts nearer to the subject than this share of the box's longer side are its own: a spoon, a wire, a wheel."""

DEEP = 0.018
"""Solid things have no faint spots further in than this share of the longer side."""


@dataclass(frozen=True)
class PixelBox:
    """A box in a crop's pixels: left, top inclusive, right, bottom exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def longer(self) -> float:
        """The longer side, pixels."""
        return max(self.right - self.left, self.bottom - self.top)

    def scaled(self, sx: float, sy: float) -> PixelBox:
        """The same box after the picture was resized."""
        return PixelBox(self.left * sx, self.top * sy, self.right * sx, self.bottom * sy)

    def outside(self, shape: tuple[int, int]) -> Plane:
        """(h, w) float32: how far each pixel's centre lies outside the box, pixels; 0 inside."""
        x = np.arange(shape[1], dtype=np.float32)[None, :] + 0.5
        y = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
        dx = np.maximum(np.maximum(np.float32(self.left) - x, x - np.float32(self.right)), 0.0)
        dy = np.maximum(np.maximum(np.float32(self.top) - y, y - np.float32(self.bottom)), 0.0)
        return np.asarray(np.maximum(dx, dy), np.float32)


def box_fit(mask: NDArray[np.bool_], box: PixelBox) -> float:
    """IoU of a mask's bounding box with a box, 0..1."""
    if not mask.any():
        return 0.0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    across = max(0.0, min(right, box.right) - max(left, box.left))
    down = max(0.0, min(bottom, box.bottom) - max(top, box.top))
    union = (right - left) * (bottom - top) + (box.right - box.left) * (box.bottom - box.top) - across * down
    return across * down / union


def settle(salience: Plane) -> Plane:
    """Take off the veil and lift what is all but solid, (h, w) float32 in 0..1."""
    return np.asarray(np.clip((salience - FLOOR) / (CEILING - FLOOR), 0.0, 1.0), np.float32)


def stands_out(salience: Plane, box: PixelBox) -> bool:
    """True where something in a box stands out; the arguments as for ``isolate``."""
    rows, columns = slice(max(0, round(box.top)), round(box.bottom)), slice(max(0, round(box.left)), round(box.right))
    share, peak = _standing_out(salience[rows, columns])
    return share >= LEAST_SHARE and peak >= LEAST_PEAK


def isolate(salience: Plane, rgb: NDArray[np.uint8], box: PixelBox) -> Plane:
    """The share of each pixel's salience that belongs to the subject of the box.

    Args:
        salience: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8, the same crop.
        box: the chosen box within the crop.

    Returns:
        (h, w) float32, 0..1, to multiply the salience with.

    Raises:
        SubjectNotFound: nothing in the box stands out.
    """
    height, width = salience.shape
    scale = min(1.0, ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(salience, size, interpolation=cv2.INTER_AREA), np.float32)
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    area = box.scaled(size[0] / width, size[1] / height)
    outside = area.outside(small.shape)
    inside = outside <= 0.0
    share, peak = _standing_out(small[inside])
    if share < LEAST_SHARE or peak < LEAST_PEAK:
        raise SubjectNotFound(
            f"no subject found in the box: {share:.1%} of it stands out from the background, at least "
            f"{LEAST_SHARE:.1%} is needed; choose another box or a photo with a clearer subject",
            field="box",
        )

    count, labels = cv2.connectedComponents((small > LOOSE).astype(np.uint8), connectivity=8)
    within = np.bincount(labels[inside], weights=small[inside], minlength=count)
    total = np.bincount(labels.ravel(), weights=small.ravel(), minlength=count)
    within[0] = total[0] = 0.0
    middle = _centrality(area, small.shape)
    central = np.bincount(labels.ravel(), weights=(small * middle).ravel(), minlength=count)
    central[0] = 0.0
    primary = int(np.argmax(central))
    gap = np.asarray(cv2.distanceTransform((labels != primary).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    keep = np.zeros(small.shape, bool)
    for label in range(1, count):
        if label == primary:
            keep |= labels == label
            continue
        if within[label] < KEPT_INSIDE * total[label]:
            continue
        near = float(gap[labels == label].min()) < NEAR_GAP * area.longer
        if near or within[label] > LEAST_PART * within[primary]:
            keep |= labels == label
    keep &= ~_neighbours(keep, picture, outside, area)
    # Faint edges around what is kept belong to it.
    grown = cv2.dilate(keep.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    foreign = (labels > 0) & ~keep
    grown &= ~foreign
    weight = cv2.GaussianBlur(grown.astype(np.float32), (0, 0), 1.0)
    weight = np.where(keep & (cv2.erode(grown.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0), 1.0, weight)
    full = cv2.resize(weight.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(full, 0.0, 1.0).astype(np.float32)


def _standing_out(inside: Plane) -> tuple[float, float]:
    """Share of a box's pixels that stand out, and its clearest one; nothing in a box that holds no pixel."""
    return (float((inside > SOLID).mean()), float(inside.max())) if inside.size else (0.0, 0.0)


def _centrality(area: PixelBox, shape: tuple[int, int]) -> Plane:
    """1 in the box's middle, falling to 0.15 at its border and 0 outside: the meant thing is rarely in a corner."""
    x = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5 - (area.left + area.right) / 2) / max(
        1.0, (area.right - area.left) / 2
    )
    y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5 - (area.top + area.bottom) / 2) / max(
        1.0, (area.bottom - area.top) / 2
    )
    reach = np.maximum(np.abs(x), np.abs(y))
    return np.where(reach <= 1.0, 1.0 - 0.85 * reach, 0.0).astype(np.float32)


def _neighbours(
    keep: NDArray[np.bool_], picture: NDArray[np.uint8], outside: Plane, area: PixelBox
) -> NDArray[np.bool_]:
    """Pixels of ``keep`` that belong to another thing, which touches the subject and reaches far out of the box.

    What lies outside by more than ``GRACE`` is surely another thing, what lies well inside surely the subject; between
    the two a watershed on the picture finds the edge of colour that parts them.
    """
    far = keep & (outside > GRACE * area.longer)
    out: NDArray[np.bool_] = np.zeros(keep.shape, bool)
    lobes, labels = cv2.connectedComponents((keep & (outside > 0.0)).astype(np.uint8), connectivity=8)
    deep = np.zeros(keep.shape, bool)
    for label in range(1, lobes):
        lobe = labels == label
        if (lobe & far).any():
            deep |= lobe
    if not deep.any():
        return out
    depth_inside = np.asarray(cv2.distanceTransform((outside <= 0.0).astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    markers = np.zeros(keep.shape, np.int32)
    markers[keep & (depth_inside > GRACE * area.longer)] = 1
    markers[keep & (outside <= 0.0) & (cv2.dilate(deep.astype(np.uint8), np.ones((9, 9), np.uint8)) == 0)] = 1
    markers[far] = 2
    markers[~keep] = 3
    if not (markers == 1).any():
        return deep
    cv2.watershed(np.ascontiguousarray(picture[..., ::-1]), markers)
    out = keep & (markers == 2)
    # The watershed's own one-pixel lines go with the side that they border on outside the box.
    line = keep & (markers == -1) & (outside > 0.0)
    return np.asarray(out | (line & (cv2.dilate(out.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0)))


def with_soft_ends(alone: Plane, matte: Plane) -> Plane:
    """A subject of a maker's matte with its soft ends as they are: hair, a haze, a shadow.

    Args:
        alone: (h, w) float32, 0..1: of ``matte``, what ``isolate`` took for the subject.
        matte: (h, w) float32, 0..1.

    Returns:
        ``matte`` on each piece that holds a part of the subject and nothing clear that was left out, else ``alone``.
    """
    count, pieces = cv2.connectedComponents((matte > 0.0).astype(np.uint8), connectivity=8)
    whole = np.zeros(count, np.bool_)
    whole[pieces[alone > LOOSE]] = True
    whole[pieces[matte - alone > LOOSE]] = False
    return np.where(whole[pieces], matte, alone)


def firmed(alpha: Plane) -> Plane:
    """Make solid things solid: no faint spots deep inside. Holes stay as the net has them.

    Args:
        alpha: (h, w) float32, 0..1.
    """
    height, width = alpha.shape
    scale = min(1.0, 2 * ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = (cv2.resize(alpha, size, interpolation=cv2.INTER_AREA) > SOLID).astype(np.uint8)
    depth = np.asarray(cv2.distanceTransform(np.pad(solid, 1, mode="edge"), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    deep = DEEP * max(size)
    firm = np.clip((depth - 0.5 * deep) / (0.5 * deep), 0.0, 1.0).astype(np.float32)
    full = np.asarray(cv2.resize(firm, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.maximum(alpha, full).astype(np.float32)
