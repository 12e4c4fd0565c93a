"""Surfaces for made objects: plain, striped, grained, printed with text-like marks, labelled."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

TILE = 160
"""Side of one print, pixels."""

_LETTERS = "ABCDEFGHKLMNOPRSTUVWXYZ0123456789%&+"
_PLAIN, _STRIPES, _CHECKS, _BLOBS, _GRAIN, _PRINT, _PANEL = range(7)
_SHARES = (0.34, 0.08, 0.05, 0.09, 0.12, 0.22, 0.10)


def palette(rng: np.random.Generator) -> NDArray[np.float64]:
    """(4, 3) colours in 0..255 that go together: greys, woods, one hue, or loud."""
    kind = rng.choice(4, p=(0.3, 0.15, 0.35, 0.2))
    if kind == 0:
        base = np.repeat(rng.uniform(15, 245, (4, 1)), 3, axis=1) + rng.normal(size=(4, 3)) * 5
    elif kind == 1:
        base = np.array([[150, 105, 65]]) * rng.uniform(0.35, 1.5, (4, 1)) + rng.normal(size=(4, 3)) * 8
    elif kind == 2:
        hue = rng.uniform(0, 255, 3)
        base = hue * rng.uniform(0.4, 1.3, (4, 1)) + rng.normal(size=(4, 3)) * 12
        base[3] = rng.uniform(0, 255, 3)
    else:
        base = rng.uniform(0, 255, (4, 3))
    return np.asarray(np.clip(base, 4, 250))


def tile(rng: np.random.Generator, colors: NDArray[np.float64], printed: float = 1.0) -> Bytes:
    """A square print of ``TILE`` pixels.

    Args:
        rng: draws it.
        colors: (k, 3) in 0..255; the first is the ground.
        printed: how much likelier than usual text and labels are.
    """
    shares = np.array(_SHARES)
    shares[_PRINT] *= printed
    kind = int(rng.choice(len(shares), p=shares / shares.sum()))
    picture = np.empty((TILE, TILE, 3), np.uint8)
    picture[:] = colors[0]
    other = colors[int(rng.integers(1, len(colors)))]
    if kind == _STRIPES:
        _stripes(rng, picture, other)
    elif kind == _CHECKS:
        cells = int(rng.integers(2, 12))
        rows, columns = np.indices((TILE, TILE)) * cells // TILE
        picture[(rows + columns) % 2 > 0] = other
    elif kind == _BLOBS:
        for _ in range(int(rng.integers(2, 14))):
            at = tuple(int(v) for v in rng.integers(0, TILE, 2))
            cv2.circle(picture, at, int(rng.integers(4, TILE // 4)), _pick(rng, colors), -1, cv2.LINE_AA)
    elif kind == _GRAIN:
        _grain(rng, picture)
    elif kind == _PRINT:
        _print(rng, picture, colors)
    elif kind == _PANEL:
        _panel(rng, picture, colors)
    shown = picture.astype(np.float32)
    if rng.random() < 0.5:
        noise = cv2.resize(rng.normal(size=(20, 20)).astype(np.float32), (TILE, TILE), interpolation=cv2.INTER_CUBIC)
        shown += noise[..., None] * float(rng.uniform(2, 18))
    if rng.random() < 0.4:
        shown += rng.normal(size=(TILE, TILE, 1)).astype(np.float32) * float(rng.uniform(1, 10))
    return np.asarray(np.clip(shown, 0, 255), np.uint8)


def _pick(rng: np.random.Generator, colors: NDArray[np.float64]) -> tuple[float, float, float]:
    chosen = colors[int(rng.integers(len(colors)))]
    return float(chosen[0]), float(chosen[1]), float(chosen[2])


def _stripes(rng: np.random.Generator, picture: Bytes, other: NDArray[np.float64]) -> None:
    turn = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    rows, columns = np.indices((TILE, TILE)) / TILE
    wave = np.sin((rows * np.cos(turn) + columns * np.sin(turn)) * rng.uniform(6, 70) + rng.uniform(0, 6))
    picture[wave > rng.uniform(-0.6, 0.8)] = other


def _grain(rng: np.random.Generator, picture: Bytes) -> None:
    size = (int(rng.integers(2, 6)), int(rng.integers(20, 60)))
    size = size if rng.random() < 0.5 else size[::-1]
    noise = cv2.resize(rng.normal(size=size).astype(np.float32), (TILE, TILE), interpolation=cv2.INTER_CUBIC)
    shade = 1.0 + noise[..., None] * float(rng.uniform(0.05, 0.3))
    picture[:] = np.clip(picture * shade, 0, 255)


def _print(rng: np.random.Generator, picture: Bytes, colors: NDArray[np.float64]) -> None:
    """A packet's face: bands, a picture, a headline, small lines of text."""
    if rng.random() < 0.6:
        top, height = int(rng.integers(0, TILE * 3 // 4)), int(rng.integers(TILE // 10, TILE // 2))
        picture[top : top + height] = _pick(rng, colors)
    if rng.random() < 0.5:
        at = (int(rng.integers(30, TILE - 30)), int(rng.integers(30, TILE - 30)))
        axes = (int(rng.integers(10, 60)), int(rng.integers(10, 60)))
        cv2.ellipse(picture, at, axes, float(rng.uniform(0, 180)), 0, 360, _pick(rng, colors), -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 4))):
        word = "".join(rng.choice(list(_LETTERS), int(rng.integers(2, 9))))
        at = (int(rng.integers(2, TILE // 3)), int(rng.integers(24, TILE - 6)))
        scale, weight = float(rng.uniform(0.6, 2.2)), int(rng.integers(1, 7))
        cv2.putText(picture, word, at, int(rng.integers(0, 5)), scale, _pick(rng, colors), weight, cv2.LINE_AA)
    if rng.random() < 0.5:
        left, row = int(rng.integers(4, TILE // 2)), int(rng.integers(8, TILE - 40))
        ink = _pick(rng, colors)
        for k in range(int(rng.integers(3, 9))):
            right = min(TILE - 4, left + int(rng.integers(20, 90)))
            cv2.line(picture, (left, row + 5 * k), (right, row + 5 * k), ink, 1, cv2.LINE_AA)


def _panel(rng: np.random.Generator, picture: Bytes, colors: NDArray[np.float64]) -> None:
    """A device's face: a screen, a grid of keys, slots."""
    left, top = (int(v) for v in rng.integers(6, 40, 2))
    right, bottom = (int(v) for v in rng.integers(TILE - 60, TILE - 6, 2))
    cv2.rectangle(picture, (left, top), (right, bottom), _pick(rng, colors), -1)
    rows, columns = int(rng.integers(1, 7)), int(rng.integers(1, 9))
    if rng.random() < 0.6:
        ink = _pick(rng, colors)
        width, height = (right - left) / columns, (bottom - top) / rows
        for row in range(rows):
            for column in range(columns):
                a = (int(left + (column + 0.15) * width), int(top + (row + 0.15) * height))
                b = (int(left + (column + 0.85) * width), int(top + (row + 0.85) * height))
                cv2.rectangle(picture, a, b, ink, -1)
