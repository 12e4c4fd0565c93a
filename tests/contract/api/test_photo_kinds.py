"""Every kind of photo that must be taken."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    """A file's bytes."""
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def gradient(mode: str = "RGB", size: tuple[int, int] = (320, 240)) -> Image.Image:
    """A picture with something in it."""
    return Image.linear_gradient("L").resize(size).convert(mode)


def turned() -> bytes:
    """A JPEG that lies on its side and says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(gradient(), "JPEG", exif=exif.tobytes())


def moving() -> bytes:
    """An animated WebP."""
    frames = [gradient().rotate(angle) for angle in (0, 90, 180)]
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])


KINDS: dict[str, Callable[[], bytes]] = {
    "64 pixels": lambda: saved(gradient(size=(64, 64)), "JPEG"),
    "EXIF rotation": turned,
    "greyscale": lambda: saved(gradient("L"), "JPEG"),
    "CMYK": lambda: saved(gradient("CMYK"), "JPEG"),
    "16 bits": lambda: saved(
        Image.fromarray((np.arange(240 * 320).reshape(240, 320) % 65536).astype(np.uint16)), "PNG"
    ),
    "animated WebP": moving,
    "transparent PNG": lambda: saved(gradient("RGBA"), "PNG"),
    "palette PNG": lambda: saved(gradient("P"), "PNG"),
    "progressive JPEG": lambda: saved(gradient(), "JPEG", progressive=True),
    "12 megapixels": lambda: saved(gradient(size=(4000, 3000)), "JPEG"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_taken_whatever_its_kind(api: httpx.Client, kind: str) -> None:
    """It opens a session, and its source link gives back the very bytes with their media type."""
    data = KINDS[kind]()
    response = api.post("/v1/studio/init", files={"image": ("photo", data)})
    assert response.status_code == 200, response.text
    source = httpx.get(response.json()["source_url"])
    assert source.content == data
    suffix = response.json()["source_url"].rsplit(".", 1)[-1]
    assert source.headers["content-type"] == {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}[suffix]
