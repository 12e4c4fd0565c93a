"""Picture files changed at random, the same ones for the same seed: for fuzzing what reads uploads."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

from PIL import Image

from lensora.testing.pictures import (
    chunk,
    display_profile,
    gamma_curve,
    motion_photo,
    multi_picture,
    saved,
    scene,
    with_chunks,
)

_MAGIC = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xD8, 0xD9, 0xDA, 0xC0, 0xC2, 0xE1)
"""Bytes that mean something in headers."""
_LONGEST_CUT = 400


def seeds() -> list[bytes]:
    """Sound files of each format and of most of their kinds, 1 to 40 KB each."""
    picture, small = scene(160, 120, grain=12), scene(96, 72)
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = display_profile(gamma_curve(1.8))
    jpeg = saved(picture, "JPEG", quality=80)
    return [
        jpeg,
        saved(picture, "JPEG", progressive=True, exif=exif),
        saved(picture.convert("L"), "JPEG", icc_profile=profile),
        saved(picture.convert("CMYK"), "JPEG"),
        saved(picture, "JPEG", restart_marker_blocks=4),
        multi_picture([jpeg, saved(small, "JPEG")]),
        motion_photo(saved(small, "JPEG"), 4_000),
        saved(small, "PNG", icc_profile=profile),
        saved(small.convert("RGBA"), "PNG"),
        saved(small.quantize(32), "PNG", transparency=3),
        saved(small.convert("L").convert("I;16"), "PNG"),
        with_chunks(
            saved(small, "PNG"), chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"cICP", bytes((9, 16, 0, 1)))
        ),
        saved(picture, "WEBP", quality=60),
        saved(small, "WEBP", lossless=True, exif=exif, icc_profile=profile),
        saved(small.convert("RGBA"), "WEBP", quality=60),
        saved(small, "WEBP", save_all=True, append_images=[small.rotate(90), small.rotate(180)]),
    ]


def mutated(count: int, seed: int = 0) -> Iterator[bytes]:
    """Files that were sound: bits flipped, bytes set, parts cut out or doubled, lengths changed, ends cut off.

    Args:
        count: of files.
        seed: of the choices.
    """
    chance = random.Random(seed)  # noqa: S311 - a repeatable choice, not a secret
    sound = seeds()
    for _ in range(count):
        data = bytearray(chance.choice(sound))
        for _ in range(1 + min(int(chance.expovariate(0.6)), 12)):
            _change(data, chance, sound)
        yield bytes(data)


def _change(data: bytearray, chance: random.Random, sound: list[bytes]) -> None:
    # Headers are where most of a reader's decisions are made.
    limit = len(data) if chance.random() < 0.4 else min(len(data), 200)
    at = chance.randrange(max(1, limit))
    length = chance.randrange(1, _LONGEST_CUT)
    kind = chance.randrange(8)
    if kind == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 1 and data:
        data[at % len(data)] = chance.choice(_MAGIC)
    elif kind == 2:
        del data[at : at + length]
    elif kind == 3:
        data[at:at] = data[at : at + length]
    elif kind == 4:
        other = chance.choice(sound)
        start = chance.randrange(len(other))
        data[at : at + length] = other[start : start + length]
    elif kind == 5:
        number = chance.choice((0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, chance.randrange(2**32)))
        data[at : at + 4] = struct.pack(chance.choice("<>") + "I", number)
    elif kind == 6:
        del data[chance.randrange(max(1, len(data))) :]
    else:
        data[at:at] = chance.randbytes(length)
