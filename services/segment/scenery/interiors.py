"""Rooms: painted simply and lit with care, because the lens will blur them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.daylight import DAYLIT, fronds, sunshine, window
from services.segment.scenery.material import colour
from services.segment.scenery.noise import smoothstep
from services.segment.scenery.place import Place, Stage

LEAST_WALL = np.float32(0.05)
"""Albedo of the darkest backdrop in a spot."""


def _wall(stage: Stage, base: NDArray[np.float32], falloff: float = 0.55) -> None:
    """A wall that is brightest near the key light and darkens away from it and towards the ceiling."""
    painter = stage.painter
    source = 0.12 * painter.aspect if stage.light_x < 0 else 0.88 * painter.aspect
    reach = np.hypot((painter.columns - source) / 0.9, (painter.rows - 0.30) / 0.8)
    light = (1.0 - falloff) + falloff * np.exp(-((reach / 0.75) ** 2))
    texture = 1.0 + 0.015 * stage.noise.fractal(
        np.broadcast_to(painter.columns * 4, reach.shape).astype(np.float32),
        np.broadcast_to(painter.rows * 4, reach.shape).astype(np.float32),
        3,
    )
    painter.picture[:] = (light * texture)[..., None] * (base * stage.wall_light * 1.15)


def _crockery(stage: Stage, y: float, x0: float, x1: float, scale: float, palette: list[str]) -> None:
    """A shelf's worth of jars, bowls, bottles and plates, standing on ``y`` between ``x0`` and ``x1``."""
    painter, noise = stage.painter, stage.noise
    light = stage.wall_light
    x = x0 + 0.03 * scale
    while x < x1 - 0.03 * scale:
        kind = noise.choice(5)
        rgb = colour(palette[noise.choice(len(palette))]) * light * noise.uniform(0.85, 1.15)
        size = scale * noise.uniform(0.75, 1.2)
        if kind == 0:  # a jar with a lid
            radius, high = 0.030 * size, 0.095 * size
            painter.turned(x + radius, y - high, y, [(0, radius), (1, radius)], rgb, light_x=stage.light_x, shine=0.5)
            lid = colour("#b98a55") * light
            painter.turned(
                x + radius, y - high - 0.015 * size, y - high, [(0, radius), (1, radius)], lid, light_x=stage.light_x
            )
        elif kind == 1:  # a bowl
            radius, high = 0.050 * size, 0.048 * size
            painter.turned(
                x + radius,
                y - high,
                y,
                [(0, radius), (0.6, radius * 0.8), (1, radius * 0.4)],
                rgb,
                light_x=stage.light_x,
            )
        elif kind == 2:  # a bottle
            radius, high = 0.022 * size, 0.15 * size
            profile = [(0, radius * 0.35), (0.3, radius * 0.4), (0.45, radius), (1, radius)]
            painter.turned(x + radius, y - high, y, profile, rgb * 0.75, light_x=stage.light_x, shine=0.9)
        elif kind == 3:  # a plate on edge
            radius = 0.055 * size
            painter.ellipse(x + radius, y - radius, radius, radius, rgb)
            painter.ellipse(x + radius, y - radius, radius * 0.68, radius * 0.68, rgb * 0.9)
        else:  # a vase with twigs
            radius, high = 0.032 * size, 0.085 * size
            profile = [(0, radius * 0.5), (0.25, radius * 0.6), (0.65, radius), (1, radius * 0.7)]
            painter.turned(x + radius, y - high, y, profile, rgb, light_x=stage.light_x, shine=0.3)
            _sprig(stage, x + radius, y - high, 0.11 * size)
        radius = {0: 0.03, 1: 0.05, 2: 0.022, 3: 0.055, 4: 0.032}[kind] * size
        x += 2 * radius + noise.uniform(0.008, 0.035) * scale


def _sprig(stage: Stage, x: float, y: float, reach: float, count: int = 34) -> None:
    """Leaves along a few bent stems above a pot."""
    random = stage.noise.random
    stems = max(5, count // 9)
    aim = np.linspace(-0.95, 0.95, stems) + random.normal(0.0, 0.12, stems)
    length = reach * (1.0 - 0.25 * np.abs(aim)) * random.uniform(0.75, 1.1, stems)
    which = random.integers(0, stems, count)
    along = random.uniform(0.25, 1.0, count)
    bend = aim[which] * (0.35 + 0.75 * along)
    shade = random.uniform(0.40, 1.25, (count, 1)) * (0.6 + 0.4 * along[:, None])
    green = stage.foliage if stage.season not in ("winter", "") else colour("#5d7c44")
    leaf = min(0.17 * reach, 0.024)
    stage.painter.leaves(
        x + np.sin(bend) * length[which] * along + random.normal(0.0, 0.25 * leaf, count),
        y - np.cos(bend) * length[which] * along,
        random.uniform(0.7, 1.3, count) * leaf,
        (green * shade * stage.wall_light * 1.1).astype(np.float32),
        random,
    )


def _shelf(stage: Stage, y: float, x0: float, x1: float, rgb: NDArray[np.float32]) -> None:
    painter = stage.painter
    painter.box(x0, y + 0.018, x1, y + 0.052, np.zeros(3, np.float32), 0.22)
    painter.box(x0, y, x1, y + 0.018, rgb * stage.wall_light)
    painter.box(x0, y, x1, y + 0.005, rgb * stage.wall_light * 1.35)


def _pendant(stage: Stage, x: float, y: float, size: float) -> None:
    painter, mood = stage.painter, stage.mood
    painter.box(x - 0.002, 0.0, x + 0.002, y, np.full(3, 0.03, np.float32))
    shade = colour("#2b2b2d") * stage.wall_light * 1.4
    painter.polygon([(x - 0.2 * size, y), (x + 0.2 * size, y), (x + size, y + size), (x - size, y + size)], shade)
    bulb = np.array([1.0, 0.74, 0.42], np.float32) * (mood.practicals * 0.8)
    painter.ellipse(x, y + size, 0.72 * size, 0.16 * size, bulb)
    painter.glow(x, y + 1.1 * size, 0.10, bulb * (0.05 if mood.dark else 0.015))


def garlands(stage: Stage) -> None:
    """Strings of lights across the room, and a tree full of them at one side."""
    painter, random = stage.painter, stage.noise.random
    aspect, count = painter.aspect, 44
    x = np.linspace(-0.02, aspect + 0.02, count)
    y = 0.05 + 0.05 * np.abs(np.sin(x / aspect * np.pi * 2.0)) + random.normal(0.0, 0.006, count)
    strength = np.float32(stage.mood.practicals * 0.9)
    painter.points(x, y, stage.lamp_colours(count) * strength, 0.0045)
    foot, top = 0.60, 0.06
    axis = aspect * (0.86 if stage.light_x < 0 else 0.14)
    leaves = 420
    share = random.uniform(0.0, 1.0, leaves) ** 0.6
    needle = colour("#24452f") * random.uniform(0.5, 1.5, (leaves, 1)) * stage.wall_light * 1.2
    painter.leaves(
        axis + random.uniform(-1, 1, leaves) * 0.17 * share,
        top + (foot - top) * share,
        random.uniform(0.012, 0.022, leaves),
        needle.astype(np.float32),
        random,
    )
    lights = 46
    share = random.uniform(0.02, 1.0, lights) ** 0.6
    painter.points(
        axis + random.uniform(-0.95, 0.95, lights) * 0.16 * share,
        top + (foot - top) * share,
        stage.lamp_colours(lights) * strength,
        0.004,
    )


def studio(stage: Stage) -> None:
    """A paper sweep: a soft pool of light on the backdrop, behind where the subject stands."""
    painter, mood = stage.painter, stage.mood
    base = stage.tint if stage.tint is not None else (colour("#6a6d74") if mood.dark else colour("#e6ddd3"))
    if mood.dark:
        # A black wall in a spot is not black: its sheen parts the subject from it.
        base = np.maximum(base, LEAST_WALL)
    x = (painter.columns / painter.aspect - 0.5 - 0.10 * stage.light_x) / 0.52
    y = (painter.rows - 0.40) / 0.50
    pool = np.exp(-(x * x + y * y))
    low, high = (0.04, 1.35) if mood.dark else (0.66, 0.34)
    flat = float(mood.total.mean())
    tint = mood.total / max(flat, 1e-3)
    painter.picture[:] = (low + high * pool)[..., None] * (base * tint * max(flat, 0.55))
    if mood.name in DAYLIT and not stage.bare:
        fronds(stage)


def kitchen(stage: Stage) -> None:
    """A counter's view into a kitchen: window over the sink, tiled wall, a shelf of crockery, a plant, lamps."""
    painter, noise = stage.painter, stage.noise
    aspect, left = painter.aspect, stage.light_x < 0
    base = 0.4 * colour("#e4dfd6") + 0.6 * stage.tint if stage.tint is not None else colour("#e6e1d8")
    _wall(stage, base, 0.45)

    def place(x: float) -> float:
        return x * aspect if left else (1 - x) * aspect

    def span(x0: float, x1: float) -> tuple[float, float]:
        return (place(x0), place(x1)) if left else (place(x1), place(x0))

    # Tiles of the splashback.
    top, bottom = 0.06, 0.50
    rows = np.broadcast_to(painter.rows, painter.picture.shape[:2])
    columns = np.broadcast_to(painter.columns, painter.picture.shape[:2])
    brick = np.floor(rows / 0.042)
    grout = np.minimum(np.mod(rows, 0.042), np.mod(columns + 0.045 * np.mod(brick, 2), 0.09))
    face = smoothstep(0.0015, 0.004, grout.astype(np.float32))
    vary = 1.0 + 0.05 * np.sin(brick * 7.3 + np.floor((columns + 0.045 * np.mod(brick, 2)) / 0.09) * 3.1)
    zone = ((rows > top) & (rows < bottom))[..., None]
    painter.picture[:] = np.where(zone, painter.picture * ((0.80 + 0.20 * face) * vary)[..., None], painter.picture)
    # Cupboards overhead and below, a far worktop.
    fronts = colour(("#d9cfba", "#a3ad93", "#b98d60", "#c79c6e")[noise.choice(4)])
    cupboard = fronts if stage.tint is None else 0.5 * fronts + 0.5 * stage.tint
    dark_wood = colour("#8d633e")
    x0, x1 = span(0.60, 1.08)
    _shelf(stage, 0.30, x0, x1, dark_wood)
    _crockery(stage, 0.30, x0, x1, 1.05, ["#f2efe9", "#d8cbb8", "#b9743f", "#8fa39a", "#e9e2d4", "#5e6b62"])
    _shelf(stage, 0.105, x0, x1, dark_wood)
    _crockery(stage, 0.105, x0, x1, 0.8, ["#f2efe9", "#c9b79c", "#a96a3c", "#d9d4c8"])
    wx0, wx1 = span(0.03, 0.43)
    window(stage, wx0, 0.03, wx1, 0.385, (2, 2))
    painter.box(-0.1, 0.50, aspect + 0.1, 0.53, colour("#d8d3c8") * stage.wall_light * 1.2)
    painter.box(-0.1, 0.53, aspect + 0.1, 1.1, cupboard * stage.wall_light * 0.85)
    painter.box(-0.1, 0.53, aspect + 0.1, 0.545, np.zeros(3, np.float32), 0.35)
    for i in range(7):
        x = i * 0.21 * aspect
        painter.box(x - 0.003, 0.54, x + 0.003, 1.0, np.zeros(3, np.float32), 0.35)
    # On the far worktop: a plant by the window, a kettle, jars, a board.
    px = place(0.50)
    painter.turned(
        px, 0.43, 0.50, [(0, 0.038), (1, 0.028)], colour("#c98a5f") * stage.wall_light, light_x=stage.light_x
    )
    _sprig(stage, px, 0.435, 0.16, 70)
    kx0, kx1 = span(0.60, 1.02)
    _crockery(stage, 0.50, kx0, kx1, 1.25, ["#ece6da", "#b98a5a", "#7f8d88", "#33373a", "#d9c7a8"])
    sunshine(stage, place(0.66), 0.36, 0.42, 0.40)
    if stage.mood.dark or noise.uniform() < 0.6:
        _pendant(stage, place(0.72), 0.02, 0.055)
        _pendant(stage, place(0.93), 0.02, 0.055)


def room(stage: Stage) -> None:
    """A living room: a wall with a picture, a sofa, a lamp, a plant, a window with curtains."""
    painter, mood = stage.painter, stage.mood
    aspect, left = painter.aspect, stage.light_x < 0
    _wall(stage, colour("#ddd4c8") if stage.tint is None else 0.35 * colour("#ddd4c8") + 0.65 * stage.tint, 0.6)

    def place(x: float) -> float:
        return x * aspect if left else (1 - x) * aspect

    wx0, wx1 = sorted((place(0.02), place(0.30)))
    window(stage, wx0, -0.04, wx1, 0.40, (2, 3))
    for cx in (place(-0.01), place(0.335)):
        for i in range(6):
            fold = 0.75 + 0.25 * np.cos(i * 2.1)
            x = cx + (i - 3) * 0.013
            painter.box(x, -0.05, x + 0.014, 0.56, colour("#efe9de") * stage.wall_light * fold * 1.1, 0.92)
    sx0, sx1 = sorted((place(0.42), place(0.98)))
    sofa = colour("#8c8577") if stage.tint is None else 0.5 * colour("#6b665e") + 0.3 * stage.tint
    painter.box(sx0, 0.385, sx1, 0.56, sofa * stage.wall_light * 0.95)
    painter.box(sx0 - 0.03, 0.43, sx0 + 0.05, 0.60, sofa * stage.wall_light * 1.1)
    painter.box(sx1 - 0.05, 0.43, sx1 + 0.03, 0.60, sofa * stage.wall_light * 0.8)
    painter.box(sx0, 0.475, sx1, 0.62, sofa * stage.wall_light * 0.8)
    for i, code in enumerate(("#c98f5b", "#e8e0d2", "#7d8f86")):
        cx = sx0 + (sx1 - sx0) * (0.22 + 0.28 * i)
        painter.polygon(
            [(cx - 0.05, 0.38), (cx + 0.045, 0.37), (cx + 0.055, 0.465), (cx - 0.055, 0.47)],
            colour(code) * stage.wall_light,
        )
    fx0, fx1 = sorted((place(0.55), place(0.74)))
    painter.box(fx0 - 0.012, 0.06, fx1 + 0.012, 0.29, colour("#6f5a43") * stage.wall_light)
    painter.box(fx0, 0.072, fx1, 0.278, colour("#efeae0") * stage.wall_light)
    painter.ellipse((fx0 + fx1) / 2, 0.18, 0.05, 0.06, colour("#c4916a") * stage.wall_light)
    lx = place(0.90)
    lamp = np.array([1.0, 0.80, 0.52], np.float32) * (0.9 + 0.30 * mood.practicals)
    painter.polygon([(lx - 0.045, 0.16), (lx + 0.045, 0.16), (lx + 0.07, 0.27), (lx - 0.07, 0.27)], lamp)
    painter.box(lx - 0.004, 0.27, lx + 0.004, 0.42, colour("#4a4038") * stage.wall_light)
    painter.glow(lx, 0.22, 0.14, lamp * (0.10 if mood.dark else 0.05))
    sunshine(stage, place(0.66), 0.30, 0.50, 0.46)
    px = place(0.37)
    painter.turned(px, 0.48, 0.60, [(0, 0.05), (1, 0.04)], colour("#d7cfc2") * stage.wall_light, light_x=stage.light_x)
    _sprig(stage, px, 0.48, 0.30, 90)


def desk(stage: Stage) -> None:
    """A work place: a lit screen, books, a lamp, a plant, notes on the wall."""
    painter, noise, mood = stage.painter, stage.noise, stage.mood
    aspect, left = painter.aspect, stage.light_x < 0
    _wall(stage, colour("#dcd7cd") if stage.tint is None else 0.4 * colour("#dcd7cd") + 0.6 * stage.tint, 0.55)

    def place(x: float) -> float:
        return x * aspect if left else (1 - x) * aspect

    wx0, wx1 = sorted((place(-0.02), place(0.24)))
    window(stage, wx0, 0.0, wx1, 0.40, (1, 3))
    foot = 0.555
    # Screen.
    mx0, mx1 = sorted((place(0.36), place(0.72)))
    painter.box(mx0 - 0.008, 0.185, mx1 + 0.008, 0.425, colour("#1c1d1f") * stage.wall_light)
    screen = colour("#5b7188") * (0.9 if mood.dark else 0.75)
    painter.box(mx0, 0.193, mx1, 0.412, screen)
    painter.box(mx0, 0.193, mx0 + 0.28 * (mx1 - mx0), 0.412, screen * 0.55)
    for i in range(7):
        y = 0.215 + 0.026 * i
        painter.box(
            mx0 + 0.33 * (mx1 - mx0), y, mx0 + noise.uniform(0.5, 0.95) * (mx1 - mx0), y + 0.008, screen * 2.2 + 0.05
        )
    middle = (mx0 + mx1) / 2
    painter.box(middle - 0.018, 0.425, middle + 0.018, foot - 0.015, colour("#9a9c9f") * stage.wall_light)
    painter.ellipse(middle, foot - 0.012, 0.085, 0.014, colour("#9a9c9f") * stage.wall_light)
    sunshine(stage, place(0.64), 0.28, 0.46, 0.44)
    # Books.
    x = place(0.78) if left else place(0.98)
    for _ in range(8):
        wide, high = noise.uniform(0.014, 0.030), noise.uniform(0.12, 0.19)
        spine = colour(["#a4553d", "#d9cdb6", "#3f5566", "#6d7d5c", "#e2ddd1", "#2f3236", "#b98b45"][noise.choice(7)])
        painter.box(x, foot - high, x + wide, foot, spine * stage.wall_light)
        x += wide + 0.001
    px = place(0.29)
    painter.turned(
        px, foot - 0.075, foot, [(0, 0.036), (1, 0.028)], colour("#e7e2d8") * stage.wall_light, light_x=stage.light_x
    )
    _sprig(stage, px, foot - 0.07, 0.17, 60)
    lx = place(0.88)
    metal = colour("#2c2e31") * stage.wall_light * 1.3
    painter.polygon([(lx, 0.36), (lx + 0.008, 0.36), (lx - 0.045, 0.14), (lx - 0.053, 0.14)], metal)
    painter.polygon([(lx - 0.09, 0.12), (lx - 0.03, 0.10), (lx - 0.02, 0.165), (lx - 0.125, 0.195)], metal)
    bulb = np.array([1.0, 0.82, 0.55], np.float32) * mood.practicals * 0.55
    painter.ellipse(lx - 0.072, 0.183, 0.045, 0.012, bulb)
    painter.glow(lx - 0.075, 0.24, 0.10, bulb * (0.06 if mood.dark else 0.02))


def shop(stage: Stage) -> None:
    """Shelves of goods under spot lights."""
    painter, noise, mood = stage.painter, stage.noise, stage.mood
    aspect = painter.aspect
    _wall(stage, colour("#b9a88f") if stage.tint is None else 0.4 * colour("#b9a88f") + 0.6 * stage.tint, 0.45)
    board = colour("#7b5836")
    palettes = [
        ["#efe7d8", "#c9803f", "#5a6e5d", "#d8c3a0", "#8f4b36"],
        ["#e6ddcb", "#3f5a66", "#c99a4b", "#efe9df", "#7c8d74"],
        ["#f0eadf", "#9a6b44", "#596a78", "#d9b98a", "#b8553e"],
    ]
    for row, y in enumerate((0.02, 0.175, 0.33, 0.49)):
        strip = np.array([1.0, 0.83, 0.58], np.float32) * (0.5 + 0.10 * mood.practicals)
        painter.glow(0.5 * aspect, y - 0.10, 0.14, strip * (0.10 if mood.dark else 0.05))
        _crockery(stage, y, -0.02, aspect + 0.05, 1.0, palettes[row % 3])
        _shelf(stage, y, -0.1, aspect + 0.1, board)
    for x in (0.18, 0.52, 0.84):
        upright = board * stage.wall_light * 0.55
        painter.box(x * aspect - 0.008, 0.0, x * aspect + 0.008, 0.62, upright)
    count = 9
    xs = np.linspace(0.06, 0.94, count) * aspect + noise.random.uniform(-0.02, 0.02, count)
    painter.points(
        xs, np.full(count, 0.045), stage.lamp_colours(count) * np.float32(mood.practicals * 1.6), radius=0.006
    )


def cafe(stage: Stage) -> None:
    """A café: a dim warm room, lamps at many depths, a window to the street."""
    painter, noise, mood = stage.painter, stage.noise, stage.mood
    aspect = painter.aspect
    _wall(stage, colour("#6b513d") if stage.tint is None else 0.4 * colour("#6b513d") + 0.6 * stage.tint, 0.6)
    x0, x1 = sorted((0.04 * aspect, 0.40 * aspect)) if stage.light_x < 0 else (0.60 * aspect, 0.96 * aspect)
    window(stage, x0, 0.05, x1, 0.45, (3, 2))
    _shelf(
        stage,
        0.34,
        0.50 * aspect if stage.light_x < 0 else -0.05,
        aspect * (1.05 if stage.light_x < 0 else 0.5),
        colour("#5a3d28"),
    )
    sx0, sx1 = (0.52 * aspect, 1.02 * aspect) if stage.light_x < 0 else (-0.02, 0.48 * aspect)
    _crockery(stage, 0.34, sx0, sx1, 1.0, ["#d9c7a8", "#8f4b36", "#efe7d8", "#3f4a44", "#b98a55"])
    # The bar: cups and jars on it, a warm light under its top, panels below.
    _crockery(stage, 0.465, -0.02, aspect + 0.02, 0.9, ["#efe7d8", "#b98a55", "#5a4436", "#d9c7a8", "#7c8d74"])
    painter.box(-0.1, 0.46, aspect + 0.1, 1.1, colour("#4a3222") * stage.wall_light)
    painter.box(-0.1, 0.46, aspect + 0.1, 0.474, colour("#8a5f3c") * stage.wall_light * 1.3)
    strip = np.array([1.0, 0.74, 0.44], np.float32) * np.float32(0.10 + 0.03 * mood.practicals)
    for k in range(6):
        painter.box(-0.1, 0.474 + 0.014 * k, aspect + 0.1, 0.490 + 0.014 * k, strip, 0.55 * 0.72**k)
    for k in range(9):
        x = (k + 0.5) / 9 * aspect
        painter.box(x - 0.003, 0.48, x + 0.003, 1.0, np.zeros(3, np.float32), 0.30)
    random = noise.random
    count = 16
    xs, ys = random.uniform(0.0, aspect, count), random.uniform(0.03, 0.30, count)
    painter.points(
        xs,
        ys,
        stage.lamp_colours(count)
        * np.float32(mood.practicals)
        * random.uniform(0.5, 1.5, (count, 1)).astype(np.float32),
        0.008,
    )
    for x in (0.22, 0.55, 0.86):
        _pendant(stage, x * aspect + noise.uniform(-0.03, 0.03), 0.03 + noise.uniform(0, 0.05), 0.05)


def bathroom(stage: Stage) -> None:
    """A bathroom: large tiles, a round mirror, towels, a plant, daylight."""
    painter = stage.painter
    aspect, left = painter.aspect, stage.light_x < 0
    _wall(stage, colour("#dfe3e2") if stage.tint is None else 0.4 * colour("#dfe3e2") + 0.6 * stage.tint, 0.45)

    def place(x: float) -> float:
        return x * aspect if left else (1 - x) * aspect

    rows = np.broadcast_to(painter.rows, painter.picture.shape[:2])
    columns = np.broadcast_to(painter.columns, painter.picture.shape[:2])
    grout = np.minimum(np.mod(rows, 0.15), np.mod(columns, 0.15))
    painter.picture *= (0.86 + 0.14 * smoothstep(0.001, 0.005, grout.astype(np.float32)))[..., None]
    wx0, wx1 = sorted((place(0.0), place(0.26)))
    window(stage, wx0, 0.0, wx1, 0.36, (1, 2))
    mx = place(0.66)
    painter.ellipse(mx, 0.20, 0.178, 0.178, colour("#b08d57") * stage.wall_light)
    painter.ellipse(mx, 0.20, 0.168, 0.168, colour("#f3f6f6") * stage.wall_light * 1.25)
    tx0, tx1 = sorted((place(0.90), place(1.03)))
    painter.box(tx0, 0.22, tx1, 0.55, colour("#efece4") * stage.wall_light)
    painter.box(tx0, 0.40, tx1, 0.415, colour("#b9c6c2") * stage.wall_light)
    painter.box(-0.1, 0.53, aspect + 0.1, 1.1, colour("#a9845c") * stage.wall_light * 0.8)
    px = place(0.38)
    painter.turned(px, 0.45, 0.53, [(0, 0.036), (1, 0.03)], colour("#f2f0ea") * stage.wall_light, light_x=stage.light_x)
    _sprig(stage, px, 0.45, 0.19, 70)
    sunshine(stage, place(0.72), 0.34, 0.40, 0.36)
    cx0, cx1 = sorted((place(0.50), place(0.86)))
    _crockery(stage, 0.53, cx0, cx1, 0.9, ["#f2f0ea", "#b98a5a", "#dfe6e4", "#8fa39a"])


INTERIORS: dict[str, Place] = {
    "studio": Place(studio, edge=0.60, distance_m=2.2, surface="paper", sweep=True),
    "kitchen": Place(kitchen, edge=0.615, distance_m=2.4, surface="marble"),
    "room": Place(room, edge=0.62, distance_m=2.6, surface="wood"),
    "desk": Place(desk, edge=0.60, distance_m=1.7, surface="wood"),
    "shop": Place(shop, edge=0.60, distance_m=2.6, surface="wood"),
    "cafe": Place(cafe, edge=0.60, distance_m=3.5, surface="wood"),
    "bathroom": Place(bathroom, edge=0.61, distance_m=2.0, surface="marble"),
}
"""Surroundings under a roof."""
