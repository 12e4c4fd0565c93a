"""Made scenes of things whose boxes are known: cutouts put on tables, apart, touching, or one before the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data as photographs

from lensora.core.boxes import Box

SIZE = (768, 1024)
"""Height and width of a scene, pixels."""

KINDS = ("single", "apart", "touching", "overlapping", "empty")

LOOSE_IOU, TIGHT_IOU = 0.5, 0.75
"""A box is right if it overlaps the true one this much: about, and tightly."""

OPAQUE = 127
"""Alpha over which a cutout's pixel belongs to it."""

LEAST_SIDE_PX = 24
"""Cutouts smaller than this are scraps."""

GAP = (0.03, 0.08)
TOUCH = (-0.01, 0.006)
"""Room between neighbours as a share of the scene's width: apart, and touching."""

HIDDEN = (0.1, 0.4)
"""Share of a thing that the one before it hides, in the scenes where they overlap."""

MOST_TOUCHING_HIDDEN = 0.06
"""In the scenes where they touch, a thing hides no more than this of another."""

MOST_TRIES = 60

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Thing:
    """A cutout, cropped to what can be seen: (h, w, 4) uint8, straight alpha."""

    name: str
    rgba: Picture


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture, and of what is to be seen of each thing in it the boxes, as fractions, and the pixels, (h, w) bool."""

    kind: str
    rgb: Picture
    names: tuple[str, ...]
    boxes: tuple[Box, ...]
    masks: tuple[NDArray[np.bool_], ...]


def load_things(folder: Path) -> list[Thing]:
    """Cutouts under a folder: PNG files with alpha, and every ``input.png`` that has a ``mask.png`` beside it."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        mask = path.with_name("mask.png")
        masked = path.name == "input.png" and mask.exists()
        with Image.open(path) as picture:
            if path.name == "mask.png" or not (masked or "A" in picture.getbands()):
                continue
            rgba = np.asarray(picture.convert("RGBA")).copy()
        if masked:
            with Image.open(mask) as opaque:
                rgba[..., 3] = np.asarray(opaque.getchannel("A") if "A" in opaque.getbands() else opaque.convert("L"))
        thing = _cropped(path.parent.name if masked else path.stem, rgba)
        if thing is not None:
            found.append(thing)
    return found


def _cropped(name: str, rgba: Picture) -> Thing | None:
    """The cutout without its empty border; None for scraps, and for pictures that are opaque throughout."""
    opaque = rgba[..., 3] > OPAQUE
    if opaque.all() or not opaque.any():
        return None
    left, top, right, bottom = _bounds(opaque)
    window = np.ascontiguousarray(rgba[top:bottom, left:right])
    return Thing(name, window) if min(window.shape[:2]) >= LEAST_SIDE_PX else None


def compose(kind: str, things: Sequence[Thing], rng: np.random.Generator) -> Scene:
    """One scene: a background, and the things that its kind asks for, with soft shadows."""
    canvas = BACKGROUNDS[int(rng.integers(len(BACKGROUNDS)))](rng)
    count = {"empty": 0, "single": 1}.get(kind, int(rng.integers(2, 5)))
    chosen = [things[index] for index in rng.permutation(len(things))[:count]]
    pictures = [_sized(thing, count, rng) for thing in chosen]
    names: list[str] = []
    shown: list[NDArray[np.bool_]] = []
    for thing, rgba in zip(chosen, pictures, strict=True):
        spot = _spot(kind, rgba, shown, rng)
        if spot is not None:
            canvas, opaque = _pasted(canvas, rgba, spot)
            names.append(thing.name)
            shown = [mask & ~opaque for mask in shown] + [opaque]
    rgb = (cv2.GaussianBlur(canvas, (0, 0), 0.7) + rng.normal(0, 2.0, (*SIZE, 1))).clip(0, 255).astype(np.uint8)
    return Scene(kind, rgb, tuple(names), tuple(_fractions(_bounds(mask)) for mask in shown), tuple(shown))


def _sized(thing: Thing, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """The cutout at a size that leaves room for the others, as (h, w, 4) float32, alpha in 0..1."""
    height, width = thing.rgba.shape[:2]
    share = rng.uniform(0.3, 0.62) if count <= 2 else rng.uniform(0.26, 0.42)
    scale = share * SIZE[0] / max(height, width)
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    picture = cv2.resize(thing.rgba, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    picture[..., :3] *= rng.uniform(0.85, 1.1)
    picture[..., 3] /= 255
    return picture[:, ::-1] if rng.random() < 0.5 else picture


def _spot(
    kind: str, rgba: NDArray[np.float32], shown: Sequence[NDArray[np.bool_]], rng: np.random.Generator
) -> tuple[int, int] | None:
    """Left and top for one more thing: later ones stand nearer, so they hide what is behind them."""
    height, width = rgba.shape[:2]
    opaque = rgba[..., 3] > 0.5
    taken = np.logical_or.reduce(list(shown)) if shown else np.zeros(SIZE, np.bool_)
    for _try in range(MOST_TRIES):
        bottom = int(rng.uniform(0.55, 0.75) * SIZE[0]) if not shown else int(rng.uniform(0.6, 0.97) * SIZE[0])
        top = bottom - height
        left = int(rng.uniform(0.02, 0.98) * SIZE[1] - width / 2)
        if shown and kind != "apart":
            # Beside or before the one that was put last.
            x1, _y1, x2, y2 = _bounds(shown[-1])
            top = min(SIZE[0], y2 + int(rng.uniform(0, 0.12) * SIZE[0])) - height
            gap = int(rng.uniform(*TOUCH) * SIZE[1]) if kind == "touching" else -int(rng.uniform(0, 0.6) * (x2 - x1))
            left = x2 + gap if rng.random() < 0.5 else x1 - gap - width
        if min(left, top) < 0 or left + width > SIZE[1] or top + height > SIZE[0]:
            continue
        if not shown:
            return left, top
        mask = np.zeros(SIZE, np.bool_)
        mask[top : top + height, left : left + width] = opaque
        hidden = [float(np.count_nonzero(mask & other)) / np.count_nonzero(other) for other in shown]
        if kind == "apart":
            reach = int(rng.uniform(*GAP) * SIZE[1])
            near = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0
            if not (near & taken).any():
                return left, top
        else:
            low, high = HIDDEN if kind == "overlapping" else (0.0, MOST_TOUCHING_HIDDEN)
            if low <= hidden[-1] and max(hidden) <= high:
                return left, top
    return None


def _pasted(
    canvas: NDArray[np.float32], rgba: NDArray[np.float32], spot: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The canvas with the thing and its shadow, and where the thing is."""
    left, top = spot
    height, width = rgba.shape[:2]
    window = (slice(top, top + height), slice(left, left + width))
    alpha = np.zeros(SIZE, np.float32)
    alpha[window] = rgba[..., 3]
    low = np.roll(alpha, round(0.03 * height), axis=0)
    shade = 0.4 * cv2.GaussianBlur(low, (0, 0), 0.03 * max(height, width)) * (1 - alpha)
    canvas = canvas * (1 - shade[..., None])
    canvas[window] = canvas[window] * (1 - rgba[..., 3:]) + rgba[..., :3] * rgba[..., 3:]
    return canvas, alpha > 0.5


def _bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _fractions(bounds: tuple[int, int, int, int]) -> Box:
    x1, y1, x2, y2 = bounds
    return Box(x1 / SIZE[1], y1 / SIZE[0], x2 / SIZE[1], y2 / SIZE[0])


def _color(rng: np.random.Generator, low: float, high: float) -> NDArray[np.float32]:
    level = rng.uniform(low, high)
    return np.asarray((level + rng.uniform(-25, 25, 3)).clip(0, 255), np.float32)


def _studio(rng: np.random.Generator) -> NDArray[np.float32]:
    """A plain wall that gets darker towards the edge."""
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    away = np.hypot(x / SIZE[1] - rng.uniform(0.3, 0.7), y / SIZE[0] - rng.uniform(0.2, 0.6))
    return np.asarray(_color(rng, 150, 240) * (1 - 0.35 * away[..., None]), np.float32)


def _table(rng: np.random.Generator) -> NDArray[np.float32]:
    """A table with grain before a wall."""
    canvas = _studio(rng)
    edge = int(rng.uniform(0.35, 0.55) * SIZE[0])
    grain = cv2.GaussianBlur(rng.normal(0, 60, SIZE).astype(np.float32), (0, 0), sigmaX=30, sigmaY=1.2)
    canvas[edge:] = (_color(rng, 70, 190) + 3 * grain[..., None])[edge:]
    return canvas


def _tiles(rng: np.random.Generator) -> NDArray[np.float32]:
    """A tiled floor in perspective before a wall."""
    canvas = _studio(rng)
    edge = int(rng.uniform(0.25, 0.4) * SIZE[0])
    y, x = np.mgrid[0 : SIZE[0], 0 : SIZE[1]]
    depth = 60.0 / np.maximum(1, y - edge + 40)
    across = (x / SIZE[1] - 0.5) * depth * 9
    pattern = (np.floor(across + 50) + np.floor(depth * 14)) % 2
    floor = np.where(pattern[..., None] > 0, _color(rng, 160, 230), _color(rng, 60, 150))
    canvas[edge:] = floor[edge:]
    return canvas


def _photographed(picture: Callable[[], Picture]) -> Callable[[np.random.Generator], NDArray[np.float32]]:
    """A photographed texture, tinted."""

    def make(rng: np.random.Generator) -> NDArray[np.float32]:
        gray = cv2.resize(picture(), (SIZE[1], SIZE[0]), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        return np.asarray(gray[..., None] / max(1.0, float(gray.mean())) * _color(rng, 90, 170), np.float32)

    return make


BACKGROUNDS: tuple[Callable[[np.random.Generator], NDArray[np.float32]], ...] = (
    _studio,
    _table,
    _table,
    _tiles,
    _photographed(photographs.grass),
    _photographed(photographs.gravel),
    _photographed(photographs.brick),
)
"""What things stand on. The textures are scikit-image's."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What was there, what was proposed, and how much of both meet."""

    things: int = 0
    boxes: int = 0
    loose: int = 0
    tight: int = 0

    def with_scene(self, scene: Scene, found: Sequence[Box]) -> Tally:
        """The tally with one more scene."""
        return Tally(
            self.things + len(scene.boxes),
            self.boxes + len(found),
            self.loose + hits(scene.boxes, found, LOOSE_IOU),
            self.tight + hits(scene.boxes, found, TIGHT_IOU),
        )


def hits(true: Sequence[Box], found: Sequence[Box], least_iou: float) -> int:
    """How many true boxes have a box of their own that overlaps them this much; the best pairs first."""
    pairs = sorted(((t.iou(f), i, j) for i, t in enumerate(true) for j, f in enumerate(found)), reverse=True)
    met: set[int] = set()
    used: set[int] = set()
    for iou, i, j in pairs:
        if iou >= least_iou and i not in met and j not in used:
            met.add(i)
            used.add(j)
    return len(met)
