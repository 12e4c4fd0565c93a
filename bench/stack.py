"""A stack of its own for a bench: ``lensora up`` in a fresh home, as a user starts it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps
from skimage import data

PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True)
class Up:
    """A running ``lensora up``: its address, a key, its process id, its job store, and the folder of all its data."""

    base_url: str
    api_key: str
    pid: int
    redis_url: str
    home: Path


@contextmanager
def up(folder: Path | None = None, *, said: Path | None = None, checkout: Path | None = None) -> Iterator[Up]:
    """Start it, and stop it at the end; raises RuntimeError when it does not come up.

    Args:
        folder: holds its home; None for the system's temporary one.
        said: a file that gets every line of its processes; None leaves them in the home's logs alone.
        checkout: another one than this to run the code of.
    """
    environment = os.environ if checkout is None else {**os.environ, "PYTHONPATH": str(checkout)}
    with tempfile.TemporaryDirectory(prefix="lensora-bench-", dir=folder) as home:
        command = [
            str(Path(sys.executable).parent / "lensora"),
            "up",
            "--home",
            home,
            "--port",
            "0",
            "--json",
            *([] if said else ["--quiet"]),
        ]
        with (said or Path(os.devnull)).open("w") as lines:
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=lines if said else None,
                text=True,
                env=environment,
                cwd=checkout,
            )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"lensora up ended with status {process.wait()}")
            told = json.loads(line)
            yield Up(told["base_url"], told["api_key"], process.pid, told["redis_url"], Path(home))
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def photos(folder: str | None) -> dict[str, bytes]:
    """The photos of a folder by name, or those named ``input`` of its folders, as the corpus keeps them; without a
    folder, scikit-image's ``coffee`` (CC0). A folder that is away or holds none ends the process, and so does a file
    that is no picture."""
    if folder:
        if not Path(folder).is_dir():
            raise SystemExit(f"--data {folder}: no such folder")
        paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in PHOTO_SUFFIXES)
        samples = sorted(path for path in Path(folder).glob("*/input.*") if path.suffix.lower() in PHOTO_SUFFIXES)
        if not paths and not samples:
            suffixes = ", ".join(sorted(PHOTO_SUFFIXES))
            raise SystemExit(f"--data {folder}: no photo in it ({suffixes}), nor a folder with an input of that kind")
        for path in paths or samples:
            refuse_unknown(path)
        return {path.name: path.read_bytes() for path in paths} or {
            path.parent.name: path.read_bytes() for path in samples
        }
    return {"coffee.jpg": jpeg(data.coffee())}


def refuse_unknown(path: Path) -> None:
    """End the process where a file is no picture: the stack would refuse it in the middle of a bench, by no name."""
    try:
        Image.open(path).close()
    except OSError as error:
        raise SystemExit(f"{path}: is no picture, for all its name; take it out of the folder") from error


def jpeg(pixels: np.ndarray, quality: int = 92) -> bytes:
    """RGB pixels (h, w, 3) uint8 as a JPEG file."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()


def unseen(photo: bytes, number: int) -> bytes:
    """The same photo by another bytes and another brightness, 0 to 8 levels: a stack that keeps what it has worked out
    of a picture has to work it out again."""
    if number % 9 == 0:
        return photo
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(photo)))
    kind = "RGBA" if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info else "RGB"
    pixels = np.asarray(picture.convert(kind)).copy()
    pixels[..., :3] = np.minimum(pixels[..., :3].astype(np.int16) + number % 9, 255)
    if kind == "RGB":
        return jpeg(pixels, quality=95)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def photo_of_12_megapixels() -> bytes:
    """``coffee`` enlarged to 4000 x 3000 with a little grain, so that it decodes like a camera's file (about 4 MB)."""
    picture = Image.fromarray(data.coffee()).resize((4000, 3000), Image.Resampling.BICUBIC)
    picture = picture.filter(ImageFilter.UnsharpMask(2, 80))
    grain = np.random.default_rng(7).normal(0, 3, (3000, 4000, 1))
    return jpeg(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8), quality=90)
