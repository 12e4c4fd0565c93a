"""An uploaded picture, decoded: upright, sRGB, eight bits, with the alpha that the file has.

JPEGs are decoded at a reduced scale where less is wanted (libjpeg's DCT scaling). Every picture is reduced a few rows
at a time, its colours are brought to sRGB once it is small, and the orientation comes last: a large photo never exists
twice.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import MediaType
from lensora.core.boxes import FULL_FRAME, Box
from lensora.core.errors import InvalidImage
from lensora.imaging.encoding import encoding_of, is_code_points
from lensora.imaging.exif import FIRST_TURNED
from lensora.imaging.header import Header, read_header
from lensora.imaging.jpeg import JpegLayout
from lensora.imaging.png import ColorType
from lensora.imaging.profiles import ToSrgb
from lensora.imaging.rasters import jpeg_raster, png_raster, undecodable, webp_raster
from lensora.imaging.strips import Raster, reduced
from lensora.imaging.webp import WebpLayout

_OPAQUE = 255
_STRIP_ROWS = 64
_BLOCK_PX = 8
"""Side of a JPEG's blocks."""

_MIRRORED_ACROSS = frozenset({2, 3, 6, 7})
_MIRRORED_DOWN = frozenset({3, 4, 7, 8})
"""EXIF orientations, by what is mirrored once rows and columns are swapped (EXIF 2.32, 4.6.4)."""

Recolor = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class PhotoInfo:
    """What is known of a picture without keeping its pixels.

    Attributes:
        media_type: ``image/jpeg``, ``image/png`` or ``image/webp``.
        width: pixels, upright.
        height: pixels, upright.
    """

    media_type: MediaType
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Photo:
    """A decoded picture.

    Attributes:
        rgb: (h, w, 3) uint8, sRGB, upright; straight, where there is alpha.
        alpha: (h, w) uint8, 255 is opaque; None for a picture without transparency.
        info: the file's format and its full upright size, which may be larger than ``rgb``.
        frame: the part of the upright picture that ``rgb`` shows.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    info: PhotoInfo
    frame: Box = FULL_FRAME

    def __post_init__(self) -> None:
        if self.rgb.ndim != 3 or self.rgb.shape[2] != 3 or self.rgb.dtype != np.uint8:
            raise ValueError(f"rgb must be (h, w, 3) uint8, not {self.rgb.shape} {self.rgb.dtype}")
        if self.alpha is not None and (self.alpha.shape != self.rgb.shape[:2] or self.alpha.dtype != np.uint8):
            raise ValueError(f"alpha must be {self.rgb.shape[:2]} uint8, not {self.alpha.shape} {self.alpha.dtype}")

    def over(self, color: tuple[int, int, int]) -> NDArray[np.uint8]:
        """The picture over a plain sRGB colour: (h, w, 3) uint8; ``rgb`` itself where nothing shines through."""
        return self.rgb if self.alpha is None else laid_over(self.rgb, self.alpha, color)


def laid_over(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A picture with straight (h, w) alpha over a plain sRGB colour: (h, w, 3) uint8."""
    laid = np.empty_like(rgb)
    for top in range(0, len(laid), _STRIP_ROWS):
        strip = slice(top, top + _STRIP_ROWS)
        share = alpha[strip, :, None].astype(np.float32) / _OPAQUE
        laid[strip] = np.rint(rgb[strip] * share + np.array(color, np.float32) * (1 - share))
    return laid


def probe(data: bytes) -> PhotoInfo:
    """Check that an upload is a whole picture within every limit, keeping nothing.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated or otherwise not decodable.
    """
    return decode(data, longest_side_px=1).info


def decode(data: bytes, *, longest_side_px: int | None = None, part: Box = FULL_FRAME) -> Photo:
    """Decode an upload.

    Args:
        data: the file's bytes.
        longest_side_px: largest width or height wanted of the whole picture; a larger one is reduced to it (area mean).
            None keeps all.
        part: what is wanted of the upright picture; ``Photo.frame`` says what was given, which is a little more.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated or otherwise not decodable.
    """
    return decode_known(data, read_header(data), longest_side_px=longest_side_px, part=part)


def decode_known(data: bytes, header: Header, *, longest_side_px: int | None = None, part: Box = FULL_FRAME) -> Photo:
    """As ``decode``, of a file whose header was read before: it may be within other limits than an upload's."""
    stored = _stored_part(header, part)
    width, height = _target(header, longest_side_px)
    try:
        raster, to_srgb = _opened(data, header, (width, height))
        frame = (
            round(stored[0] * raster.width / header.width),
            round(stored[1] * raster.height / header.height),
            round(stored[2] * raster.width / header.width),
            round(stored[3] * raster.height / header.height),
        )
        size = (
            min(frame[2] - frame[0], max(1, round((stored[2] - stored[0]) * width / header.width))),
            min(frame[3] - frame[1], max(1, round((stored[3] - stored[1]) * height / header.height))),
        )
        rgb, alpha = reduced(raster, frame, size)
        del raster
        rgb = to_srgb(rgb)
    except InvalidImage:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise undecodable(error) from error
    orientation = header.layout.orientation
    if alpha is not None:
        alpha = None if alpha.min() == _OPAQUE else _turned(alpha, orientation)
    info = PhotoInfo(header.media_type, *header.upright_size)
    return Photo(_turned(rgb, orientation), alpha, info, _upright_part(stored, header))


def _opened(data: bytes, header: Header, size: tuple[int, int]) -> tuple[Raster, Recolor]:
    """The decoded picture, and what brings its colours to sRGB once it is small."""
    layout = header.layout
    if isinstance(layout, JpegLayout):
        raster, mode, profile = jpeg_raster(data, layout, size)
        return raster, _by_profile(profile, mode)
    if isinstance(layout, WebpLayout):
        return webp_raster(data, layout), _by_profile(layout.profile, "RGB")
    grey = layout.color_type in (ColorType.GREY, ColorType.GREY_ALPHA)
    profile = None if is_code_points(layout.ancillary) else layout.profile()
    if profile is not None:
        return png_raster(data, layout), _by_profile(profile, "L" if grey else "RGB")
    encoding = encoding_of(layout.ancillary)
    return png_raster(data, layout), _unchanged if encoding is None else encoding.to_srgb


def _by_profile(profile: bytes | None, mode: str) -> Recolor:
    way = ToSrgb.of(profile, mode)
    return _unchanged if way is None else way.apply


def _unchanged(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return rgb


def _target(header: Header, longest_side_px: int | None) -> tuple[int, int]:
    """(width, height) in pixels, as stored, with the longest side at most ``longest_side_px``."""
    longest = max(header.width, header.height)
    if longest_side_px is None or longest <= longest_side_px:
        return header.width, header.height
    scale = longest_side_px / longest
    return max(1, round(header.width * scale)), max(1, round(header.height * scale))


def _stored_part(header: Header, part: Box) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) in pixels of the stored picture, grown to whole blocks of a JPEG.

    So it begins and ends on whole pixels at each of the scales that a JPEG is decoded at.
    """
    left, top, right, bottom = _fractions_as_stored(part, header.layout.orientation)
    width, height = header.width, header.height
    return (
        int(left * width) // _BLOCK_PX * _BLOCK_PX,
        int(top * height) // _BLOCK_PX * _BLOCK_PX,
        min(width, math.ceil(right * width / _BLOCK_PX) * _BLOCK_PX),
        min(height, math.ceil(bottom * height / _BLOCK_PX) * _BLOCK_PX),
    )


def _fractions_as_stored(part: Box, orientation: int) -> tuple[float, float, float, float]:
    """A box of the upright picture as fractions of the stored one: the inverse of ``_turned``."""
    left, top, right, bottom = part.x1, part.y1, part.x2, part.y2
    if orientation in _MIRRORED_ACROSS:
        left, right = 1.0 - right, 1.0 - left
    if orientation in _MIRRORED_DOWN:
        top, bottom = 1.0 - bottom, 1.0 - top
    if orientation >= FIRST_TURNED:
        left, top, right, bottom = top, left, bottom, right
    return left, top, right, bottom


def _upright_part(stored: tuple[int, int, int, int], header: Header) -> Box:
    """The part in fractions of the upright picture."""
    orientation = header.layout.orientation
    left, right = stored[0] / header.width, stored[2] / header.width
    top, bottom = stored[1] / header.height, stored[3] / header.height
    if orientation >= FIRST_TURNED:
        left, top, right, bottom = top, left, bottom, right
    if orientation in _MIRRORED_DOWN:
        top, bottom = 1.0 - bottom, 1.0 - top
    if orientation in _MIRRORED_ACROSS:
        left, right = 1.0 - right, 1.0 - left
    return Box(left, top, right, bottom)


def _turned(array: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Apply an EXIF orientation; a contiguous array."""
    if orientation >= FIRST_TURNED:
        array = np.swapaxes(array, 0, 1)
    if orientation in _MIRRORED_DOWN:
        array = array[::-1]
    if orientation in _MIRRORED_ACROSS:
        array = array[:, ::-1]
    return np.ascontiguousarray(array)
