"""Reduction in strips, and parts of pictures."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from lensora.core.boxes import Box
from lensora.imaging.photo import decode
from lensora.imaging.strips import Raster, reduced
from lensora.testing.pictures import saved, scene


@pytest.mark.parametrize(
    ("size", "target"),
    [((2400, 1800), (1024, 768)), ((901, 799), (400, 355)), ((5000, 150), (1024, 31)), ((600, 600), (599, 1))],
)
def test_strips_give_the_mean_of_the_area(size: tuple[int, int], target: tuple[int, int]) -> None:
    """As OpenCV's area interpolation of the whole does, to a level, opaque or with an alpha of 255 everywhere."""
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    wanted = cv2.resize(pixels, target, interpolation=cv2.INTER_AREA).astype(int)
    opaque = Raster(*size, False, lambda top, bottom, left, right: pixels[top:bottom, left:right])
    four = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    clear = Raster(*size, True, lambda top, bottom, left, right: four[top:bottom, left:right])
    for raster in (opaque, clear):
        rgb, alpha = reduced(raster, (0, 0, *size), target)
        assert np.abs(rgb - wanted).max() <= 1
        assert alpha is None or (alpha == 255).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_part_is_where_it_says_it_is(kind: str, orientation: int) -> None:
    """What comes out is the same as that part of the whole, whichever way up the file is stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"JPEG": {"quality": 95}, "PNG": {}, "WEBP": {"lossless": True}}[kind]
    data = saved(scene(480, 360), kind, exif=exif, **options)
    for longest in (None, 240):
        whole = decode(data, longest_side_px=longest).rgb
        photo = decode(data, longest_side_px=longest, part=Box(0.3, 0.1, 0.7, 0.35))
        frame = photo.frame
        assert frame.x1 <= 0.301 and frame.y1 <= 0.101 and frame.x2 >= 0.699 and frame.y2 >= 0.349
        assert frame.area < 0.2
        height, width = whole.shape[:2]
        left, top = round(frame.x1 * width), round(frame.y1 * height)
        cut = whole[top : top + photo.rgb.shape[0], left : left + photo.rgb.shape[1]]
        assert np.abs(photo.rgb.astype(int) - cut).max() <= 6
        assert (photo.info.width, photo.info.height) == ((480, 360) if orientation < 5 else (360, 480))
