"""Daylight in rooms: windows with a view, the sun that comes in, the shadow of leaves on a wall."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.scenery.material import colour
from services.segment.scenery.noise import smoothstep
from services.segment.scenery.painter import Painter
from services.segment.scenery.place import Stage

SUNNY = ("bright", "warm", "sunset")
"""Moods whose sun comes through the windows."""

DAYLIT = ("soft", "bright", "warm")
"""Moods in which leaves throw a shadow on a studio's backdrop."""

FROND_SHADE = 0.95
"""Share of the light that the leaves' shadow takes from the backdrop, for a key light that is all shaded."""

SUN_ON_WALL = 0.75
"""Light of the sun's patches on an upright wall over its light on the table."""


def _view(stage: Stage, x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float32]:
    """What a window shows, on a picture of the painter's size: far away, and so softer than the room.

    By day the sky burns out in an exposure for the room, and leaves hang before it with the sun in their gaps.
    """
    painter, mood, random = stage.painter, stage.mood, stage.noise.random
    view = Painter(painter.width, painter.height)
    wide, high = x1 - x0, y1 - y0
    if mood.dark:
        view.gradient([(y0, mood.sky_top * 1.3), (y1, mood.sky_low)])
        return view.picture
    light = mood.dome + mood.key
    # Overexposed skies are all but white, whatever their colour; the sun's own colour is in them.
    pale = 0.35 * mood.sky_low + 0.65 * float(mood.sky_low.mean())
    top = (1.5 * pale + 0.7 * light).astype(np.float32)
    low = (0.4 * pale + 1.0 * light * stage.foliage + 0.20).astype(np.float32)
    view.gradient([(y0, top), (y0 + 0.45 * high, 0.75 * top + 0.25 * low), (y1, low)])
    greens = stage.greens
    for crown, bright in ((0.55, 1.5), (0.80, 0.9)):
        count = 46
        y = y1 + 0.05 * high - np.abs(random.normal(0.0, 0.26, count)) * high / crown
        rgb = greens[random.integers(0, len(greens), count)] * random.uniform(0.6, 1.3, (count, 1)) * light * bright
        haze = np.clip((y1 - y) / high, 0.0, 1.0)[:, None] * 0.55
        rgb = rgb * (1 - haze) + top * haze
        view.leaves(
            random.uniform(x0 - 0.02, x1 + 0.02, count),
            y,
            random.uniform(0.07, 0.16, count) * min(wide, high),
            rgb.astype(np.float32),
            random,
        )
    view.picture = np.asarray(cv2.GaussianBlur(view.picture, (0, 0), 0.016 * painter.height), np.float32)
    count = 26
    sparks = (0.6 * top + 0.5 * greens[random.integers(0, len(greens), count)]) * random.gamma(1.5, 1.4, (count, 1))
    view.points(
        random.uniform(x0, x1, count),
        random.uniform(y0 + 0.25 * high, y1, count),
        (sparks * 2.2).astype(np.float32),
        0.0032,
    )
    return view.picture


def window(stage: Stage, x0: float, y0: float, x1: float, y1: float, panes: tuple[int, int]) -> None:
    """A window onto a bright day (or a blue night), with bars, a frame and the glow it throws around it."""
    painter, mood = stage.painter, stage.mood
    night = mood.dark
    painter.box(x0, y0, x1, y1, _view(stage, x0, y0, x1, y1))
    random = stage.noise.random
    if night:
        count = 24
        lights = stage.lamp_colours(count) * mood.practicals * random.uniform(0.4, 1.4, (count, 1)).astype(np.float32)
        painter.points(random.uniform(x0, x1, count), random.uniform(y0 + 0.45 * (y1 - y0), y1, count), lights, 0.004)
    # Bars stand against the light: their inner sides are in shade.
    frame = colour("#e9e6df") * stage.wall_light * (0.78 if not night else 0.7)
    bar = 0.012
    for i in range(panes[0] + 1):
        x = x0 + (x1 - x0) * i / panes[0]
        wide = bar * (1.6 if i in (0, panes[0]) else 0.8)
        painter.box(x - wide, y0 - bar, x + wide, y1 + bar, frame)
    for i in range(panes[1] + 1):
        y = y0 + (y1 - y0) * i / panes[1]
        wide = bar * (1.6 if i in (0, panes[1]) else 0.8)
        painter.box(x0 - bar, y - wide, x1 + bar, y + wide, frame)
    painter.box(x0 - 0.03, y1 + bar, x1 + 0.03, y1 + 0.035, colour("#e9e6df") * stage.wall_light * 1.35)
    if not night:
        flare = (0.5 * mood.sky_low + 0.8 * mood.key).astype(np.float32)
        painter.glow((x0 + x1) / 2, (y0 + y1) / 2, 0.22, np.asarray(0.16 * flare, np.float32))
        painter.glow((x0 + x1) / 2, (y0 + y1) / 2 + 0.05, 0.48, np.asarray(0.05 * flare, np.float32))


def sunshine(stage: Stage, x: float, y: float, wide: float, high: float) -> None:
    """The sun through a window with four panes, on the wall and on what stands before it.

    Args:
        stage: the room; moods without a sun leave it as it is.
        x: middle of the patch, fraction of the height.
        y: likewise.
        wide: its width.
        high: its height.
    """
    painter, mood = stage.painter, stage.mood
    if mood.name not in SUNNY:
        return
    lit = Painter(painter.width, painter.height)
    one = np.ones(3, np.float32)
    for column in (-1.0, 1.0):
        for row in (-1.0, 1.0):
            u, v = x + 0.26 * wide * column, y + 0.26 * high * row
            slant, fall = 0.30 * high * -stage.light_x, 0.10 * wide * -stage.light_x
            half, rise = 0.23 * wide, 0.23 * high
            corners = [(-half, -rise), (half, -rise), (half, rise), (-half, rise)]
            points = [(u + a + slant * (v + b - y) / high, v + b + fall * (u + a - x) / wide) for a, b in corners]
            lit.polygon(points, one)
    # The sun's own size makes the edges soft, leaves before the window break the light.
    patch = cv2.GaussianBlur(lit.picture[..., 0], (0, 0), 0.008 * painter.height)
    shape = patch.shape
    grid_x = np.broadcast_to(painter.columns * 9.0, shape).astype(np.float32)
    grid_y = np.broadcast_to(painter.rows * 9.0, shape).astype(np.float32)
    patch = patch * (0.55 + 0.45 * smoothstep(-0.7, 0.5, stage.noise.fractal(grid_x, grid_y, 2)))
    painter.picture *= 1.0 + patch[..., None] * (SUN_ON_WALL * mood.key / stage.wall_light)


def fronds(stage: Stage) -> None:
    """The soft shadow of palm leaves that hang between the light and the backdrop."""
    painter, mood, random = stage.painter, stage.mood, stage.noise.random
    shade = np.zeros(painter.picture.shape[:2], np.float32)
    corner = 0.0 if stage.light_x < 0 else painter.aspect
    for _ in range(4):
        start = np.array([corner + stage.light_x * random.uniform(-0.10, 0.10), random.uniform(-0.20, 0.12)])
        aim = float(random.uniform(0.15, 1.05))
        reach, droop = float(random.uniform(0.42, 0.62)), float(random.uniform(0.2, 0.5))
        for along in np.linspace(0.12, 1.0, 12):
            bend = aim + droop * along
            stem = start + reach * along * np.array([-stage.light_x * np.cos(bend), np.sin(bend)])
            long = 0.19 * np.sqrt(np.sin(np.pi * min(0.97, 0.15 + 0.8 * along)))
            for side in (-1.0, 1.0):
                turn = bend + side * (1.0 - 0.6 * along)
                point = np.array([-stage.light_x * np.cos(turn), np.sin(turn)])
                across = np.array([-point[1], point[0]]) * 0.055 * long
                leaf = np.stack([stem, stem + 0.5 * long * point + across, stem + long * point])
                leaf = np.concatenate([leaf, [stem + 0.5 * long * point - across]])
                cv2.fillConvexPoly(shade, np.round(leaf * painter.height * 16).astype(np.int32), 1.0, cv2.LINE_AA, 4)
    near = cv2.GaussianBlur(shade, (0, 0), 0.006 * painter.height)
    far = cv2.GaussianBlur(shade, (0, 0), 0.016 * painter.height)
    # What hangs nearer to the wall is sharper; the light's own fall takes the shadow off towards the far side.
    fall = np.exp(-(((painter.columns - corner) / (0.75 * painter.aspect)) ** 2))
    painter.picture *= (1.0 - FROND_SHADE * mood.gobo_depth * fall * (0.55 * near + 0.45 * far))[..., None]
