"""What a hostile file costs: time to refuse it, memory to decode it."""

from __future__ import annotations

import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lensora.core.errors import Cancelled, InvalidImage, Overloaded
from lensora.imaging.budget import LEAST_BYTES, MemoryBudget, decode_bytes
from lensora.imaging.header import read_header
from lensora.imaging.png import SIGNATURE
from lensora.testing.pictures import chunk, raw_png, saved, scene

SIZE = 20_000_000
JPEG = saved(scene(320, 240), "JPEG")
PROGRESSIVE = saved(scene(320, 240), "JPEG", progressive=True)


def filled(start: bytes, pattern: bytes) -> bytes:
    """The largest file that begins with one thing and goes on with another."""
    return start + pattern * ((SIZE - len(start)) // len(pattern))


def many_scans(width: int, height: int, count: int) -> bytes:
    """A progressive JPEG of 300 KB that claims a size and goes over it again and again."""
    data = bytearray(PROGRESSIVE[:-2])
    at = data.index(b"\xff\xc2")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data) + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\x00" * count + bytes(250_000) + b"\xff\xd9"


HOSTILE: dict[str, Callable[[], bytes]] = {
    "restarts": lambda: filled(b"\xff\xd8\xff", b"\xd0\xff"),
    "restarts in a scan": lambda: filled(JPEG[:-2], b"\xff\xd0"),
    "fill bytes": lambda: filled(b"\xff\xd8\xff", b"\xff"),
    "stray bytes": lambda: filled(b"\xff\xd8\xff\xd0", b"\0"),
    "short segments": lambda: filled(b"\xff\xd8", b"\xff\xe1\0\2"),
    "short segments in a scan": lambda: filled(JPEG[:-2], b"\xff\xe1\0\2"),
    "scans": lambda: filled(JPEG[:-2], b"\xff\xda"),
    "scans of a large picture": lambda: many_scans(7000, 7000, 60),
    "no marker ever": lambda: filled(b"\xff\xd8\xff\xe0\0\2", b"\x55"),
    "EXIF directory": lambda: JPEG[:2] + b"\xff\xe1\xff\xffExif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(65_600) + b"\1",
    "PNG chunks": lambda: filled(raw_png(np.zeros((64, 64)), 8, 0)[:33], chunk(b"tEXt", b"")),
    "PNG picture chunks": lambda: filled(raw_png(np.zeros((64, 64)), 8, 0)[:33], chunk(b"IDAT", b"")),
    "WebP chunks": lambda: filled(b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x3f\0\0\x3f\0\0", b"XXXX\0\0\0\0"),
    "WebP frames": lambda: filled(
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\x3f\0\0\x3f\0\0", b"ANMF\x10\0\0\0" + bytes(16)
    ),
    "WebP chunks in a frame": lambda: filled(
        b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\x3f\0\0\x3f\0\0"
        + (b"ANMF" + struct.pack("<I", SIZE - 38 - 6) + bytes(16)),
        b"XXXX\0\0\0\0",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_within_fifty_milliseconds(name: str) -> None:
    """Of the process's own time, the best of three; nothing is decoded for it."""
    data = HOSTILE[name]()
    times = []
    for _ in range(3):
        started = time.process_time()
        try:
            read_header(data)
        except InvalidImage as error:
            refused = error.message
        else:
            # Restarts and metadata are no fault by themselves: then reading must be as cheap.
            refused = ""
        times.append(time.process_time() - started)
    assert min(times) <= 0.05, (name, times, refused)
    assert refused or name in ("restarts in a scan", "EXIF directory")


HUGE = (8160, 6144)
LARGE = (4080, 3072)


def png_of(size: tuple[int, int], depth: int, color_type: int, rows: Callable[[int], bytes], *chunks: bytes) -> bytes:
    """A PNG whose rows are packed one by one."""
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(b"\0" + rows(y)) for y in range(size[1])) + packer.flush()
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", *size, depth, color_type, 0, 0, 0)), *chunks]
    return SIGNATURE + b"".join([*parts, chunk(b"IDAT", body), chunk(b"IEND", b"")])


def clear_png() -> bytes:
    """50 megapixels, clear nearly everywhere, in less than a megabyte."""
    empty = bytes(4 * HUGE[0])
    seen = bytearray(empty)
    seen[4 * 400 : 4 * 900] = bytes((200, 30, 30, 255)) * 500
    return png_of(HUGE, 8, 6, lambda y: bytes(seen) if 300 < y < 800 else empty)


def deep_png() -> bytes:
    """16 bits a channel, with a transparent colour."""
    row = bytes(6 * LARGE[0])
    return png_of(LARGE, 16, 2, lambda _y: row, chunk(b"tRNS", b"\0\1" * 3))


def tiny_webp() -> bytes:
    """With alpha, in a few bytes of lossless WebP: one colour, all codes of one symbol."""
    bits = (LARGE[0] - 1 | LARGE[1] - 1 << 14 | 1 << 28).to_bytes(4, "little")
    body = b"\x2f" + bits + bytes.fromhex("88880888000000000000")
    padded = body + b"\0" * (len(body) % 2)
    return b"RIFF" + struct.pack("<I", 12 + len(padded)) + b"WEBPVP8L" + struct.pack("<I", len(body)) + padded


def progressive() -> bytes:
    """Progressive, colour at full resolution: libjpeg keeps every coefficient."""
    return saved(Image.new("RGB", LARGE, (90, 120, 40)), "JPEG", progressive=True, subsampling=0, quality=30)


MEASURE = """
import re, sys
from pathlib import Path
from lensora.core.boxes import Box
from lensora.imaging.photo import decode

def status(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024

import cv2, PIL.JpegImagePlugin, PIL.PngImagePlugin
small = Path(sys.argv[2]).read_bytes()
decode(small, longest_side_px=64)
data = Path(sys.argv[1]).read_bytes()
before = status("VmRSS")
Path("/proc/self/clear_refs").write_text("5")
part = Box(0.03, 0.03, 0.2, 0.2) if sys.argv[3] == "part" else Box(0, 0, 1, 1)
photo = decode(data, longest_side_px=None if sys.argv[3] == "part" else 1024, part=part)
print(status("VmHWM") - before, photo.rgb.shape)
"""


@pytest.mark.parametrize(
    ("make", "view"),
    [(clear_png, "part"), (deep_png, "whole"), (tiny_webp, "whole"), (progressive, "whole"), (progressive, "part")],
)
def test_a_picture_takes_no_more_memory_than_is_set_aside_for_it(tmp_path: Path, make: Any, view: str) -> None:
    """Reduced as for detection, or a part at full size as for a cutout; 400 MB for the largest PNG."""
    path, small = tmp_path / "large", tmp_path / "small"
    data = make()
    path.write_bytes(data)
    small.write_bytes(saved(scene(), "PNG"))
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path, small, view], capture_output=True, text=True, timeout=120, check=True
    )
    peak = int(done.stdout.split()[0])
    counted = decode_bytes(read_header(data), None if view == "part" else 1024)
    assert peak <= counted, (peak, counted)
    assert len(data) <= 1_000_000
    if make is clear_png:
        assert peak <= 400_000_000


def test_the_largest_picture_of_each_kind_fits_into_the_budget() -> None:
    """Whatever is within the limits of a picture, reduced as for detection."""
    png = png_of((64, 64), 8, 6, lambda _y: bytes(256))
    claims = chunk(b"IHDR", struct.pack(">IIBBBBB", *HUGE, 8, 6, 0, 0, 0))
    costs = [decode_bytes(read_header(SIGNATURE + claims + png[33:]), 1024)]
    for image in (scene(96, 64), scene(96, 64).convert("CMYK")):
        jpeg = bytearray(saved(image, "JPEG", progressive=True))
        at = jpeg.index(b"\xff\xc2")
        jpeg[at + 5 : at + 9] = struct.pack(">HH", HUGE[1], HUGE[0])
        costs.append(decode_bytes(read_header(bytes(jpeg)), 1024))
    webp = bytearray(tiny_webp())
    webp[21:25] = (HUGE[0] - 1 | HUGE[1] - 1 << 14 | 1 << 28).to_bytes(4, "little")
    costs.append(decode_bytes(read_header(bytes(webp)), 1024))
    assert max(costs) <= LEAST_BYTES, costs


def test_the_budget_lets_in_what_there_is_room_for() -> None:
    """Two small pictures at once, a large one alone, in the order of asking."""
    budget = MemoryBudget(100)
    order: list[str] = []
    with budget.held(60):
        waiting = threading.Thread(target=lambda: _note(budget, 80, order, "large"))
        waiting.start()
        time.sleep(0.05)
        behind = threading.Thread(target=lambda: _note(budget, 10, order, "small"))
        behind.start()
        time.sleep(0.05)
        assert order == []
    waiting.join(5)
    behind.join(5)
    assert order == ["large", "small"]
    with budget.held(1_000):
        pass


def _note(budget: MemoryBudget, size: int, order: list[str], name: str) -> None:
    with budget.held(size):
        order.append(name)


def test_whoever_has_gone_waits_no_longer_and_a_crowd_is_sent_away_at_once() -> None:
    """A caller that gives up frees its place in the queue; beyond a few budgets' worth, refusing costs nothing."""
    budget = MemoryBudget(100)

    def gone() -> None:
        raise Cancelled("the caller is gone")

    with budget.held(100):
        with pytest.raises(Cancelled), budget.held(100, gone):
            pass
        started = [threading.Thread(target=lambda: _note(budget, 100, [], "")) for _ in range(4)]
        for thread in started:
            thread.start()
        time.sleep(0.1)
        began = time.perf_counter()
        with pytest.raises(Overloaded), budget.held(100):
            pass
        assert time.perf_counter() - began < 0.01
    for thread in started:
        thread.join(5)
