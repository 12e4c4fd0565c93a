"""The one thing that is wanted of EXIF: which way up a picture is. Read by hand, because a general reader of EXIF walks
whatever a file claims to hold."""

from __future__ import annotations

import struct

UPRIGHT = 1
FIRST_TURNED = 5
"""Orientations 5 to 8 swap width and height (EXIF 2.32, 4.6.4)."""

_LAST = 8
_TAG = 0x0112
_SHORT = 3
_ENTRY_BYTES = 12
_MOST_ENTRIES = 512
"""Cameras write a few dozen entries, in the order of their tags: the orientation is among the first."""


def orientation_of(tiff: bytes) -> int:
    """The orientation, 1 to 8; 1 where there is none or it cannot be read.

    Args:
        tiff: the block, with or without ``Exif\\0\\0`` before it.
    """
    if tiff[:6] == b"Exif\0\0":
        tiff = tiff[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return UPRIGHT
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(min(count, _MOST_ENTRIES)):
            tag, kind, _count, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + _ENTRY_BYTES * place)
            if tag == _TAG:
                return value if kind == _SHORT and UPRIGHT <= value <= _LAST else UPRIGHT
    except struct.error:
        return UPRIGHT
    return UPRIGHT
