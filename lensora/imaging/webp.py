"""A WebP file's structure, read without decoding: its canvas, its first picture, its colour profile.

The library that animations are decoded with keeps three canvases beside its answer, 2.3 GB for 50 megapixels, and it is
what general decoders use for every file. So the first picture is found here and decoded alone.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lensora.core.errors import InvalidImage
from lensora.imaging.exif import UPRIGHT, orientation_of
from lensora.imaging.limits import FIELD
from lensora.imaging.png import MAX_PROFILE_BYTES

MAX_CHUNKS = 10_000
"""Most chunks, those within frames too: a file has six, an animation two or three for each frame."""

_RIFF_BYTES = 12
_FRAME_HEADER_BYTES = 16
_HAS_ALPHA = 0x10
_SIDE_MASK = 0x3FFF
_PICTURES = (b"VP8 ", b"VP8L")


@dataclass(frozen=True, slots=True)
class WebpLayout:
    """What a WebP file holds.

    Attributes:
        width: of the canvas, pixels, as stored.
        height: of the canvas, pixels, as stored.
        left: of the first picture on the canvas, pixels.
        top: of the first picture on the canvas, pixels.
        picture_size: width and height of the first picture, pixels.
        lossless: True for VP8L.
        orientation: EXIF's, 1 to 8.
        profile: the colour profile, or None.
        alpha: (start, end) of the first picture's alpha chunk, or None.
        bits: (start, end) of the first picture's own chunk.
    """

    width: int
    height: int
    left: int
    top: int
    picture_size: tuple[int, int]
    lossless: bool
    orientation: int
    profile: bytes | None
    alpha: tuple[int, int] | None
    bits: tuple[int, int]

    def picture(self, data: bytes) -> bytes:
        """The first picture alone, as a file."""
        view = memoryview(data)
        chunks = [view[self.bits[0] : self.bits[1]]]
        if self.alpha is not None and not self.lossless:
            width, height = self.picture_size
            sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
            extended = b"VP8X" + struct.pack("<IB3x", 10, _HAS_ALPHA) + sides
            chunks = [memoryview(extended), view[self.alpha[0] : self.alpha[1]], *chunks]
        body = b"".join(part if len(part) % 2 == 0 else bytes(part) + b"\0" for part in chunks)
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


@dataclass(slots=True)
class _Parts:
    """What was found so far: places of chunks, and how many there were."""

    chunks: int = 0
    alpha: tuple[int, int] | None = None
    bits: tuple[int, int] | None = None
    left: int = 0
    top: int = 0
    size: tuple[int, int] | None = None
    exif: tuple[int, int] | None = None
    profile: tuple[int, int] | None = None

    def count(self) -> None:
        """One more chunk. Raises InvalidImage: there are too many."""
        self.chunks += 1
        if self.chunks > MAX_CHUNKS:
            raise InvalidImage(f"image has over {MAX_CHUNKS:,} WebP chunks.", field=FIELD)


def canvas_of(data: bytes) -> tuple[int, int]:
    """Width and height that the file claims in its first chunk. Raises as ``read_webp`` does."""
    kind = data[12:16]
    if kind == b"VP8X":  # less one, 24 bits each
        if len(data) < 30:
            raise IndexError(len(data))
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind in _PICTURES:
        return _size_of(data, _RIFF_BYTES)
    if len(data) < 16:
        raise IndexError(len(data))
    raise InvalidImage("image is a WebP file without a picture.", field=FIELD)


def read_webp(data: bytes) -> WebpLayout:
    """The layout of a WebP file. What follows the first picture may be cut off: metadata, further frames, a trailer.

    Raises:
        InvalidImage: damaged, truncated, or made to cost time.
        IndexError, struct.error: the file ends within its header.
    """
    canvas = canvas_of(data)
    parts = _Parts()
    _walk(data, _RIFF_BYTES, len(data), parts)
    if parts.bits is None or parts.size is None:
        declared = int.from_bytes(data[4:8], "little") + 8
        if declared > len(data):
            raise InvalidImage(
                f"image cannot be decoded; it is truncated: it has {len(data):,} of {declared:,} bytes.", field=FIELD
            )
        raise InvalidImage("image is a WebP file without a picture.", field=FIELD)
    place = (parts.left, parts.top)
    if _size_of(data, parts.bits[0]) != parts.size or any(
        start + side > whole for start, side, whole in zip(place, parts.size, canvas, strict=True)
    ):
        raise InvalidImage("image is a damaged WebP file: it claims two sizes for its picture.", field=FIELD)
    exif, profile = parts.exif, parts.profile
    return WebpLayout(
        width=canvas[0],
        height=canvas[1],
        left=parts.left,
        top=parts.top,
        picture_size=parts.size,
        lossless=data[parts.bits[0] : parts.bits[0] + 4] == b"VP8L",
        orientation=UPRIGHT if exif is None else orientation_of(data[exif[0] : exif[1]]),
        profile=None if profile is None else data[profile[0] : profile[1]],
        alpha=parts.alpha,
        bits=parts.bits,
    )


def _walk(data: bytes, at: int, end: int, parts: _Parts) -> None:
    """Note the first picture's chunks, the profile and the EXIF block between two places."""
    canvas = canvas_of(data)
    while at + 8 <= end:
        parts.count()
        name, length = struct.unpack_from("<4sI", data, at)
        start, stop = at + 8, at + 8 + length
        if stop > end:
            # A picture that is cut off is no picture; metadata that is cut off is none.
            return
        if name == b"ANMF" and parts.bits is None and length >= _FRAME_HEADER_BYTES:
            parts.left = 2 * int.from_bytes(data[start : start + 3], "little")
            parts.top = 2 * int.from_bytes(data[start + 3 : start + 6], "little")
            width = 1 + int.from_bytes(data[start + 6 : start + 9], "little")
            height = 1 + int.from_bytes(data[start + 9 : start + 12], "little")
            parts.size = (width, height)
            _frame(data, start + _FRAME_HEADER_BYTES, stop, parts)
        elif name in _PICTURES and parts.bits is None:
            parts.bits, parts.size = (at, stop), canvas
        elif name == b"ALPH" and parts.bits is None:
            parts.alpha = (at, stop)
        elif name == b"ICCP" and parts.profile is None and length <= MAX_PROFILE_BYTES:
            parts.profile = (start, stop)
        elif name == b"EXIF" and parts.exif is None:
            parts.exif = (start, stop)
        at = stop + length % 2


def _frame(data: bytes, at: int, end: int, parts: _Parts) -> None:
    """Note the picture of an animation's frame."""
    while at + 8 <= end and parts.bits is None:
        parts.count()
        name, length = struct.unpack_from("<4sI", data, at)
        stop = at + 8 + length
        if stop > end:
            return
        if name in _PICTURES:
            parts.bits = (at, stop)
        elif name == b"ALPH":
            parts.alpha = (at, stop)
        at = stop + length % 2


def _size_of(data: bytes, at: int) -> tuple[int, int]:
    """Width and height in a picture's own chunk."""
    if data[at : at + 4] == b"VP8L":  # 14 bits each, less one, after the signature byte
        (bits,) = struct.unpack_from("<I", data, at + 9)
        return 1 + (bits & _SIDE_MASK), 1 + (bits >> 14 & _SIDE_MASK)
    width, height = struct.unpack_from("<HH", data, at + 14)  # 14 bits each, after frame tag and start code
    return width & _SIDE_MASK, height & _SIDE_MASK
