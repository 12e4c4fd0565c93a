"""Picture files as phones, cameras and editors write them, small and made from code: for tests, fuzzing and trials."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.imaging.png import SIGNATURE

SRGB_COLUMNS = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))
"""sRGB's primaries adapted to D50, as in every sRGB ICC profile: red, green, blue."""
P3_COLUMNS = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
"""Display P3's."""


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file of a picture."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def scene(width: int = 160, height: int = 120, *, grain: int = 0) -> Image.Image:
    """A smooth picture whose four corners differ: red, green, blue and white.

    Args:
        width: pixels.
        height: pixels.
        grain: most levels of noise, the same at each call.
    """
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    corners = np.array([[[220, 20, 20], [20, 200, 20]], [[20, 20, 220], [240, 240, 240]]], np.float64)
    top = corners[0, 0] * (1 - x)[..., None] + corners[0, 1] * x[..., None]
    bottom = corners[1, 0] * (1 - x)[..., None] + corners[1, 1] * x[..., None]
    picture = top * (1 - y)[..., None] + bottom * y[..., None]
    if grain:
        picture = picture + np.random.default_rng(0).integers(-grain, grain + 1, picture.shape)
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """A JPEG with one more segment behind its start (such as 0xE1 with XMP)."""
    return jpeg[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def video(size: int) -> bytes:
    """Bytes like an MP4's: boxes, then data in which JPEG's markers stand by chance."""
    head = struct.pack(">I", 24) + b"ftypmp42\0\0\0\0mp42isom" + struct.pack(">I", size) + b"mdat"
    return head + np.random.default_rng(1).integers(0, 256, size, np.uint8).tobytes()


def motion_photo(jpeg: bytes, video_bytes: int = 1_000_000) -> bytes:
    """A still with a film behind its end, as Android's and Samsung's cameras write it (Samsung: with a trailer)."""
    film = video(video_bytes)
    xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><rdf:Description GCamera:MotionPhoto='1'/></x:xmpmeta>"
    trailer = b"MotionPhoto_Data" + film + b"SEFH" + struct.pack("<III", 107, 1, 0) + bytes(12)
    return with_segment(jpeg, 0xE1, xmp) + trailer + struct.pack("<I", 28) + b"SEFT"


def multi_picture(jpegs: Sequence[bytes]) -> bytes:
    """Pictures in one file (CIPA DC-007, as MPO, and as Ultra HDR's base and gain map)."""
    first = jpegs[0]
    size_of_index = 8 + 2 + 3 * 12 + 4 + 16 * len(jpegs)
    sizes = [len(first) + size_of_index + 8, *(len(jpeg) for jpeg in jpegs[1:])]
    entries, at = b"", 0
    for place, size in enumerate(sizes):
        entries += struct.pack(">IIIHH", 0x030000 if place == 0 else 0, size, at and at - 8, 0, 0)
        at += size
    tags = struct.pack(">HHI4s", 0xB000, 7, 4, b"0100") + struct.pack(">HHII", 0xB001, 4, 1, len(jpegs))
    tags += struct.pack(">HHII", 0xB002, 7, len(entries), 8 + 2 + 3 * 12 + 4)
    index = b"MM\0*" + struct.pack(">IH", 8, 3) + tags + struct.pack(">I", 0) + entries
    return with_segment(first, 0xE2, b"MPF\0" + index) + b"".join(jpegs[1:])


def chunk(name: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with further chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def raw_png(
    pixels: NDArray[Any], depth: int, color_type: int, *chunks: bytes, clear: bytes = b"", palette: bytes = b""
) -> bytes:
    """A PNG of any depth and colour type, with a tRNS chunk.

    Args:
        pixels: (h, w) or (h, w, channels); one value a sample.
        depth: 1, 2, 4, 8 or 16 bits a sample.
        color_type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        chunks: put behind the header.
        clear: content of tRNS.
        palette: content of PLTE.
    """
    height, width = pixels.shape[:2]
    rows = pixels.reshape(height, -1)
    if depth == 16:
        lines = [row.astype(">u2").tobytes() for row in rows]
    else:
        bits = np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - depth :].reshape(height, -1)
        lines = [np.packbits(row).tobytes() for row in bits]
    body = zlib.compress(b"".join(b"\0" + line for line in lines))
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0))
    parts = [head, *chunks]
    if palette:
        parts.append(chunk(b"PLTE", palette))
    if clear:
        parts.append(chunk(b"tRNS", clear))
    return SIGNATURE + b"".join([*parts, chunk(b"IDAT", body), chunk(b"IEND", b"")])


def gamma_curve(gamma: float) -> bytes:
    """A curve tag: one exponent."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def table_curve(values: Sequence[float]) -> bytes:
    """A curve tag: a table of light, 0..1, at even steps."""
    return b"curv\0\0\0\0" + struct.pack(f">I{len(values)}H", len(values), *(round(65535 * value) for value in values))


def parametric_curve(gamma: float, *more: float) -> bytes:
    """A curve tag: ICC's functions 0 (gamma alone) and 3 (gamma, a, b, c, d)."""
    numbers = (gamma, *more)
    kind = {1: 0, 3: 1, 4: 2, 5: 3, 7: 4}[len(numbers)]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(numbers)}i", kind, 0, *(round(65536 * value) for value in numbers))


def display_profile(curve: bytes, name: str = "a display", columns: Sequence[Sequence[float]] = SRGB_COLUMNS) -> bytes:
    """An ICC profile of three primaries and one curve.

    Args:
        curve: of all three channels.
        name: what it calls itself.
        columns: XYZ of red, green and blue, adapted to D50.
    """
    xyz = [b"XYZ \0\0\0\0" + b"".join(map(_fixed, column)) for column in columns]
    text = name.encode() + b"\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78
    white = b"XYZ \0\0\0\0" + b"".join(map(_fixed, (0.9642, 1.0, 0.8249)))
    tags = [(b"desc", description), (b"wtpt", white), (b"cprt", b"text\0\0\0\0none\0")]
    tags += list(zip((b"rXYZ", b"gXYZ", b"bXYZ"), xyz, strict=True))
    tags += [(key, curve) for key in (b"rTRC", b"gTRC", b"bTRC")]
    return _profile(b"RGB ", tags)


def grey_profile(curve: bytes) -> bytes:
    """An ICC profile of one grey channel."""
    white = b"XYZ \0\0\0\0" + b"".join(map(_fixed, (0.9642, 1.0, 0.8249)))
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + b"\0" * 78
    return _profile(b"GRAY", [(b"desc", text), (b"wtpt", white), (b"cprt", b"text\0\0\0\0none\0"), (b"kTRC", curve)])


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _profile(space: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    table, bodies, at = b"", b"", 128 + 4 + 12 * len(tags)
    for key, unpadded in tags:
        body = unpadded + b"\0" * (-len(unpadded) % 4)
        table += key + struct.pack(">II", at, len(body))
        bodies += body
        at += len(body)
    head = struct.pack(">I4sI4s4s4s", at, b"lcms", 0x04200000, b"mntr", space, b"XYZ ") + b"\0" * 12 + b"acsp"
    head = (head + b"\0" * 28)[:68] + b"".join(map(_fixed, (0.9642, 1.0, 0.8249)))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + bodies
