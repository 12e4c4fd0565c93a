"""Memory for decoding, shared by all calls of a process: a picture is decoded when there is room for it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from lensora.core.errors import Overloaded
from lensora.imaging.header import Header
from lensora.imaging.png import PngLayout
from lensora.imaging.rasters import MAX_JPEG_BYTES, is_deep
from lensora.imaging.webp import WebpLayout

LEAST_BYTES = 512_000_000
"""What the largest picture within the limits takes: a budget must hold one."""

MAX_WAITING = 4
"""Budgets' worth of pictures that may wait; what comes then is sent away at once."""

_LOOK_S = 0.1
"""Seconds between two looks at whether the caller still waits."""


@dataclass(frozen=True, slots=True)
class DecodeCost:
    """Bytes for each pixel of the stored picture while it is decoded; measured at 51.8 megapixels (docs/OPERATIONS.md).

    Attributes:
        pillow: Pillow's own storage: four bytes for colours, also without alpha.
        webp: OpenCV's answer, and libwebp's of lossless pictures, which it is copied from.
        deep: OpenCV's answer of three channels of 16 bits, and its reader's.
        fixed: strips, results and the file itself, bytes.
    """

    pillow: int = 4
    webp: int = 8
    deep: int = 12
    fixed: int = 64_000_000


COST = DecodeCost()


def decode_bytes(header: Header, longest_side_px: int | None) -> int:
    """Memory that decoding a picture takes at most, bytes.

    Args:
        header: of the picture.
        longest_side_px: as it is given to ``decode``; None keeps all.
    """
    pixels, layout = header.width * header.height, header.layout
    scale = 1.0 if longest_side_px is None else min(1.0, longest_side_px / max(header.width, header.height))
    if isinstance(layout, WebpLayout):
        source = COST.webp * pixels
    elif isinstance(layout, PngLayout):
        source = (COST.deep if is_deep(layout) else COST.pillow) * pixels
    else:
        source = min(MAX_JPEG_BYTES, layout.decoded_bytes(max(1, round(scale * header.width))))
    return source + round(COST.pillow * pixels * scale**2) + COST.fixed


class MemoryBudget:
    """So many bytes, handed out in the order of asking. Safe to use from several threads."""

    def __init__(self, total_bytes: int) -> None:
        """
        Args:
            total_bytes: what may be in use at the same time.
        """
        self._total = total_bytes
        self._used = 0
        self._waiting: deque[tuple[object, int]] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def held(self, wanted_bytes: int, alive: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Wait for room, and keep it for the length of the block.

        Args:
            wanted_bytes: more than the whole budget counts as the whole budget.
            alive: called now and then while waiting; raises when nobody waits for the answer any more.

        Raises:
            Overloaded: too many wait already.
        """
        wanted = min(wanted_bytes, self._total)
        self._take(wanted, alive)
        try:
            yield
        finally:
            with self._changed:
                self._used -= wanted
                self._changed.notify_all()

    def _take(self, wanted: int, alive: Callable[[], None]) -> None:
        ticket = (object(), wanted)
        with self._changed:
            if sum(size for _, size in self._waiting) + wanted > MAX_WAITING * self._total:
                raise Overloaded("as many pictures as may wait for memory are waiting")
            self._waiting.append(ticket)
            try:
                while self._waiting[0] is not ticket or self._used + wanted > self._total:
                    self._changed.wait(_LOOK_S)
                    alive()
                self._used += wanted
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
