"""What may be a brand's logo, before anything of it is decoded."""

from __future__ import annotations

import struct

from lensora.core.bounds import tenths_over
from lensora.core.errors import InvalidImage
from lensora.imaging.kinds import kind_of
from lensora.imaging.png import SIGNATURE, read_png

FIELD = "logo"

MAX_LOGO_BYTES = 2_000_000
"""Most bytes of a logo's file: 2 MB, decimal."""

LOGO_SIDES = (16, 4096)
"""Least and most pixels of each side: a wordmark is low and wide."""

MAX_LOGO_PIXELS = 8_000_000
"""Most pixels: 32 MB when it is decoded, before it is made as small as it is shown."""


def check_logo(data: bytes) -> tuple[int, int]:
    """Width and height of a logo's file, all of which is looked at; nothing is decoded.

    Raises:
        InvalidImage: no PNG, over a limit, or damaged; the message names the field, the limit and the value.
    """
    if not data:
        raise InvalidImage("logo must be a PNG file, not an empty one.", field=FIELD)
    if len(data) > MAX_LOGO_BYTES:
        raise too_large(len(data))
    if not data.startswith(SIGNATURE):
        raise InvalidImage(f"logo must be a PNG file, not {_kind(data)}.", field=FIELD)
    try:
        layout = read_png(data)
    except (InvalidImage, struct.error, IndexError) as error:
        why = error.message.removeprefix("image ") if isinstance(error, InvalidImage) else "ends within its header."
        raise InvalidImage(f"logo {why}", field=FIELD) from error
    width, height = layout.width, layout.height
    if not all(LOGO_SIDES[0] <= side <= LOGO_SIDES[1] for side in (width, height)):
        raise InvalidImage(
            f"logo must have {LOGO_SIDES[0]} to {LOGO_SIDES[1]:,} pixels on each side, not {width} x {height}.",
            field=FIELD,
        )
    if width * height > MAX_LOGO_PIXELS:
        raise InvalidImage(
            f"logo must have at most {MAX_LOGO_PIXELS // 1_000_000} megapixels, "
            f"not {tenths_over(width * height / 1e6)} ({width} x {height}).",
            field=FIELD,
        )
    if not layout.is_whole(data):
        raise InvalidImage("logo cannot be decoded: its picture is damaged or cut off.", field=FIELD)
    return width, height


def _kind(data: bytes) -> str:
    """What a file is that is no PNG, with its article."""
    if data.startswith(b"\xff\xd8\xff"):
        return "a JPEG"
    return "a WebP" if data[8:12] == b"WEBP" else kind_of(data).name


def too_large(size: int, *, at_least: bool = False) -> InvalidImage:
    """The error for a file over the limit."""
    return InvalidImage(
        f"logo must have at most {MAX_LOGO_BYTES // 1_000_000} MB ({MAX_LOGO_BYTES:,} bytes), "
        f"not {'at least ' if at_least else ''}{size / 1e6:.1f} MB ({size:,} bytes).",
        field=FIELD,
    )
