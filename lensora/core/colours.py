"""Colours as the public contract writes them: ``#rrggbb``, sRGB."""

from __future__ import annotations

import re

Colour = tuple[int, int, int]
"""Red, green and blue, sRGB, 0..255."""

WHITE: Colour = (255, 255, 255)

PATTERN = "^#[0-9a-fA-F]{6}$"
"""What a colour is written like; a JSON Schema's pattern."""

_WRITTEN = re.compile(PATTERN.removesuffix("$"))


def colour_of(text: str) -> Colour:
    """The colour that ``#rrggbb`` names. Raises ValueError, whose text says what a colour must be."""
    if not _WRITTEN.fullmatch(text):
        raise ValueError("must be a colour as #rrggbb, such as #1f5c57")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def written(colour: Colour) -> str:
    """The colour as ``#rrggbb``, in lower case."""
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


def number_of(colour: Colour) -> int:
    """The colour as one number, 0xRRGGBB: how protos have it."""
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def from_number(number: int) -> Colour:
    """The same colour. Raises ValueError for a number that is none."""
    if not 0 <= number <= 0xFFFFFF:
        raise ValueError(f"a colour must lie in 0..0xffffff, not {number:#x}")
    return number >> 16, number >> 8 & 0xFF, number & 0xFF
