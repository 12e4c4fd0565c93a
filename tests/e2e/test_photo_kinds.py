"""Photos as people have them: every kind goes through to a film, and what is no photo is refused quickly."""

from __future__ import annotations

import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image
from skimage import data

from gateway.smoke import SMALL_FILM
from lensora.client import Client
from lensora.core.errors import InvalidImage

COFFEE = Image.fromarray(data.coffee())
QUICKLY_S = 5.0
"""A refusal needs no decoding: this leaves room for a busy machine."""


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file of that kind."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def rotated_by_exif() -> bytes:
    """Stored on its side, with the EXIF note that says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(COFFEE.rotate(90, expand=True), "JPEG", quality=90, exif=exif)


def grey_16_bit() -> bytes:
    """A PNG of 16 bits a channel."""
    grey = np.asarray(COFFEE.convert("L")).astype(np.uint16) * 257
    return saved(Image.fromarray(grey), "PNG")


def animated_webp() -> bytes:
    """Two frames, of which the first counts."""
    second = Image.new("RGB", COFFEE.size, "blue")
    return saved(COFFEE, "WEBP", save_all=True, append_images=[second], duration=100)


def transparent_png() -> bytes:
    """A subject whose background is already gone."""
    rgba = COFFEE.convert("RGBA")
    yy, xx = np.mgrid[: rgba.height, : rgba.width]
    inside = ((xx - 300) / 190) ** 2 + ((yy - 200) / 150) ** 2 < 1
    rgba.putalpha(Image.fromarray((inside * 255).astype(np.uint8)))
    return saved(rgba, "PNG")


def bar() -> bytes:
    """A bar of 20:1 that fills its frame."""
    grain = np.random.default_rng(0).integers(-6, 7, (100, 2000, 3))
    return saved(Image.fromarray((np.array([150, 80, 40]) + grain).astype(np.uint8)), "JPEG", quality=90)


KINDS = {
    "12 megapixels": lambda: saved(COFFEE.resize((4000, 3000)), "JPEG", quality=85),
    "64 pixels": lambda: saved(COFFEE.resize((64, 64)), "PNG"),
    "EXIF rotation": rotated_by_exif,
    "greyscale": lambda: saved(COFFEE.convert("L"), "JPEG"),
    "CMYK": lambda: saved(COFFEE.convert("CMYK"), "JPEG"),
    "16-bit PNG": grey_16_bit,
    "animated WebP": animated_webp,
    "transparent PNG": transparent_png,
    "20:1 bar": bar,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_photo_goes_through(client: Client, kind: str) -> None:
    """The photo is accepted, its first object can be picked, and the job completes with all four artifacts."""
    session = client.init(KINDS[kind](), max_objects=2)
    # The film knows no photo, so a small one does. The public page's examples order the usual one.
    ticket = client.transform(session.session_id, "remove", output=SMALL_FILM)
    result = client.wait(ticket, timeout_s=240)
    assert result.status == "completed", result.error
    assert result.output is not None
    assert set(result.output.urls()) >= {"mp4", "glb", "scene", "removed_bg"}


def png_that_claims(width: int, height: int) -> bytes:
    """A tiny PNG whose header claims a huge picture."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


NO_PHOTOS = {
    "text named .jpg": lambda: b"This is not a picture.\n" * 100,
    "truncated JPEG": lambda: saved(COFFEE, "JPEG", quality=95)[:20_000],
    "20.1 MB": lambda: saved(COFFEE, "JPEG") + b"\0" * 20_100_000,
    "60 megapixels": lambda: png_that_claims(10_000, 6_000),
    "a side under 64": lambda: saved(COFFEE.resize((200, 63)), "PNG"),
    "empty": lambda: b"",
}


@pytest.mark.parametrize("kind", NO_PHOTOS)
def test_what_is_no_photo_is_refused_quickly_and_free(client: Client, kind: str) -> None:
    """Each is invalid_image within seconds, and the balance stays."""
    body = NO_PHOTOS[kind]()
    before = client.account().balance
    started = time.monotonic()
    with pytest.raises(InvalidImage) as caught:
        client.init(body)
    assert time.monotonic() - started < QUICKLY_S
    assert caught.value.message
    assert client.account().balance == before
