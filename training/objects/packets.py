"""Boxes and flat things: cartons, packets, crates, boards, books, phones, keyboards."""

from __future__ import annotations

import numpy as np

from training.objects.parts import Part, box, cylinder, prism, rounded_box, union


def carton(rng: np.random.Generator) -> list[Part]:
    """A printed box with sharp or barely rounded edges, sometimes with a lid, a gable or a handle."""
    size = np.exp(rng.uniform(np.log(0.25), np.log(1.6), 3))
    if rng.random() < 0.3:
        size[2] *= 0.35
    radius = float(rng.choice([0.0, 0.0, 0.01, 0.03, 0.08])) * float(size.min())
    body = box(size) if radius == 0 else rounded_box(size, radius)
    parts = [Part(body)]
    kind = rng.choice(5, p=(0.55, 0.14, 0.12, 0.09, 0.10))
    w, h, d = size
    if kind == 1:
        lid = float(rng.uniform(0.08, 0.3)) * h
        parts.append(Part(box((w * 1.05, lid, d * 1.05), (0, h / 2 - lid * 0.4, 0)), 1))
    elif kind == 2:
        rise = float(rng.uniform(0.2, 0.6)) * min(w, d)
        gable = prism(((-d / 2, 0), (d / 2, 0), (0, rise)), w, "x").translate((0, h / 2 - 0.001, 0))
        parts += [Part(gable, 1), Part(box((w, rise * 0.4, d * 0.05), (0, h / 2 + rise, 0)), 2)]
    elif kind == 3:
        parts.append(Part(cylinder(min(w, d) * 0.4, h * 0.12, (0, h * 0.55, 0)), 1))
    elif kind == 4:
        parts.append(Part(box((w * 0.7, h * 0.03, d * 0.04), (0, h / 2 + h * 0.02, 0)), 1))
    return parts


def open_box(rng: np.random.Generator) -> list[Part]:
    """A crate, tray or drawer, open above; slats, flaps or grips."""
    w, h, d = rng.uniform(0.5, 1.4), rng.uniform(0.15, 1.0), rng.uniform(0.4, 1.2)
    wall = float(rng.uniform(0.02, 0.09))
    body = box((w, h, d)) - box((w - 2 * wall, h, d - 2 * wall), (0, wall, 0))
    kind = rng.choice(4, p=(0.5, 0.2, 0.15, 0.15))
    if kind == 1:
        for k in range(int(rng.integers(1, 4))):
            slot = box((w * 2, h * 0.1, d * 0.8), (0, -h * 0.3 + k * h * 0.25, 0))
            body -= slot
            body -= box((w * 0.8, h * 0.1, d * 2), (0, -h * 0.3 + k * h * 0.25, 0))
    elif kind == 2:
        for side in (-1, 1):
            flap = box((w * 0.98, 0.02, d * 0.45)).rotate((float(rng.uniform(-50, 20)) * side, 0, 0))
            body += flap.translate((0, h / 2, side * d * 0.6))
    elif kind == 3:
        body -= box((w * 2, h * 0.15, d * 0.3), (0, h * 0.25, 0))
    return [Part(body)]


def stack(rng: np.random.Generator) -> list[Part]:
    """Boxes or books on each other."""
    parts, floor = [], 0.0
    for number in range(int(rng.integers(2, 6))):
        w, h, d = rng.uniform(0.4, 1.0), rng.uniform(0.06, 0.4), rng.uniform(0.4, 1.0)
        block = box((w, h, d)).rotate((0, float(rng.normal() * 12), 0))
        parts.append(Part(block.translate((rng.normal() * 0.05, floor + h / 2, rng.normal() * 0.05)), number))
        floor += h - 1e-4
    return parts


def board(rng: np.random.Generator) -> list[Part]:
    """A flat plate with parts on it: a circuit board, a panel, a game."""
    w, d, t = rng.uniform(0.5, 1.6), rng.uniform(0.5, 1.2), rng.uniform(0.015, 0.08)
    plate = box((w, t, d)) if rng.random() < 0.5 else _plate(w, d, t, rng)
    parts = [Part(plate)]
    for number in range(int(rng.integers(2, 16))):
        a, b = rng.uniform(0.04, 0.3, 2)
        height = float(rng.uniform(0.02, 0.16))
        x, z = rng.uniform(-0.5, 0.5, 2) * (w - a, d - b)
        if rng.random() < 0.7:
            piece = box((a, height + t, b), (x, height / 2, z))
        else:
            piece = cylinder(min(a, b), height + t, (x, height / 2, z))
        parts.append(Part(piece, 1 + number % 4))
    return _stood(parts, rng)


def slab(rng: np.random.Generator) -> list[Part]:
    """A phone, tablet, book, tile or remote: thin, rounded, with a raised or sunken face."""
    w, d, t = rng.uniform(0.3, 1.1), rng.uniform(0.7, 1.5), rng.uniform(0.03, 0.2)
    body = _plate(w, d, t, rng)
    parts = [Part(body)]
    kind = rng.choice(3)
    if kind == 0:
        parts.append(Part(box((w * 0.88, t * 0.2, d * 0.85), (0, t / 2, 0)), 1))
    elif kind == 1:
        rows, columns = int(rng.integers(2, 8)), int(rng.integers(2, 5))
        keys = [
            box((w / columns * 0.6, t * 0.5, d / rows * 0.5), ((c + 0.5) / columns * w - w / 2, t / 2, z))
            for c in range(columns)
            for z in [(r + 0.5) / rows * d * 0.9 - d * 0.45 for r in range(rows)]
        ]
        parts.append(Part(union(keys), 1))
    return _stood(parts, rng)


def keyboard(rng: np.random.Generator) -> list[Part]:
    """A flat case with rows of keys, sometimes split in two or with a screen hinged to it."""
    w, d, t = 1.6, rng.uniform(0.4, 0.7), rng.uniform(0.04, 0.1)
    rows, columns = int(rng.integers(3, 6)), int(rng.integers(8, 15))
    keys = [
        box((w / columns * 0.75, t, d / rows * 0.75), ((c + 0.5) / columns * w - w / 2, t * 0.6, z))
        for c in range(columns)
        for z in [(r + 0.5) / rows * d - d / 2 for r in range(rows)]
    ]
    parts = [Part(_plate(w + 0.08, d + 0.08, t, rng)), Part(union(keys), 1)]
    if rng.random() < 0.4:
        lean = float(rng.uniform(-35, 10))
        screen = box((w, 1.0, 0.04), (0, 0.5, 0)).rotate((lean, 0, 0)).translate((0, 0, -d / 2 - 0.03))
        parts.append(Part(screen, 2))
    return parts


def _plate(w: float, d: float, t: float, rng: np.random.Generator) -> object:
    """A plate with rounded corners, lying."""
    radius = float(rng.uniform(0.01, 0.3)) * min(w, d)
    posts = [
        cylinder(2 * radius, t, (x, 0, z))
        for x in (-1, 1)
        for z in (-1, 1)
        for x, z in [(x * (w / 2 - radius), z * (d / 2 - radius))]
    ]
    return posts[0].batch_hull(posts)


def _stood(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """Flat things lie, lean or stand."""
    kind = rng.choice(3, p=(0.65, 0.15, 0.2))
    lean = (0.0, float(rng.uniform(40, 85)), 90.0)[kind]
    turn = 90.0 * float(rng.integers(4)) if kind else 0.0
    return [Part(p.solid.rotate((0, turn, 0)).rotate((lean, 0, 0)), p.material) for p in parts]


FAMILIES = {
    "carton": carton,
    "open_box": open_box,
    "stack": stack,
    "board": board,
    "slab": slab,
    "keyboard": keyboard,
}
