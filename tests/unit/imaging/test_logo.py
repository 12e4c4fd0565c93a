"""A logo over a picture: where it lies, and that its edges are its own."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lensora.core.branding import EDGE, STORY_BOTTOM, STORY_TOP, LogoPlace, end_share
from lensora.core.words import Corner
from lensora.imaging.logo import LogoLayer
from lensora.testing.pictures import P3_COLUMNS, chunk, display_profile, gamma_curve, raw_png, with_chunks


def png(pixels: np.ndarray) -> bytes:
    """A PNG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def disc() -> bytes:
    """A white disc on clear pixels that are black underneath."""
    y, x = np.mgrid[:200, :200]
    inside = (x - 100) ** 2 + (y - 100) ** 2 < 90**2
    pixels = np.zeros((200, 200, 4), np.uint8)
    pixels[inside] = 255
    return png(pixels)


@pytest.mark.parametrize("corner", Corner)
@pytest.mark.parametrize("frame", [(768, 768), (432, 768), (768, 432), (614, 768)])
@pytest.mark.parametrize("logo", [(600, 60), (60, 600), (100, 100)])
def test_a_logo_lies_in_its_corner_and_in_the_safe_area(
    corner: Corner, frame: tuple[int, int], logo: tuple[int, int]
) -> None:
    """Its longer side is the share asked for, its shape stays, and in a story it is clear of the apps' buttons."""
    left, top, right, bottom = LogoPlace(corner, 0.3).box(logo, frame)
    width, height = frame
    edge = round(EDGE * min(frame))
    assert abs(max(right - left, bottom - top) - 0.3 * min(frame)) <= 1
    assert (right - left) / (bottom - top) == pytest.approx(logo[0] / logo[1], rel=0.06)
    above, below = (round(STORY_TOP * height), round(STORY_BOTTOM * height)) if frame == (432, 768) else (edge, edge)
    assert (left == edge) == corner.endswith("left") and (right == width - edge) == corner.endswith("right")
    assert (top == above) == corner.startswith("top") and (bottom == height - below) == corner.startswith("bottom")


def test_the_picture_around_and_behind_a_logo_stays() -> None:
    """What is clear changes nothing, what is solid is the logo, and the edge has no trace of the colour of clear
    pixels."""
    frame = np.full((300, 300, 3), (255, 255, 255), np.uint8)
    LogoLayer.of(disc(), LogoPlace(Corner.TOP_LEFT, 0.5), (300, 300)).draw(frame)
    assert int(frame.min()) >= 254
    dark = np.full((300, 300, 3), 40, np.uint8)
    LogoLayer.of(disc(), LogoPlace(Corner.TOP_LEFT, 0.5), (300, 300)).draw(dark)
    assert dark[15 + 75, 15 + 75].tolist() == [255, 255, 255]
    assert dark[15, 15].tolist() == dark[299, 299].tolist() == [40, 40, 40]
    assert int(dark.min()) == 40


@pytest.mark.parametrize(("frames", "fps"), [(96, 24), (12, 12), (60, 60), (400, 20)])
def test_a_film_ends_in_its_colour(frames: int, fps: int) -> None:
    """It rises without a jump over at most a second and a quarter of the film, and the last frames are the colour."""
    shares = [end_share(index, frames, fps) for index in range(frames)]
    touched = [share for share in shares if share > 0.0]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert len(touched) <= max(2, min(fps, frames / 4) + 1)
    assert shares[frames // 2] == 0.0
    if frames >= 96:
        assert max(b - a for a, b in itertools.pairwise(shares)) < 0.15


GREY_16 = np.full((64, 64), 30_000, np.uint16)
XMP = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * 1_500_000)
RED = np.full((64, 64, 3), (200, 20, 20), np.uint8)
P3 = b"P3\0\0" + zlib.compress(display_profile(gamma_curve(2.2), columns=P3_COLUMNS))


@pytest.mark.parametrize(
    ("file", "color", "alpha"),
    [
        (raw_png(GREY_16, 16, 0), (117, 117, 117), 255),
        (raw_png(GREY_16, 16, 0, clear=struct.pack(">H", 30_000)), (0, 0, 0), 0),
        (with_chunks(raw_png(RED, 8, 2), chunk(b"iTXt", XMP)), (200, 20, 20), 255),
        (with_chunks(raw_png(RED, 8, 2), chunk(b"iCCP", P3)), (219, 0, 0), 255),
    ],
    ids=["16 bits of grey", "a clear grey", "much metadata", "a wider range of colours"],
)
def test_a_logo_has_the_colours_that_its_file_says(file: bytes, color: tuple[int, int, int], alpha: int) -> None:
    """As a photo has: whatever its depth, its metadata and its profile, once the upload has been taken."""
    layer = LogoLayer.of(file, LogoPlace(Corner.TOP_LEFT, 0.5), (300, 300))
    assert np.abs(layer.color[70, 70].astype(int) - color).max() <= 2
    assert int(255 - layer.clear[70, 70, 0]) == alpha
