"""Tools, devices, toys, and free unions of solids that no family foresees."""

from __future__ import annotations

import numpy as np
from manifold3d import Manifold

from training.objects.parts import (
    Part,
    box,
    cylinder,
    ellipsoid,
    filled,
    mirrored,
    oval,
    prism,
    ring,
    rounded_box,
    smooth_profile,
    tube,
    union,
)


def hand_tool(rng: np.random.Generator) -> list[Part]:
    """A handle with a head: hammer, brush, screwdriver, spoon, spanner, torch; stood, laid or leant."""
    length, t = rng.uniform(0.8, 1.5), rng.uniform(0.06, 0.16)
    radii = t / 2 * (1 + 0.3 * np.sin(np.linspace(0, rng.uniform(2, 9), 14)))
    grip = filled(radii, np.linspace(0, length, 14), 20).scale((1, 1, rng.uniform(0.5, 1.0)))
    kind = rng.choice(6)
    top = (0, length, 0)
    if kind == 0:
        head = union(
            [box((rng.uniform(0.3, 0.6), t * 1.5, t * 1.5), top), cylinder(t * 2.2, t, (0.25, length, 0), "x")]
        )
    elif kind == 1:
        head = rounded_box((rng.uniform(0.15, 0.5), rng.uniform(0.15, 0.4), rng.uniform(0.05, 0.2)), 0.02, top)
    elif kind == 2:
        head = cylinder(t * 0.4, rng.uniform(0.3, 0.8), (0, length + 0.2, 0))
    elif kind == 3:
        head = ellipsoid((0.3, 0.42, 0.1), top) - ellipsoid((0.26, 0.38, 0.1), (0, length, 0.03))
    elif kind == 4:
        head = prism(oval(0.34, 0.3), t * 0.7) - box((0.14, 0.3, 1), (0, 0.13, 0))
        head = head.translate(top)
    else:
        head = filled([t * 0.6, t * 1.4, t * 1.5], [length - 0.05, length + 0.12, length + 0.3])
    return _laid([Part(grip), Part(head, 1)], rng)


def blades(rng: np.random.Generator) -> list[Part]:
    """Scissors, pliers, a knife or sword: flat blades with grips or rings."""
    t = rng.uniform(0.03, 0.06)
    if rng.random() < 0.5:
        open_deg = float(rng.uniform(6, 30))
        blade = prism(((-0.05, 0), (0.06, 0), (0.03, 0.9), (0, 0.95)), t)
        shank = tube([(0, 0, 0), (0.1, -0.35, 0)], 0.07)
        grip = ring(rng.uniform(0.28, 0.4), 0.06).scale((0.8, 1.2, 1)).translate((0.16, -0.52, 0))
        half = [Part(blade), Part(union([shank, grip]), 1)]
        parts = [Part(p.solid.rotate((0, 0, open_deg)), p.material) for p in half]
        parts += [
            Part(p.solid.mirror((1, 0, 0)).rotate((0, 0, -open_deg)).translate((0, 0, t * 0.8)), p.material)
            for p in half
        ]
        parts.append(Part(cylinder(0.08, t * 3, (0, 0, t * 0.4), "z"), 2))
    else:
        w, long = rng.uniform(0.08, 0.25), rng.uniform(0.7, 1.4)
        parts = [Part(prism(((-w / 2, 0), (w / 2, 0), (w / 2, long * 0.8), (0, long), (-w / 2, long * 0.85)), t))]
        parts.append(Part(rounded_box((w * 0.9, 0.45, t * 2.4), 0.02, (0, -0.2, 0)), 1))
        if rng.random() < 0.5:
            parts.append(Part(box((w * 2.6, 0.06, t * 3), (0, 0.02, 0)), 2))
    return _laid(parts, rng)


def device(rng: np.random.Generator) -> list[Part]:
    """A camera, radio, speaker, clock, toaster, projector: a case with lenses, knobs, grilles, an aerial, feet."""
    w, h, d = rng.uniform(0.6, 1.3), rng.uniform(0.4, 1.0), rng.uniform(0.2, 0.8)
    soft = float(rng.choice([0.0, 0.02, 0.06, 0.15])) * min(w, h, d) * 2
    parts = [Part(rounded_box((w, h, d), soft, (0, h / 2, 0)) if soft > 0 else box((w, h, d), (0, h / 2, 0)))]
    for number in range(int(rng.integers(1, 6))):
        q, out = rng.uniform(0.06, min(w, h) * 0.7), rng.uniform(0.02, 0.25)
        x, y = rng.uniform(-0.5, 0.5) * (w - q), h / 2 + rng.uniform(-0.5, 0.5) * (h - q)
        face = (
            cylinder(q, out, (x, y, d / 2 + out / 2 - 0.01), "z")
            if rng.random() < 0.6
            else box((q, q * 0.6, out), (x, y, d / 2 + out / 2 - 0.01))
        )
        parts.append(Part(face, 1 + number % 3))
    if rng.random() < 0.3:
        parts.append(Part(tube([(w * 0.4, h, 0), (w * rng.uniform(0.2, 0.9), h + rng.uniform(0.3, 0.9), 0)], 0.035), 2))
    if rng.random() < 0.3:
        parts.append(Part(ring(w * 0.6, 0.06).translate((0, h, 0)) - box((w, h, d), (0, h / 2, 0)), 2))
    if rng.random() < 0.3:
        parts.append(Part(union(mirrored(box((0.08, 0.06, d * 0.8), (w * 0.4, -0.02, 0)))), 3))
    return parts


def screen(rng: np.random.Generator) -> list[Part]:
    """A monitor, picture frame, sign or fan on a stand."""
    w, h, t = rng.uniform(0.7, 1.6), rng.uniform(0.5, 1.1), rng.uniform(0.04, 0.2)
    lean = float(rng.uniform(-15, 3))
    rise = rng.uniform(0.05, 0.5)
    panel = cylinder(h, t, (0, 0, 0), "z") if rng.random() < 0.25 else box((w, h, t))
    parts = [Part(panel.rotate((lean, 0, 0)).translate((0, rise + h / 2, 0)))]
    parts.append(Part(box((0.12, rise + h * 0.4, 0.06), (0, (rise + h * 0.4) / 2, -t * 0.7)), 1))
    parts.append(Part(prism(oval(w * 0.45, 0.35), 0.04, "y"), 1))
    return parts


def soup(rng: np.random.Generator) -> list[Part]:
    """A union of a few random solids, mirrored or not, at times with a bite taken out."""
    solids = [_random_solid(rng) for _ in range(int(rng.integers(1, 7)))]
    if rng.random() < 0.6:
        solids = [union(mirrored(solid)) for solid in solids]
    parts = [Part(solid, number) for number, solid in enumerate(solids)]
    if rng.random() < 0.25:
        bite = _random_solid(rng)
        parts = [Part(p.solid - bite, p.material) for p in parts]
    return parts


def _random_solid(rng: np.random.Generator) -> Manifold:
    size = np.exp(rng.uniform(np.log(0.15), np.log(1.2), 3))
    kind = rng.choice(7)
    if kind == 0:
        solid = box(size)
    elif kind == 1:
        solid = rounded_box(size, rng.uniform(0.1, 0.5) * float(size.min()))
    elif kind == 2:
        solid = ellipsoid(size)
    elif kind == 3:
        solid = cylinder(1, 1, top=rng.uniform(0.1, 1)).scale(size)
    elif kind == 4:
        solid = filled(smooth_profile(rng, 0.15, 0.5, 5), np.linspace(-0.5, 0.5, 24)).scale(size)
    elif kind == 5:
        solid = ring(1, rng.uniform(0.15, 0.45)).scale(size)
    else:
        turn = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 9))))
        reach = rng.uniform(0.3, 0.5, len(turn))
        outline = np.column_stack([np.cos(turn) * reach, np.sin(turn) * reach])
        solid = prism(outline, 1).scale(size)
    if rng.random() < 0.4:
        solid = solid.rotate(rng.uniform(0, 360, 3))
    return solid.translate(rng.uniform(-0.5, 0.5, 3))


def _laid(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """Tools stand, lie on the ground turned anyhow, or hang."""
    kind = rng.choice(3, p=(0.3, 0.5, 0.2))
    if kind == 0:
        return parts
    flat = [Part(p.solid.rotate((0, 0, float(rng.uniform(0, 1)))), p.material) for p in parts]
    if kind == 1:
        turn = float(rng.uniform(0, 360))
        return [Part(p.solid.rotate((-90, 0, 0)).rotate((0, turn, 0)), p.material) for p in flat]
    lean = float(rng.uniform(-180, 180))
    return [Part(p.solid.rotate((0, 0, lean)), p.material) for p in flat]


FAMILIES = {"hand_tool": hand_tool, "blades": blades, "device": device, "screen": screen, "soup": soup}
