"""A JPEG file's structure, read without decoding: its size, its scans, and where its picture ends.

Phones put more than a picture into the file: an MP4 after the picture's end (motion photos), further pictures (MPO,
gain maps, depth maps), trailers of the maker's. What follows the picture's end marker is not part of it.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from lensora.core.errors import InvalidImage
from lensora.imaging.exif import UPRIGHT, orientation_of
from lensora.imaging.limits import FIELD

START = b"\xff\xd8"
END = b"\xff\xd9"

MAX_SCANS = 100
"""Most scans of a progressive JPEG; encoders write about ten. Each costs a pass over the whole picture."""

MAX_SCANNED_PIXELS = 1_000_000_000
"""Most scans times pixels: twenty scans of 50 megapixels, about a second of a core."""

MAX_SEGMENTS = 4_000
"""Most segments: 20 MB hold 305 full ones, and a colour profile or a phone's metadata takes at most 255."""

MAX_STRAY_BYTES = 16_384
"""Most bytes between segments that belong to none; some cameras leave a few."""

# Markers of ITU-T T.81, table B.1, without their FF byte.
_SOF_DECODED = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_SOI, _EOI, _SOS, _APP0, _APP1, _APP2, _APP14, _COM = 0xD8, 0xD9, 0xDA, 0xE0, 0xE1, 0xE2, 0xEE, 0xFE
_DECODED_BITS = 8
_JPEG_LS = 0xF7
"""The frame header of ITU-T T.87."""

_SAVE_USUAL = "save it as a usual JPEG (8 bits, baseline or progressive)"

_PIECE_BYTES = 1 << 20
_LEAST_LINE_ENDS = 8
"""So many LF bytes that each follow a CR byte are no chance: one in 256^8."""
_KINDS = bytes(0xFF if code == 0xFF else code != 0 and not 0xD0 <= code <= 0xD7 for code in range(256))
"""What a byte may be in a marker: FF, 1 where it makes one with an FF before it, else 0."""
_MARKER = b"\xff\x01"

_NOT_FILL = re.compile(rb"[^\xff]")


@dataclass(frozen=True, slots=True)
class JpegLayout:
    """What a JPEG file holds.

    Attributes:
        width: pixels, as stored.
        height: pixels, as stored.
        components: colour components: 1 grey, 3 YCbCr or RGB, 4 CMYK or YCCK.
        whole_in_memory: True when the decoder keeps every coefficient (progressive, or several scans).
        orientation: EXIF's, 1 to 8.
        head: (start, end) of the segments before the first scan that decoding needs.
        scans: (start, end) of everything from the first scan to the picture's end, without the end marker.
        ended: False when the end marker is missing.
    """

    width: int
    height: int
    components: int
    whole_in_memory: bool
    orientation: int
    head: tuple[tuple[int, int], ...]
    scans: tuple[int, int]
    ended: bool

    def decoded_bytes(self, width: int) -> int:
        """Memory that libjpeg and Pillow take, bytes.

        Args:
            width: least one wanted, pixels: the scale is the least of 1, 1/2, 1/4, 1/8 that has it.
        """
        pixels = self.width * self.height
        scale = next((scale for scale in (8, 4, 2) if width * scale <= self.width), 1)
        coefficients = 2 * self.components * pixels if self.whole_in_memory else 0
        return coefficients + 4 * pixels // scale**2

    def picture(self, data: bytes, padding: bytes = b"") -> bytes:
        """The picture alone, as a file: no metadata, nothing behind its end, and an end marker in any case.

        Args:
            data: the file.
            padding: put before the end marker.
        """
        view = memoryview(data)
        start, end = self.scans
        parts = [view[part_start:part_end] for part_start, part_end in self.head]
        return b"".join([START, *parts, view[start:end], padding, END])


def read_jpeg(data: bytes) -> JpegLayout:
    """The layout of a JPEG file.

    Raises:
        InvalidImage: damaged, of a process that is not decoded, or made to cost time.
        IndexError, struct.error: the file ends within its header.
    """
    at, stray, orientation = 2, 0, UPRIGHT
    kept: list[tuple[int, int]] = []
    frame: tuple[int, int, int, int] | None = None
    for _ in range(MAX_SEGMENTS):
        start, at, skipped = _next_marker(data, at)
        stray += skipped
        if stray > MAX_STRAY_BYTES:
            raise InvalidImage("image is a damaged JPEG file: a marker is missing in its header.", field=FIELD)
        marker = data[at - 1]
        if marker == _SOS:
            if frame is None:
                break
            return _with_scans(data, start, frame, orientation, tuple(kept))
        if marker == _EOI:
            break
        if marker in _BARE or marker == _SOI:
            continue
        if marker == _JPEG_LS:
            raise InvalidImage(f"image is a JPEG-LS, which is not decoded: {_SAVE_USUAL}.", field=FIELD)
        (length,) = struct.unpack_from(">H", data, at)
        end = at + max(length, 2)
        if marker in _SOF and frame is None:
            frame = _frame(data, at, marker)
        if marker == _APP1 and orientation == UPRIGHT:
            orientation = orientation_of(data[at + 2 : end])
        if _needed(marker, data, at):
            kept.append((start, end))
        at = end
    else:
        raise InvalidImage(f"image has over {MAX_SEGMENTS:,} JPEG segments.", field=FIELD)
    raise InvalidImage("image is a JPEG file without a picture.", field=FIELD)


def _next_marker(data: bytes, at: int) -> tuple[int, int, int]:
    """The place of the next marker's last FF byte, the place after its code, and how many bytes belong to nothing.

    Raises IndexError where the file ends.
    """
    start = data.find(b"\xff", at)
    if start < 0:
        raise IndexError(at)
    code = _NOT_FILL.search(data, start, start + MAX_STRAY_BYTES)
    if code is None:
        if start + MAX_STRAY_BYTES < len(data):
            return start, start + 2, MAX_STRAY_BYTES + 1
        raise IndexError(start)
    place = code.start()
    return place - 1, place + 1, place - 1 - at


def _frame(data: bytes, at: int, marker: int) -> tuple[int, int, int, int]:
    """Marker, width, height and components of a frame header."""
    bits, height, width, components = struct.unpack_from(">xxBHHB", data, at)
    if marker not in _SOF_DECODED or bits != _DECODED_BITS:
        process = f"of {bits} bits" if bits != _DECODED_BITS else "with lossless or hierarchical compression"
        raise InvalidImage(f"image is a JPEG {process}, which is not decoded: {_SAVE_USUAL}.", field=FIELD)
    if not height:
        raise InvalidImage(
            f"image is a JPEG that tells its height behind its picture (DNL), which is not decoded: {_SAVE_USUAL}.",
            field=FIELD,
        )
    return marker, width, height, components


def _needed(marker: int, data: bytes, at: int) -> bool:
    """Whether decoding needs a segment; of the applications' ones: JFIF, Adobe's colour transform, colour profiles."""
    if marker in (_APP0, _APP14):
        return True
    if marker == _APP2:
        return data[at + 2 : at + 14] == b"ICC_PROFILE\0"
    return not (_APP0 <= marker <= _APP0 + 15 or marker == _COM)


def _with_scans(
    data: bytes, first: int, frame: tuple[int, int, int, int], orientation: int, head: tuple[tuple[int, int], ...]
) -> JpegLayout:
    marker, width, height, components = frame
    start = data[first : first + _PIECE_BYTES]
    line_ends = start.count(b"\n")
    if line_ends >= _LEAST_LINE_ENDS and line_ends == start.count(b"\r\n"):
        raise InvalidImage(
            "image is a JPEG whose line ends were changed on its way, as if it were text: send it as binary.",
            field=FIELD,
        )
    scans, end, ended = _follow_scans(data, first)
    if scans > MAX_SCANS:
        raise InvalidImage(f"image has over {MAX_SCANS} JPEG scans; the limit is {MAX_SCANS}.", field=FIELD)
    if scans > components and scans * width * height > MAX_SCANNED_PIXELS:
        most = MAX_SCANNED_PIXELS // max(1, width * height)
        raise InvalidImage(
            f"image has {scans} JPEG scans; the limit at {width} x {height} pixels is {most}.", field=FIELD
        )
    return JpegLayout(
        width, height, components, marker in _PROGRESSIVE or scans > 1, orientation, head, (first, end), ended
    )


def _follow_scans(data: bytes, first: int) -> tuple[int, int, bool]:
    """How many scans there are (counted to one over the limit), where they end, and whether an end marker stands there.

    Args:
        data: the file.
        first: place of the first scan's marker.
    """
    scans, at = 0, first
    markers = _Markers(data)
    for _ in range(MAX_SEGMENTS):
        place = markers.at_or_after(at)
        if place is None:
            # A last FF is what is left of the end marker.
            return scans, len(data) - data.endswith(b"\xff"), False
        marker = data[place + 1]
        if marker == _EOI:
            return scans, place, True
        if marker == _SOI:
            return scans, place, False
        scans += marker == _SOS
        if scans > MAX_SCANS:
            return scans, place, False
        at = place + 2
        if marker >= 0xC0 and len(data) >= at + 2:
            at += max(2, struct.unpack_from(">H", data, at)[0])
    raise InvalidImage(f"image has over {MAX_SEGMENTS:,} JPEG segments.", field=FIELD)


class _Markers:
    """The markers of a file in their order, looked for a megabyte at a time: 2 ms of a core, whatever scans hold.

    Stuffed bytes (FF 00), fill (FF FF) and restarts (FF D0 to FF D7) are no markers here.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._start = 0
        self._kinds = b""

    def at_or_after(self, at: int) -> int | None:
        """The place of the next marker's FF byte, none before a place that never goes back; None at the end."""
        while True:
            place = self._kinds.find(_MARKER, max(0, at - self._start))
            if place >= 0:
                return self._start + place
            start = max(at, self._start + len(self._kinds) - 1)
            if start >= len(self._data) - 1:
                return None
            self._start, self._kinds = start, self._data[start : start + _PIECE_BYTES].translate(_KINDS)
