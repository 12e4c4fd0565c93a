"""Living and worn things: people, animals, robots, plants, shoes, bags."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from training.objects.parts import (
    Part,
    box,
    cylinder,
    ellipsoid,
    filled,
    hollow,
    loft,
    mirrored,
    ring,
    rounded_box,
    tube,
    union,
)


def person(rng: np.random.Generator) -> list[Part]:
    """A doll, toy robot or statuette: trunk, head, arms, legs; blocky or round; hats and bases at times."""
    blocky = rng.random() < 0.45
    lump = _block if blocky else ellipsoid
    w, h, d = rng.uniform(0.3, 0.6), rng.uniform(0.45, 0.75), rng.uniform(0.22, 0.45)
    legs, head = rng.uniform(0.15, 0.7), rng.uniform(0.28, 0.6)
    hip = legs + 0.02
    parts = [Part(lump((w, h, d), (0, hip + h / 2, 0)))]
    face = lump((head, head * rng.uniform(0.8, 1.2), head * 0.9), (0, hip + h + head * 0.4, 0.02))
    parts.append(Part(face, 1))
    girth, reach, swing = rng.uniform(0.09, 0.2), rng.uniform(0.35, 0.6), rng.uniform(-1.3, 1.0)
    shoulder = np.array([w * 0.48, hip + h * 0.82, 0])
    hand = shoulder + reach * np.array([np.cos(swing), np.sin(swing), rng.uniform(-0.2, 0.7)])
    arm = tube([shoulder, (shoulder + hand) / 2 + [0.03, 0, -0.04], hand], [girth, girth * 0.9, girth * 0.8])
    parts.append(Part(union(mirrored(arm)), int(rng.integers(2)) * 2))
    thick = rng.uniform(0.12, 0.26)
    leg = tube([(w * 0.25, hip + 0.1, 0), (w * 0.3, 0.08, 0)], [thick * 1.1, thick])
    foot = lump((thick * 1.3, 0.12, thick * 2), (w * 0.3, 0.06, thick * 0.4))
    parts += [Part(union(mirrored(leg)), 2), Part(union(mirrored(foot)), 3)]
    if rng.random() < 0.3:
        ear = lump((head * 0.35, head * rng.uniform(0.3, 0.9), 0.1), (head * 0.35, hip + h + head, 0))
        parts.append(Part(union(mirrored(ear)), 1))
    if rng.random() < 0.25:
        parts.append(
            Part(
                filled([head * 0.8, head * 0.5, head * 0.4], [0, 0.04, 0.25]).translate((0, hip + h + head * 0.75, 0)),
                3,
            )
        )
    if rng.random() < 0.2:
        parts.append(Part(cylinder(0.9, 0.08, (0, -0.02, 0)), 3))
    if rng.random() < 0.15:
        parts = [*parts[:2], Part(filled([0.45, 0.3, 0.15], [0, hip * 0.6, hip + h * 0.6]), 2)]
    return parts


def animal(rng: np.random.Generator) -> list[Part]:
    """A four-legged animal, bird or fish; its nose points along +Z."""
    w, h, length = rng.uniform(0.3, 0.6), rng.uniform(0.35, 0.6), rng.uniform(0.7, 1.2)
    legs = rng.uniform(0.15, 0.7)
    trunk = ellipsoid((w, h, length), (0, legs + h / 2, 0))
    head, up = rng.uniform(0.25, 0.45), rng.uniform(-0.05, 0.6)
    nose = np.array([0, legs + h * 0.75 + up, length / 2 + rng.uniform(0.05, 0.3)])
    neck = tube([(0, legs + h * 0.6, length * 0.35), nose], [h * 0.6, head * 0.6])
    face = ellipsoid((head, head, head * rng.uniform(1, 1.7)), nose + np.array([0, 0, head * 0.3]))
    parts = [Part(union([trunk, neck])), Part(face, int(rng.integers(2)))]
    kind = rng.choice(3, p=(0.7, 0.2, 0.1))
    thick = rng.uniform(0.08, 0.2)
    if kind == 0:
        leg = [
            tube([(w * 0.3, legs + 0.1, z), (w * 0.33, thick / 2, z * 1.05)], [thick * 1.4, thick])
            for z in (-length * 0.33, length * 0.33)
        ]
        parts.append(Part(union(mirrored(union(leg))), 2))
    elif kind == 1:
        wing = ellipsoid((0.1, h * 0.6, length * 0.7), (w * 0.5, legs + h * 0.5, -0.05))
        leg = tube([(w * 0.2, legs + 0.1, 0), (w * 0.2, 0.03, 0.05)], 0.06)
        parts.append(Part(union([*mirrored(wing), *mirrored(leg)]), 2))
        parts.append(Part(Manifold.cylinder(0.2, 0.06, 0.0, 12).translate(nose + np.array([0, 0, head * 0.8])), 3))
    else:
        fin = ellipsoid((0.05, h, 0.35), (0, legs + h * 0.5, -length * 0.55))
        parts.append(Part(union([fin, ellipsoid((0.05, h * 0.5, 0.5), (0, legs + h, 0))]), 2))
    if rng.random() < 0.7:
        ear = ellipsoid(
            (head * 0.25, head * rng.uniform(0.3, 0.9), 0.08), nose + np.array([head * 0.35, head * 0.5, 0])
        )
        parts.append(Part(union(mirrored(ear)), 3))
    if rng.random() < 0.7 and kind < 2:
        drop = rng.uniform(-0.3, 0.3)
        parts.append(
            Part(
                tube([(0, legs + h * 0.7, -length * 0.45), (0, legs + h * 0.7 + drop, -length * 0.75)], [0.12, 0.06]), 2
            )
        )
    return parts


def shoe(rng: np.random.Generator) -> list[Part]:
    """A shoe, boot or sandal as a loft from heel to toe, hollow at the ankle, on a sole; one, or a pair."""
    length, w, ankle = rng.uniform(1.3, 1.6), rng.uniform(0.42, 0.6), rng.uniform(0.35, 1.2)
    z = np.linspace(-length / 2, length / 2, 9)
    width = w * np.interp(z / length, [-0.5, -0.4, -0.1, 0.25, 0.42, 0.5], [0.55, 0.75, 0.72, 1.0, 0.75, 0.3])
    toe = rng.uniform(0.15, 0.3)
    height = np.interp(z / length, [-0.5, -0.1, 0.05, 0.3, 0.5], [0.5, 0.5, 0.38, toe + 0.05, toe * 0.5])
    sections = [
        np.column_stack([np.cos(_HALF) * b / 2, np.sin(_HALF) * t, np.full(len(_HALF), at)])
        for b, t, at in zip(width, height, z, strict=True)
    ]
    upper = loft(sections)
    r = w * 0.38
    leg = filled([r * 1.05, r, r * rng.uniform(0.95, 1.3)], [0.05, 0.4, 0.4 + ankle * 0.6]).scale((1, 1, 1.35))
    place = (0, 0, -length * 0.26)
    upper = upper + leg.translate(place)
    upper -= filled([r * 0.85] * 2, [0.14, 3]).scale((1, 1, 1.35)).translate(place)
    if rng.random() < 0.15:
        upper -= box((w * 2, 0.2, length * 0.25), (0, 0.25, 0.1))
    thick = rng.uniform(0.04, 0.16)
    sole = loft(
        [
            np.column_stack(
                [np.cos(_HALF * 2) * b * 0.54, (np.sin(_HALF * 2) > 0) * thick - thick, np.full(len(_HALF), at)]
            )
            for b, at in zip(width, z * 1.02, strict=True)
        ]
    )
    one = [Part(upper), Part(sole, 1)]
    if rng.random() < 0.5:
        laces = union([box((w * 0.5, 0.03, 0.04), (0, 0.44 - k * 0.05, length * (0.02 + 0.06 * k))) for k in range(4)])
        one.append(Part(laces, 2))
    if rng.random() < 0.2:
        one = [Part(p.solid.rotate((0, float(rng.normal() * 4), 0)), p.material) for p in one]
        twin = [
            Part(p.solid.mirror((1, 0, 0)).translate((-w * rng.uniform(1.1, 1.4), 0, rng.normal() * 0.05)), p.material)
            for p in one
        ]
        return [*one, *twin]
    return one


def bag(rng: np.random.Generator) -> list[Part]:
    """A handbag, backpack or suitcase: a soft box with handles, pockets, wheels."""
    w, h, d = rng.uniform(0.6, 1.1), rng.uniform(0.6, 1.2), rng.uniform(0.2, 0.5)
    taper = rng.uniform(0.7, 1.05)
    body = rounded_box((w, h, d), rng.uniform(0.03, 0.2), (0, h / 2, 0))
    body = body.warp_batch(
        lambda p: p * np.column_stack([1 + (taper - 1) * p[:, 1] / h, np.ones(len(p)), 1 + (taper - 1) * p[:, 1] / h])
    )
    parts = [Part(body)]
    size = w * rng.uniform(0.35, 0.7)
    loop = ring(size, 0.05).scale((1, rng.uniform(0.6, 1.4), 1)).translate((0, h, 0))
    if rng.random() < 0.5:
        loops = [loop.translate((0, 0, z)) for z in (-d * 0.3, d * 0.3)]
        parts.append(Part(union(loops) - box((w, h * 0.9, d * 2), (0, h * 0.45, 0)), 1))
    else:
        parts.append(Part(loop, 1))
    if rng.random() < 0.5:
        parts.append(Part(rounded_box((w * 0.7, h * 0.4, d * 0.3), 0.05, (0, h * 0.3, d * 0.5)), 2))
    if rng.random() < 0.3:
        parts.append(
            Part(
                union(
                    mirrored(
                        tube(
                            [(w * 0.25, h * 0.9, -d / 2), (w * 0.3, h * 0.5, -d * 0.9), (w * 0.25, h * 0.1, -d / 2)],
                            0.08,
                        )
                    )
                ),
                1,
            )
        )
    return parts


def plant(rng: np.random.Generator) -> list[Part]:
    """A tree, bush, cactus or potted plant."""
    parts = []
    pot = rng.uniform(0.25, 0.5)
    floor = 0.0
    if rng.random() < 0.6:
        parts.append(Part(hollow([pot * 0.35, pot * 0.5], [0, pot], 0.04)))
        parts.append(Part(cylinder(pot * 0.8, 0.05, (0, pot * 0.8, 0)), 1))
        floor = pot * 0.8
    kind = rng.choice(3)
    if kind == 0:
        rise = rng.uniform(0.1, 0.7)
        parts.append(Part(cylinder(rng.uniform(0.05, 0.14), rise + 0.1, (0, floor + rise / 2, 0)), 1))
        lumps = [
            ellipsoid(
                rng.uniform(0.3, 0.8, 3),
                rng.normal(size=3) * 0.15 + np.array([0.0, floor + rise + 0.2, 0.0]),
            )
            for _ in range(int(rng.integers(2, 7)))
        ]
        parts.append(Part(union(lumps), 2))
    elif kind == 1:
        leaves = []
        for _ in range(int(rng.integers(5, 14))):
            turn, lean, long = rng.uniform(0, 360), rng.uniform(5, 75), rng.uniform(0.4, 0.9)
            leaf = ellipsoid((rng.uniform(0.08, 0.22), long, 0.035), (0, long / 2, 0))
            leaves.append(leaf.rotate((lean, 0, 0)).rotate((0, turn, 0)).translate((0, floor, 0)))
        parts.append(Part(union(leaves), 2))
    else:
        parts.append(Part(ellipsoid((0.3, 0.9, 0.3), (0, floor + 0.4, 0)), 2))
        for side in (-1, 1):
            at = floor + rng.uniform(0.2, 0.5)
            parts.append(Part(tube([(0, at, 0), (side * 0.3, at + 0.05, 0), (side * 0.32, at + 0.3, 0)], 0.16), 2))
    return parts


def _block(size: object, center: object) -> Manifold:
    size = np.asarray(size, np.float64)
    return rounded_box(size, 0.12 * float(size.min()), center)


_HALF = np.linspace(0, np.pi, 12)

FAMILIES = {"person": person, "animal": animal, "shoe": shoe, "bag": bag, "plant": plant}
