"""Decoding as the services do it: when there is memory for it."""

from __future__ import annotations

from collections.abc import Callable

from lensora.core.boxes import FULL_FRAME, Box
from lensora.imaging.budget import LEAST_BYTES, MemoryBudget, decode_bytes
from lensora.imaging.header import read_header
from lensora.imaging.photo import Photo, decode


class PictureReader:
    """Decodes pictures within one budget. Safe to use from several threads."""

    def __init__(self, memory_bytes: int = LEAST_BYTES) -> None:
        """
        Args:
            memory_bytes: for all pictures that are being decoded at the same time.
        """
        self._memory = MemoryBudget(memory_bytes)

    def read(
        self,
        data: bytes,
        *,
        longest_side_px: int | None = None,
        part: Box = FULL_FRAME,
        alive: Callable[[], None] = lambda: None,
    ) -> Photo:
        """Decode a picture, as ``decode`` does, once there is room for it.

        Args:
            data: the file's bytes.
            longest_side_px: largest width or height wanted of the whole picture; None keeps all.
            part: what is wanted of the upright picture.
            alive: called now and then while waiting; raises when nobody waits for the answer any more.

        Raises:
            InvalidImage: not a JPEG, PNG or WebP, over a limit, truncated or otherwise not decodable.
            Overloaded: too many pictures wait already.
        """
        with self._memory.held(decode_bytes(read_header(data), longest_side_px), alive):
            return decode(data, longest_side_px=longest_side_px, part=part)
