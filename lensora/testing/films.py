"""Small films of a turning thing, for tests: a drum with patches of colour all around, on a plain ground."""

from __future__ import annotations

import io
from collections.abc import Iterable
from fractions import Fraction

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

GROUND = (222, 220, 214)


def drum(yaw: float, side_px: int = 64, seed: int = 3) -> Pixels:
    """(s, s, 3) uint8: the drum, seen by a camera that has gone round it by ``yaw`` radians towards its right."""
    patches = np.random.default_rng(seed).integers(20, 236, (6, 16, 3)).astype(np.uint8)
    picture = np.full((side_px, side_px, 3), GROUND, np.uint8)
    radius = 0.3 * side_px
    x = (np.arange(side_px) + 0.5 - side_px / 2) / radius
    columns = np.flatnonzero(np.abs(x) < 1.0)
    around = (np.arcsin(x[columns]) + yaw) / (2.0 * np.pi) * patches.shape[1]
    rows = np.arange(round(0.15 * side_px), round(0.85 * side_px))
    high = ((rows - rows[0]) * patches.shape[0] / len(rows)).astype(int)
    picture[np.ix_(rows, columns)] = patches[np.ix_(high, np.floor(around).astype(int) % patches.shape[1])]
    return picture


def turning(count: int = 72, turns: float = 1.0, side_px: int = 64) -> list[Pixels]:
    """Pictures of a film in which the camera goes round the drum, from its front; negative turns go to the left."""
    return [drum(2.0 * np.pi * turns * number / count, side_px) for number in range(count)]


def film_of(
    pictures: Iterable[Pixels], *, rate: int = 24, codec: str = "libx264", container: str = "mp4", **options: str
) -> bytes:
    """A film's file.

    Args:
        pictures: (h, w, 3) uint8, even sides.
        rate: pictures a second.
        codec: FFmpeg's name of the encoder.
        container: FFmpeg's name of the format.
        options: of the encoder.
    """
    file = io.BytesIO()
    shown = list(pictures)
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate, options={"crf": "20", "preset": "ultrafast", **options})
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = shown[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for number, picture in enumerate(shown):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()
