"""What people send by mistake: files of other kinds, by name, with what to do about it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_EXPORT = "export it as JPEG"
_CAMERA_SETTING = f"{_EXPORT}, or set the camera to JPEG (iPhone: Settings, Camera, Formats, Most Compatible)"
_FRAME = "send one frame of it as a JPEG"


@dataclass(frozen=True, slots=True)
class Kind:
    """Another kind of file.

    Attributes:
        name: with its article, as in "not a GIF".
        advice: what to do, as an imperative; empty where there is nothing to say.
    """

    name: str
    advice: str = _EXPORT


HEIC = Kind("a HEIC", _CAMERA_SETTING)
HEIF = Kind("a HEIF", _CAMERA_SETTING)
AVIF = Kind("an AVIF")
VIDEO = Kind("a video", _FRAME)
RAW = Kind("a camera's raw file")
SVG = Kind("an SVG", "export it as PNG")
WEB_PAGE = Kind("a web page", "send the picture itself, not the page that shows it")
TEXT = Kind("text", "")
EMPTY = Kind("an empty file", "")

_MARKS = (
    (0, b"GIF8", Kind("a GIF")),
    (0, b"BM", Kind("a BMP")),
    (0, b"II*\0\x10\0\0\0CR", RAW),
    (0, b"II*\0", Kind("a TIFF or a camera's raw file")),
    (0, b"MM\0*", Kind("a TIFF or a camera's raw file")),
    (0, b"II+\0", Kind("a TIFF")),
    (0, b"MM\0+", Kind("a TIFF")),
    (0, b"FUJIFILMCCD-RAW", RAW),
    (0, b"IIRO", RAW),
    (0, b"IIRS", RAW),
    (0, b"IIU\0", RAW),
    (0, b"%PDF", Kind("a PDF")),
    (0, b"%!PS", Kind("a PostScript file")),
    (0, b"8BPS", Kind("a Photoshop file")),
    (0, b"\0\0\x01\0", Kind("an icon (ICO)")),
    (0, b"\0\0\0\x0cJXL \r\n\x87\n", Kind("a JPEG XL")),
    (0, b"\xff\x0a", Kind("a JPEG XL")),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", Kind("a JPEG 2000")),
    (0, b"\xff\x4f\xff\x51", Kind("a JPEG 2000")),
    (0, b"v/1\x01", Kind("an OpenEXR")),
    (0, b"#?RADIANCE", Kind("a Radiance HDR")),
    (0, b"qoif", Kind("a QOI")),
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (8, b"AVI ", VIDEO),
    (4, b"moov", VIDEO),
    (4, b"mdat", VIDEO),
    (0, b"glTF", Kind("a 3D model", "send a photo of the thing")),
    (0, b"PK\x03\x04", Kind("a ZIP", "send one picture, unpacked")),
    (0, b"7z\xbc\xaf", Kind("a 7-Zip archive", "send one picture, unpacked")),
    (0, b"Rar!", Kind("a RAR archive", "send one picture, unpacked")),
    (0, b"\x1f\x8b", Kind("a gzip file", "send the picture, unpacked")),
)
"""Place, mark and kind, the more special first."""

_AVIF_BRANDS = frozenset({b"avif", b"avis", b"avio"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_HEIF_BRANDS = frozenset({b"mif1", b"mif2", b"msf1", b"miaf", b"MiHB", b"MiHE"})
"""Brands of ISO/IEC 23008-12 (HEIF), annexes B to E, and of the AVIF specification, section 8."""

_MOST_BRANDS = 64
_HEAD_BYTES = 512
_TEXT_BYTES = frozenset((9, 10, 13, *range(32, 127), *range(128, 256)))


def kind_of(data: bytes) -> Kind:
    """What a file seems to be that is no JPEG, PNG or WebP."""
    if not data:
        return EMPTY
    if data[4:8] == b"ftyp":
        return _by_brands(data)
    for place, mark, kind in _MARKS:
        if data[place : place + len(mark)] == mark:
            return kind
    head = data[:_HEAD_BYTES]
    if all(byte in _TEXT_BYTES for byte in head):
        return _text(head.lstrip(b"\xef\xbb\xbf \t\r\n").lower())
    return Kind(f"a file that begins with {data[:4].hex(' ')}", "")


def _by_brands(data: bytes) -> Kind:
    """The kind of an ISO base media file, by the brands of its first box (ISO/IEC 14496-12, 4.3).

    A still picture's major brand may name its structure alone (``mif1``) and leave the codec to the compatible ones.
    """
    (size,) = struct.unpack_from(">I", data)
    listed = data[16 : min(size, 16 + 4 * _MOST_BRANDS)] if size else data[16 : 16 + 4 * _MOST_BRANDS]
    major = data[8:12]
    brands = {major, *(listed[at : at + 4] for at in range(0, len(listed), 4))}
    for names, kind in ((_AVIF_BRANDS, AVIF), (_HEIC_BRANDS, HEIC)):
        if major in names:
            return kind
    if major == b"crx ":
        return RAW
    if major in _HEIF_BRANDS or brands <= _HEIF_BRANDS | _AVIF_BRANDS | _HEIC_BRANDS:
        for names, kind in ((_AVIF_BRANDS, AVIF), (_HEIC_BRANDS, HEIC)):
            if brands & names:
                return kind
        return HEIF
    return VIDEO


def _text(head: bytes) -> Kind:
    if head.startswith(b"<svg") or (head.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in head):
        return SVG
    if head.startswith((b"<!doctype html", b"<html", b"<head")):
        return WEB_PAGE
    return TEXT
