"""What is to be cut out: the photo, the box that was chosen in it, and the crop that becomes the cutout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.boxes import MIN_CROP_SIDE_PX, Box, Point
from lensora.core.errors import CropTooSmall
from services.segment.marks import Mark
from services.segment.matte import PixelBox

LONGEST_SIDE_PX = 1536
"""Longest side of a cutout: half as fine again as the net sees, and 4K film shows the subject at 1,425 pixels. Only a
strip of over 24:1 is longer, up to 3,200: no stage takes a picture of under 64 pixels."""


@dataclass(frozen=True)
class Aim:
    """A box in a photo, and the crop around it at the cutout's size.

    Attributes:
        rgb: (h, w, 3) uint8 sRGB, the whole photo, upright.
        box: the subject's own box.
        crop: the padded box; the cutout has this extent.
        picture: (h, w, 3) uint8 sRGB, the crop, at most ``LONGEST_SIDE_PX`` long where it is no thin strip.
        within: the subject's box in the picture's pixels.
    """

    rgb: NDArray[np.uint8]
    box: Box
    crop: Box
    picture: NDArray[np.uint8]
    within: PixelBox

    @staticmethod
    def at(rgb: NDArray[np.uint8], box: Box, crop: Box) -> Aim:
        """Cut the crop out of the photo.

        Raises:
            CropTooSmall: the crop is under the least side.
        """
        height, width = rgb.shape[:2]
        left, top, right, bottom = crop.pixels(width, height)
        if min(right - left, bottom - top) < MIN_CROP_SIDE_PX:
            raise CropTooSmall(
                f"crop must be at least {MIN_CROP_SIDE_PX} pixels on each side, not {right - left}x{bottom - top}",
                field="crop",
            )
        picture = limited(rgb[top:bottom, left:right])
        within = PixelBox(box.x1 * width - left, box.y1 * height - top, box.x2 * width - left, box.y2 * height - top)
        scaled = within.scaled(picture.shape[1] / (right - left), picture.shape[0] / (bottom - top))
        return Aim(rgb, box, crop, picture, scaled)

    def marks(self, points: Sequence[Point]) -> list[Mark]:
        """A person's points in the picture's pixels."""
        across, down = self.crop.x2 - self.crop.x1, self.crop.y2 - self.crop.y1
        height, width = self.picture.shape[:2]
        return [
            Mark((point.x - self.crop.x1) / across * width, (point.y - self.crop.y1) / down * height, point.keep)
            for point in points
        ]


@dataclass(frozen=True)
class SecondLook:
    """A second view for the net, with more of the photo around the box: the mean of two views errs less than one.

    Attributes:
        padding: share of the box's longer side.
        longest_px: longest side of the view.
        least_more: how much more than the crop it must show.
    """

    padding: float = 0.30
    longest_px: int = LONGEST_SIDE_PX
    least_more: float = 1.1


LOOK_AGAIN = SecondLook()


@dataclass(frozen=True)
class Surroundings:
    """The box with more of the photo around it, as a picture of its own.

    Attributes:
        rgb: (h, w, 3) uint8 sRGB.
        to_view: (2, 3) affine map from the pixels of ``Aim.picture`` to this picture's.
    """

    rgb: NDArray[np.uint8]
    to_view: NDArray[np.float64]

    @staticmethod
    def of(aim: Aim, padding: float, longest_px: int) -> Surroundings:
        """The box padded by a share of its longer side, at most ``longest_px`` long."""
        height, width = aim.rgb.shape[:2]
        left, top, right, bottom = aim.box.padded(width, height, padding).pixels(width, height)
        crop_left, crop_top, crop_right, crop_bottom = aim.crop.pixels(width, height)
        rgb = limited(aim.rgb[top:bottom, left:right], longest_px)
        scale_x, scale_y = rgb.shape[1] / (right - left), rgb.shape[0] / (bottom - top)
        across = (crop_right - crop_left) / aim.picture.shape[1] * scale_x
        down = (crop_bottom - crop_top) / aim.picture.shape[0] * scale_y
        to_view = np.array([[across, 0.0, (crop_left - left) * scale_x], [0.0, down, (crop_top - top) * scale_y]])
        return Surroundings(rgb, to_view)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A point of the crop's picture in this picture's pixels."""
        u, v = self.to_view @ np.array([x, y, 1.0])
        return float(u), float(v)

    def seen_from(self, aim: Aim, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """A plane of this picture's size at the pixels of the crop's picture."""
        across, down = self.to_view[0, 0], self.to_view[1, 1]
        # Centres of pixels are half a pixel in.
        centred = self.to_view + np.array([[0, 0, 0.5 * (across - 1)], [0, 0, 0.5 * (down - 1)]])
        size = (aim.picture.shape[1], aim.picture.shape[0])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(plane, centred, size, flags=flags), np.float32)


def limited(picture: NDArray[np.uint8], longest_px: int = LONGEST_SIDE_PX) -> NDArray[np.uint8]:
    """A copy of at most that length, or of a strip that keeps the least side; a photo is never scaled up."""
    longest, shortest = max(picture.shape[:2]), min(picture.shape[:2])
    scale = max(longest_px / longest, MIN_CROP_SIDE_PX / shortest)
    if scale >= 1.0:
        return np.ascontiguousarray(picture)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
