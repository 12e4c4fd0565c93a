"""What people send by mistake: files of other kinds, by name, with what to do about it."""

from __future__ import annotations

import codecs
import re
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
ZEROS = Kind("a file of zeros", "it was not written or not downloaded to its end")
SOUND = Kind("a sound", "send a photo of the thing")
PROGRAM = Kind("a program", "send a photo of the thing")
BASE64 = Kind("Base64 text", "send the bytes that it stands for: a form's file is not encoded")
DATA_URL = Kind("a data: URL", BASE64.advice)
URL = Kind("a URL", "send the picture's own bytes")
JSON = Kind("JSON", "send the picture's own bytes")
XML = Kind("an XML document", "send the picture itself; a storage that refuses answers in XML")
LFS_POINTER = Kind("a pointer of Git LFS", "send the file that it stands for (git lfs pull)")
READ_AS_TEXT = Kind(
    "a picture whose bytes were replaced when it was read as text", "read the file as binary, and send its own bytes"
)

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
    (0, b"II\x1a\0\0\0HEAPCCDR", RAW),
    (0, b"FOVb", RAW),
    (0, b"\0MRM", RAW),
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
    (0, b"FLIF", Kind("a FLIF")),
    (0, b"BPG\xfb", Kind("a BPG")),
    (0, b"II\xbc", Kind("a JPEG XR")),
    (0, b"\xff\x10\xff\x50", Kind("a JPEG XS")),
    (0, b"\x8aMNG\r\n\x1a\n", Kind("a MNG")),
    (0, b"\x8bJNG\r\n\x1a\n", Kind("a JNG")),
    (0, b"icns", Kind("an icon (ICNS)")),
    (0, b"DDS ", Kind("a DDS texture")),
    (0, b"\xabKTX ", Kind("a KTX texture")),
    (0, b"gimp xcf", Kind("a GIMP file")),
    (0, b"\x01\xda", Kind("an SGI picture")),
    (0, b"\x0a\x05\x01", Kind("a PCX")),
    (0, b"SIMPLE  =", Kind("a FITS")),
    (128, b"DICM", Kind("a DICOM")),
    (0, b"\xd7\xcd\xc6\x9a", Kind("a Windows metafile", "export it as PNG")),
    (40, b" EMF", Kind("a Windows metafile", "export it as PNG")),
    (0, b"\0\x05\x16\x07", Kind("macOS's note about a file", "send the file whose name has no '._' before it")),
    (0, b"\xd0\xcf\x11\xe0", Kind("an Office document", "export the picture as JPEG")),
    (0, b"\x1aE\xdf\xa3", VIDEO),
    (8, b"AVI ", VIDEO),
    (4, b"moov", VIDEO),
    (4, b"mdat", VIDEO),
    (0, b"FLV\x01", VIDEO),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", VIDEO),
    (0, b"\0\0\x01\xba", VIDEO),
    (0, b"\0\0\x01\xb3", VIDEO),
    (0, b"ID3", SOUND),
    (0, b"fLaC", SOUND),
    (0, b"OggS", Kind("an Ogg sound or video", _FRAME)),
    (8, b"WAVE", SOUND),
    (0, b"MZ", PROGRAM),
    (0, b"\x7fELF", PROGRAM),
    (0, b"version https://git-lfs", LFS_POINTER),
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
_MOST_SHIFT = 16
"""Bytes before a picture: line ends, spaces and marks that a script wrote before it."""
_NETPBM = re.compile(rb"P[1-7f][\s#]")
_TEXTS = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), kind)
    for pattern, kind in (
        (rb"data:", DATA_URL),
        (rb"https?://", URL),
        (rb"<svg|(<\?xml|<!--|<!doctype svg).*<svg", SVG),
        (rb"<!doctype html|<html|<head", WEB_PAGE),
        (rb"<\?xml", XML),
        (rb"[{\[]\s*[\"{\[]", JSON),
        (rb"[a-z0-9+/_\-\r\n]{40,}={0,2}\s*\Z", BASE64),
    )
)
"""How texts begin, the more special first."""
_REPLACED = b"\xef\xbf\xbd"
"""U+FFFD in UTF-8: stands where bytes were that are no text."""
_DOUBLED = (b"\xc3\xbf\xc3\x98\xc3\xbf", b"\xc2\x89PNG")
"""The first bytes of a JPEG and a PNG, each taken for a character and written in UTF-8."""
_HEAD_BYTES = 512
_TEXT_BYTES = frozenset((9, 10, 13, *range(32, 127), *range(128, 256)))


def kind_of(data: bytes) -> Kind:
    """What a file seems to be that is no JPEG, PNG or WebP."""
    if not data:
        return EMPTY
    if data[4:8] == b"ftyp":
        return _by_brands(data)
    head = data[:_HEAD_BYTES]
    found = _by_marks(data) or _by_damage(head) or _by_text(head)
    return found or Kind(f"a file that begins with {data[:4].hex(' ')}", "")


def _by_marks(data: bytes) -> Kind | None:
    for place, mark, kind in _MARKS:
        if data[place : place + len(mark)] == mark:
            return kind
    if _NETPBM.match(data):
        return Kind("a Netpbm picture (PPM, PGM, PBM)")
    # Packets of an MPEG transport stream.
    return VIDEO if data[:1] == data[188:189] == b"G" else None


def _by_damage(head: bytes) -> Kind | None:
    """A picture that went wrong on its way."""
    if head.startswith((_REPLACED, *_DOUBLED)) or (b"WEBPVP8" in head and _REPLACED in head):
        return READ_AS_TEXT
    return _shifted(head) if any(head) else ZEROS


def _by_text(head: bytes) -> Kind | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not len(head) % 2:
        head = head.decode("utf-16", "replace").encode()
    if not all(byte in _TEXT_BYTES for byte in head):
        return None
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((kind for pattern, kind in _TEXTS if pattern.match(text)), TEXT)


def _shifted(head: bytes) -> Kind | None:
    """A picture that does not begin at the file's first byte, or whose line ends were changed."""
    if head.startswith((b"\x89PNG\n", b"\x89PNG\r\r\n", b"\x89PNG\r\n\x1a\r\n", b"\x89PNG\r\n\n")):
        return Kind("a PNG whose line ends were changed on its way", READ_AS_TEXT.advice)
    for mark, name in ((b"\xff\xd8\xff", "a JPEG"), (b"\x89PNG\r\n\x1a\n", "a PNG"), (b"WEBPVP8", "a WebP")):
        at = head.find(mark, 1) - (8 if mark.startswith(b"WEBP") else 0)
        if 0 < at <= _MOST_SHIFT:
            return Kind(f"{name} with {at} other bytes before it", "send the file from its first byte")
    return None


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
