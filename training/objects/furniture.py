"""Things that stand on legs or hold things: tables, chairs, sofas, shelves, cabinets, beds."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from training.objects.parts import Part, box, cylinder, mirrored, oval, prism, rounded_box, tube, union


def table(rng: np.random.Generator) -> list[Part]:
    """A top on four legs, one column or two boards."""
    w, d, h, t = rng.uniform(0.6, 1.7), rng.uniform(0.5, 1.1), rng.uniform(0.3, 1.1), rng.uniform(0.03, 0.1)
    top = prism(oval(w, d, 32), t, "y") if rng.random() < 0.3 else rounded_box((w, t, d), rng.choice([0.004, 0.04]))
    parts = [Part(top.translate((0, h, 0)))]
    kind = rng.choice(3, p=(0.65, 0.2, 0.15))
    if kind == 0:
        parts.append(Part(_legs(rng, w * 0.88, d * 0.88, h), 1))
        if rng.random() < 0.35:
            parts.append(Part(box((w * 0.85, h * 0.15, d * 0.85), (0, h * 0.88, 0)), 1))
    elif kind == 1:
        parts.append(Part(cylinder(rng.uniform(0.06, 0.2), h, (0, h / 2, 0)), 1))
        parts.append(Part(cylinder(min(w, d) * 0.6, 0.05, (0, 0.025, 0)), 1))
    else:
        parts.append(Part(union(mirrored(box((0.06, h, d * 0.9), (w * 0.45, h / 2, 0)))), 1))
    if rng.random() < 0.25:
        parts.append(Part(box((w * 0.4, h * 0.4, d * 0.8), (w * 0.25, h * 0.78, 0)), 2))
    return parts


def chair(rng: np.random.Generator) -> list[Part]:
    """A seat, a back, legs or a wheeled star; arms at times; a stool without the back."""
    w, d, h, t = rng.uniform(0.5, 0.8), rng.uniform(0.5, 0.8), rng.uniform(0.45, 0.8), rng.uniform(0.04, 0.14)
    seat = rounded_box((w, t, d), t * 0.45) if rng.random() < 0.8 else prism(oval(w, d), t, "y")
    parts = [Part(seat.translate((0, h, 0)))]
    if rng.random() < 0.25:
        parts.append(Part(cylinder(0.08, h, (0, h / 2, 0)), 1))
        arms = [
            tube([(0, 0.08, 0), (np.cos(a) * w * 0.55, 0.05, np.sin(a) * w * 0.55)], 0.07)
            for a in np.arange(5) * 1.2566
        ]
        parts.append(Part(union(arms), 1))
    else:
        parts.append(Part(_legs(rng, w * 0.9, d * 0.9, h), 1))
    if rng.random() < 0.85:
        tall, lean = rng.uniform(0.4, 0.9), float(rng.uniform(-18, 0))
        if rng.random() < 0.6:
            back = rounded_box((w * rng.uniform(0.8, 1.0), tall, rng.uniform(0.03, 0.12)), 0.02, (0, tall / 2, 0))
        else:
            bars = [
                box((0.05, tall, 0.05), (x, tall / 2, 0)) for x in np.linspace(-0.45, 0.45, int(rng.integers(2, 6))) * w
            ]
            back = union([*bars, box((w, 0.12, 0.05), (0, tall - 0.06, 0))])
        parts.append(Part(back.rotate((lean, 0, 0)).translate((0, h, -d / 2 + 0.03)), int(rng.integers(2))))
    if rng.random() < 0.35:
        rise = rng.uniform(0.2, 0.35)
        arm = union(
            [box((0.06, 0.05, d * 0.8), (w / 2, h + rise, 0)), box((0.05, rise, 0.05), (w / 2, h + rise / 2, d * 0.3))]
        )
        parts.append(Part(union(mirrored(arm)), 1))
    return parts


def sofa(rng: np.random.Generator) -> list[Part]:
    """A sofa, armchair or bed: cushions between arms, before a back."""
    w, d, h = rng.uniform(0.7, 2.0), rng.uniform(0.6, 0.9), rng.uniform(0.25, 0.45)
    soft = rng.uniform(0.02, 0.12)
    parts = [Part(rounded_box((w, h, d), soft, (0, h / 2 + 0.08, 0)))]
    tall = rng.uniform(0.3, 0.6)
    parts.append(
        Part(rounded_box((w, h + tall, d * 0.25), soft, (0, (h + tall) / 2 + 0.08, -d * 0.42)), int(rng.integers(2)))
    )
    if rng.random() < 0.8:
        arm = rounded_box((0.16, h + tall * 0.5, d), soft, (w / 2, (h + tall * 0.5) / 2 + 0.08, 0))
        parts.append(Part(union(mirrored(arm)), 0))
    count = int(rng.integers(1, 4))
    places = [((k + 0.5) / count * w - w / 2, h + 0.12, 0.05) for k in range(count)]
    parts += [Part(rounded_box((w / count * 0.96, 0.14, d * 0.8), 0.05, place), 2) for place in places]
    parts.append(Part(_legs(rng, w * 0.9, d * 0.8, 0.12), 3))
    return parts


def shelf(rng: np.random.Generator) -> list[Part]:
    """An open shelf: boards between sides, with or without a back wall."""
    w, d, h, t = rng.uniform(0.5, 1.2), rng.uniform(0.25, 0.5), rng.uniform(0.6, 1.7), rng.uniform(0.025, 0.06)
    boards = [box((w, t, d), (0, y, 0)) for y in np.linspace(t, h - t, int(rng.integers(3, 6)))]
    frame = union([*boards, *mirrored(box((t, h, d), (w / 2, h / 2, 0)))])
    parts = [Part(frame)]
    if rng.random() < 0.6:
        parts.append(Part(box((w, h, 0.03), (0, h / 2, -d / 2)), 1))
    if rng.random() < 0.3:
        parts.append(Part(box((w * 0.4, h * 0.15, d * 0.7), (0, h * 0.55, 0)), 2))
    return parts


def cabinet(rng: np.random.Generator) -> list[Part]:
    """A cupboard, fridge, washing machine: a block with doors, drawers, knobs, feet."""
    w, d, h = rng.uniform(0.4, 1.4), rng.uniform(0.35, 0.7), rng.uniform(0.4, 1.6)
    parts = [Part(box((w, h, d), (0, h / 2 + 0.06, 0)))]
    rows, columns = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    for row in range(rows):
        for column in range(columns):
            x, y = ((column + 0.5) / columns - 0.5) * w, (row + 0.5) / rows * h + 0.06
            parts.append(Part(box((w / columns * 0.9, h / rows * 0.9, 0.04), (x, y, d / 2)), 1))
            parts.append(Part(box((0.08, 0.03, 0.05), (x, y + h / rows * 0.25, d / 2 + 0.04)), 2))
    parts.append(Part(_legs(rng, w * 0.9, d * 0.9, 0.1), 3))
    if rng.random() < 0.3:
        parts.append(Part(box((w * 1.06, 0.05, d * 1.06), (0, h + 0.08, 0)), 3))
    return parts


def _legs(rng: np.random.Generator, w: float, d: float, h: float) -> Manifold:
    width, splay = float(rng.uniform(0.035, 0.11)), float(rng.uniform(0, 0.12) * (rng.random() < 0.5))
    legs = []
    is_square = rng.random() < 0.5
    for x in (-w / 2, w / 2):
        for z in (-d / 2, d / 2):
            if is_square and splay == 0:
                legs.append(box((width, h, width), (x, h / 2, z)))
            else:
                legs.append(tube([(x, h, z), (x * (1 + splay), width / 2, z * (1 + splay))], width))
    if rng.random() < 0.2:
        legs += [box((w, width * 0.7, width * 0.7), (0, h * 0.3, z)) for z in (-d / 2, d / 2)]
    return union(legs)


FAMILIES = {"table": table, "chair": chair, "sofa": sofa, "shelf": shelf, "cabinet": cabinet}
