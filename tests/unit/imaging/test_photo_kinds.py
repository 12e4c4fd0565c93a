"""Photos as phones, cameras and editors write them: each is taken for what its picture is, or told why not."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lensora.core.errors import InvalidImage
from lensora.imaging.photo import decode
from lensora.testing.pictures import (
    P3_COLUMNS,
    chunk,
    display_profile,
    gamma_curve,
    grey_profile,
    motion_photo,
    multi_picture,
    parametric_curve,
    raw_png,
    saved,
    scene,
    table_curve,
    video,
    with_chunks,
    with_segment,
)

JPEG = saved(scene(320, 240, grain=20), "JPEG", quality=90)
PROGRESSIVE = saved(scene(320, 240, grain=20), "JPEG", quality=90, progressive=True)


@pytest.mark.parametrize("base", [JPEG, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize(
    "wrap",
    [
        lambda jpeg: motion_photo(jpeg, 4_000_000),
        lambda jpeg: jpeg + video(2_000_000),
        lambda jpeg: jpeg + jpeg,
        lambda jpeg: jpeg + b"\xff\xda" * 5_000,
        lambda jpeg: jpeg + b"\0" * 1_000_000,
        lambda jpeg: multi_picture([jpeg, saved(scene(64, 48), "JPEG")]),
        lambda jpeg: with_segment(multi_picture([jpeg, jpeg]), 0xE1, b"http://ns.adobe.com/xap/1.0/\0hdrgm:Version"),
        lambda jpeg: with_segment(jpeg, 0xE1, b"Exif\0\0" + saved(scene(64, 48), "JPEG")),
        lambda jpeg: with_segment(jpeg, 0xE2, b"MPF\0II*\0\xff\xff\xff\xff"),
        lambda jpeg: with_segment(jpeg, 0xED, b"Photoshop 3.0\x008BIM\x04\x04\xff\xff"),
        lambda jpeg: jpeg[:2] + b"\xff\xff\xff" + jpeg[2:],
        lambda jpeg: jpeg[:20] + b"\0\0stray" + jpeg[20:],
    ],
    ids=[
        "motion photo",
        "MP4 behind",
        "another picture behind",
        "scan markers behind",
        "zeros behind",
        "MPO",
        "gain map",
        "thumbnail with an end marker",
        "broken MPF",
        "broken Photoshop block",
        "fill bytes",
        "stray bytes",
    ],
)
def test_what_lies_around_the_picture_of_a_jpeg_does_not_count(base: bytes, wrap: Any) -> None:
    """Trailers, further pictures and metadata change nothing: the picture is the same, pixel for pixel."""
    np.testing.assert_array_equal(decode(wrap(base)).rgb, decode(base).rgb)


@pytest.mark.parametrize("base", [JPEG, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize("cut", [1, 2])
def test_a_jpeg_that_lacks_only_its_end_marker_is_taken(base: bytes, cut: int) -> None:
    """All pixels are there, and they are the same."""
    np.testing.assert_array_equal(decode(base[:-cut]).rgb, decode(base).rgb)


@pytest.mark.parametrize("base", [JPEG, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize("share", [0.3, 0.5, 0.9, 0.97])
def test_a_jpeg_that_lacks_pixels_is_refused(base: bytes, share: float) -> None:
    """Half a file, and one whose last rows are missing, at every size that may be asked for."""
    for longest in (None, 32, 1024):
        with pytest.raises(InvalidImage, match="truncated"):
            decode(base[: int(len(base) * share)], longest_side_px=longest)


def test_a_png_that_lacks_only_its_end_chunk_is_taken() -> None:
    """The end chunk holds nothing; a cut in the picture's own chunk is refused."""
    png = saved(scene(grain=20), "PNG")
    for cut in (4, 12):
        np.testing.assert_array_equal(decode(png[:-cut]).rgb, np.asarray(scene(grain=20)))
    with pytest.raises(InvalidImage, match="truncated"):
        decode(png[:-40])


def test_chunks_that_are_not_the_picture_are_dropped_unread() -> None:
    """Texts and profiles that unpack to megabytes, broken metadata and trailers do not matter; nor does a bomb."""
    png, plain = saved(scene(), "PNG"), np.asarray(scene())
    packed = zlib.compress(bytes(2_000_000))
    bomb = zlib.compress(bytes(300_000_000), 1)
    for extra in (
        chunk(b"zTXt", b"Comment\0\0" + packed),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + packed),
        chunk(b"iCCP", b"large\0\0" + packed),
        chunk(b"iCCP", b"bomb\0\0" + bomb),
        chunk(b"zTXt", b"Comment\0\0" + bomb),
        chunk(b"tEXt", b"Comment\0" + bytes(3_000_000)),
        chunk(b"iCCP", b"broken\0\0abc"),
        chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff"),
        chunk(b"tEXt", b"a\0b")[:-4] + b"\0\0\0\0",
        chunk(b"prVt", b"of an editor"),
    ):
        np.testing.assert_array_equal(decode(with_chunks(png, extra)).rgb, plain)
    np.testing.assert_array_equal(decode(png + video(100_000)).rgb, plain)


LINEAR = (gamma_curve(1.0), parametric_curve(1.0), table_curve([n / 1023 for n in range(1024)]))


def flat(value: int, mode: str = "RGB") -> Image.Image:
    """A picture of one grey."""
    return Image.new(mode, (80, 80), value if mode == "L" else (value,) * 3)


@pytest.mark.parametrize("curve", LINEAR, ids=["gamma", "parametric", "table"])
@pytest.mark.parametrize("name", ["sRGB linear", "sRGB IEC61966-2.1", "Linear Rec.709", ""])
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "JPEG"])
def test_a_profile_counts_by_its_numbers_not_by_its_name(curve: bytes, name: str, kind: str) -> None:
    """Linear light is linear light, whatever the profile calls itself: 55 becomes 128."""
    options = {"PNG": {}, "WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}[kind]
    data = saved(flat(55), kind, icc_profile=display_profile(curve, name), **options)
    assert np.abs(decode(data).rgb.astype(int) - 128).max() <= 2


def test_a_profile_that_is_srgb_under_another_name_changes_nothing() -> None:
    """sRGB's own curve, as function or table, leaves every pixel as it is."""
    steps = np.linspace(0, 1, 1024)
    light = np.where(steps <= 0.04045, steps / 12.92, ((steps + 0.055) / 1.055) ** 2.4)
    for curve in (parametric_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), table_curve(list(light))):
        data = saved(scene(), "PNG", icc_profile=display_profile(curve, "my monitor"))
        np.testing.assert_array_equal(decode(data).rgb, np.asarray(scene()))


def test_a_wide_gamut_becomes_srgb() -> None:
    """P3's red is more than sRGB's: it is clipped, and a P3 picture's orange is redder than its numbers in sRGB."""
    profile = display_profile(parametric_curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045), "P3", P3_COLUMNS)
    red, orange = (
        saved(Image.new("RGB", (80, 80), c), "PNG", icc_profile=profile) for c in ((255, 0, 0), (200, 100, 50))
    )
    assert decode(red).rgb[0, 0].tolist() == [255, 0, 0]
    assert decode(orange).rgb[0, 0, 0] > 205


def test_a_grey_profile_is_of_grey_pictures_alone() -> None:
    """It is applied to grey, with and without alpha; a colour picture that carries one keeps its colours."""
    profile = grey_profile(gamma_curve(1.0))
    grey = saved(flat(55, "L"), "PNG", icc_profile=profile)
    with_alpha = saved(Image.new("LA", (80, 80), (55, 128)), "PNG", icc_profile=profile)
    assert np.abs(decode(grey).rgb.astype(int) - 128).max() <= 2
    assert np.abs(decode(with_alpha).rgb.astype(int) - 128).max() <= 2
    np.testing.assert_array_equal(decode(saved(scene(), "PNG", icc_profile=profile)).rgb, np.asarray(scene()))


def test_a_cmyk_jpeg_comes_out_in_its_colours() -> None:
    """Baseline and progressive."""
    for options in ({}, {"subsampling": 0, "progressive": True}):
        photo = decode(saved(scene().convert("CMYK"), "JPEG", quality=95, **options))
        assert np.abs(photo.rgb.astype(int) - np.asarray(scene())).mean() < 4


def test_a_ycck_jpeg_and_a_cmyk_one_without_adobes_marker() -> None:
    """As Photoshop stores YCCK: luma and chroma of what the inverted inks leave of white, and inverted black. Without
    the marker the inks are taken as inverted too."""
    inks = np.asarray(scene().convert("CMYK"))
    luma = np.asarray(Image.fromarray(inks[..., :3]).convert("YCbCr"))
    # Pillow inverts what it writes, and leaves the meaning of the channels alone.
    stored = Image.fromarray(np.dstack([255 - luma, inks[..., 3]]), "CMYK")
    data = saved(stored, "JPEG", quality=95, subsampling=0)
    at = data.index(b"Adobe") + 11
    ycck = data[:at] + b"\x02" + data[at + 1 :]
    plain = saved(scene().convert("CMYK"), "JPEG", quality=95)
    at = plain.index(b"\xff\xee")
    bare = plain[:at] + plain[at + 2 + struct.unpack(">H", plain[at + 2 : at + 4])[0] :]
    for photo in (decode(ycck), decode(bare)):
        assert np.abs(photo.rgb.astype(int) - np.asarray(scene())).mean() < 4


def checkered(levels: tuple[Any, Any], channels: int) -> NDArray[np.int64]:
    """64 x 64 samples: the first level on the left, the second on the right."""
    pixels = np.zeros((64, 64, channels), np.int64)
    pixels[:, :32], pixels[:, 32:] = levels
    return pixels if channels > 1 else pixels[..., 0]


@pytest.mark.parametrize(
    ("depth", "color_type", "levels", "key"),
    [
        (1, 0, (1, 0), (1,)),
        (2, 0, (2, 1), (2,)),
        (4, 0, (9, 8), (9,)),
        (8, 0, (200, 199), (200,)),
        (16, 0, (0x1234, 0x12FF), (0x1234,)),
        (16, 0, (0, 1), (0,)),
        (8, 2, ((10, 20, 30), (10, 20, 31)), (10, 20, 30)),
        (16, 2, ((0x1111, 0x2222, 0x3333), (0x1111, 0x2222, 0x33FF)), (0x1111, 0x2222, 0x3333)),
        (16, 2, ((0, 0, 0), (0, 0, 1)), (0, 0, 0)),
    ],
)
def test_the_transparent_colour_of_a_png_has_no_alpha(
    depth: int, color_type: int, levels: tuple[Any, Any], key: tuple[int, ...]
) -> None:
    """That colour, at the file's own depth, and no other; also when the picture is reduced."""
    channels = 3 if color_type == 2 else 1
    data = raw_png(checkered(levels, channels), depth, color_type, clear=struct.pack(f">{len(key)}H", *key))
    for longest in (None, 32):
        photo = decode(data, longest_side_px=longest)
        assert photo.alpha is not None
        half = photo.alpha.shape[1] // 2
        assert (photo.alpha[:, :half] == 0).all()
        assert (photo.alpha[:, half:] == 255).all()


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_the_transparent_entries_of_a_palette_have_their_alpha(depth: int) -> None:
    """Each entry its own; those that are not listed are opaque, and indices beyond the palette are black."""
    data = raw_png(checkered((0, 1), 1), depth, 3, palette=bytes((10, 20, 30, 40, 50, 60)), clear=bytes((7,)))
    photo = decode(data)
    assert photo.alpha is not None
    assert (photo.rgb[0, 0].tolist(), photo.alpha[0, 0], photo.alpha[0, 63]) == ([10, 20, 30], 7, 255)
    assert photo.rgb[0, 63].tolist() == [40, 50, 60]


def test_a_transparent_colour_of_the_wrong_length_is_passed_over() -> None:
    """A damaged tRNS chunk leaves an opaque picture."""
    assert decode(raw_png(checkered((1, 2), 1), 8, 0, clear=b"\0")).alpha is None


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("color_type", [4, 6])
def test_alpha_of_every_depth_is_read(depth: int, color_type: int) -> None:
    """Grey and colour with alpha, of 8 and 16 bits."""
    most = 2**depth - 1
    channels = 2 if color_type == 4 else 4
    levels = ((most,) * (channels - 1) + (0,), (most,) * channels)
    photo = decode(raw_png(checkered(levels, channels), depth, color_type))
    assert photo.alpha is not None
    assert (photo.alpha[0, 0], photo.alpha[0, 63], photo.rgb[0, 63].tolist()) == (0, 255, [255] * 3)


def box(major: bytes, *compatible: bytes) -> bytes:
    """The first box of an ISO base media file, and some of the next."""
    brands = b"".join(compatible)
    return struct.pack(">I", 16 + len(brands)) + b"ftyp" + major + bytes(4) + brands + struct.pack(">I4s", 40, b"meta")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        *((box(brand, b"mif1"), "a HEIC") for brand in (b"heic", b"heix", b"heim", b"heis")),
        *((box(brand, b"msf1", b"iso8"), "a HEIC") for brand in (b"hevc", b"hevx", b"hevm", b"hevs")),
        (box(b"mif1", b"mif1", b"heic"), "a HEIC"),
        (box(b"msf1", b"msf1", b"hevc"), "a HEIC"),
        (box(b"mif1"), "a HEIF"),
        (box(b"msf1", b"msf1"), "a HEIF"),
        (box(b"avif", b"mif1", b"miaf"), "an AVIF"),
        (box(b"avis", b"avif", b"msf1"), "an AVIF"),
        (box(b"mif1", b"avif", b"miaf"), "an AVIF"),
        *((box(brand, b"isom"), "a video") for brand in (b"isom", b"mp42", b"qt  ", b"M4V ", b"3gp5")),
        (box(b"crx ", b"isom"), "a camera's raw file"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL"),
        (b"\xff\x0a\0\0", "a JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000"),
        (b"8BPS\0\1", "a Photoshop file"),
        (b"RIFF\0\0\0\0AVI LIST", "a video"),
    ],
)
def test_other_kinds_are_refused_by_name_with_what_to_do(data: bytes, name: str) -> None:
    """Nobody's HEIC is called a video, and the sentence says what to send instead."""
    with pytest.raises(InvalidImage) as caught:
        decode(data + bytes(64))
    assert caught.value.message.startswith(f"image must be a JPEG, PNG or WebP file, not {name}: ")
    assert "JPEG" in caught.value.message.split(": ", 1)[1]


def test_kinds_of_jpeg_that_are_not_decoded_are_named() -> None:
    """Lossless, hierarchical and 12-bit JPEGs are told what they are."""
    at = JPEG.index(b"\xff\xc0")
    lossless = JPEG[: at + 1] + b"\xc3" + JPEG[at + 2 :]
    deep = JPEG[: at + 4] + b"\x0c" + JPEG[at + 5 :]
    for data, says in ((lossless, "lossless or hierarchical"), (deep, "of 12 bits")):
        with pytest.raises(InvalidImage, match=says):
            decode(data)


def test_a_phone_of_fifty_megapixels_is_taken() -> None:
    """8160 x 6144 is within the limit of 52 million pixels; 8400 x 6200 is not."""
    white = saved(Image.new("L", (8160, 6144), 255), "JPEG", quality=20)
    assert decode(white, longest_side_px=256).rgb.shape == (193, 256, 3)
    with pytest.raises(InvalidImage, match=r"52\.1 megapixels \(8400 x 6200\); the limit is 52"):
        decode(raw_png(np.zeros((1, 1)), 8, 0).replace(struct.pack(">II", 1, 1), struct.pack(">II", 8400, 6200)))
    with pytest.raises(InvalidImage, match=r"52\.1 megapixels \(8001 x 6500\); the limit is 52"):
        decode(raw_png(np.zeros((1, 1)), 8, 0).replace(struct.pack(">II", 1, 1), struct.pack(">II", 8001, 6500)))


@pytest.mark.parametrize("size", [(6400, 128), (128, 6400)])
def test_a_long_strip_is_taken_up_to_fifty_to_one(size: tuple[int, int]) -> None:
    """It is reduced with both sides kept; a longer one is refused with its sides."""
    photo = decode(saved(scene(*size), "PNG"), longest_side_px=1024)
    assert sorted(photo.rgb.shape[:2]) == [20, 1024]
    with pytest.raises(InvalidImage, match="at most 50 times the other"):
        decode(saved(Image.new("L", (3300, 65)), "PNG"))


def test_an_animations_first_picture_is_laid_on_its_canvas() -> None:
    """A WebP frame that covers a part of the canvas leaves the rest clear; APNG gives its default picture."""
    first = Image.new("RGBA", (128, 96))
    first.paste((255, 0, 0, 255), (32, 20, 96, 84))
    second = Image.new("RGBA", (128, 96), (0, 255, 0, 255))
    photo = decode(saved(first, "WEBP", save_all=True, append_images=[second], lossless=True, minimize_size=True))
    assert photo.alpha is not None
    np.testing.assert_array_equal(photo.alpha, np.asarray(first)[..., 3])
    assert photo.rgb[50, 60].tolist() == [255, 0, 0]
    moving = saved(scene(), "PNG", save_all=True, append_images=[scene().rotate(180)])
    np.testing.assert_array_equal(decode(moving).rgb, np.asarray(scene()))


def test_a_webp_may_lack_what_follows_its_picture() -> None:
    """Metadata that is cut off is none; a picture that is cut off is refused."""
    exif = Image.Exif()
    exif[0x010E] = "a description" * 40
    data = saved(scene(grain=20), "WEBP", lossless=True, exif=exif)
    np.testing.assert_array_equal(decode(data[:-100]).rgb, np.asarray(scene(grain=20)))
    np.testing.assert_array_equal(decode(data + video(10_000)).rgb, np.asarray(scene(grain=20)))
    with pytest.raises(InvalidImage, match="truncated"):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_png_and_webp_are_turned_upright_too(kind: str, orientation: int) -> None:
    """EXIF counts in every format."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    turn = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    data = saved(scene().transpose(turn[orientation]), kind, exif=exif, **options)
    np.testing.assert_array_equal(decode(data).rgb, np.asarray(scene()))
