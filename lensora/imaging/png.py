"""A PNG file's structure, read without unpacking anything but a small colour profile.

Texts, metadata, an animation's further frames and whatever else a file holds are dropped unread: a chunk of 300 MB that
is packed into 300 KB costs nothing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum

from lensora.core.errors import InvalidImage
from lensora.imaging.exif import UPRIGHT, orientation_of
from lensora.imaging.limits import FIELD

SIGNATURE = b"\x89PNG\r\n\x1a\n"

MAX_CHUNKS = 30_000
"""Most chunks: encoders write the picture in pieces of 8 KB, of which 20 MB hold 2,500."""

MAX_PROFILE_BYTES = 1_000_000
"""A larger colour profile is dropped unread; those of displays and cameras have 0.5 to 600 KB."""

MAX_SMALL_CHUNK_BYTES = 65_536
"""The chunks that are kept beside the picture and its profile have a few hundred bytes; EXIF has at most 64 KB."""

_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
_CHUNK_OVERHEAD_BYTES = 12
_HEADER_BYTES = 33
"""Signature and header chunk."""
_DECODED = frozenset({b"IHDR", b"PLTE", b"IDAT"})
_KEPT = frozenset({b"tRNS", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"eXIf"})
_PALETTE_COLORS = 256


class ColorType(IntEnum):
    """PNG specification, 11.2.1."""

    GREY = 0
    RGB = 2
    PALETTE = 3
    GREY_ALPHA = 4
    RGB_ALPHA = 6


_DEPTHS: Mapping[ColorType, tuple[int, ...]] = {
    ColorType.GREY: (1, 2, 4, 8, 16),
    ColorType.RGB: (8, 16),
    ColorType.PALETTE: (1, 2, 4, 8),
    ColorType.GREY_ALPHA: (8, 16),
    ColorType.RGB_ALPHA: (8, 16),
}
_CHANNELS: Mapping[ColorType, int] = {
    ColorType.GREY: 1,
    ColorType.RGB: 3,
    ColorType.PALETTE: 1,
    ColorType.GREY_ALPHA: 2,
    ColorType.RGB_ALPHA: 4,
}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column and row of each pass, and the steps across and down (PNG specification, 8.2)."""
_PIECE_BYTES = 1 << 20
_PACKED_PIECE_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class PngLayout:
    """What a PNG file holds.

    Attributes:
        width: pixels, as stored.
        height: pixels, as stored.
        depth: bits of a sample.
        color_type: PNG's.
        interlaced: whether it is sent in the seven passes of Adam7.
        orientation: EXIF's, 1 to 8.
        needed: (start, end) of the chunks that decoding needs, the end chunk excepted.
        ancillary: the kept chunks' content by name; the first of each that is not damaged.
        palette: (n, 3) bytes, or nothing.
    """

    width: int
    height: int
    depth: int
    color_type: ColorType
    interlaced: bool
    orientation: int
    needed: tuple[tuple[int, int], ...]
    ancillary: Mapping[bytes, bytes]
    palette: bytes

    def picture(self, data: bytes) -> bytes:
        """The picture alone, as a file: no transparency, profile or metadata."""
        view = memoryview(data)
        return b"".join([SIGNATURE, *(view[start:end] for start, end in self.needed), _END])

    def is_whole(self, data: bytes) -> bool:
        """Whether the packed picture has every row: it is unpacked, a little at a time, and counted."""
        wanted = self._unpacked_bytes()
        unpacker = zlib.decompressobj()
        for start, end in self.needed:
            if data[start + 4 : start + 8] != b"IDAT":
                continue
            for at in range(start + 8, end - 4, _PACKED_PIECE_BYTES):
                packed = data[at : min(end - 4, at + _PACKED_PIECE_BYTES)]
                while packed and wanted > 0 and not unpacker.eof:
                    try:
                        wanted -= len(unpacker.decompress(packed, _PIECE_BYTES))
                    except zlib.error:
                        return False
                    packed = unpacker.unconsumed_tail
        # What a call had no room for when its input was used up: less than a piece.
        return wanted <= len(unpacker.flush() if wanted > 0 else b"")

    def _unpacked_bytes(self) -> int:
        """What the picture unpacks to: each row is whole bytes, after one that names its filter."""
        bits = self.depth * _CHANNELS[self.color_type]
        whole = ((0, 0, 1, 1),)
        total = 0
        for left, top, across, down in _ADAM7 if self.interlaced else whole:
            columns, rows = -(-(self.width - left) // across), -(-(self.height - top) // down)
            if columns > 0 and rows > 0:
                total += rows * (1 + -(-columns * bits // 8))
        return total

    def profile(self) -> bytes | None:
        """The colour profile, unpacked; None where there is none, or one that is damaged or too large."""
        packed = self.ancillary.get(b"iCCP", b"")
        _name, found, rest = packed.partition(b"\0")
        if not found or rest[:1] != b"\0":
            return None
        try:
            unpacker = zlib.decompressobj()
            unpacked = unpacker.decompress(rest[1:], MAX_PROFILE_BYTES)
        except zlib.error:
            return None
        return unpacked if unpacker.eof else None


def read_png(data: bytes) -> PngLayout:
    """The layout of a PNG file. A missing end chunk is no fault, where the picture itself is there.

    Raises:
        InvalidImage: damaged, truncated, or made to cost time.
        IndexError, struct.error: the file ends within its header.
    """
    width, height, depth, color, interlaced = _header(data)
    needed: list[tuple[int, int]] = []
    ancillary: dict[bytes, bytes] = {}
    palette, pieces = b"", 0
    for name, at, end in _chunks(data):
        if end > len(data):
            # Metadata that is cut off is none; a picture that is cut off is no picture.
            if name == b"IDAT" or not pieces:
                raise InvalidImage(
                    f"image cannot be decoded; it is truncated: it has {len(data):,} of at least {end:,} bytes.",
                    field=FIELD,
                )
        elif name in _DECODED:
            needed.append((at, end))
            pieces += name == b"IDAT"
            if name == b"PLTE":
                if not _sound(data, at, end):
                    raise InvalidImage("image is a damaged PNG file: its palette's checksum is wrong.", field=FIELD)
                palette = data[at + 8 : end - 4][: 3 * _PALETTE_COLORS]
        elif name in _KEPT and name not in ancillary and end - at <= _most_bytes(name) and _sound(data, at, end):
            ancillary[name] = data[at + 8 : end - 4]
    if not pieces:
        raise InvalidImage("image is a PNG file without a picture.", field=FIELD)
    if color is ColorType.PALETTE and not palette:
        raise InvalidImage("image is a damaged PNG file: it has no palette.", field=FIELD)
    exif = ancillary.get(b"eXIf")
    return PngLayout(
        width=width,
        height=height,
        depth=depth,
        color_type=color,
        interlaced=interlaced,
        orientation=UPRIGHT if exif is None else orientation_of(exif),
        needed=tuple(needed),
        ancillary=ancillary,
        palette=palette,
    )


def _header(data: bytes) -> tuple[int, int, int, ColorType, bool]:
    """Width, height, depth, colour type, and whether it is interlaced. Raises as ``read_png`` does."""
    if data[12:16] == b"CgBI":
        raise InvalidImage("image is a PNG file for iOS apps (CgBI): export it as a usual PNG.", field=FIELD)
    if len(data) < _HEADER_BYTES:
        raise IndexError(len(data))
    if data[12:16] != b"IHDR":
        raise InvalidImage("image is a PNG file without a header chunk.", field=FIELD)
    width, height, depth, color, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if color not in tuple(ColorType):
        raise InvalidImage(f"image is a damaged PNG file: there is no colour type {color}.", field=FIELD)
    if depth not in _DEPTHS[ColorType(color)]:
        raise InvalidImage(
            f"image is a damaged PNG file: colour type {color} has no depth of {depth} bits.", field=FIELD
        )
    if not _sound(data, len(SIGNATURE), _HEADER_BYTES):
        raise InvalidImage("image is a damaged PNG file: its header's checksum is wrong.", field=FIELD)
    return width, height, depth, ColorType(color), bool(interlaced)


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name, where it starts, and where it should end, up to the end chunk or one that is cut off."""
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + _CHUNK_OVERHEAD_BYTES > len(data):
            return
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND":
            return
        end = at + _CHUNK_OVERHEAD_BYTES + length
        yield name, at, end
        if end > len(data):
            return
        at = end
    raise InvalidImage(f"image has over {MAX_CHUNKS:,} PNG chunks.", field=FIELD)


def _most_bytes(name: bytes) -> int:
    return MAX_PROFILE_BYTES if name == b"iCCP" else MAX_SMALL_CHUNK_BYTES


def _sound(data: bytes, at: int, end: int) -> bool:
    """Whether a chunk's checksum is right."""
    (checksum,) = struct.unpack_from(">I", data, end - 4)
    return bool(zlib.crc32(memoryview(data)[at + 4 : end - 4]) == checksum)
