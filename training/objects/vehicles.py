"""Things that move: cars, trucks, planes, boats, carts and two-wheelers. Their nose points along +Z."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from training.objects.parts import Part, box, cylinder, ellipsoid, loft, mirrored, prism, ring, rounded_box, tube, union


def car(rng: np.random.Generator) -> list[Part]:
    """A car, van or pick-up by its side outline, with a narrower cabin and wheels."""
    length, w, low = rng.uniform(1.5, 2.2), rng.uniform(0.65, 0.95), rng.uniform(0.14, 0.25)
    belt, roof = low + rng.uniform(0.2, 0.35), low + rng.uniform(0.45, 0.85)
    half = length / 2
    a, b = rng.uniform(-0.95, -0.3) * half, rng.uniform(0.05, 0.75) * half
    slope_a, slope_b = rng.uniform(0.0, 0.25), rng.uniform(0.1, 0.4)
    body = rounded_box((w, belt - low, length), rng.uniform(0.01, 0.12), (0, (belt + low) / 2, 0))
    floor = [(x * w * 0.48, belt - 0.02, z) for x in (-1, 1) for z in (a, b)]
    top = [
        (x * w * rng.uniform(0.36, 0.44), roof, z)
        for x in (-1, 1)
        for z in (a + slope_a, max(b - slope_b, a + slope_a + 0.1))
    ]
    cabin = Manifold.hull_points(np.array(floor + top))
    parts = [Part(body), Part(cabin, int(rng.integers(2))), Part(_wheels(rng, w, length), 2)]
    if rng.random() < 0.3:
        parts.append(Part(box((w * 0.9, 0.08, 0.06), (0, low + 0.06, half)), 3))
    if rng.random() < 0.25:
        bed = box((w * 0.85, belt, abs(-half - a) * 0.85), (0, belt, (-half + a) / 2))
        parts[0] = Part(body - bed.translate((0, low * 0.9, 0)), 0)
    return parts


def truck(rng: np.random.Generator) -> list[Part]:
    """A cab and a load: box, tank, open bed or bus."""
    w, length, low = rng.uniform(0.6, 0.85), rng.uniform(1.7, 2.4), 0.2
    cab, h = rng.uniform(0.35, 0.6), rng.uniform(0.5, 0.8)
    parts = [Part(rounded_box((w, h, cab), 0.04, (0, low + h / 2, length / 2 - cab / 2)))]
    load, center = length - cab - 0.05, -cab / 2 - 0.02
    tall = rng.uniform(0.3, 1.0)
    kind = rng.choice(3)
    if kind == 0:
        parts.append(Part(box((w, tall, load), (0, low + 0.1 + tall / 2, center)), 1))
    elif kind == 1:
        parts.append(Part(cylinder(w * 0.95, load, (0, low + 0.1 + w / 2, center), "z"), 1))
    else:
        bed = box((w, tall * 0.5, load), (0, low + 0.1 + tall / 4, center))
        parts.append(Part(bed - box((w * 0.9, tall * 0.5, load * 0.94), (0, low + 0.2 + tall / 4, center)), 1))
    parts += [Part(box((w * 0.7, 0.12, length * 0.98), (0, low + 0.05, 0)), 2), Part(_wheels(rng, w, length), 2)]
    return parts


def plane(rng: np.random.Generator) -> list[Part]:
    """An aeroplane, rocket or helicopter-like body with wings and a tail."""
    length, w = rng.uniform(1.6, 2.2), rng.uniform(0.18, 0.36)
    z = np.linspace(-length / 2, length / 2, 8)
    girth = w * np.sin(np.linspace(0.35, 2.7, 8)) ** 0.6
    sections = [
        np.column_stack([np.cos(_TURN) * g / 2, np.sin(_TURN) * g / 2, np.full(16, at)])
        for g, at in zip(girth, z, strict=True)
    ]
    span, chord, sweep = rng.uniform(0.5, 1.1), rng.uniform(0.2, 0.5), rng.uniform(-0.1, 0.5)
    wing = _blade((0, 0, 0.1), (span, rng.uniform(-0.1, 0.2), 0.1 - sweep), chord, chord * rng.uniform(0.3, 1.0))
    tail = _blade((0, 0, -length * 0.43), (span * 0.35, 0, -length * 0.45 - sweep * 0.3), chord * 0.5, chord * 0.3)
    fin = _blade((0, 0, -length * 0.43), (0, 0.35, -length * 0.48), chord * 0.5, chord * 0.3)
    parts = [Part(loft(sections)), Part(union(mirrored(wing)), 1), Part(union([*mirrored(tail), fin]), 1)]
    if rng.random() < 0.3:
        parts.append(Part(union(mirrored(_blade((0, 0.35, 0.1), (span, 0.4, 0.1), chord, chord))), 1))
        parts.append(Part(union(mirrored(cylinder(0.03, 0.4, (span * 0.5, 0.18, 0.1)))), 2))
    if rng.random() < 0.4:
        parts.append(Part(union(mirrored(cylinder(w * 0.4, 0.3, (span * 0.45, -0.08, 0.2), "z"))), 2))
    if rng.random() < 0.5:
        parts.append(Part(union(mirrored(cylinder(0.14, 0.05, (w * 0.5, -w * 0.8, 0.3), "x"))), 3))
    return parts


def boat(rng: np.random.Generator) -> list[Part]:
    """A hull that narrows to a bow, hollow or decked, with a cabin or a mast."""
    length, w, h = rng.uniform(1.6, 2.2), rng.uniform(0.45, 0.8), rng.uniform(0.25, 0.45)
    z = np.linspace(-length / 2, length / 2, 7)
    width = w * np.clip(1 - np.clip((z / length - 0.1) * 2.4, 0, 1) ** 2, 0.03, 1)
    ribs = [
        np.array([(-b / 2, h, at), (b / 2, h, at), (b * 0.3, 0, at * 0.9), (-b * 0.3, 0, at * 0.9)])
        for b, at in zip(width, z, strict=True)
    ]
    hull = loft(ribs)
    parts = [Part(hull)]
    if rng.random() < 0.5:
        parts = [Part(hull - hull.scale((0.85, 1.0, 0.9)).translate((0, h * 0.25, 0)))]
    if rng.random() < 0.6:
        parts.append(Part(rounded_box((w * 0.6, 0.3, length * 0.3), 0.03, (0, h + 0.1, -0.2)), 1))
    if rng.random() < 0.5:
        parts.append(Part(cylinder(0.05, 1.2, (0, h + 0.5, 0.1)), 2))
        parts.append(Part(prism(((0, 0), (0.6, 0), (0, 0.9)), 0.03, "x").translate((0, h + 0.15, 0.1)), 3))
    return parts


def two_wheeler(rng: np.random.Generator) -> list[Part]:
    """A bicycle, motorbike, scooter or cart."""
    q = rng.uniform(0.4, 0.7)
    is_solid = rng.random() < 0.4
    wheel = (cylinder(q, 0.07, (0, 0, 0), "x") if is_solid else ring(q, 0.06).rotate((0, 90, 0))).translate(
        (0, q / 2, 0)
    )
    gap = rng.uniform(0.7, 1.0)
    hub, seat, bar = (0, q / 2, -gap / 2), (0, q * 1.4, -gap * 0.2), (0, q * 1.5, gap * 0.35)
    frame = union(
        [
            tube(p, 0.06)
            for p in (
                [hub, seat],
                [hub, (0, q * 0.6, 0.05)],
                [(0, q * 0.6, 0.05), seat],
                [(0, q * 0.6, 0.05), bar],
                [seat, bar],
                [bar, (0, q / 2, gap / 2)],
            )
        ]
    )
    parts = [Part(union([wheel.translate((0, 0, -gap / 2)), wheel.translate((0, 0, gap / 2))])), Part(frame, 1)]
    parts.append(
        Part(
            union(
                [
                    tube([(-0.3, q * 1.65, gap * 0.3), (0.3, q * 1.65, gap * 0.3)], 0.05),
                    tube([bar, (0, q * 1.65, gap * 0.3)], 0.05),
                ]
            ),
            2,
        )
    )
    parts.append(Part(ellipsoid((0.2, 0.1, 0.35), seat), 2))
    if is_solid:
        parts.append(Part(ellipsoid((0.25, 0.35, 0.6), (0, q * 1.1, 0.05)), 3))
    return parts


def _wheels(rng: np.random.Generator, w: float, length: float) -> Manifold:
    q, t, axles = float(rng.uniform(0.26, 0.45)), float(rng.uniform(0.08, 0.2)), int(rng.choice([2, 2, 2, 3]))
    places = np.linspace(-0.32, 0.32, axles) * length
    return union([cylinder(q, t, (side * w / 2, q / 2, z), "x") for side in (-1, 1) for z in places])


def _blade(root: tuple[float, ...], tip: tuple[float, ...], chord: float, end: float) -> Manifold:
    """A thin wing between two points, chords along z."""
    across = np.array([0.02, 0.02, 0.0]) if tip[0] == 0 else np.array([0.0, 0.022, 0.0])
    points = [
        np.array(p) + np.array([0, 0, k * c / 2]) + s * across
        for p, c in ((root, chord), (tip, end))
        for k in (-1, 1)
        for s in (-1, 1)
    ]
    return Manifold.hull_points(np.array(points))


_TURN = np.linspace(0, 2 * np.pi, 16, endpoint=False)

FAMILIES = {"car": car, "truck": truck, "plane": plane, "boat": boat, "two_wheeler": two_wheeler}
