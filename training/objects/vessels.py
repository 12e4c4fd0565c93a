"""Turned things: bottles, cups, pots, lamps, fruit."""

from __future__ import annotations

import numpy as np

from training.objects.painted import cut
from training.objects.parts import (
    Part,
    cylinder,
    ellipsoid,
    filled,
    hollow,
    ring,
    rounded_box,
    smooth_profile,
    tube,
    union,
)


def bottle(rng: np.random.Generator) -> list[Part]:
    """A body, shoulders, a neck and a cap; round or flattened."""
    r, h = rng.uniform(0.18, 0.4), rng.uniform(0.6, 1.3)
    neck, rise = r * rng.uniform(0.25, 0.7), h * rng.uniform(0.1, 0.35)
    t = np.linspace(0, 1, 9)
    ease = 0.5 - 0.5 * np.cos(np.pi * t ** rng.uniform(0.6, 1.6))
    shoulder = r + (neck - r) * ease
    waist = 1 - rng.uniform(0, 0.2) * np.sin(np.linspace(0, np.pi, 8)) * (rng.random() < 0.4)
    radii = np.r_[r * 0.93, r * waist, shoulder, neck, neck]
    heights = np.r_[0, np.linspace(0.02, h, 8), h + rise * t + 1e-3, h + rise + 0.02, h + rise + rng.uniform(0.05, 0.2)]
    body = filled(radii, heights)
    top = float(heights[-1])
    cap = cylinder(2 * neck * rng.uniform(1.02, 1.4), rng.uniform(0.06, 0.25), (0, top, 0))
    parts = [Part(body), Part(cap, 1)]
    if rng.random() < 0.2:
        parts.append(Part(tube([(0, top, 0), (0, top + 0.2, 0), (0, top + 0.2, 0.3)], 0.07), 1))
    if rng.random() < 0.3:
        parts = [
            Part(p.solid.scale((1, 1, rng.uniform(0.45, 0.8))) if p.material == 0 else p.solid, p.material)
            for p in parts
        ]
    return parts


def cup(rng: np.random.Generator) -> list[Part]:
    """A hollow cup or mug, with a handle more often than not; a saucer at times."""
    low, high, h = rng.uniform(0.2, 0.5), rng.uniform(0.35, 0.55), rng.uniform(0.4, 1.1)
    t = np.linspace(0, 1, 14)
    radii = low + (high - low) * t ** rng.uniform(0.3, 1.5)
    wall = rng.uniform(0.025, 0.07)
    parts = [Part(hollow(radii, t * h, wall))]
    if rng.random() < 0.6:
        parts.append(_handle(rng, float(radii[7]), h))
    if rng.random() < 0.5:
        parts.append(Part(cylinder(2 * float(radii[9]) - wall, 0.02, (0, h * 0.7, 0)), 2))
    if rng.random() < 0.25:
        parts.append(Part(filled([0.3, 0.75, 0.8], [-0.05, 0.0, 0.05]), 3))
    return parts


def pot(rng: np.random.Generator) -> list[Part]:
    """A vase, jug, teapot or jar of random profile: open or lidded, with handles and a spout."""
    h = rng.uniform(0.5, 1.3)
    radii = smooth_profile(rng, 0.16, 0.6, int(rng.integers(3, 7)))
    heights = np.linspace(0, h, len(radii))
    is_open = rng.random() < 0.6
    body = hollow(radii, heights, rng.uniform(0.025, 0.06)) if is_open else filled(radii, heights)
    parts = [Part(body)]
    if not is_open and rng.random() < 0.7:
        parts.append(Part(filled([radii[-1], radii[-1] * 0.6, 0.05], [h, h + 0.08, h + 0.12]), 1))
        parts.append(Part(ellipsoid((0.12,) * 3, (0, h + 0.16, 0)), 1))
    middle = float(radii[12])
    if rng.random() < 0.4:
        parts.append(_handle(rng, middle, h))
        if rng.random() < 0.5:
            reach = middle + rng.uniform(0.2, 0.4)
            spout = tube(
                [(-middle * 0.8, h * 0.35, 0), (-reach * 0.95, h * 0.55, 0), (-reach - 0.1, h * 0.9, 0)],
                [0.16, 0.11, 0.07],
            )
            parts.append(Part(spout - union([hollow_core(radii, heights)]) if is_open else spout, 0))
    return parts


def hollow_core(radii: np.ndarray, heights: np.ndarray) -> object:
    """The inside of an open vessel, to keep a spout from filling it."""
    return filled(np.maximum(radii - 0.04, 0.01), heights + 0.04)


def can(rng: np.random.Generator) -> list[Part]:
    """A tin, drum or barrel: nearly straight sides with rims or hoops, a flat lid, at times a knob or a tap."""
    r, h = rng.uniform(0.2, 0.5), rng.uniform(0.25, 1.3)
    t = np.linspace(0, 1, 16)
    bulge = rng.uniform(0.03, 0.3) if rng.random() < 0.35 else 0.0
    taper = 1 + rng.uniform(-0.15, 0.15) * (t - 0.5) * (rng.random() < 0.3)
    radii = r * taper * (1 + bulge * np.sin(np.pi * t))
    parts = [Part(filled(radii, t * h))]
    bands = (0.0, 1.0) if bulge == 0 else (0.05, 0.3, 0.7, 0.95)
    if rng.random() < 0.7:
        wide = h * rng.uniform(0.015, 0.06)
        for at in bands:
            around = float(np.interp(at, t, radii)) * rng.uniform(1.01, 1.05)
            parts.append(Part(filled([around, around], [at * h - wide, at * h + wide]), 1))
    if rng.random() < 0.5:
        parts = [cut(part, cylinder(1.84 * float(radii[-1]), 0.08, (0, h, 0))) for part in parts]
    if rng.random() < 0.25:
        parts.append(Part(ellipsoid((r * 0.4,) * 3, (0, h, 0)), 2))
    if rng.random() < 0.15:
        parts.append(Part(cylinder(0.1, 0.2, (0, h * 0.2, r), "z"), 2))
    return parts


def served(rng: np.random.Generator) -> list[Part]:
    """A cup, glass, pot or small cake on a saucer, plate, tray or coaster, at times with a spoon beside it."""
    drawn = (cup, cup, pot, fruit)[int(rng.integers(4))](rng)
    low, high = (np.asarray(b) for b in np.split(np.array(union([p.solid for p in drawn]).bounding_box()), 2))
    middle, width = (low + high) / 2, float(max(high[0] - low[0], high[2] - low[2]))
    r, deep = width * rng.uniform(0.55, 1.1), width * rng.uniform(0.03, 0.16)
    radii, heights = r * np.array([0.45, 0.55, 0.8, 1.0]), deep * np.array([0.0, 0.25, 0.5, 1.0])
    plate = hollow(radii, heights, width * rng.uniform(0.02, 0.05))
    if rng.random() < 0.15:
        plate = rounded_box((2 * r, deep, 1.6 * r), deep * 0.3, (0, deep / 2, 0))
    floor = float(rng.uniform(0.1, 0.5)) * deep
    parts = [part.moved((-middle[0], floor - low[1], -middle[2])) for part in drawn] + [Part(plate, 5)]
    if rng.random() < 0.3:
        parts.append(Part(tube([(r * 0.8, deep, -r * 0.6), (r * 0.8, deep, r * 0.6)], 0.05), 6))
    return parts


def bowl(rng: np.random.Generator) -> list[Part]:
    """A bowl, plate, tray or pan, at times with a long handle or something in it."""
    depth, foot = rng.uniform(0.06, 0.6), rng.uniform(0.2, 0.7)
    t = np.linspace(0, 1, 12)
    radii = foot + (1 - foot) * np.sin(t * np.pi / 2) ** rng.uniform(0.6, 1.4)
    parts = [Part(hollow(np.r_[foot * 0.98, radii], np.r_[0, 0.01 + t * depth], rng.uniform(0.025, 0.06)))]
    if rng.random() < 0.25:
        parts.append(Part(rounded_box((1.1, 0.06, 0.14), 0.03, (1.45, depth * 0.85, 0)), 1))
    if rng.random() < 0.3:
        for k in range(int(rng.integers(1, 7))):
            at = rng.normal(size=2) * 0.3
            parts.append(Part(ellipsoid(rng.uniform(0.25, 0.5, 3), (at[0], depth * 0.5 + 0.1, at[1])), 1 + k % 3))
    return parts


def lamp(rng: np.random.Generator) -> list[Part]:
    """A lamp, candlestick, goblet or mushroom: a foot, a stem, a head."""
    h = rng.uniform(0.8, 1.8)
    parts = [
        Part(filled(np.array([1, 0.9, 0.3]) * rng.uniform(0.2, 0.45), [0, 0.05, rng.uniform(0.08, 0.2)])),
        Part(cylinder(rng.uniform(0.04, 0.14), h, (0, h / 2, 0)), 1),
    ]
    low, high, tall = rng.uniform(0.25, 0.6), rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.6)
    if rng.random() < 0.5:
        parts.append(Part(filled([low, high], [h - tall * 0.3, h + tall * 0.7]), 2))
    else:
        parts.append(Part(ellipsoid((2 * low, tall, 2 * low), (0, h, 0)), 2))
    return parts


def fruit(rng: np.random.Generator) -> list[Part]:
    """Round food: an apple, a pear, a pumpkin, a bun, a cake, a jar of random turned tiers."""
    if rng.random() < 0.5:
        t = np.linspace(0.03, np.pi - 0.03, 24)
        dent = 1 - rng.uniform(0, 0.35) * np.cos(t) ** 6
        bias = 1 + rng.uniform(-0.35, 0.35) * np.cos(t)
        body = filled(np.sin(t) * 0.5 * bias, -np.cos(t) * 0.5 * dent * rng.uniform(0.6, 1.3))
        parts = [Part(body.scale((1, 1, rng.uniform(0.85, 1.1))))]
        if rng.random() < 0.6:
            parts.append(Part(tube([(0, 0.3, 0), (0.02, 0.5, 0), (0.08, 0.62, 0)], 0.05), 1))
        return parts
    parts, floor = [], 0.0
    for number in range(int(rng.integers(2, 6))):
        r, h = rng.uniform(0.3, 0.6), rng.uniform(0.06, 0.35)
        tier = (
            ellipsoid((2 * r, h * 1.6, 2 * r), (0, floor + h / 2, 0))
            if rng.random() < 0.4
            else cylinder(2 * r, h * 1.1, (0, floor + h / 2, 0))
        )
        parts.append(Part(tier, number))
        floor += h
    return parts


def bent(rng: np.random.Generator) -> list[Part]:
    """A banana, hook, horn, sausage or cable: a tapered tube along an arc."""
    arc, r = rng.uniform(0.6, 4.5), rng.uniform(0.3, 0.8)
    turn = np.linspace(0, arc, 12)
    path = np.column_stack([np.cos(turn) * r, np.sin(turn) * r, np.linspace(0, rng.uniform(0, 0.4), 12)])
    widths = rng.uniform(0.1, 0.35) * np.sin(np.linspace(0.4, np.pi - rng.uniform(0.2, 1.0), 12)) + 0.03
    return [Part(tube(path, widths).rotate((float(rng.choice([0, 90])), 0, float(rng.uniform(0, 360)))))]


def _handle(rng: np.random.Generator, radius: float, h: float) -> Part:
    size = h * rng.uniform(0.5, 0.8)
    loop = ring(size, rng.uniform(0.06, 0.13)).scale((rng.uniform(0.6, 1.0), 1, rng.uniform(0.7, 1.5)))
    inside = cylinder(2 * radius * 0.9, 3 * h)
    return Part(loop.translate((radius, h * 0.5, 0)) - inside, int(rng.integers(2)))


FAMILIES = {
    "bottle": bottle,
    "cup": cup,
    "pot": pot,
    "can": can,
    "served": served,
    "bowl": bowl,
    "lamp": lamp,
    "fruit": fruit,
    "bent": bent,
}
