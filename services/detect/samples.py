"""How many samples the tracks of an MP4 or MOV file claim: read without FFmpeg, which makes room for each of them.

A table may give one size and one duration to all samples of a track (ISO 14496-12, 8.6.1 and 8.7.3). So 20 bytes claim
millions, and FFmpeg takes 24 bytes or more for each before the first picture is decoded.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from lensora.core.errors import InvalidVideo

MOST_SAMPLES = 3_000_000
"""Four tracks of uncompressed sound at 48 kHz, 15 seconds long; FFmpeg takes some 110 MB for them."""

_MEDIA = b"mdat"
_TYPE_BYTES = 4
_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
_COUNT_AT = {b"stsz": 8, b"stz2": 8, b"trun": 4}
"""Boxes that say how many samples follow, and where behind the box's type: a track's, and a fragment's."""
_RUNS = (b"stts", b"ctts")
"""Boxes of runs of samples, each with its length."""
_PACKED = b"cmvd"
"""QuickTime's packed header, which unpacks to any size."""


def require_few_samples(data: bytes) -> None:
    """Raise InvalidVideo where a file claims more samples than a film of seconds has.

    What is claimed is looked for everywhere outside the media themselves, since FFmpeg looks into more boxes than a
    file should have.
    """
    sizes, runs = 0, dict.fromkeys(_RUNS, 0)
    for part in _parts(data):
        if _PACKED in part:
            raise InvalidVideo("video must not have a packed header (cmov): save it as a usual MP4.", field="video")
        for name, place in _COUNT_AT.items():
            sizes += sum(_number(part, at + place) for at in _found(part, name))
        for name in _RUNS:
            runs[name] += sum(_in_runs(part, at) for at in _found(part, name))
    claimed = max(sizes, *runs.values())
    if claimed > MOST_SAMPLES:
        raise InvalidVideo(
            f"video must have at most {MOST_SAMPLES:,} samples in all its tracks together, not {claimed:,}.",
            field="video",
        )


def _parts(data: bytes) -> Iterator[bytes]:
    """What stands outside the media: every box of the file's first level but those, and what is behind the last."""
    at, start = 0, 0
    while at + _HEADER_BYTES <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        header = _HEADER_BYTES
        if size == 1 and at + _LARGE_HEADER_BYTES <= len(data):
            (size,) = struct.unpack_from(">Q", data, at + _HEADER_BYTES)
            header = _LARGE_HEADER_BYTES
        end = len(data) if size == 0 else min(len(data), at + max(size, header))
        if name == _MEDIA:
            yield data[start:at]
            start = end
        at = end
    yield data[start:]


def _found(part: bytes, name: bytes) -> Iterator[int]:
    """The places behind each type of a box."""
    at = part.find(name)
    while at >= 0:
        yield at + _TYPE_BYTES
        at = part.find(name, at + _TYPE_BYTES)


def _number(part: bytes, at: int) -> int:
    return int.from_bytes(part[at : at + 4], "big")


def _in_runs(part: bytes, at: int) -> int:
    """How many samples the runs of a box have together; its length stands in front of its type."""
    end = at - _HEADER_BYTES + max(_HEADER_BYTES, _number(part, at - _HEADER_BYTES))
    entries = np.frombuffer(part[at + 8 : end][: 8 * _number(part, at + 4)], np.uint8)
    whole = entries[: len(entries) // 8 * 8].view(">u4").reshape(-1, 2)
    return int(whole[:, 0].sum(dtype=np.uint64))
