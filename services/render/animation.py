"""Writes moving pictures that need no player: animated GIF and animated WebP, both endless."""

from __future__ import annotations

import io
import itertools
import math
import struct

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.core.errors import EncodeFailed

Pixels = NDArray[np.uint8]

GIF_COLORS = 255
"""One of the 256 is kept for pixels that do not change. They are chosen by maximum coverage: median cut spends
them on the wide background, and a small product came out up to 28 (CIEDE2000) off; now 5 at most on the same films."""

GIF_MOST_FPS = 16.0
"""Beyond this a GIF grows and viewers slow it down."""

GIF_LEAST_TICKS = 2
"""Hundredths of a second: browsers show a frame of one for ten, and the loop halts there."""

GIF_MOST_SIDE = 512
"""A GIF larger than this has tens of megabytes."""

WEBP_MOST_FPS = 30.0
"""Players slow down what is faster, and a page shows a product as well with no more."""

WEBP_MOST_SIDE = 768
"""Larger than this, a film is the better file: a WebP has two to three times the bytes of the MP4."""

WEBP_QUALITY = 75
"""Of libwebp, 0..100: its own default."""

WEBP_METHOD = 2
"""Of libwebp, 0 (quick) to 6: on our films half the time of its default, 4, for 7% more bytes."""


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
        chosen = self._frames[:: -max(1, len(self._frames) // 8)]  # from the last on: a brand's end colour stands there
        sample = np.concatenate([frame[::3, ::3] for frame in chosen])
        chosen_colours = Image.fromarray(sample).quantize(GIF_COLORS, method=Image.Quantize.MAXCOVERAGE)
        palette = _with_flat_colours(chosen_colours, sample)
        dithered = [
            Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
            for frame in self._frames
        ]
        starts = [min(k * self._step, self._count) for k in range(len(dithered) + 1)]
        # GIF counts hundredths of a second: rounding the sums, not the steps, keeps the whole film's length exact.
        ticks = [round(start * 100 / self._fps) for start in starts]
        if len(dithered) > 1 and ticks[-1] - ticks[-2] < GIF_LEAST_TICKS:  # a rest: the frame before stays so long
            del dithered[-1], ticks[-2]
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


def _with_flat_colours(palette: Image.Image, sample: Pixels) -> Image.Image:
    """A palette in which each colour that fills more than its share of a film is exact, such as a clean plate's: a
    white that is only nearly white shows as a box on a page.

    Args:
        palette: a picture with at most ``GIF_COLORS`` colours.
        sample: (h, w, 3) uint8 sRGB, of the film.
    """
    colors = np.array(palette.getpalette(), np.int64).reshape(-1, 3)
    packed = sample.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    values, counts = np.unique(packed, return_counts=True)
    wide = np.flatnonzero(counts * GIF_COLORS > packed.size)
    for value in values[wide[np.argsort(counts[wide], kind="stable")]].tolist():  # the widest last: none undoes it
        flat = np.array([value >> 16, value >> 8 & 255, value & 255])
        # Pillow looks for the palette's nearest to the lower corner of four levels a channel, not to the colour itself.
        corner = flat & ~3
        away = np.square(colors - corner).sum(axis=1)
        colors[away <= np.square(flat - corner).sum()] = flat
        colors[np.square(colors - flat).sum(axis=1).argmin()] = flat
    result = palette.copy()
    result.putpalette(colors.astype(np.uint8).tobytes())
    return result


class WebpSink:
    """An endless animated WebP, at most ``WEBP_MOST_SIDE`` and ``WEBP_MOST_FPS``.

    Each frame is a picture of its own. libwebp's encoder of animations leaves pixels as they were where they change
    little, so that a fade left a ghost of the subject, and with a quality that hides it a film had half as many bytes
    again. Encoded frames are held, not pictures.
    """

    def __init__(self, size: tuple[int, int], fps: int) -> None:
        """See ``Mp4Sink``."""
        shrunk = min(1.0, WEBP_MOST_SIDE / max(size))
        self._size = (max(1, round(size[0] * shrunk)), max(1, round(size[1] * shrunk)))
        self._step = math.ceil(fps / WEBP_MOST_FPS)
        self._fps = fps
        self._count = 0
        self._frames: list[tuple[int, bytes]] = []

    def write(self, frame: Pixels) -> None:
        """See ``Sink``."""
        if self._count % self._step == 0:
            same = frame.shape[1::-1] == self._size
            small = frame if same else cv2.resize(frame, self._size, interpolation=cv2.INTER_AREA)
            out = io.BytesIO()
            try:
                Image.fromarray(np.asarray(small, np.uint8)).save(out, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
            except (OSError, ValueError) as exc:
                raise EncodeFailed(f"frame {self._count} of the WebP could not be encoded: {exc}") from exc
            picture = out.getvalue()[_RIFF_HEADER_BYTES:]
            if not self._frames or self._frames[-1][1] != picture:
                self._frames.append((self._count, picture))
        self._count += 1

    def finish(self) -> bytes:
        """See ``Sink``."""
        starts = [round(start * 1000 / self._fps) for start, _picture in self._frames]
        starts.append(round(self._count * 1000 / self._fps))
        frames = [
            _animation_frame(picture, self._size, after - at)
            for (_start, picture), (at, after) in zip(self._frames, itertools.pairwise(starts), strict=True)
        ]
        canvas = struct.pack("<B3x", _ANIMATED) + _side(self._size[0]) + _side(self._size[1])
        body = b"".join([b"WEBP", _chunk(b"VP8X", canvas), _chunk(b"ANIM", struct.pack("<IH", 0, 0)), *frames])
        self._frames.clear()
        return b"RIFF" + struct.pack("<I", len(body)) + body

    def abort(self) -> None:
        """See ``Sink``."""
        self._frames.clear()


_RIFF_HEADER_BYTES = 12
"""``RIFF``, the length, ``WEBP``: what follows in a still's file is the picture's own chunk."""
_ANIMATED = 0x02
"""Flag of a VP8X chunk (WebP container specification)."""
_NOT_BLENDED = 0x02
"""Flag of an ANMF chunk: the frame takes the place of what was there."""


def _animation_frame(picture: bytes, size: tuple[int, int], ms: int) -> bytes:
    """A picture's chunk as a frame that covers the whole canvas for so long."""
    place = bytes(6) + _side(size[0]) + _side(size[1]) + struct.pack("<I", ms)[:3] + bytes([_NOT_BLENDED])
    return _chunk(b"ANMF", place + picture)


def _side(pixels: int) -> bytes:
    """A length as the container has it: one less, in three bytes."""
    return struct.pack("<I", pixels - 1)[:3]


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
