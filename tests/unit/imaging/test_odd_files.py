"""Files that went wrong on their way, and files of other kinds: each is told what it is and what to do."""

from __future__ import annotations

import base64
import gzip
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lensora.core.errors import InvalidImage
from lensora.imaging.photo import decode
from lensora.testing.pictures import chunk, raw_png, saved, scene, with_chunks, with_segment

JPEG = saved(scene(320, 240, grain=20), "JPEG", quality=90)
PNG = saved(scene(grain=20), "PNG")
WEBP = saved(scene(grain=20), "WEBP", lossless=True)


def refusal(data: bytes) -> str:
    """Why a file is refused."""
    with pytest.raises(InvalidImage) as caught:
        decode(data)
    return caught.value.message


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP], ids=["JPEG", "PNG", "WebP"])
def test_a_picture_that_was_read_as_text_is_told_so(data: bytes) -> None:
    """Bytes that were replaced or doubled because somebody took them for UTF-8."""
    assert "read as text" in refusal(data.decode("utf-8", "replace").encode())
    if data is not WEBP:
        assert "read as text" in refusal(data.decode("latin-1").encode())


@pytest.mark.parametrize("data", [JPEG, PNG], ids=["JPEG", "PNG"])
def test_changed_line_ends_are_told(data: bytes) -> None:
    """As by a transfer in text mode, either way where it can be told."""
    assert "line ends were changed" in refusal(data.replace(b"\n", b"\r\n"))
    if data is PNG:
        assert "line ends were changed" in refusal(data.replace(b"\r\n", b"\n"))


@pytest.mark.parametrize(("data", "name"), [(JPEG, "JPEG"), (PNG, "PNG"), (WEBP, "WebP")])
@pytest.mark.parametrize("before", [b"\r\n", b"\xef\xbb\xbf", b" \n\n"])
def test_bytes_before_a_picture_are_counted(data: bytes, name: str, before: bytes) -> None:
    """A script's empty line or byte order mark."""
    assert f"a {name} with {len(before)} other bytes before it" in refusal(before + data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (base64.b64encode(JPEG), "not Base64 text: send the bytes"),
        (base64.urlsafe_b64encode(PNG), "not Base64 text"),
        (base64.encodebytes(JPEG), "not Base64 text"),
        (b"data:image/png;base64," + base64.b64encode(PNG), "not a data: URL"),
        (b"https://shop.example/a.jpg\n", "not a URL: send the picture's own bytes"),
        (b'{"image": "..."}', "not JSON"),
        (b'[{"image": 1}]', "not JSON"),
        (b"[InternetShortcut]\r\nURL=http://shop.example", "not text."),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "not an XML document"),
        (b"\xef\xbb\xbf<svg xmlns='http://www.w3.org/2000/svg'/>", "not an SVG: export it as PNG"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>".encode("utf-16"), "not an SVG"),
        (b"<!DOCTYPE html><html></html>", "not a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "not a pointer of Git LFS"),
        (gzip.compress(JPEG), "not a gzip file: send the picture, unpacked"),
        (bytes(5_000), "not a file of zeros"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(80), "not macOS's note about a file"),
        (b"", "not an empty file."),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, says: str) -> None:
    """With what to do, where there is something to do."""
    assert says in refusal(data)


@pytest.mark.parametrize(
    ("kind", "image", "name"),
    [
        ("TIFF", Image.merge("LAB", scene().split()), "a TIFF"),
        ("TIFF", scene().convert("CMYK"), "a TIFF"),
        ("TIFF", Image.fromarray(np.zeros((80, 80), np.uint16)), "a TIFF"),
        ("TIFF", Image.fromarray(np.zeros((80, 80), np.float32)), "a TIFF"),
        ("GIF", scene(), "a GIF"),
        ("BMP", scene(), "a BMP"),
        ("ICO", scene(64, 64), "an icon (ICO)"),
        ("ICNS", scene(64, 64), "an icon (ICNS)"),
        ("PDF", scene(), "a PDF"),
        ("JPEG2000", scene(), "a JPEG 2000"),
        ("AVIF", scene(), "an AVIF"),
        ("PPM", scene(), "a Netpbm picture"),
        ("PCX", scene(), "a PCX"),
        ("SGI", scene(), "an SGI picture"),
        ("DDS", scene(), "a DDS texture"),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
def test_real_files_of_other_kinds_are_refused_by_name(kind: str, image: Image.Image, name: str) -> None:
    """As Pillow writes them: Lab and floating-point TIFFs too."""
    assert f"not {name}" in refusal(saved(image, kind))
    assert "export it as JPEG" in refusal(saved(image, kind))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"II\xbc\x01" + bytes(60), "a JPEG XR"),
        (b"\xff\x10\xff\x50" + bytes(60), "a JPEG XS"),
        (b"gimp xcf v011\0" + bytes(60), "a GIMP file"),
        (b"\x8aMNG\r\n\x1a\n" + bytes(60), "a MNG"),
        (b"G" + bytes(187) + b"G" + bytes(187), "a video"),
        (b"ID3\x04" + bytes(60), "a sound"),
        (b"RIFF\x40\0\0\0WAVEfmt " + bytes(60), "a sound"),
        (b"MZ\x90\0" + bytes(60), "a program"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(60), "an Office document"),
        (bytes(128) + b"DICM" + bytes(60), "a DICOM"),
    ],
)
def test_marks_of_other_kinds(data: bytes, name: str) -> None:
    """By the bytes that such files begin with."""
    assert f"not {name}: " in refusal(data)


def test_a_jpeg_ls_and_a_late_height_are_named() -> None:
    """They share a JPEG's first bytes, and no usual decoder takes them."""
    frame = struct.pack(">HBHHB", 11, 8, 240, 320, 1) + b"\1\x11\0"
    assert "is a JPEG-LS" in refusal(b"\xff\xd8\xff\xf7" + frame + bytes(60))
    assert "is a JPEG-LS" in refusal(with_segment(b"\xff\xd8\xff\xf7" + frame + bytes(60), 0xE0, b"JFIF\0"))
    at = JPEG.index(b"\xff\xc0") + 5
    assert "height behind its picture" in refusal(JPEG[:at] + b"\0\0" + JPEG[at + 2 :])


def packed_png(depth: int, color_type: int, rows: bytes, *, interlaced: int = 0) -> bytes:
    """An 80 x 80 PNG of these packed rows, without a palette."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 80, 80, depth, color_type, 0, 0, interlaced))
    return PNG[:8] + header + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("depth", "color_type", "row"), [(8, 2, 241), (16, 2, 481), (1, 0, 11), (8, 6, 321), (4, 0, 41)]
)
def test_a_png_that_lacks_rows_is_refused(depth: int, color_type: int, row: int) -> None:
    """Its packed picture ends in good order, but too early. An empty picture that is whole is taken, and one that has
    more than it needs."""
    for missing in (1, 40, 79):
        assert "part of the picture is missing" in refusal(packed_png(depth, color_type, bytes(row * (80 - missing))))
    assert decode(packed_png(depth, color_type, bytes(row * 80))).rgb.shape == (80, 80, 3)
    assert decode(packed_png(depth, color_type, bytes(row * 90))).rgb.shape == (80, 80, 3)


def test_an_interlaced_png_of_sixteen_bits_is_whole_or_refused() -> None:
    """The passes are read to their end, and a missing last pass is noticed."""
    samples = np.asarray(scene(80, 80)).astype(">u2") * 257
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    parts = [
        b"".join(b"\0" + row.tobytes() for row in samples[top::down, left::across])
        for left, top, across, down in passes
    ]
    np.testing.assert_array_equal(
        decode(packed_png(16, 2, b"".join(parts), interlaced=1)).rgb, np.asarray(scene(80, 80))
    )
    assert "part of the picture is missing" in refusal(packed_png(16, 2, b"".join(parts[:-1]), interlaced=1))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (PNG[:29] + bytes(4) + PNG[33:], "checksum is wrong"),
        (with_chunks(PNG, chunk(b"PLTE", bytes(3))[:-1] + b"?"), "its palette's checksum is wrong"),
        (packed_png(3, 0, bytes(31 * 80)), "has no depth of 3 bits"),
        (packed_png(16, 3, bytes(161 * 80)), "has no depth of 16 bits"),
        (packed_png(8, 3, bytes(81 * 80)), "has no palette"),
        (packed_png(8, 2, b"\x09" + bytes(240)), "truncated or damaged"),
    ],
)
def test_a_damaged_png_is_told_what_is_wrong(data: bytes, says: str) -> None:
    """In words for users, without a decoder's insides."""
    told = refusal(data)
    assert says in told
    assert "object at 0x" not in told


def exif_block(orientation: int, order: str) -> bytes:
    """An EXIF block with nothing but the orientation, of either byte order."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, orientation, 0)
    return start + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4)


TURNS: dict[int, Any] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", TURNS)
def test_every_orientation_counts_in_every_format(orientation: int, order: str) -> None:
    """Mirrored ones too, in both byte orders; a PNG may say it behind its picture."""
    block = exif_block(orientation, order)
    turned = scene().transpose(TURNS[orientation])
    png = saved(turned, "PNG")
    end = png.rindex(b"IEND") - 4
    for data in (
        with_chunks(png, chunk(b"eXIf", block)),
        png[:end] + chunk(b"eXIf", block) + png[end:],
        saved(turned, "WEBP", lossless=True, exif=block),
        saved(turned, "WEBP", lossless=True, exif=b"Exif\0\0" + block),
    ):
        np.testing.assert_array_equal(decode(data).rgb, np.asarray(scene()))
    jpeg = with_segment(saved(turned, "JPEG", quality=95), 0xE1, b"Exif\0\0" + block)
    assert np.abs(decode(jpeg).rgb.astype(int) - np.asarray(scene())).mean() < 3


def test_an_orientation_that_makes_no_sense_is_passed_over() -> None:
    """0, 9, another type, a directory in a circle, a cut block; and XMP does not count."""
    circle = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<I", 8)
    for block in (exif_block(0, "<"), exif_block(9, ">"), circle, b"II*\0", exif_block(6, "<")[:12]):
        data = with_segment(JPEG, 0xE1, b"Exif\0\0" + block)
        np.testing.assert_array_equal(decode(data).rgb, decode(JPEG).rgb)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<rdf:Description tiff:Orientation='6'/>"
    np.testing.assert_array_equal(decode(with_segment(JPEG, 0xE1, xmp)).rgb, decode(JPEG).rgb)


def test_a_one_bit_png_of_both_polarities() -> None:
    """Black and white, and black and white of a palette the other way round."""
    samples = np.zeros((64, 64), np.int64)
    samples[:, :32] = 1
    plain = decode(raw_png(samples, 1, 0)).rgb
    swapped = decode(raw_png(samples, 1, 3, palette=bytes((255, 255, 255, 0, 0, 0)))).rgb
    np.testing.assert_array_equal(plain, 255 - swapped)
    assert plain[0, 0].tolist() == [255] * 3
