"""PNGs that say what their colours are without a profile."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image

from lensora.imaging.photo import decode
from lensora.testing.pictures import chunk, display_profile, gamma_curve, saved, scene, with_chunks

SRGB_CHROMA = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
P3_CHROMA = (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def gama(value: int) -> bytes:
    """The chunk."""
    return chunk(b"gAMA", struct.pack(">I", value))


def chrm(values: tuple[int, ...]) -> bytes:
    """The chunk."""
    return chunk(b"cHRM", struct.pack(">8I", *values))


def cicp(primaries: int, transfer: int, *, full_range: int = 1) -> bytes:
    """The chunk."""
    return chunk(b"cICP", bytes((primaries, transfer, 0, full_range)))


def shown(color: tuple[int, int, int], *chunks: bytes, profile: bytes | None = None) -> list[int]:
    """What a PNG of one colour comes out as."""
    png = saved(Image.new("RGB", (80, 80), color), "PNG", icc_profile=profile)
    return [int(value) for value in decode(with_chunks(png, *chunks)).rgb[40, 40]]


@pytest.mark.parametrize("value", [45455, 45450, 45000, 45470])
def test_the_gamma_of_srgb_changes_nothing(value: int) -> None:
    """Nearly every encoder writes one of these for sRGB, with sRGB's chromaticities or without."""
    png = saved(scene(), "PNG")
    for chunks in ((gama(value),), (gama(value), chrm(SRGB_CHROMA))):
        np.testing.assert_array_equal(decode(with_chunks(png, *chunks)).rgb, np.asarray(scene()))


def test_linear_light_by_gamma_becomes_srgb() -> None:
    """A gamma of 1 is linear light: 55 becomes 128. An old Mac's 1.8 comes out a little darker than it went in."""
    assert all(abs(value - 128) <= 1 for value in shown((55, 55, 55), gama(100_000)))
    assert 105 <= shown((128, 128, 128), gama(55_556))[0] <= 155 and shown((128, 128, 128), gama(55_556))[0] != 128


def test_what_goes_before_what() -> None:
    """cICP before a profile, a profile before sRGB, sRGB before gAMA; chromaticities alone say nothing."""
    linear = display_profile(gamma_curve(1.0))
    assert shown((55, 55, 55), cicp(1, 13), profile=linear) == [55, 55, 55]
    assert abs(shown((55, 55, 55), gama(45455), profile=linear)[0] - 128) <= 2
    assert shown((55, 55, 55), chunk(b"sRGB", b"\0"), gama(100_000)) == [55, 55, 55]
    assert shown((200, 100, 50), chrm(P3_CHROMA)) == [200, 100, 50]


@pytest.mark.parametrize("unknown", [cicp(2, 2), cicp(22, 13), cicp(1, 17), chunk(b"cICP", bytes((1, 13, 1, 1)))])
def test_code_points_that_are_not_known_hide_nothing(unknown: bytes) -> None:
    """A file whose cICP is unspecified, or of a kind that is not known, still has its profile or its gamma."""
    linear = display_profile(gamma_curve(1.0))
    assert abs(shown((55, 55, 55), unknown, profile=linear)[0] - 128) <= 2
    assert abs(shown((55, 55, 55), unknown, gama(100_000))[0] - 128) <= 1


def test_wide_primaries_become_srgb() -> None:
    """P3 and BT.2020 by chromaticities or by code points: greys stay, red is clipped, orange gets redder."""
    for chunks in ((gama(45455), chrm(P3_CHROMA)), (cicp(12, 13),)):
        assert max(abs(value - 128) for value in shown((128, 128, 128), *chunks)) <= 2
        assert shown((255, 0, 0), *chunks) == [255, 0, 0]
        red, green, _blue = shown((200, 100, 50), *chunks)
        assert red > 203 and green < 100


def test_high_dynamic_range_becomes_what_a_display_shows() -> None:
    """PQ and HLG: black is black, white at 203 cd/m2 is nearly white, and what is brighter is brighter, up to white."""
    for transfer, white in ((16, 148), (18, 191)):
        values = [shown((level,) * 3, cicp(9, transfer))[0] for level in range(0, 256, 15)]
        assert values == sorted(values)
        assert values[0] == 0
        assert values[-1] >= 250
        assert 225 <= shown((white,) * 3, cicp(9, transfer))[0] <= 250


def test_a_narrow_range_is_widened() -> None:
    """16 is black and 235 is white."""
    assert shown((16, 235, 126), cicp(1, 13, full_range=0)) == [0, 255, 128]


@pytest.mark.parametrize(
    "broken",
    [
        gama(0),
        gama(2**31),
        chunk(b"gAMA", b"\1"),
        chunk(b"cICP", b"\1"),
        cicp(200, 13),
        cicp(1, 200),
        chrm((0,) * 8),
        chrm((31270, 32900) + (30000, 30000) * 3),
    ],
)
def test_what_makes_no_sense_is_passed_over(broken: bytes) -> None:
    """The picture stays as it is; with a gamma beside broken chromaticities, the gamma still counts."""
    assert shown((55, 100, 200), broken) == [55, 100, 200]
    assert abs(shown((55, 55, 55), gama(100_000), broken)[0] - 128) <= 1 or broken[4:8] == b"gAMA"
