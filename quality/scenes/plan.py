"""Which kinds of made scenes there are, how often, and how each is put together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb, srgb_from_linear
from quality.scenes.backdrop import Backdrop, photograph, room, studio
from quality.scenes.dish import served
from quality.scenes.sprite import Sprite
from quality.scenes.stage import Light, Placed, staged

Floats = NDArray[np.float32]

KINDS = {
    "alone": 28,
    "clutter": 12,
    "apart": 12,
    "touching": 10,
    "overlapping": 10,
    "group": 8,
    "faint": 6,
    "white": 4,
    "glass": 7,
    "striped": 6,
    "cut": 7,
    "empty": 4,
}
"""Scenes of each kind in about a hundred."""

ON_REQUEST = {"pair": 1, "set": 1}
"""Kinds that only ``--kinds`` asks for. A pair is the same thing twice, side by side, mostly mirrored; a set is a thing
on a dish, half the time with a smaller one beside it."""

SIZES = ((768, 768), (896, 672), (672, 896))


@dataclass(frozen=True)
class Stock:
    """What scenes of one part are made of."""

    things: list[Sprite]
    glasses: list[Sprite]
    rooms: list[str]
    photographs: list[Path]


@dataclass(frozen=True)
class MadeScene:
    """A picture with its truth.

    Attributes:
        kind: of ``KINDS``.
        rgb: (h, w, 3) uint8 sRGB.
        things: the sprites, farthest first.
        mattes: (h, w) float32 each: what is seen of it.
        cut: for each, True when the frame cuts it.
    """

    kind: str
    rgb: NDArray[np.uint8]
    things: list[Sprite]
    mattes: list[Floats]
    cut: list[bool]


def made(kind: str, stock: Stock, rng: np.random.Generator, scale: int = 1, *, sharp: bool = False) -> MadeScene:
    """One scene of a kind.

    Args:
        kind: of ``KINDS``.
        stock: what it is made of.
        rng: draws.
        scale: so many times as large as usual.
        sharp: as a renderer gives it, without a camera's softness, noise and JPEG.
    """
    width, height = SIZES[rng.integers(len(SIZES))]
    size = (scale * width, scale * height)
    backdrop = _backdrop(kind, stock, size, rng)
    light = Light.drawn(rng)
    if kind == "clutter":
        backdrop = _cluttered(backdrop, stock, light, rng)
    things = _things(kind, stock, backdrop, rng)
    placed = _placed(kind, things[:1] if kind == "set" else things, backdrop, size, rng)
    if kind == "set":
        small = replace(placed[0], sprite=things[1]) if len(things) > 1 else None
        placed = served(placed[0], small, rng)
    picture, mattes = staged(backdrop, placed, light)
    cut = [_cut(matte) for matte in mattes]
    rgb = np.asarray(picture * 255 + 0.5, np.uint8) if sharp else _photographed(picture, rng)
    return MadeScene(kind, rgb, [p.sprite for p in placed], mattes, cut)


def _backdrop(kind: str, stock: Stock, size: tuple[int, int], rng: np.random.Generator) -> Backdrop:
    if kind == "white":
        return studio(size, rng, tone=float(rng.uniform(0.85, 0.98)))
    draw = rng.random()
    if draw < 0.4 and stock.rooms:
        return room(stock.rooms[rng.integers(len(stock.rooms))], size, rng)
    # A photograph of fruit, out of focus, is no empty scene.
    if draw < 0.7 and stock.photographs and kind != "empty":
        return photograph(stock.photographs[rng.integers(len(stock.photographs))], size, rng)
    return studio(size, rng)


def _cluttered(backdrop: Backdrop, stock: Stock, light: Light, rng: np.random.Generator) -> Backdrop:
    """Small things behind, out of focus."""
    size = (backdrop.rgb.shape[1], backdrop.rgb.shape[0])
    behind = []
    for _ in range(int(rng.integers(3, 8))):
        sprite = stock.things[rng.integers(len(stock.things))]
        bottom = rng.uniform(backdrop.ground, min(1.0, backdrop.ground + 0.15)) * size[1]
        behind.append(Placed(sprite, rng.uniform(0, size[0]), bottom, rng.uniform(0.1, 0.3) * size[1]))
    behind.sort(key=lambda placed: placed.bottom)
    picture, _ = staged(backdrop, behind, light)
    return Backdrop(cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(3, 9))), backdrop.ground)


def _things(kind: str, stock: Stock, backdrop: Backdrop, rng: np.random.Generator) -> list[Sprite]:
    count = {"apart": 2, "touching": 2, "overlapping": 2, "empty": 0}.get(kind, 1)
    some = {"group": (3, 5), "set": (1, 3)}.get(kind)
    count = count if some is None else int(rng.integers(*some))
    if kind == "glass":
        return [stock.glasses[rng.integers(len(stock.glasses))]]
    picks = [stock.things[index] for index in rng.choice(len(stock.things), count, replace=False)]
    if kind == "pair":
        return [picks[0], _fellow(picks[0], rng)]
    if kind == "faint":
        mean = backdrop.rgb.mean(axis=(0, 1))
        return [replace(s, rgb=np.asarray(0.5 * s.rgb + 0.5 * mean, np.float32)) for s in picks]
    if kind == "white":
        return [
            replace(s, rgb=np.asarray(0.72 + 0.26 * s.rgb.mean(axis=2, keepdims=True) * np.ones(3), np.float32))
            for s in picks
        ]
    if kind == "striped":
        return [replace(s, rgb=_striped(s.rgb, rng)) for s in picks]
    return picks


def _fellow(sprite: Sprite, rng: np.random.Generator) -> Sprite:
    """The other one of a pair: mostly mirrored, a little lighter or darker."""
    light = float(rng.uniform(0.88, 1.12))
    step = -1 if rng.random() < 0.6 else 1
    normals = sprite.normals[:, ::step] * np.array([step, 1, 1], np.float32)
    return replace(
        sprite,
        rgb=np.ascontiguousarray(np.clip(sprite.rgb[:, ::step] * light, 0, 1)),
        alpha=np.ascontiguousarray(sprite.alpha[:, ::step]),
        normals=np.ascontiguousarray(normals),
        clear=np.ascontiguousarray(sprite.clear[:, ::step]),
    )


def _striped(rgb: Floats, rng: np.random.Generator) -> Floats:
    """Fabric, wicker or mesh: a pattern that is the thing's own."""
    height, width = rgb.shape[:2]
    rows, columns = np.indices((height, width), dtype=np.float32)
    pitch = rng.uniform(8, 40)
    slope = rng.choice([0.0, 0.0, 1.0, 8.0])
    first = np.sin(2 * np.pi * (rows + slope * columns) / pitch / max(1.0, slope)) > 0
    if rng.random() < 0.4:
        first = first ^ (np.sin(2 * np.pi * columns / pitch) > 0)
    other = rng.uniform(0, 1, 3).astype(np.float32)
    shade = rgb.mean(axis=2, keepdims=True)
    return np.asarray(np.where(first[..., None], rgb, other * (0.4 + 0.6 * shade)), np.float32)


def _placed(
    kind: str, things: list[Sprite], backdrop: Backdrop, size: tuple[int, int], rng: np.random.Generator
) -> list[Placed]:
    """Where each thing stands: apart, touching or one before the other."""
    width, height = size
    share = {
        "apart": (0.25, 0.45),
        "touching": (0.3, 0.5),
        "overlapping": (0.35, 0.55),
        "group": (0.22, 0.38),
        "pair": (0.25, 0.45),
        "set": (0.22, 0.36),
    }
    low, high = share.get(kind, (0.3, 0.75))
    spots = []
    for sprite in things:
        aspect = sprite.alpha.shape[1] / sprite.alpha.shape[0]
        longer = rng.uniform(low, high) * min(size)
        tall = longer if aspect < 1 else longer / aspect
        floor = max(backdrop.ground + 0.05, tall / height + 0.03)
        bottom = rng.uniform(min(floor, 0.93), 0.96) * height
        spots.append([sprite, 0.0, bottom, tall, tall * aspect])
    if kind == "pair":
        size = rng.uniform(0.93, 1.07)
        spots[1][3:] = [size * spots[0][3], size * spots[0][4]]
    if kind in ("touching", "overlapping", "group", "pair"):
        base = spots[0][2]
        for spot in spots:
            spot[2] = min(0.97 * height, base + rng.uniform(-0.03, 0.03) * height)
    gap = {
        "apart": (0.06, 0.2),
        "touching": (-0.01, 0.005),
        "overlapping": (-0.3, -0.08),
        "pair": (-0.01, 0.25),
    }.get(kind, (0.01, 0.12))
    x = 0.0
    for index, spot in enumerate(spots):
        if index:
            x += spots[index - 1][4] / 2 + spot[4] / 2 + rng.uniform(*gap) * min(spot[4], spots[index - 1][4])
        spot[1] = x
    total = (spots[-1][1] + spots[-1][4] / 2) - (spots[0][1] - spots[0][4] / 2) if spots else 0.0
    shrink = min(1.0, 0.94 * width / total) if total else 1.0
    slack = width - total * shrink
    start = rng.uniform(0.15, 0.85) * slack if slack > 0 else 0.0
    origin = spots[0][1] - spots[0][4] / 2 if spots else 0.0
    placed = [
        Placed(sprite, start + (middle - origin) * shrink, bottom, tall * shrink)
        for sprite, middle, bottom, tall, _wide in spots
    ]
    if kind == "cut":
        first = placed[0]
        wide = first.height * first.sprite.alpha.shape[1] / first.sprite.alpha.shape[0]
        out = rng.uniform(0.12, 0.4)
        side = rng.choice(["left", "right", "bottom"])
        if side == "bottom":
            first = replace(first, bottom=height + out * first.height)
        else:
            x = wide / 2 - out * wide if side == "left" else width - wide / 2 + out * wide
            first = replace(first, x=x)
        placed = [first]
    return sorted(placed, key=lambda each: each.bottom)


def _cut(matte: Floats) -> bool:
    edges = (matte[0], matte[-1], matte[:, 0], matte[:, -1])
    return any(float((edge > 0.5).sum()) > 3 for edge in edges)


def _photographed(picture: Floats, rng: np.random.Generator) -> NDArray[np.uint8]:
    """As a camera gives it: a little soft, a little noise, JPEG."""
    light = cv2.GaussianBlur(linear_from_srgb(picture), (0, 0), float(rng.uniform(0.3, 0.9)))
    soft = srgb_from_linear(light)
    noisy = soft + rng.normal(0, rng.uniform(0.0, 0.015), soft.shape)
    picture8 = np.asarray(np.clip(noisy, 0, 1) * 255 + 0.5, np.uint8)
    quality = int(rng.integers(80, 97))
    data = cv2.imencode(".jpg", picture8[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], np.uint8)
