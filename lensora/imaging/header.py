"""Format, size and structure of an uploaded picture, read without decoding, and the limits that are checked before it.

Decoders allocate what a header claims (libwebp when a file is opened): a kilobyte may claim 176 megapixels. So nothing
is decoded before the claim is found acceptable. Reading costs at most 50 ms, whatever a file holds.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lensora.core.artifacts import MediaType
from lensora.core.bounds import tenths_over
from lensora.core.errors import InvalidImage
from lensora.imaging.exif import FIRST_TURNED
from lensora.imaging.jpeg import JpegLayout, read_jpeg
from lensora.imaging.kinds import kind_of
from lensora.imaging.limits import FIELD, MAX_ASPECT, MAX_BYTES, MAX_PIXELS, MIN_SIDE_PX
from lensora.imaging.png import SIGNATURE, PngLayout, read_png
from lensora.imaging.webp import WebpLayout, canvas_of, read_webp

_JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims to be.

    Attributes:
        media_type: ``image/jpeg``, ``image/png`` or ``image/webp``.
        width: pixels, as stored (before any EXIF orientation).
        height: pixels, as stored.
        layout: where what lies in the file.
    """

    media_type: MediaType
    width: int
    height: int
    layout: JpegLayout | PngLayout | WebpLayout

    @property
    def upright_size(self) -> tuple[int, int]:
        """Width and height in pixels, with the EXIF orientation applied."""
        if self.layout.orientation >= FIRST_TURNED:
            return self.height, self.width
        return self.width, self.height


def read_header(data: bytes) -> Header:
    """Sniff the format, read size and structure, and check every limit that needs no decoding.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, truncated, or over a limit; the message names the limit and the value.
    """
    if len(data) > MAX_BYTES:
        raise InvalidImage(
            f"image has {len(data):,} bytes; the limit is {MAX_BYTES:,} bytes ({MAX_BYTES // 1_000_000} MB).",
            field=FIELD,
        )
    try:
        return _read(data)
    except (struct.error, IndexError) as error:
        raise InvalidImage("image ends within its header: the file is truncated.", field=FIELD) from error


def _read(data: bytes) -> Header:
    if data.startswith(_JPEG_START):
        jpeg = read_jpeg(data)
        _check_size(jpeg.width, jpeg.height)
        return Header(MediaType.JPEG, jpeg.width, jpeg.height, jpeg)
    if data.startswith(SIGNATURE):
        if data[12:16] == b"IHDR":
            _check_size(*struct.unpack_from(">II", data, 16))
        png = read_png(data)
        return Header(MediaType.PNG, png.width, png.height, png)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        _check_size(*canvas_of(data))
        webp = read_webp(data)
        return Header(MediaType.WEBP, webp.width, webp.height, webp)
    kind = kind_of(data)
    advice = f": {kind.advice}" if kind.advice else ""
    raise InvalidImage(f"image must be a JPEG, PNG or WebP file, not {kind.name}{advice}.", field=FIELD)


def _check_size(width: int, height: int) -> None:
    pixels = width * height
    if pixels > MAX_PIXELS:
        raise InvalidImage(
            f"image has {tenths_over(pixels / 1e6)} megapixels ({width} x {height}); "
            f"the limit is {MAX_PIXELS // 1_000_000} megapixels.",
            field=FIELD,
        )
    if min(width, height) < MIN_SIDE_PX:
        raise InvalidImage(
            f"image is {width} x {height} pixels; each side must have at least {MIN_SIDE_PX} pixels.", field=FIELD
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise InvalidImage(
            f"image is {width} x {height} pixels; one side may be at most {MAX_ASPECT} times the other.", field=FIELD
        )
