"""Files decoded: each format by the decoder that needs the least memory for it, as rows of RGB and straight alpha.

Pillow decodes JPEGs at a reduced scale and PNGs in place; OpenCV decodes a WebP without the canvases of animations, and
keeps sixteen bits of a PNG where they matter.
"""

from __future__ import annotations

import io
import struct

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from lensora.core.errors import InvalidImage
from lensora.imaging.jpeg import JpegLayout
from lensora.imaging.limits import FIELD
from lensora.imaging.png import ColorType, PngLayout
from lensora.imaging.profiles import ToSrgb
from lensora.imaging.strips import Raster
from lensora.imaging.webp import WebpLayout

_OPAQUE = 255
_SIXTEEN_BITS = 16
_SIXTEEN_TO_EIGHT_BITS = 257
"""65535 / 255: the exact scale between the two ranges."""

MAX_JPEG_BYTES = 520_000_000
"""A JPEG that would need more is decoded at half its size: progressive, in CMYK, and over 43 megapixels."""

MAX_DEEP_PIXELS = 32_000_000
"""OpenCV needs twelve bytes for each pixel of a PNG with three channels of 16 bits. Above this the transparent colour
is told apart by eight bits."""

_PADDING = bytes(range(0x11, 0xF0, 7)) * 8
"""Bits that are no picture, put where a JPEG's missing part would be."""
_CHECK_SCALE = 8
_CHECK_SCALE_PROGRESSIVE = 2
"""Scales at which a JPEG without an end is compared. The last scans of a progressive one add fine detail alone."""


def jpeg_raster(data: bytes, layout: JpegLayout, size: tuple[int, int]) -> tuple[Raster, str, bytes | None]:
    """A JPEG, decoded at the least of the scales 1, 1/2, 1/4, 1/8 that has at least ``size`` (width, height).

    Returns:
        The picture, with CMYK brought to sRGB; the mode that a colour profile must fit; and the profile still to apply.

    Raises:
        InvalidImage: truncated or damaged.
    """
    if not layout.ended:
        _check_whole(data, layout)
    while size[0] > 1 and layout.decoded_bytes(size[0]) > MAX_JPEG_BYTES:
        size = (size[0] // 2, max(1, size[1] // 2))
    image = _opened(layout.picture(data), "JPEG", (layout.width, layout.height), size)
    profile = image.info.get("icc_profile")
    if image.mode != "CMYK":
        return _pillow_raster(image), image.mode, profile
    way = ToSrgb.of(profile, "CMYK")

    def rows(top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        part = image.crop((left, top, right, bottom))
        return np.asarray(part.convert("RGB")) if way is None else way.apply(np.asarray(part))

    return Raster(image.width, image.height, False, rows), "RGB", None


def _check_whole(data: bytes, layout: JpegLayout) -> None:
    """Raise InvalidImage when pixels are missing from a JPEG that has no end marker.

    A decoder makes up what is missing, and says nothing. So the file is decoded twice, with different bits behind its
    end: they show in the picture exactly where something is missing.
    """
    scale = _CHECK_SCALE_PROGRESSIVE if layout.whole_in_memory else _CHECK_SCALE
    size = (max(1, layout.width // scale), max(1, layout.height // scale))
    plain = _digest(layout.picture(data), layout, size)
    if plain != _digest(layout.picture(data, _PADDING), layout, size):
        raise InvalidImage("image cannot be decoded; it is truncated: a part of the picture is missing.", field=FIELD)


def _digest(picture: bytes, layout: JpegLayout, size: tuple[int, int]) -> int:
    return hash(_opened(picture, "JPEG", (layout.width, layout.height), size).tobytes())


def png_raster(data: bytes, layout: PngLayout) -> Raster:
    """A PNG, with the transparency of its tRNS chunk.

    Raises:
        InvalidImage: truncated or damaged.
    """
    key = layout.ancillary.get(b"tRNS", b"")
    size = (layout.width, layout.height)
    if is_deep(layout):
        pixels = _by_opencv(layout.picture(data), size)
        _check_rows(data, layout, bool(pixels[-1].any()))
        return _deep_rgb_raster(pixels, np.array(struct.unpack(">3H", key), np.uint16))
    image = _opened(layout.picture(data), "PNG", size)
    last = image.crop((0, image.height - 1, image.width, image.height))
    _check_rows(data, layout, bool(np.asarray(last).any()))
    if layout.color_type is ColorType.PALETTE:
        return _palette_raster(image, layout.palette, key)
    if layout.color_type is ColorType.GREY and len(key) == 2:
        return _pillow_raster(image, np.array(struct.unpack(">H", key)), 2**layout.depth - 1)
    if layout.color_type is ColorType.RGB and len(key) == 6:
        return _pillow_raster(image, np.array(struct.unpack(">3H", key)) >> (8 if layout.depth == _SIXTEEN_BITS else 0))
    return _pillow_raster(image)


def _check_rows(data: bytes, layout: PngLayout, last_row_has_something: bool) -> None:
    """Raise InvalidImage when rows are missing from a PNG.

    Decoders leave what is missing empty, and say nothing. So a picture whose last row is empty is looked at again.
    """
    if (layout.interlaced or not last_row_has_something) and not layout.is_whole(data):
        raise InvalidImage("image cannot be decoded; it is truncated: a part of the picture is missing.", field=FIELD)


def is_deep(layout: PngLayout) -> bool:
    """Whether all sixteen bits of a PNG's channels are kept, to tell its transparent colour apart."""
    return (
        layout.color_type is ColorType.RGB
        and layout.depth == _SIXTEEN_BITS
        and len(layout.ancillary.get(b"tRNS", b"")) == 6
        and layout.width * layout.height <= MAX_DEEP_PIXELS
    )


def webp_raster(data: bytes, layout: WebpLayout) -> Raster:
    """The first picture of a WebP on its canvas.

    Raises:
        InvalidImage: truncated or damaged.
    """
    pixels = _by_opencv(layout.picture(data), layout.picture_size)
    has_alpha = pixels.shape[2] == 4
    left, top = layout.left, layout.top
    right, bottom = left + layout.picture_size[0], top + layout.picture_size[1]
    if (left, top, right, bottom) == (0, 0, layout.width, layout.height):

        def rows(first: int, last: int, start: int, end: int) -> NDArray[np.uint8]:
            return _from_opencv(pixels[first:last, start:end])

        return Raster(layout.width, layout.height, has_alpha, rows)

    def laid(first: int, last: int, start: int, end: int) -> NDArray[np.uint8]:
        canvas = np.zeros((last - first, end - start, 4), np.uint8)
        y0, y1, x0, x1 = max(first, top), min(last, bottom), max(start, left), min(end, right)
        if y0 < y1 and x0 < x1:
            part = _from_opencv(pixels[y0 - top : y1 - top, x0 - left : x1 - left])
            on = canvas[y0 - first : y1 - first, x0 - start : x1 - start]
            on[..., 3] = _OPAQUE
            on[..., : part.shape[2]] = part
        return canvas

    return Raster(layout.width, layout.height, True, laid)


def undecodable(error: Exception) -> InvalidImage:
    """The error for a file that a decoder does not take."""
    # An error that was made for programmers tells a user nothing.
    said = "" if isinstance(error, UnidentifiedImageError) else f" ({error})"
    return InvalidImage(f"image cannot be decoded; it is truncated or damaged{said}.", field=FIELD)


def _opened(picture: bytes, kind: str, size: tuple[int, int], wanted: tuple[int, int] | None = None) -> Image.Image:
    """A picture by Pillow, decoded."""
    try:
        image = Image.open(io.BytesIO(picture), formats=[kind])
        if image.size == size:
            if wanted is not None:
                # Only the JPEG plugin does anything here: it picks the DCT scale that is just large enough.
                image.draft(None, wanted)
            image.load()
            return image
    except Exception as error:  # Pillow raises nearly anything on damaged files
        raise undecodable(error) from error
    raise InvalidImage(
        f"image claims two sizes: {size[0]} x {size[1]} and {image.width} x {image.height}.", field=FIELD
    )


def _by_opencv(picture: bytes, size: tuple[int, int]) -> NDArray[np.generic]:
    """(h, w, 3 or 4) in OpenCV's order of channels, of the file's depth."""
    try:
        pixels = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise undecodable(error) from error
    if pixels is None or pixels.ndim != 3 or (pixels.shape[1], pixels.shape[0]) != size:
        raise InvalidImage("image cannot be decoded; it is truncated or damaged.", field=FIELD)
    return np.asarray(pixels)


def _from_opencv(part: NDArray[np.generic]) -> NDArray[np.uint8]:
    code = cv2.COLOR_BGR2RGB if part.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(part), code), np.uint8)


def _pillow_raster(image: Image.Image, clear: NDArray[np.int64] | None = None, most: int = _OPAQUE) -> Raster:
    """A picture that Pillow holds.

    Args:
        image: decoded.
        clear: the colour that is transparent: (1,) grey or (3,) RGB, or None.
        most: the value of white in ``clear``.
    """
    has_alpha = clear is not None or image.mode in ("LA", "RGBA")

    def rows(top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        part = image.crop((left, top, right, bottom))
        if image.mode.startswith("I"):
            deep = np.asarray(part).astype(np.uint32)
            grey = ((deep + _SIXTEEN_TO_EIGHT_BITS // 2) // _SIXTEEN_TO_EIGHT_BITS).clip(0, _OPAQUE).astype(np.uint8)
            alpha = None if clear is None else deep != clear[0]
            return _grey(grey, alpha)
        if image.mode in ("1", "L"):
            grey = np.asarray(part.convert("L"))
            alpha = None if clear is None else grey != clear[0] * _OPAQUE // most
            return _grey(grey, alpha)
        if image.mode == "RGB" and clear is not None:
            rgb = np.asarray(part)
            return np.dstack([rgb, (rgb != clear).any(axis=2) * np.uint8(_OPAQUE)])
        mode = "RGBA" if has_alpha else "RGB"
        return np.asarray(part if part.mode == mode else part.convert(mode))

    return Raster(image.width, image.height, has_alpha, rows)


def _grey(grey: NDArray[np.uint8], opaque: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    planes = [grey, grey, grey]
    return np.dstack(planes if opaque is None else [*planes, opaque * np.uint8(_OPAQUE)])


def _palette_raster(image: Image.Image, palette: bytes, alpha: bytes) -> Raster:
    colors = np.zeros((256, 4 if alpha else 3), np.uint8)
    known = len(palette) // 3
    colors[:known, :3] = np.frombuffer(palette[: 3 * known], np.uint8).reshape(-1, 3)
    if alpha:
        colors[:, 3] = _OPAQUE
        colors[: len(alpha), 3] = np.frombuffer(alpha[:256], np.uint8)

    def rows(top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        return np.asarray(colors[np.asarray(image.crop((left, top, right, bottom)))])

    return Raster(image.width, image.height, bool(alpha), rows)


def _deep_rgb_raster(pixels: NDArray[np.generic], key: NDArray[np.uint16]) -> Raster:
    """Sixteen bits a channel with a transparent colour, which is told apart at its full depth."""

    def rows(top: int, bottom: int, left: int, right: int) -> NDArray[np.uint8]:
        deep = pixels[top:bottom, left:right, ::-1].astype(np.uint32)
        rgb = ((deep + _SIXTEEN_TO_EIGHT_BITS // 2) // _SIXTEEN_TO_EIGHT_BITS).astype(np.uint8)
        return np.dstack([rgb, (deep != key).any(axis=2) * np.uint8(_OPAQUE)])

    return Raster(pixels.shape[1], pixels.shape[0], True, rows)
