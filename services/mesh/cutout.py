"""The subject of a photo, made ready for modelling: cleaned mask, safe colours, and the camera that saw it.

Everything works in *view units*: the silhouette's smallest enclosing circle has radius 1, the middle of its
bounding box is the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.errors import InvalidImage, SubjectNotFound
from services.mesh.camera import PhotoCamera

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class CutoutRules:
    """Which cutouts can be modelled.

    Attributes:
        min_subject_px: a subject of fewer opaque pixels has no shape that could be told from noise.
        island_share: islands under this share of the subject are crumbs of the segmentation, not parts.
        hole_share: holes under this share of the subject are pinholes of the segmentation.
        max_islands: more islands than this are texture, not parts: the largest are kept, so that time stays bounded.
        max_side_px: longer subjects are scaled down to this: no texture holds more.
        rim_share: width of the rim, as a share of the subject's longer side, whose colours hold background light and
            are not trusted.
    """

    min_subject_px: int = 32
    island_share: float = 0.002
    hole_share: float = 0.0005
    max_islands: int = 64
    max_side_px: int = 2048
    rim_share: float = 0.006


RULES = CutoutRules()


@dataclass(frozen=True)
class Cutout:
    """A subject without its background.

    Attributes:
        rgb: (h, w, 3) uint8, sRGB, cropped to the subject with a margin of a few pixels.
        alpha: (h, w) float32 in 0..1, crumbs removed and pinholes closed; zero along the border.
        camera: the view that took it, in pixels of ``rgb``.
        origin: (left, top) of the crop in the pixels of the given image, before ``scale``.
        scale: pixels of ``rgb`` for one pixel of the given image, <= 1.
        source_size: (width, height) of the given image.
    """

    rgb: Bytes
    alpha: Floats
    camera: PhotoCamera
    origin: tuple[int, int]
    scale: float
    source_size: tuple[int, int]

    @cached_property
    def mask(self) -> NDArray[np.bool_]:
        """(h, w) bool, True inside the subject."""
        return np.asarray(self.alpha >= 0.5)

    @cached_property
    def safe(self) -> NDArray[np.bool_]:
        """(h, w) bool, True where a colour is the subject's own: away from the rim, or on the spine of thin parts."""
        rim = max(2.2, RULES.rim_share * max(self.mask.shape))
        solid = (self.alpha >= 0.5).astype(np.uint8)
        depth = cv2.distanceTransform(solid, cv2.DIST_L2, 5)
        reach = int(np.ceil(rim)) + 1
        spine = cv2.dilate(depth, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
        return np.asarray((depth >= np.minimum(rim, 0.7 * spine)) & (solid > 0))

    @cached_property
    def photo(self) -> Bytes:
        """(h, w, 3) uint8: the photo with every untrusted pixel replaced by the nearest trusted colour."""
        safe = self.safe
        if not safe.any():
            safe = self.mask
        _, labels = cv2.distanceTransformWithLabels(
            (~safe).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        table = np.zeros((int(labels.max()) + 1, 3), np.uint8)
        table[labels[safe]] = self.rgb[safe]
        filled = table[labels]
        # The nearest colour jumps from pixel to pixel along the rim: soften it there and only there.
        soft = cv2.blur(filled, (3, 3))
        return np.asarray(np.where(safe[..., None], filled, soft), np.uint8)

    def working_alpha(self, side_px: int) -> tuple[Floats, float]:
        """The matte scaled so that its longer side is ``side_px``, and the factor from ``rgb`` pixels to those."""
        height, width = self.alpha.shape
        factor = side_px / max(height, width)
        size = (max(3, round(width * factor)), max(3, round(height * factor)))
        method = cv2.INTER_AREA if factor < 1.0 else cv2.INTER_LINEAR
        small = kept_thin(np.asarray(cv2.resize(self.alpha, size, interpolation=method), np.float32))
        framed = np.zeros((size[1] + 4, size[0] + 4), np.float32)
        framed[2:-2, 2:-2] = small
        return framed, factor


def read_cutout(rgba: Bytes) -> Cutout:
    """Clean a cutout and place its camera.

    Args:
        rgba: (h, w, 4) uint8, sRGB, straight alpha.

    Raises:
        InvalidImage: not four channels of bytes.
        SubjectNotFound: no subject, or one of too few pixels.
    """
    if rgba.ndim != 3 or rgba.shape[2] != 4 or rgba.dtype != np.uint8:
        raise InvalidImage(
            f"cutout must be an RGBA image of 8 bits a channel, not {rgba.dtype} of shape {rgba.shape}", field="cutout"
        )
    height, width = rgba.shape[:2]
    solid = _without_crumbs((rgba[..., 3] >= 128).astype(np.uint8))
    count = int(solid.sum())
    if count < RULES.min_subject_px:
        raise SubjectNotFound(
            f"cutout must show a subject of at least {RULES.min_subject_px} opaque pixels, not {count}", field="cutout"
        )
    columns, rows = np.flatnonzero(solid.any(axis=0)), np.flatnonzero(solid.any(axis=1))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    margin = 2 + round(0.01 * max(right - left, bottom - top))
    box = (left - margin, top - margin, right + margin, bottom + margin)
    rgb = _crop(rgba[..., :3], box)
    alpha = _crop(rgba[..., 3], box).astype(np.float32) / 255.0
    kept = _crop(solid, box)
    # Soft edges stay where they border on a kept part; crumbs vanish, pinholes close.
    near = cv2.dilate(kept, np.ones((5, 5), np.uint8)) > 0
    alpha = np.where(near, alpha, 0.0)
    alpha = np.where((kept > 0) & (alpha < 0.5), 1.0, alpha)
    alpha = np.where((kept == 0) & (alpha >= 0.5), 0.49, alpha).astype(np.float32)
    scale = min(1.0, RULES.max_side_px / max(alpha.shape))
    if scale < 1.0:
        size = (round(alpha.shape[1] * scale), round(alpha.shape[0] * scale))
        rgb = np.asarray(cv2.resize(np.ascontiguousarray(rgb), size, interpolation=cv2.INTER_AREA), np.uint8)
        alpha = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
        if float(alpha.max()) < 0.5:
            alpha = kept_thin(alpha)  # a wire all along, thinner than a pixel now
    outline = cv2.convexHull(cv2.findNonZero((alpha >= 0.5).astype(np.uint8))).astype(np.float32)
    _, radius = cv2.minEnclosingCircle(outline)
    center = 0.5 * (outline.min(axis=(0, 1)) + outline.max(axis=(0, 1))) + 0.5
    camera = PhotoCamera.frontal((float(center[0]), float(center[1])), max(radius, 1.0))
    return Cutout(
        rgb=np.ascontiguousarray(rgb, dtype=np.uint8),
        alpha=np.ascontiguousarray(alpha, dtype=np.float32),
        camera=camera,
        origin=(box[0], box[1]),
        scale=scale,
        source_size=(width, height),
    )


def kept_thin(alpha: Floats) -> Floats:
    """A scaled-down matte in which wires that are thinner than a pixel still reach 0.5.

    They are there as a grey: the matte is strengthened until as much of it is inside as it weighs.
    """
    wanted = round(float(alpha.sum()))
    if int((alpha >= 0.5).sum()) >= 0.97 * wanted:
        return alpha
    values = np.sort(alpha, axis=None)[::-1]
    level = float(values[min(max(wanted, 1), len(values)) - 1])
    return np.asarray(np.clip(alpha * (0.5 / np.clip(level, 0.04, 0.5)) * 1.0001, 0.0, 1.0), dtype=np.float32)


def _crop(image: Bytes, box: tuple[int, int, int, int]) -> Bytes:
    """The part of an image inside (left, top, right, bottom), zero where the box leaves the image."""
    left, top, right, bottom = box
    height, width = image.shape[:2]
    out = np.zeros((bottom - top, right - left, *image.shape[2:]), image.dtype)
    x0, x1, y0, y1 = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
    out[y0 - top : y1 - top, x0 - left : x1 - left] = image[y0:y1, x0:x1]
    return out


def _without_crumbs(solid: Bytes) -> Bytes:
    """The mask without islands and holes that are too small to mean anything; (h, w) uint8 of 0 and 1."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=8)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if count <= 1:
        return solid
    keep = areas >= max(RULES.island_share * float(areas.sum()), 6.0)
    if keep.sum() > RULES.max_islands:
        order = np.argsort(-areas, kind="stable")
        keep[order[RULES.max_islands :]] = False
    if not keep.any():
        keep[int(np.argmax(areas))] = True
    cleaned = solid.copy() if keep.all() else np.concatenate([[0], keep.astype(np.uint8)]).astype(np.uint8)[labels]
    holes, hole_labels, hole_stats, _ = cv2.connectedComponentsWithStats(1 - cleaned, connectivity=4)
    if holes > 1:
        fill = hole_stats[:, cv2.CC_STAT_AREA] < RULES.hole_share * float(cleaned.sum())
        fill[0] = False
        if fill.any():
            cleaned[fill[hole_labels]] = 1
    return np.asarray(cleaned, np.uint8)
