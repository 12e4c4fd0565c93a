"""Uploaded pictures: what is accepted comes out upright and in sRGB; what is not is refused early, with a sentence."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from lensora.core.artifacts import MediaType
from lensora.core.errors import InvalidImage
from lensora.imaging.photo import Photo, PhotoInfo, decode, probe
from lensora.testing.pictures import SRGB_COLUMNS, display_profile, gamma_curve, raw_png, saved, scene


def far(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Mean absolute difference of two pictures, levels of 255."""
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).mean())


@pytest.mark.parametrize(
    ("kind", "media_type", "options"),
    [
        ("JPEG", MediaType.JPEG, {"quality": 95}),
        ("JPEG", MediaType.JPEG, {"quality": 95, "progressive": True}),
        ("PNG", MediaType.PNG, {}),
        ("WEBP", MediaType.WEBP, {"quality": 95}),
        ("WEBP", MediaType.WEBP, {"lossless": True}),
    ],
)
def test_the_three_formats_are_read(kind: str, media_type: MediaType, options: dict[str, Any]) -> None:
    """Each format gives its pixels, size and media type, in full and probed."""
    data = saved(scene(), kind, **options)
    photo = decode(data)
    assert photo.info == PhotoInfo(media_type, 160, 120) == probe(data)
    assert photo.alpha is None
    assert far(photo.rgb, np.asarray(scene())) < 3
    assert photo.rgb.flags.c_contiguous


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(orientation: int) -> None:
    """A camera's eight orientations come out as the same upright picture, reduced or not."""
    upright = scene()
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(stored, "JPEG", quality=95, exif=exif)
    assert probe(data) == PhotoInfo(MediaType.JPEG, 160, 120)
    assert far(decode(data).rgb, np.asarray(upright)) < 3
    small = decode(data, longest_side_px=80)
    assert small.rgb.shape == (60, 80, 3)
    assert far(small.rgb, np.asarray(upright.resize((80, 60), Image.Resampling.BOX))) < 4


def test_a_broken_exif_block_is_ignored() -> None:
    """Rubbish in the EXIF block does not make a picture unusable."""
    data = saved(scene(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff")
    assert decode(data).rgb.shape == (120, 160, 3)


def test_greyscale_and_bilevel_become_rgb() -> None:
    """One channel becomes three equal ones."""
    grey = scene().convert("L")
    for data, tolerance in ((saved(grey, "JPEG", quality=95), 3), (saved(grey.convert("1"), "PNG"), 200)):
        rgb = decode(data).rgb
        assert far(rgb, np.repeat(np.asarray(grey)[..., None], 3, axis=2)) < tolerance
        assert (rgb[..., 0] == rgb[..., 1]).all() and (rgb[..., 1] == rgb[..., 2]).all()


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    """Print colours come out as the colours that they stand for."""
    photo = decode(saved(scene().convert("CMYK"), "JPEG", quality=95))
    assert far(photo.rgb, np.asarray(scene())) < 4


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """A 16-bit grey ramp keeps its whole range in eight bits."""
    ramp = np.tile(np.linspace(0, 65535, 256).astype(np.uint16), (64, 1))
    rgb = decode(saved(Image.fromarray(ramp), "PNG")).rgb
    np.testing.assert_array_equal(rgb[0, :, 0], np.arange(256))


def test_a_sixteen_bit_colour_png_is_read() -> None:
    """Sixteen bits a channel become the nearest eight."""
    assert decode(raw_png(np.full((70, 80, 3), (65535, 32896, 0)), 16, 2)).rgb[35, 40].tolist() == [255, 128, 0]


def test_a_palette_is_resolved() -> None:
    """Palette pictures come out in their colours, and with their transparent entry as alpha."""
    paletted = scene().quantize(64)
    assert far(decode(saved(paletted, "PNG")).rgb, np.asarray(paletted.convert("RGB"))) == 0
    photo = decode(saved(paletted, "PNG", transparency=0))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha == 0, np.asarray(paletted) == 0)


def test_transparency_is_kept_straight() -> None:
    """A see-through PNG keeps its colours under partial alpha, also when it is reduced."""
    both = np.zeros((128, 128, 4), np.uint8)
    both[..., 1] = 255  # hidden green that must not bleed
    both[32:96, 32:96] = (200, 30, 30, 255)
    photo = decode(saved(Image.fromarray(both), "PNG"))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, both[..., 3])
    small = decode(saved(Image.fromarray(both), "PNG"), longest_side_px=50)
    assert small.alpha is not None and small.rgb.shape == (50, 50, 3)
    edge = (small.alpha > 0) & (small.alpha < 255)
    assert edge.any()
    assert (np.abs(small.rgb[edge].astype(int) - [200, 30, 30]) <= 1).all()


def test_a_picture_over_a_colour() -> None:
    """Compositing weighs by alpha; without alpha the picture itself comes back."""
    both = np.full((64, 64, 4), (200, 100, 0, 0), np.uint8)
    both[:32, :, 3] = 128
    over = decode(saved(Image.fromarray(both), "PNG")).over((255, 255, 255))
    assert over[0, 0].tolist() == [227, 177, 127]
    assert over[63, 0].tolist() == [255, 255, 255]
    opaque = decode(saved(scene(), "PNG"))
    assert opaque.over((0, 0, 0)) is opaque.rgb


def test_an_opaque_alpha_channel_is_no_transparency() -> None:
    """A PNG whose alpha is 255 everywhere counts as opaque."""
    assert decode(saved(scene().convert("RGBA"), "PNG")).alpha is None


def test_the_first_frame_of_an_animation_is_taken() -> None:
    """An animated WebP gives its first frame."""
    frames = [scene(), scene().transpose(Image.Transpose.ROTATE_180), scene()]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=100, lossless=True)
    photo = decode(data)
    assert probe(data) == photo.info
    assert far(photo.rgb, np.asarray(frames[0])) < 2


def test_a_colour_profile_is_applied() -> None:
    """A picture whose profile swaps red and green comes out with them swapped."""
    swapped = display_profile(gamma_curve(2.2), columns=[SRGB_COLUMNS[1], SRGB_COLUMNS[0], SRGB_COLUMNS[2]])
    flat = Image.new("RGB", (80, 80), (200, 60, 30))
    for kind in ("PNG", "WEBP"):
        options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
        pixel = decode(saved(flat, kind, icc_profile=swapped, **options)).rgb[40, 40].astype(int)
        assert np.abs(pixel - [60, 200, 30]).max() <= 6, kind


def test_a_broken_profile_is_ignored() -> None:
    """A profile that cannot be read leaves the pixels as they are."""
    data = saved(scene(), "PNG", icc_profile=b"not a profile at all")
    np.testing.assert_array_equal(decode(data).rgb, np.asarray(scene()))


def test_reducing_keeps_shape_and_reports_the_full_size() -> None:
    """The longest side is what was asked for, the aspect is kept, and the full size is still told."""
    data = saved(scene(1600, 1000), "JPEG", quality=92)
    photo = decode(data, longest_side_px=400)
    assert photo.rgb.shape == (250, 400, 3)
    assert (photo.info.width, photo.info.height) == (1600, 1000)
    assert far(photo.rgb, np.asarray(scene(1600, 1000).resize((400, 250), Image.Resampling.BOX))) < 2
    assert decode(data, longest_side_px=4000).rgb.shape == (1000, 1600, 3)


def test_a_picture_of_the_least_size_is_accepted_and_a_smaller_one_is_not() -> None:
    """64 pixels a side are enough, 63 are refused with both numbers."""
    assert decode(saved(scene(64, 64), "PNG")).rgb.shape == (64, 64, 3)
    with pytest.raises(InvalidImage, match=r"200 x 63 pixels; each side must have at least 64"):
        probe(saved(scene(200, 63), "PNG"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello, I am a text file renamed .jpg",
        b"GIF89a" + bytes(100),
        b"BM" + bytes(100),
        b"RIFF1234WAVE" + bytes(50),
    ],
)
def test_other_files_are_refused(data: bytes) -> None:
    """What is not a JPEG, PNG or WebP is told so, with what it seems to be."""
    for check in (probe, decode):
        with pytest.raises(InvalidImage, match=r"must be a JPEG, PNG or WebP file, not (a|an|text)\b") as caught:
            check(data)
        assert caught.value.field == "image"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"GIF89a" + bytes(50), "a GIF: export it as JPEG"),
        (b"%PDF-1.7", "a PDF: export it as JPEG"),
        (b"hello", "text"),
        (b"<!DOCTYPE html><p>404", "a web page: send the picture itself, not the page that shows it"),
        (b'<?xml version="1.0"?><svg/>', "an SVG: export it as PNG"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera's raw file: export it as JPEG"),
        (b"II\x1a\0\0\0HEAPCCDR", "a camera's raw file: export it as JPEG"),
        (b"FOVb\0\0\2\0", "a camera's raw file: export it as JPEG"),
        (b"\0MRM\0\0\1\0", "a camera's raw file: export it as JPEG"),
        (b"II*\0", "a TIFF or a camera's raw file: export it as JPEG"),
        (bytes([0, 1, 2, 3, 4]), "a file that begins with 00 01 02 03"),
    ],
)
def test_a_refusal_names_what_was_sent(data: bytes, kind: str) -> None:
    """People who send another format read which one it was."""
    with pytest.raises(InvalidImage) as caught:
        probe(data)
    assert caught.value.message == f"image must be a JPEG, PNG or WebP file, not {kind}."


def test_too_many_bytes_are_refused() -> None:
    """20.1 MB are refused before anything is read; the sentence has the limit and the value."""
    data = saved(scene(), "JPEG") + bytes(20_100_000)
    with pytest.raises(InvalidImage, match=r"20,1\d\d,\d\d\d bytes; the limit is 20,000,000"):
        probe(data)


def png_claiming(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""
    data = bytearray(saved(Image.new("L", (64, 64)), "PNG"))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def webp_claiming(width: int, height: int) -> bytes:
    """An extended WebP of a few bytes that claims a canvas."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims a size."""
    data = bytearray(saved(scene(), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("claiming", [png_claiming, webp_claiming, jpeg_claiming])
def test_a_bomb_is_refused_quickly_and_without_memory(claiming: Any) -> None:
    """A small file that claims 60 megapixels is refused within milliseconds; nothing of that size is allocated."""
    data = claiming(10_000, 6_000)
    tracemalloc.start()
    started = time.perf_counter()
    for check in (probe, decode):
        with pytest.raises(InvalidImage, match=r"60\.0 megapixels \(10000 x 6000\); the limit is 52"):
            check(data)
    took, peak = time.perf_counter() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert took < 0.5
    assert peak < 1_000_000


def test_a_jpeg_with_endless_scans_is_refused() -> None:
    """A progressive JPEG that repeats scans to burn time is refused by their number."""
    data = saved(scene(), "JPEG", progressive=True)
    with pytest.raises(InvalidImage, match="over 100 JPEG scans; the limit is 100"):
        probe(data[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" * 200 + b"\xff\xd9")


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {}), ("WEBP", {"lossless": True})],
)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_files_are_refused(kind: str, options: dict[str, Any], share: float) -> None:
    """A file that ends early is refused by the probe and by every way of decoding it."""
    rng = np.random.default_rng(0)
    grainy = np.asarray(scene(320, 240)).astype(int) + rng.integers(-20, 20, (240, 320, 3))
    data = saved(Image.fromarray(grainy.clip(0, 255).astype(np.uint8)), kind, **options)
    cut = data[: int(len(data) * share)]
    with pytest.raises(InvalidImage):
        probe(cut)
    for longest in (None, 40):
        with pytest.raises(InvalidImage):
            decode(cut, longest_side_px=longest)


GOOD_FILES = [
    saved(scene(96, 72), "JPEG"),
    saved(scene(96, 72), "JPEG", progressive=True),
    saved(scene(96, 72), "PNG"),
    saved(scene(96, 72).convert("RGBA"), "WEBP"),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(GOOD_FILES), st.integers(0, 4000), st.binary(max_size=30), st.integers(0, 4000))
def test_damaged_files_give_a_picture_or_an_invalid_image(good: bytes, at: int, noise: bytes, end: int) -> None:
    """Whatever bytes are changed or cut off, the answer is a picture or InvalidImage, never another error."""
    data = (good[:at] + noise + good[at + len(noise) :])[: max(end, 1)]
    try:
        photo = decode(data, longest_side_px=48)
    except InvalidImage as error:
        assert error.message
        return
    assert max(photo.rgb.shape) <= max(48, 3)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ", b"RIFF\0\0\0\0WEBPVP8X"]),
    st.binary(),
)
def test_random_bytes_are_refused(start: bytes, rest: bytes) -> None:
    """Random bytes behind any signature are InvalidImage."""
    with pytest.raises(InvalidImage):
        probe(start + rest)


def test_a_photo_checks_its_arrays() -> None:
    """Arrays of another shape or dtype cannot become a Photo."""
    info = PhotoInfo(MediaType.PNG, 64, 64)
    with pytest.raises(ValueError, match="rgb must be"):
        Photo(np.zeros((64, 64), np.uint8), None, info)
    with pytest.raises(ValueError, match="alpha must be"):
        Photo(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 63), np.uint8), info)
