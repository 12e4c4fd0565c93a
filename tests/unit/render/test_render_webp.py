"""Animated WebP: length, size, colours, and memory that does not grow with pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from services.render.animation import WEBP_MOST_SIDE, WebpSink


def moving(fps: int, size: tuple[int, int], frames: int) -> Image.Image:
    """A square that walks over a red ground."""
    sink = WebpSink(size, fps)
    for number in range(frames):
        frame = np.full((size[1], size[0], 3), (200, 40, 30), np.uint8)
        frame[10:40, number : number + 30] = (10, 200, 90)
        sink.write(frame)
    return Image.open(io.BytesIO(sink.finish()))


@pytest.mark.parametrize(("fps", "kept"), [(12, 12), (24, 24), (30, 30), (60, 30)])
def test_a_second_lasts_a_second(fps: int, kept: int) -> None:
    """Every frame up to 30 a second, above that as many as make an even rhythm; it loops for ever."""
    film = moving(fps, (96, 64), fps)
    lengths = []
    for index in range(film.n_frames):  # type: ignore[attr-defined]
        film.seek(index)
        film.load()
        lengths.append(film.info["duration"])
    assert (film.format, film.info["loop"], len(lengths)) == ("WEBP", 0, kept)
    assert sum(lengths) == 1000


def test_colours_stay() -> None:
    """A flat ground comes back within 3 of 255, the square where it was."""
    pixels = np.asarray(moving(24, (96, 64), 3).convert("RGB")).astype(int)
    assert np.abs(pixels[60, 90] - (200, 40, 30)).max() <= 6
    assert np.abs(pixels[25, 15] - (10, 200, 90)).max() <= 6


def test_a_fade_leaves_no_ghost() -> None:
    """What was there before is gone from the last frame, though each step of the fade is small."""
    ground = np.full((64, 96, 3), (30, 90, 80), np.float64)
    picture = ground.copy()
    picture[16:48, 24:72] = (200, 60, 40)
    sink = WebpSink((96, 64), 24)
    for number in range(41):
        sink.write((picture + (ground - picture) * number / 40).astype(np.uint8))
    film = Image.open(io.BytesIO(sink.finish()))
    film.seek(film.n_frames - 1)  # type: ignore[attr-defined]
    assert np.abs(np.asarray(film.convert("RGB")).astype(int) - (30, 90, 80)).max() <= 6


def test_large_films_are_made_smaller() -> None:
    """The longer side has at most WEBP_MOST_SIDE pixels, the shape stays."""
    assert moving(24, (1024, 576), 2).size == (WEBP_MOST_SIDE, 432)


def test_a_frame_that_stays_is_written_once() -> None:
    """Its time is added to; the film is as long as it was."""
    sink = WebpSink((96, 64), 24)
    for number in range(24):
        sink.write(np.full((64, 96, 3), 40 if number < 12 else 200, np.uint8))
    film = Image.open(io.BytesIO(sink.finish()))
    lengths = []
    for index in range(film.n_frames):  # type: ignore[attr-defined]
        film.seek(index)
        film.load()
        lengths.append(film.info["duration"])
    assert lengths == [500, 500]
