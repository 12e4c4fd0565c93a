"""The GIF's one palette holds the product's colours, however small the product."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from services.render.animation import GifSink

SIDE = 256
COLORS = ((190, 30, 20), (20, 120, 60), (240, 200, 40), (30, 40, 150))


def test_small_bright_subjects_keep_their_colours() -> None:
    """Four small saturated patches before a wide grey gradient come back as they were, blurred as the eye does."""
    ramp = np.linspace(90, 220, SIDE * SIDE).reshape(SIDE, SIDE, 1)
    frame = ramp + np.random.default_rng(2).normal(0, 4, (SIDE, SIDE, 3))
    frame = np.clip(frame, 0, 255).astype(np.uint8)
    places = [(60 + 30 * k, 150) for k in range(4)]
    for (x, y), color in zip(places, COLORS, strict=True):
        frame[y : y + 14, x : x + 14] = color
    sink = GifSink((SIDE, SIDE), 12)
    for _ in range(8):
        sink.write(frame)
    seen = np.asarray(Image.open(io.BytesIO(sink.finish())).convert("RGB"))
    soft = cv2.GaussianBlur(seen, (0, 0), 1.5).astype(int)
    for (x, y), color in zip(places, COLORS, strict=True):
        assert np.abs(soft[y + 7, x + 7] - color).max() <= 6


@pytest.mark.parametrize(("plate", "spread", "blur"), [((255, 255, 255), 4000.0, 1.5), ((31, 92, 87), 9000.0, 0.1)])
def test_a_clean_plate_keeps_its_colour(plate: tuple[int, int, int], spread: float, blur: float) -> None:
    """The plate of ``remove`` and ``color`` is its colour to the digit: a white that is nearly white is a box on a
    page. The soft shadow runs into it through colours that are almost the plate's."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    shade = 1.0 - 0.4 * np.exp(-(x**2 + 4.0 * y**2) / spread)
    frame = np.round(shade[..., None] * plate).astype(np.uint8)
    noise = np.random.default_rng(3).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    frame[90:150, 98:158] = cv2.GaussianBlur(noise, (0, 0), blur)
    sink = GifSink((SIDE, SIDE), 12)
    for _ in range(8):
        sink.write(frame)
    seen = np.asarray(Image.open(io.BytesIO(sink.finish())).convert("RGB"))
    assert (seen[:16] == plate).all() and (seen[-16:] == plate).all()


def test_an_end_colour_is_exact() -> None:
    """The colour that a brand's film ends in stands alone in the last frames, after a fade that comes near to it."""
    end, sink = (31, 92, 87), GifSink((SIDE, SIDE), 12)
    noise = np.random.default_rng(3).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    for index in range(36):
        frame = np.full((SIDE, SIDE, 3), (33, 93, 88) if index == 32 else end, np.uint8)
        if index < 32:
            frame[:] = (228, 239, 237)
            frame[90:150, 98:158] = noise
        sink.write(frame)
    gif = Image.open(io.BytesIO(sink.finish()))
    gif.seek(gif.n_frames - 1)
    assert (np.asarray(gif.convert("RGB")) == end).all()


@pytest.mark.parametrize("frames", [61, 62, 63, 64, 65, 66, 69])
def test_no_frame_is_so_short_that_browsers_stretch_it(frames: int) -> None:
    """Whatever is left of a step at the end, each frame takes two hundredths or more, and all together the film's
    length."""
    sink = GifSink((64, 64), 60)
    for index in range(frames):
        frame = np.zeros((64, 64, 3), np.uint8)
        frame[:, index % 64] = 255
        sink.write(frame)
    gif, delays = Image.open(io.BytesIO(sink.finish())), []
    for index in range(gif.n_frames):
        gif.seek(index)
        delays.append(gif.info["duration"])
    assert min(delays) >= 20
    assert sum(delays) == round(frames * 100 / 60) * 10
