"""What is behind the things of a made scene: made rooms, papered studios, and crops of photographs out of focus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from quality.split import is_reserved
from services.segment.scenery.scene import build
from services.segment.scenery.words import read

Floats = NDArray[np.float32]

ROOMS = (
    "wooden table in a sunlit kitchen",
    "concrete floor, minimal studio",
    "green meadow in summer",
    "dark marble in a cafe at night",
    "white marble countertop in a bright kitchen",
    "sandy beach at sunset",
    "oak floor in a living room",
    "grey pavement in a city street",
    "snow in the mountains",
    "black slate, moody studio",
    "linen cloth by a window",
    "forest floor in autumn",
    "bricks and concrete, loft",
    "desk in an office",
    "pastel pink studio",
    "rooftop at dusk",
)


@dataclass(frozen=True)
class Backdrop:
    """A background.

    Attributes:
        rgb: (h, w, 3) float32, 0..1 sRGB.
        ground: where the floor begins, share of the height from the top.
    """

    rgb: Floats
    ground: float


def rooms(part: str) -> list[str]:
    """Words of the rooms of a part: ``tune`` or ``unseen``."""
    return [words for words in ROOMS if is_reserved(words) == (part == "unseen")]


def photographs(folder: Path | None, part: str) -> list[Path]:
    """Photographs of a part."""
    found = [] if folder is None else sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))
    return [path for path in found if is_reserved(path.stem) == (part == "unseen")]


def room(words: str, size: tuple[int, int], rng: np.random.Generator) -> Backdrop:
    """A painted place."""
    scene = build(read(words), size[0], size[1], int(rng.integers(1 << 30)))
    ground = 0.6 if scene.horizon is None else float(scene.horizon)
    return Backdrop(np.asarray(scene.picture, np.float32) / 255, min(0.85, ground))


def photograph(path: Path, size: tuple[int, int], rng: np.random.Generator) -> Backdrop:
    """A crop of a photograph, mostly out of focus."""
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width = picture.shape[:2]
    share = rng.uniform(0.25, 0.6)
    across, down = int(share * width), int(share * height)
    left, top = rng.integers(0, width - across + 1), rng.integers(0, height - down + 1)
    crop = cv2.resize(picture[top : top + down, left : left + across], size, interpolation=cv2.INTER_CUBIC)
    blurred = cv2.GaussianBlur(crop, (0, 0), float(rng.uniform(6.0, 24.0)) * max(size) / 768)
    return Backdrop(np.asarray(blurred, np.float32) / 255, float(rng.uniform(0.35, 0.7)))


def studio(size: tuple[int, int], rng: np.random.Generator, tone: float | None = None) -> Backdrop:
    """A wall and a floor with a soft or a hard seam, of plain paper, tiles, planks, stripes or noise."""
    width, height = size
    ground = float(rng.uniform(0.35, 0.75))
    y = np.arange(height, dtype=np.float32)[:, None] / height
    wall = _tone(rng, tone)
    floor = wall * rng.uniform(0.8, 1.1) if rng.random() < 0.5 else _tone(rng, tone)
    seam = 1 / (1 + np.exp(-(y - ground) * rng.choice([20.0, 60.0, 400.0])))
    rgb = wall[None, None] * (1 - seam[..., None]) + floor[None, None] * seam[..., None]
    rgb = np.repeat(rgb, width, axis=1) if rgb.shape[1] == 1 else rgb
    rgb = rgb * _paper(size, ground, rng)[..., None]
    x = np.arange(width, dtype=np.float32)[None] / width
    light = 1 + rng.uniform(-0.3, 0.3) * (x - 0.5) + rng.uniform(-0.3, 0.3) * (y - 0.5)
    rgb = rgb * light[..., None] + rng.normal(0, rng.uniform(0.0, 0.02), (height, width, 1))
    return Backdrop(np.clip(rgb, 0, 1).astype(np.float32), ground)


def _tone(rng: np.random.Generator, tone: float | None) -> Floats:
    grey = rng.uniform(0.12, 0.97) if tone is None else tone
    tint = 0.0 if tone is not None else rng.choice([0.0, 0.05, 0.25])
    return np.asarray(np.clip(grey + tint * rng.normal(size=3), 0.03, 1.0), np.float32)


def _paper(size: tuple[int, int], ground: float, rng: np.random.Generator) -> Floats:
    """A pattern of the wall, and the floor's in perspective, about 1."""
    width, height = size
    kind = rng.choice(["plain", "plain", "plain", "stripes", "tiles", "speckle"])
    if kind == "plain":
        return np.ones((height, width), np.float32)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32) / width, np.arange(height, dtype=np.float32) / height)
    depth = np.maximum(y - ground + 0.12, 0.05)
    u, v = np.where(y > ground, (x - 0.5) / depth * 0.3, x), np.where(y > ground, 0.3 / depth, y)
    strength, pitch = rng.uniform(0.05, 0.35), rng.uniform(6, 26)
    if kind == "stripes":
        wave = np.sin(2 * np.pi * pitch * (v if rng.random() < 0.5 else u))
        return np.asarray(1 - strength * (wave > 0), np.float32)
    if kind == "tiles":
        seam = (np.mod(u * pitch, 1) < 0.06) | (np.mod(v * pitch, 1) < 0.06)
        return np.asarray(1 - strength * seam, np.float32)
    noise = cv2.GaussianBlur(rng.normal(size=(height, width)).astype(np.float32), (0, 0), float(rng.uniform(1, 12)))
    return np.asarray(1 + strength * 0.5 * noise / max(1e-6, float(noise.std())), np.float32)
