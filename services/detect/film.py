"""An uploaded film, decoded within bounds: still pictures spread evenly over its time, upright.

The file is a stranger's. Only MP4 and MOV with H.264 or HEVC are opened, nothing outside the file is read, and size,
length, pictures, pixels and time are bounded while it is decoded, whatever its headers say.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from lensora.core.errors import InvalidVideo
from services.detect.samples import require_few_samples

Pixels = NDArray[np.uint8]

FIELD = "video"
"""The request field that all errors of this module name."""


@dataclass(frozen=True)
class FilmLimits:
    """What a film may be.

    Attributes:
        least_s, most_s: of its length; ``slack_s`` more or less is taken.
        codecs: by FFmpeg's names, as the sentence names them.
        most_px, least_px: of its longer and of its shorter side.
        most_pixels: of a picture: 4,096 x 2,304, whose sixteen pictures that may refer to each other take 450 MB.
        tracks: an iPhone's film has up to nine, most of them of its sensors.
        pictures: that are decoded at most ...
        all_pixels: ... and pixels of all of them: 15 seconds of 1080p at 60 pictures a second, 8 of 4K at 30. That
            takes some 7 seconds of CPU.
        work_s: seconds that decoding may take.
        stills: pictures that are looked at, spread evenly over the film.
        kept_px: longer side of those.
        quality: of their JPEG.
    """

    least_s: float = 3.0
    most_s: float = 15.0
    slack_s: float = 0.25
    codecs: tuple[str, ...] = ("h264", "hevc")
    most_px: int = 4_096
    least_px: int = 64
    most_pixels: int = 4_096 * 2_304
    tracks: int = 32
    pictures: int = 2_000
    all_pixels: int = 2_000_000_000
    work_s: float = 20.0
    stills: int = 60
    kept_px: int = 1_600
    quality: int = 92


LIMITS = FilmLimits()

FILM_BYTES = 450_000_000
"""Memory for one film: as many pictures of the largest size as may refer to each other, 16 of ten bits. One of 4,096 x
2,304 of eight bits with 16 of them took 370 MB."""


@dataclass(frozen=True)
class Still:
    """One picture of a film.

    Attributes:
        second: of the film.
        jpeg: upright, at most ``FilmLimits.kept_px`` on its longer side.
        width, height: of it, pixels.
        grey: (h, w) uint8, the same small, for comparisons.
    """

    second: float
    jpeg: bytes
    width: int
    height: int
    grey: Pixels


SMALL_PX = 192
"""Longer side of ``Still.grey``."""


def stills_of(data: bytes, alive: Callable[[], None] = lambda: None) -> list[Still]:
    """Pictures of a film, spread evenly over its time.

    Args:
        data: the file's bytes.
        alive: called between pictures; raises when nobody waits any more.

    Raises:
        InvalidVideo: no MP4 or MOV of H.264 or HEVC, over a limit, or broken.
    """
    try:
        return _decoded(data, alive)
    except (FFmpegError, ValueError) as error:
        raise _invalid("must be an MP4 or MOV film that can be decoded; this one is broken") from error


def _decoded(data: bytes, alive: Callable[[], None]) -> list[Still]:
    if data[4:8] != b"ftyp":
        raise _invalid("must be an MP4 or MOV film")
    require_few_samples(data)
    # Only the demuxer of MP4 and MOV, and no protocol: what the file names elsewhere is not opened. What is decoded to
    # find out what a track is stays within bounds too.
    options = {"protocol_whitelist": "none", "max_streams": str(LIMITS.tracks), "max_pixels": str(LIMITS.most_pixels)}
    with closing(av.open(io.BytesIO(data), format="mov", options=options, metadata_errors="replace")) as container:
        assert isinstance(container, InputContainer)
        stream = next((one for one in container.streams.video if one.codec_context is not None), None)
        if stream is None:
            raise _invalid("must have moving pictures; this file has none")
        _check(stream)
        said = _said_s(container, stream)
        if said is not None:
            _check_length(said)
        stills: list[Still] = []
        last_s = 0.0
        wait_s = (said or LIMITS.most_s) / LIMITS.stills
        for second, frame in _frames(container, stream, alive):
            last_s = second
            if second >= len(stills) * wait_s and len(stills) < LIMITS.stills:
                stills.append(_still(second, frame))
                _check_same(stills[0], stills[-1])
        if said is None or last_s < said - 1.0:
            _check_length(last_s)
    if len(stills) < LIMITS.stills // 3:
        raise _invalid(f"must have at least {LIMITS.stills // 3} pictures, not {len(stills)}")
    return stills


def _frames(
    container: InputContainer, stream: VideoStream, alive: Callable[[], None]
) -> Iterator[tuple[float, VideoFrame]]:
    """Every picture with its second, within the limits."""
    began, first_s, pixels = time.monotonic(), None, 0
    for number, frame in enumerate(container.decode(stream)):
        alive()
        if number >= LIMITS.pictures:
            raise _invalid(f"must have at most {LIMITS.pictures:,} pictures; film fewer each second")
        if time.monotonic() - began > LIMITS.work_s:
            raise _invalid(f"must be decoded within {LIMITS.work_s:g} seconds; film it smaller")
        _check_size(frame.width, frame.height)
        pixels += frame.width * frame.height
        _check_work(pixels)
        rate = float(stream.average_rate or 0) or 30.0
        told = number / rate if frame.time is None else float(frame.time)
        first_s = told if first_s is None else first_s
        if told - first_s > LIMITS.most_s + LIMITS.slack_s:
            _check_length(told - first_s)
        yield told - first_s, frame


def _check(stream: VideoStream) -> None:
    """What the header says. Raises InvalidVideo."""
    context = stream.codec_context
    if context.name not in LIMITS.codecs:
        raise _invalid(f"must be H.264 or HEVC, not {context.name[:40]}")
    if not context.width or not context.height:
        raise _invalid("must be an MP4 or MOV film that can be decoded; this one is broken")
    _check_size(context.width, context.height)
    if min(context.width, context.height) < LIMITS.least_px:
        raise _invalid(
            f"must have at least {LIMITS.least_px} pixels on each side, not {context.width} x {context.height}"
        )
    _check_work(stream.frames * context.width * context.height)
    # A stream may change its size; no memory is taken for one that is too large.
    context.options = {"max_pixels": str(LIMITS.most_pixels)}
    context.thread_type = "SLICE"
    context.thread_count = 2


def _check_work(pixels: int) -> None:
    if pixels > LIMITS.all_pixels:
        raise _invalid(
            f"must have at most {LIMITS.all_pixels / 1e6:,.0f} million pixels in all its pictures together; film it "
            "at 720p"
        )


def _said_s(container: InputContainer, stream: VideoStream) -> float | None:
    """How long the file says it is, seconds."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _check_length(seconds: float) -> None:
    low, high = LIMITS.least_s, LIMITS.most_s
    if not low - LIMITS.slack_s <= seconds <= high + LIMITS.slack_s:
        raise _invalid(f"must be {low:g} to {high:g} seconds long, not {seconds:.1f}")


def _still(second: float, frame: VideoFrame) -> Still:
    scale = min(1.0, LIMITS.kept_px / max(frame.width, frame.height))
    size = [max(2, round(side * scale / 2) * 2) for side in (frame.width, frame.height)]
    decoded = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
    # The display matrix turns the picture counter-clockwise by so many degrees.
    rgb: Pixels = np.ascontiguousarray(np.rot90(decoded, round(frame.rotation / 90.0) % 4), np.uint8)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [int(cv2.IMWRITE_JPEG_QUALITY), LIMITS.quality]
    )
    height, width = rgb.shape[:2]
    small = min(1.0, SMALL_PX / max(height, width))
    grey = cv2.resize(
        cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY),
        (max(16, round(width * small)), max(16, round(height * small))),
        interpolation=cv2.INTER_AREA,
    )
    return Still(second, jpeg.tobytes(), width, height, np.asarray(grey, np.uint8))


def _check_size(width: int, height: int) -> None:
    if max(width, height) > LIMITS.most_px or width * height > LIMITS.most_pixels:
        raise _invalid(
            f"must have at most {LIMITS.most_px:,} pixels on each side and {LIMITS.most_pixels / 1e6:.1f} million in "
            f"all, not {width} x {height}"
        )


def _check_same(first: Still, still: Still) -> None:
    """Motion is told from one picture to the next. Raises InvalidVideo where the stream changes its size."""
    if (still.width, still.height) != (first.width, first.height):
        raise _invalid(
            f"must have pictures of one size, not {first.width} x {first.height} and then "
            f"{still.width} x {still.height}"
        )


def _invalid(what: str) -> InvalidVideo:
    return InvalidVideo(f"{FIELD} {what}.", field=FIELD)
