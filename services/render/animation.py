"""Writes moving pictures that need no player: animated GIF and animated WebP, both endless."""

from __future__ import annotations

import io
import itertools
import math

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.core.errors import EncodeFailed
from services.render.encode import ContainerSink

Pixels = NDArray[np.uint8]

GIF_COLORS = 255
"""One of the 256 is kept for pixels that do not change. They are chosen by maximum coverage: median cut spends
them on the wide background, and a small product came out up to 28 (CIEDE2000) off; now 5 at most on the same films."""

GIF_MOST_FPS = 16.0
"""Beyond this a GIF grows and viewers slow it down."""

GIF_MOST_SIDE = 512
"""A GIF larger than this has tens of megabytes."""

WEBP_MOST_FPS = 30.0
"""Players slow down what is faster, and a page shows a product as well with no more."""

WEBP_MOST_SIDE = 768
"""Larger than this, a film is the better file: a WebP has every frame twice the size of MP4's."""

WEBP_QUALITY = 75
"""Of libwebp, 0..100: its own default."""

WEBP_METHOD = 2
"""Of libwebp, 0 (quick) to 6: half the time of its default, 4, for a few more bytes (docs/notes/render.md)."""


class GifSink:
    """An endless GIF with one palette for the whole film, at most ``GIF_MOST_SIDE`` and ``GIF_MOST_FPS``."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        """See ``Mp4Sink``."""
        shrunk = min(1.0, GIF_MOST_SIDE / max(size))
        self._size = (max(1, round(size[0] * shrunk)), max(1, round(size[1] * shrunk)))
        self._step = max(1, round(fps / GIF_MOST_FPS + 0.49))
        self._fps = fps
        self._count = 0
        self._frames: list[Pixels] = []

    def write(self, frame: Pixels) -> None:
        """See ``Sink``."""
        if self._count % self._step == 0:
            same = frame.shape[1::-1] == self._size
            small = frame if same else cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
            self._frames.append(np.asarray(small, np.uint8))
        self._count += 1

    def finish(self) -> bytes:
        """See ``Sink``."""
        chosen = self._frames[:: max(1, len(self._frames) // 8)]
        sample = np.concatenate([frame[::3, ::3] for frame in chosen])
        palette = Image.fromarray(sample).quantize(GIF_COLORS, method=Image.Quantize.MAXCOVERAGE)
        dithered = [
            Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            for frame in self._frames
        ]
        starts = [min(k * self._step, self._count) for k in range(len(dithered) + 1)]
        # GIF counts hundredths of a second: rounding the sums, not the steps, keeps the whole film's length exact.
        ticks = [round(start * 100 / self._fps) for start in starts]
        durations = [(b - a) * 10 for a, b in itertools.pairwise(ticks)]
        out = io.BytesIO()
        try:
            dithered[0].save(
                out, "GIF", save_all=True, append_images=dithered[1:], duration=durations, loop=0, optimize=False
            )
        except (OSError, ValueError) as exc:
            raise EncodeFailed(f"the GIF could not be written: {exc}") from exc
        return out.getvalue()

    def abort(self) -> None:
        """See ``Sink``."""
        self._frames.clear()


class WebpSink(ContainerSink):
    """An endless animated WebP, at most ``WEBP_MOST_SIDE`` and ``WEBP_MOST_FPS``; holds frames that are encoded."""

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        """See ``Mp4Sink``."""
        shrunk = min(1.0, WEBP_MOST_SIDE / max(size))
        self._size = (max(1, round(size[0] * shrunk)), max(1, round(size[1] * shrunk)))
        self._step = math.ceil(fps / WEBP_MOST_FPS)
        options = {"quality": str(WEBP_QUALITY), "compression_level": str(WEBP_METHOD)}
        super().__init__(".webp", "libwebp_anim", options, {"loop": "0"}, fps, self._size)
        # libwebp turns RGB into its own YUV: BT.601, not the film's BT.709.
        self.stream.codec_context.pix_fmt = "bgra"

    def write(self, frame: Pixels) -> None:
        """See ``Sink``."""
        if self.count % self._step:
            self.skip()
            return
        same = frame.shape[1::-1] == self._size
        small = frame if same else cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
        bgra = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2BGRA), np.uint8)
        self.send(av.VideoFrame.from_ndarray(bgra, format="bgra"))
