"""Open-air surroundings: sky, sea, trees and hills."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.material import colour, mix
from services.segment.scenery.noise import smoothstep
from services.segment.scenery.place import Place, Stage


def _grid(stage: Stage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    shape = stage.painter.picture.shape[:2]
    x = np.broadcast_to(stage.painter.columns, shape).astype(np.float32)
    y = np.broadcast_to(stage.painter.rows, shape).astype(np.float32)
    return x, y


def sky(stage: Stage, clouds: float = 0.6) -> None:
    """Sky with perspective clouds; a low sun or a moon where the mood has one."""
    painter, mood, noise = stage.painter, stage.mood, stage.noise
    horizon = stage.ground.vanishing
    middle = 0.55 * mood.sky_low + 0.45 * mood.sky_top
    if mood.name == "sunset":
        middle = colour("#d0708a") * 0.55
    painter.gradient([(-0.1, mood.sky_top), (0.55 * horizon, middle), (horizon, mood.sky_low), (1.0, mood.sky_low)])
    x, y = _grid(stage)
    up = np.maximum(horizon - y, 0.004)
    far_x, far_y = (x - 0.5 * painter.aspect) / (up + 0.10) * 0.9, 0.36 / (up + 0.06)
    field = noise.fractal(far_x * 1.3 + 3.0, far_y * 1.1, 5, gain=0.55)
    cover = smoothstep(0.15, 1.5, field) * np.clip(up * 16.0, 0.0, 1.0) * clouds
    lit = mood.sky_low * 0.55 + mood.key * 0.9 if mood.name != "overcast" else mood.sky_low * 1.02
    if mood.name == "sunset":
        lit = colour("#ff9a63") * 1.15
    if mood.name in ("night", "neon"):
        lit = mood.sky_low * 1.4
    painter.picture[:] = mix(painter.picture, lit, np.asarray(cover, np.float32))
    if mood.name == "sunset":
        sun_x = painter.aspect * (0.24 if stage.light_x < 0 else 0.76)
        sun_y = horizon - 0.055
        painter.glow(sun_x, sun_y, 0.26, np.array([0.75, 0.32, 0.10], np.float32))
        painter.glow(sun_x, sun_y, 0.09, np.array([1.6, 0.80, 0.30], np.float32))
        painter.ellipse(sun_x, sun_y, 0.032, 0.032, np.array([22.0, 13.0, 5.5], np.float32))
    elif mood.name in ("night", "neon"):
        count = 90
        random = noise.random
        faint = random.uniform(0.02, 0.5, (count, 1)).astype(np.float32) ** 2
        painter.points(
            random.uniform(0, painter.aspect, count),
            random.uniform(0, 0.85 * horizon, count),
            faint * np.array([0.9, 0.95, 1.1], np.float32) * 2.0,
            0.0015,
        )
        moon_x = painter.aspect * (0.26 if stage.light_x < 0 else 0.74)
        painter.glow(moon_x, 0.13, 0.12, np.array([0.05, 0.06, 0.09], np.float32))
        painter.ellipse(moon_x, 0.13, 0.022, 0.022, np.array([2.6, 2.6, 2.4], np.float32))
    elif mood.name in ("bright", "warm", "soft"):
        sun_x = painter.aspect * (0.05 if stage.light_x < 0 else 0.95)
        painter.glow(sun_x, -0.05, 0.30, mood.key * 0.7)


def _ridge(
    stage: Stage, base: float, rise: float, rgb: NDArray[np.float32], frequency: float, octaves: int = 4
) -> None:
    """A line of hills or trees whose top wanders, filled down to the ground."""
    painter = stage.painter
    x = np.linspace(-0.02, painter.aspect + 0.02, 160, dtype=np.float32)
    top = base - rise * (0.5 + 0.35 * stage.noise.fractal(x * frequency, np.zeros_like(x) + 3.3, octaves, gain=0.5))
    points = [(float(a), float(b)) for a, b in zip(x, top, strict=True)]
    painter.polygon([*points, (painter.aspect + 0.02, 1.0), (-0.02, 1.0)], rgb)


def _canopy(stage: Stage, y_low: float, count: int, size: float, bright: float, top: float = -0.05) -> None:
    """Leaves seen against the light: dark near, glowing where the sky comes through, bright gaps for the lens."""
    painter, random, mood = stage.painter, stage.noise.random, stage.mood
    greens = stage.greens
    x = random.uniform(-0.03, painter.aspect + 0.03, count)
    y = top + (y_low - top) * random.beta(1.1, 1.5, count)
    depth = random.uniform(0.0, 1.0, count)
    order = np.argsort(-depth)
    x, y, depth = x[order], y[order], depth[order]
    light = (0.30 + 0.9 * depth[:, None]) * random.uniform(0.5, 1.3, (count, 1)) * bright
    rgb = greens[random.integers(0, len(greens), count)] * light * (mood.dome * 0.9 + mood.key * 1.2)
    rgb = rgb * (1 - 0.35 * depth[:, None]) + mood.sky_low * 0.35 * depth[:, None] * (0.5 if not mood.dark else 0.2)
    painter.leaves(x, y, size * random.uniform(0.5, 1.5, count) * (1.25 - 0.6 * depth), rgb.astype(np.float32), random)


def gaps(
    stage: Stage,
    count: int,
    y0: float,
    y1: float,
    power: float,
    radius: float = 0.0045,
    across: tuple[float, float] = (0.0, 1.0),
) -> None:
    """Specks of sky between leaves: what turns into discs of light out of focus. ``across``: shares of the width."""
    painter, random, mood = stage.painter, stage.noise.random, stage.mood
    tone = mood.sky_low * 0.6 + mood.key * 1.2 + 0.05
    greens = stage.greens
    mixed = 0.35 * tone + 0.75 * greens[random.integers(0, len(greens), count)]
    strength = random.gamma(1.2, 1.0, (count, 1)) * power
    painter.points(
        random.uniform(across[0] * painter.aspect, across[1] * painter.aspect, count),
        random.uniform(y0, y1, count),
        (mixed * strength).astype(np.float32),
        radius,
    )


def _sea(stage: Stage, top: float, bottom: float) -> None:
    """Sea from the horizon to the shore: deep to turquoise, swell, the sky's light on it, breakers and foam."""
    painter, mood, noise = stage.painter, stage.mood, stage.noise
    x, y = _grid(stage)
    share = np.clip((y - top) / (bottom - top), 0.0, 1.0)
    deep, shallow = stage.outdoor(colour("#1f6f8f"), 1.1), stage.outdoor(colour("#74c4bd"), 1.15)
    water = mix(deep, shallow, np.asarray(share**1.3, np.float32))
    depth = np.maximum(y - top, 0.002)
    wave = noise.fractal((x - 0.5 * painter.aspect) / depth * 0.45, 0.30 / depth, 4, gain=0.6)
    sky_row = mood.sky_low * 0.75 + mood.sky_top * 0.25
    mirror = np.clip(0.62 - 0.42 * share + 0.16 * wave, 0.0, 1.0)
    water = mix(water, sky_row, np.asarray(mirror, np.float32))
    if mood.name == "sunset":
        sun_x = painter.aspect * (0.24 if stage.light_x < 0 else 0.76)
        path = np.exp(-(((x - sun_x) / (0.035 + 0.30 * (y - top))) ** 2))
        glitter = path * np.clip(0.35 + 0.55 * wave, 0.0, 3.0)
        water = water + glitter[..., None] * np.array([3.4, 1.7, 0.65], np.float32)
    else:
        spark = smoothstep(1.7, 2.6, wave) * (1 - share)
        water = water + spark[..., None] * mood.key * 2.5
    sway = 0.010 * noise.fractal(x * 2.4, np.zeros_like(x), 3)
    foam = np.zeros_like(x)
    for line, width in ((0.60, 0.006), (0.82, 0.008), (0.965, 0.010)):
        at = top + line * (bottom - top) + sway * line
        ragged = noise.fractal(x * 14.0, y * 60.0, 3, gain=0.6)
        foam += np.exp(-(((y - at) / width) ** 2)) * np.clip(0.55 + 0.5 * ragged, 0.0, 1.0)
    water = mix(water, stage.outdoor(colour("#f4f7f5"), 1.15), np.asarray(np.clip(foam, 0.0, 0.95), np.float32))
    zone = np.asarray(smoothstep(top - 0.0015, top + 0.0015, y), np.float32)
    painter.picture[:] = mix(painter.picture, water, zone)


def beach(stage: Stage) -> None:
    """Sky, a headland, the sea and its foam on wet sand."""
    painter, mood = stage.painter, stage.mood
    horizon = stage.ground.vanishing
    sky(stage)
    side = painter.aspect * (0.98 if stage.light_x < 0 else 0.02)
    reach = 0.36 if stage.light_x < 0 else -0.36
    hill = stage.outdoor(colour("#5d7a72"), 0.6) * (1 - mood.haze) + mood.sky_low * mood.haze
    points = [
        (side, horizon - 0.075),
        (side - 0.25 * reach, horizon - 0.055),
        (side - 0.45 * reach, horizon - 0.04),
        (side - 0.7 * reach, horizon - 0.018),
        (side - reach, horizon),
        (side + reach, horizon),
        (side + reach, horizon - 0.08),
    ]
    painter.polygon(points, hill.astype(np.float32))
    _sea(stage, horizon, 0.50)
    painter.box(-0.1, 0.50, painter.aspect + 0.1, 1.1, stage.outdoor(colour("#d9bd90")))


def sea(stage: Stage) -> None:
    """Open water to the horizon."""
    sky(stage, clouds=0.8)
    _sea(stage, stage.ground.vanishing, 1.3)


def forest(stage: Stage) -> None:
    """Trunks at several depths in mist, a canopy against the sky, shafts of light."""
    painter, mood, noise = stage.painter, stage.mood, stage.noise
    random = noise.random
    haze_colour = (mood.sky_low * 0.40 + colour("#c6c974") * (mood.dome + mood.key) * 0.62).astype(np.float32)
    if stage.season in ("winter", "christmas"):
        haze_colour = (mood.sky_low * 0.85).astype(np.float32)
    elif stage.season == "autumn":
        haze_colour = (mood.sky_low * 0.5 + colour("#d9a860") * (mood.dome + mood.key) * 0.5).astype(np.float32)
    floor = stage.outdoor(stage.greens[2], 0.55)
    painter.gradient(
        [
            (0.0, haze_colour * 0.85),
            (0.30, haze_colour * 1.15),
            (0.43, haze_colour * 0.9),
            (0.50, floor * 0.9),
            (1.0, floor * 0.6),
        ]
    )
    glow_x = painter.aspect * (0.30 if stage.light_x < 0 else 0.70)
    painter.glow(glow_x, 0.20, 0.20, (mood.key * 1.3 + 0.1 * mood.sky_low).astype(np.float32))
    bark = colour("#4a3a2c") if stage.season != "winter" else colour("#4b4744")
    gaps(stage, 70, 0.0, 0.36, 2.2)
    for layer in range(5):
        share = layer / 4.0
        count = (20, 14, 9, 6, 4)[layer]
        trunk = stage.outdoor(bark, 0.9) * (0.25 + 0.75 * share) + haze_colour * (0.75 * (1 - share))
        for _ in range(count):
            x = float(random.uniform(-0.05, painter.aspect + 0.05))
            radius = (0.004 + 0.020 * share**1.5) * float(random.uniform(0.7, 1.3))
            # The middle stays open: the subject stands there.
            if share > 0.6 and abs(x / painter.aspect - 0.5) < 0.24:
                continue
            foot = 0.46 + 0.055 * share
            lean = float(random.normal(0, 0.006))
            painter.turned(
                x + lean,
                -0.05,
                foot,
                [(0, radius * 0.8), (0.9, radius), (1.0, radius * 1.35)],
                trunk.astype(np.float32),
                light_x=stage.light_x,
                ambient=0.35 + 0.4 * (1 - share),
            )
        if layer in (1, 3):
            _canopy(stage, 0.26 + 0.08 * layer, 330 if layer == 1 else 240, 0.016 + 0.007 * layer, 0.9 - 0.12 * layer)
    # Undergrowth.
    count = 420
    y = random.uniform(0.425, 0.56, count)
    greens = stage.greens
    rgb = (
        greens[random.integers(0, len(greens), count)]
        * random.uniform(0.25, 1.0, (count, 1))
        * (mood.dome + mood.key)
        * 0.9
    )
    order = np.argsort(y)
    painter.leaves(
        random.uniform(-0.02, painter.aspect + 0.02, count),
        y[order],
        0.012 + 0.02 * (y[order] - 0.42) / 0.14,
        rgb.astype(np.float32),
        random,
    )
    gaps(stage, 46, 0.0, 0.42, 2.8, 0.0055)
    x_grid, y_grid = _grid(stage)
    slant = (x_grid - glow_x) * 1.0 + (y_grid - 0.1) * (-0.55 * stage.light_x)
    shaft = noise(slant * 9.0, np.full_like(slant, 0.5)) * np.exp(-(((y_grid - 0.25) / 0.30) ** 2))
    painter.picture += np.clip(shaft, 0.0, 2.0)[..., None] * mood.key * (0.05 + 0.18 * mood.haze)
    if stage.season == "christmas":
        count = 70
        painter.points(
            random.uniform(0, painter.aspect, count),
            random.uniform(0.05, 0.5, count),
            stage.lamp_colours(count) * np.float32(mood.practicals),
            0.004,
        )


def garden(stage: Stage) -> None:
    """A meadow in a park: a hedge, trees against the sky, flowers."""
    painter, mood, noise = stage.painter, stage.mood, stage.noise
    random = noise.random
    sky(stage, clouds=0.5)
    greens = stage.greens
    far = stage.outdoor(greens[0], 0.75) * (1 - mood.haze) + mood.sky_low * mood.haze
    _ridge(stage, 0.33, 0.10, far.astype(np.float32), 3.0)
    gaps(stage, 40, 0.18, 0.34, 2.5)
    for cx, radius in ((0.08, 0.26), (0.93, 0.30), (0.30, 0.15), (0.72, 0.13)):
        count = 220
        angle, reach = random.uniform(0, 2 * np.pi, count), np.sqrt(random.uniform(0, 1, count)) * radius
        x, y = cx * painter.aspect + np.cos(angle) * reach, 0.20 + np.sin(angle) * reach * 0.75
        lit = np.clip(0.62 - 0.9 * (y - 0.20) / radius + 0.4 * stage.light_x * np.cos(angle), 0.22, 1.5)[:, None]
        rgb = greens[random.integers(0, len(greens), count)] * lit * random.uniform(0.6, 1.2, (count, 1))
        painter.turned(
            cx * painter.aspect,
            0.24,
            0.43,
            [(0, 0.07 * radius), (1, 0.09 * radius)],
            stage.outdoor(colour("#54422f")),
            light_x=stage.light_x,
        )
        painter.leaves(
            x, y, radius * random.uniform(0.06, 0.16, count), stage.outdoor(rgb.astype(np.float32), 1.2), random
        )
        # Light comes through the crowns, not out of the sky between them.
        crown = (cx - 0.8 * radius / painter.aspect, cx + 0.8 * radius / painter.aspect)
        gaps(stage, 4 + round(42 * radius), 0.20 - 0.6 * radius, 0.20 + 0.6 * radius, 6.0, across=crown)
    # A hedge, and the lawn before it, which a table in the open leaves in view.
    count = 760
    y = np.sort(random.uniform(0.36, 0.64, count))
    rgb = greens[random.integers(0, len(greens), count)] * random.uniform(0.35, 1.05, (count, 1))
    rgb = rgb * (0.85 + 1.1 * np.clip((y - 0.45) / 0.19, 0.0, 1.0))[:, None]
    for k in range(8):
        lawn = stage.outdoor(0.5 * (greens[1] + greens[2]), 0.62 + 0.07 * k)
        painter.box(-0.1, 0.40 + 0.03 * k, painter.aspect + 0.1, 1.1, lawn)
    painter.leaves(
        random.uniform(-0.02, painter.aspect + 0.02, count),
        y,
        0.010 + 0.07 * (y - 0.36),
        stage.outdoor(rgb.astype(np.float32)),
        random,
    )
    if stage.season in ("spring", "summer", ""):
        count = 60
        bloom = np.stack([colour("#f2d44b"), colour("#f4f0ea"), colour("#e88aa8"), colour("#b08ad9")])
        if stage.tint is not None:
            bloom[0] = bloom[1] = stage.tint
        flowers = bloom[random.integers(0, 4, count)] * random.uniform(0.7, 1.2, (count, 1))
        painter.leaves(
            random.uniform(0, painter.aspect, count),
            np.sort(random.uniform(0.40, 0.50, count)),
            random.uniform(0.006, 0.012, count),
            stage.outdoor(flowers.astype(np.float32), 1.3),
            random,
        )


def _meadow(stage: Stage, top: float, bottom: float) -> None:
    """Grass out of focus, lighter towards the viewer, over the rows that a table in the open leaves in view."""
    painter, random, greens = stage.painter, stage.noise.random, stage.greens
    steps = 8
    for k in range(steps):
        lawn = stage.outdoor(0.5 * (greens[1] + greens[2]), 0.62 + 0.07 * k)
        painter.box(-0.1, top + (bottom - top) * k / steps, painter.aspect + 0.1, 1.1, lawn)
    count = 420
    share = np.sort(random.uniform(0.0, 1.0, count))
    rgb = greens[random.integers(0, len(greens), count)] * random.uniform(0.35, 1.05, (count, 1))
    painter.leaves(
        random.uniform(-0.02, painter.aspect + 0.02, count),
        top + (bottom - top) * share,
        0.006 + 0.016 * share,
        stage.outdoor((rgb * (0.85 + 0.8 * share)[:, None]).astype(np.float32)),
        random,
    )


def mountains(stage: Stage) -> None:
    """Ranges fading into the distance, a lake of mist, firs close by."""
    mood = stage.mood
    sky(stage, clouds=0.7)
    snow_line = stage.season in ("winter", "christmas")
    for share, base, rise, frequency in ((0.0, 0.34, 0.26, 1.6), (0.4, 0.37, 0.17, 2.2), (0.75, 0.41, 0.11, 3.1)):
        rock = colour("#5b6b78") if not snow_line else colour("#c9d6e2")
        tone = stage.outdoor(rock, 0.75) * (0.35 + 0.65 * share) + mood.sky_low * 0.65 * (1 - share)
        _ridge(stage, base, rise, tone.astype(np.float32), frequency, 5)
    firs = stage.outdoor(colour("#2f4a3a") if not snow_line else colour("#5d6f6a"), 0.8)
    random = stage.noise.random
    for _ in range(46):
        x, high = float(random.uniform(-0.02, stage.painter.aspect + 0.02)), float(random.uniform(0.04, 0.11))
        foot = 0.455
        stage.painter.polygon(
            [(x - 0.28 * high, foot), (x, foot - high), (x + 0.28 * high, foot)], firs * random.uniform(0.7, 1.2)
        )
    _meadow(stage, 0.445, 0.64)


def desert(stage: Stage) -> None:
    """Dunes under a wide sky."""
    mood = stage.mood
    sky(stage, clouds=0.35)
    for share, base, rise in ((0.0, 0.385, 0.05), (0.5, 0.41, 0.07), (1.0, 0.45, 0.09)):
        tone = stage.outdoor(colour("#d9a86a"), 0.75 + 0.25 * share) * (0.55 + 0.45 * share)
        tone = tone + mood.sky_low * 0.40 * (1 - share)
        _ridge(stage, base, rise, tone.astype(np.float32), 1.7 + share, 2)


def sky_only(stage: Stage) -> None:
    """Nothing but sky: for a terrace's edge or a dream."""
    sky(stage, clouds=1.0)


OUTDOORS: dict[str, Place] = {
    "beach": Place(beach, edge=0.50, distance_m=12.0, surface="sand", outdoors=True),
    "sea": Place(sea, edge=0.60, distance_m=30.0, surface="water", outdoors=True),
    "forest": Place(forest, edge=0.475, distance_m=6.0, surface="soil", outdoors=True),
    "garden": Place(garden, edge=0.455, distance_m=6.0, surface="grass", outdoors=True),
    "mountains": Place(mountains, edge=0.46, distance_m=20.0, surface="stone", outdoors=True),
    "desert": Place(desert, edge=0.44, distance_m=20.0, surface="sand", outdoors=True),
    "sky": Place(sky_only, edge=0.60, distance_m=20.0, surface="concrete"),
}
"""Surroundings in the open."""
