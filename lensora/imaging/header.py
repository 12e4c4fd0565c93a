"""Format and size of an uploaded picture, read from its header alone, and the limits that are checked before decoding.

Decoders allocate what a header claims (libwebp when a file is opened): a kilobyte may claim 176 megapixels. So the
header is read here, in a few bytes of Python, and nothing is decoded before the claim is found acceptable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidImage

MAX_BYTES = 20_000_000
"""Most bytes of an uploaded picture: 20 MB, decimal, as the public contract says."""

MAX_PIXELS = 50_000_000
"""Most pixels: 50 megapixels, 150 MB decoded."""

MIN_SIDE_PX = 64
"""Least width and height: below this there is nothing to detect."""

MAX_JPEG_SCANS = 100
"""Most scans of a progressive JPEG; encoders write about ten. Each costs a pass over the whole picture."""

FIELD = "image"
"""The request field that all errors of this package name."""

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_JPEG_START = b"\xff\xd8\xff"
_SCAN_MARKER = b"\xff\xda"

_OTHER_KINDS = (
    (0, b"GIF8", "a GIF"),
    (0, b"BM", "a BMP"),
    (0, b"II*\x00", "a TIFF"),
    (0, b"MM\x00*", "a TIFF"),
    (0, b"%PDF", "a PDF"),
    (4, b"ftypavi", "an AVIF"),
    (4, b"ftyphei", "a HEIC"),
    (4, b"ftypmif", "a HEIF"),
    (4, b"ftyp", "a video"),
    (0, b"<svg", "an SVG"),
    (0, b"PK\x03\x04", "a ZIP"),
)
"""Place, mark and name of formats that people send by mistake."""

_TEXT_BYTES = frozenset((9, 10, 13, *range(32, 127), *range(128, 256)))

# JPEG markers (ITU-T T.81, table B.1): start of frame 0 to 15 without DHT, JPG and DAC; those without a length.
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_END_MARKERS = frozenset({0xD9, 0xDA})


@dataclass(frozen=True, slots=True)
class Header:
    """What a file claims to be.

    Attributes:
        media_type: ``image/jpeg``, ``image/png`` or ``image/webp``.
        width: pixels, as stored (before any EXIF orientation).
        height: pixels, as stored.
    """

    media_type: MediaType
    width: int
    height: int


def read_header(data: bytes) -> Header:
    """Sniff the format, read the size, and check every limit that needs no decoding.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, or over a limit; the message names the limit and the value.
    """
    if len(data) > MAX_BYTES:
        raise InvalidImage(
            f"image has {len(data):,} bytes; the limit is {MAX_BYTES:,} bytes ({MAX_BYTES // 1_000_000} MB).",
            field=FIELD,
        )
    header = _sniff(data)
    pixels = header.width * header.height
    if pixels > MAX_PIXELS:
        raise InvalidImage(
            f"image has {pixels / 1e6:.1f} megapixels ({header.width} x {header.height}); "
            f"the limit is {MAX_PIXELS // 1_000_000} megapixels.",
            field=FIELD,
        )
    if min(header.width, header.height) < MIN_SIDE_PX:
        raise InvalidImage(
            f"image is {header.width} x {header.height} pixels; each side must have at least {MIN_SIDE_PX} pixels.",
            field=FIELD,
        )
    if header.media_type is MediaType.JPEG and (scans := data.count(_SCAN_MARKER)) > MAX_JPEG_SCANS:
        raise InvalidImage(f"image has {scans} JPEG scans; the limit is {MAX_JPEG_SCANS}.", field=FIELD)
    return header


def _sniff(data: bytes) -> Header:
    try:
        if data.startswith(_JPEG_START):
            return _jpeg(data)
        if data.startswith(_PNG_SIGNATURE):
            return _png(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError) as error:
        raise InvalidImage("image ends within its header: the file is truncated.", field=FIELD) from error
    raise InvalidImage(f"image must be a JPEG, PNG or WebP file, not {_kind_of(data)}.", field=FIELD)


def _kind_of(data: bytes) -> str:
    """What a file of another format seems to be, in a few words."""
    for place, mark, kind in _OTHER_KINDS:
        if data[place : place + len(mark)] == mark:
            return kind
    head = data[:256]
    if head and all(byte in _TEXT_BYTES for byte in head):
        return "text"
    return f"a file that begins with {data[:4].hex(' ')}" if data else "an empty file"


def _png(data: bytes) -> Header:
    if data[12:16] != b"IHDR":
        raise InvalidImage("image is a PNG file without a header chunk.", field=FIELD)
    width, height = struct.unpack_from(">II", data, 16)
    return Header(MediaType.PNG, width, height)


def _jpeg(data: bytes) -> Header:
    at = 2
    while True:
        if data[at] != 0xFF:
            raise InvalidImage("image is a damaged JPEG file: a marker is missing in its header.", field=FIELD)
        while data[at] == 0xFF:
            at += 1
        marker = data[at]
        at += 1
        if marker in _FRAME_MARKERS:
            _precision, height, width = struct.unpack_from(">xxBHH", data, at)
            return Header(MediaType.JPEG, width, height)
        if marker in _END_MARKERS:
            raise InvalidImage("image is a JPEG file without a picture.", field=FIELD)
        if marker not in _BARE_MARKERS:
            (length,) = struct.unpack_from(">H", data, at)
            at += max(length, 2)


def _webp(data: bytes) -> Header:
    kind = data[12:16]
    if kind == b"VP8X":  # canvas size less one, 24 bits each
        width = 1 + int.from_bytes(_bytes(data, 24, 3), "little")
        height = 1 + int.from_bytes(_bytes(data, 27, 3), "little")
    elif kind == b"VP8L":  # 14 bits each, less one, after the signature byte
        (bits,) = struct.unpack_from("<I", data, 21)
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":  # 14 bits each, after frame tag and start code
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    else:
        raise InvalidImage("image is a WebP file without a picture.", field=FIELD)
    return Header(MediaType.WEBP, width, height)


def _bytes(data: bytes, at: int, count: int) -> bytes:
    part = data[at : at + count]
    if len(part) < count:
        raise IndexError(at)
    return part
