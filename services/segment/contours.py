"""The outline of a body that is alike on both sides of an axis, found by its two faint contours.

Used for the walls of see-through things, which no net finds. All coordinates are pixels of a reduced picture, but for
``Body``, which has the crop's own size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import PixelBox

Plane = NDArray[np.float32]

AXIS_SLACK = 0.04
"""How far the body's axis may lie beside that of the sure part, share of the sure part's width."""

RADIUS_RANGE = (0.35, 1.12)
"""Half width of the body over that of the sure part: a lid reaches over its jar, a jar hardly over its lid. What is
wider is more often the saucer below a cup."""

EXPLAINED = 0.82
"""Overlap of the box with the bounds of sure part and body together, from which the two are what the box was drawn
round: a box that is wider than both has something else in it."""

CONTRAST_FLOOR = 0.9
"""Least contrast, CIELAB steps a pixel, that counts as half a contour."""

NOISE_GAIN = 2.5
"""A contour counts half where it is this much stronger than the picture's usual one around the box."""

SLOPE_PRICE = 0.5
"""Evidence that a pixel of change of the half width from row to row must make up for."""

TAPERS = (-0.35, -0.25, -0.16, -0.08, 0.0, 0.08, 0.16, 0.25)
"""Change of the half width per row that costs nothing: seen from above, a jar narrows towards its foot."""

ALONG_PX = 3.0
"""Contours are smoothed along themselves by this: it takes the noise off, and not the line."""

OUTER_BONUS = 0.10
"""Evidence in favour of the widest outline against the narrowest: contents have contours, too."""

OWN_CONTOUR = 5
"""Side of the square around the sure part, pixels, in which a contour may be its own outline, smoothed."""

HIDDEN_PX = 4
"""Beside the sure part's outline its own contour drowns that of the walls."""

WALLS, END = 0.36, 0.50
"""Mean evidence, 0..1, from which the two walls and the closing ellipse are there. Both must be: boxes that reached
half a height into the empty parts of 17 photos of opaque things met walls of 0.1 to 0.9 by chance, but hardly ever an
end."""

CLEARER = 1.5
"""How much clearer the walls must be than pairs of pixels are on the whole: among clutter contours are everywhere."""

ALIKE = 0.88
"""Overlap of the sure part with its mirror image: lids, labels and contents of glass things are round, or upright."""

END_SLACK = 0.05
"""How far the body's end may lie from the box's, share of the box's height: boxes of glass are drawn by eye."""

ROUNDNESS = tuple(np.linspace(0.03, 0.75, 13))
"""Half height over half width of the ellipse that ends the body: flat from the side, round from steeply above."""


@dataclass(frozen=True)
class Body:
    """A see-through body.

    Attributes:
        cover: (h, w) float32, its silhouette, 0..1, the sure part included where it lies before it.
        depth: (h, w) float32, 0 on its axis, 1 at its outline, row by row.
        width_px: its greatest width.
    """

    cover: Plane
    depth: Plane
    width_px: float


def _contours(picture: NDArray[np.uint8], solid: NDArray[np.bool_], area: PixelBox) -> tuple[Plane, Plane]:
    """Evidence of upright and of any contours, (h, w) 0..1 each: contrast against what is usual around the box."""
    lab = np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB), np.float32)
    lab = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.8), np.float32)
    across = np.abs(cv2.Sobel(cv2.GaussianBlur(lab, (0, 0), 0.1, sigmaY=ALONG_PX), cv2.CV_32F, 1, 0, ksize=3)).max(
        axis=2
    )
    down = np.abs(cv2.Sobel(cv2.GaussianBlur(lab, (0, 0), ALONG_PX, sigmaY=0.1), cv2.CV_32F, 0, 1, ksize=3)).max(axis=2)
    away = (area.outside(solid.shape) > 2.0) & ~solid

    def evidence(contrast: Plane) -> Plane:
        usual = float(np.median(contrast[away])) if away.any() else 0.0
        # A pixel of tolerance: the two sides are never alike to the pixel.
        wide = np.asarray(cv2.dilate(contrast / 8.0, np.ones((3, 3), np.uint8)), np.float32)
        return np.asarray(wide / (wide + np.float32(max(CONTRAST_FLOOR, NOISE_GAIN * usual / 8.0))), np.float32)

    upright, level = evidence(across), evidence(down)
    return upright, np.maximum(upright, level)


def body_below(
    solid: NDArray[np.bool_], picture: NDArray[np.uint8], area: PixelBox, full: tuple[int, int]
) -> Body | None:
    """The body below the sure part; None where the picture does not show one.

    Args:
        solid: (h, w) bool, the sure part.
        picture: (h, w, 3) uint8 sRGB, the same reduced crop.
        area: the chosen box in it.
        full: the crop's own size, ``(height, width)``.
    """
    upright, every = _contours(picture, solid, area)
    widths = solid.sum(axis=1)
    first = int(np.flatnonzero(widths >= 0.97 * widths.max())[-1])
    columns = np.flatnonzero(solid[max(0, first - 1) : first + 2].any(axis=0))
    middle, sure = (columns[0] + columns[-1] + 1) / 2.0, (columns[-1] + 1 - columns[0]) / 2.0
    last = min(solid.shape[0] - 1, round(area.bottom + END_SLACK * (area.bottom - area.top)))
    if sure < 6 or last - first < 12:
        return None
    radii = np.arange(max(4, int(RADIUS_RANGE[0] * sure)), int(RADIUS_RANGE[1] * sure) + 2)
    # Under the sure part its own outline would be found: the body's is free only below it.
    hidden = cv2.dilate(solid.astype(np.uint8), np.ones((OWN_CONTOUR, OWN_CONTOUR), np.uint8)) > 0
    best: _Traced | None = None
    for axis in middle + np.linspace(-1.0, 1.0, 5) * max(1.0, AXIS_SLACK * 2 * sure):
        for taper in TAPERS:
            traced = _traced(upright, every, hidden, float(axis), taper, radii, (first, last), area)
            if traced is not None and (best is None or traced.score > best.score):
                best = traced
    if best is None or best.end < END or best.walls < max(WALLS, CLEARER * best.usual):
        return None
    if _explained(solid, best, area) < EXPLAINED or alike(solid, best.axis) < ALIKE:
        return None
    half_solid = np.array([_half_width(line, best.axis) for line in solid[first : first + len(best.radius)]])
    radius, begin = _emerging(best.radius, half_solid)
    return _drawn(solid.shape, full, first + begin, replace(best, radius=radius))


def _explained(solid: NDArray[np.bool_], traced: _Traced, area: PixelBox) -> float:
    """Overlap of the box with the bounds of the sure part and the body, intersection over union.

    The box's border counts as met where the body ends: ``_below`` looked for the end near it.
    """
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    reach = float(traced.radius.max())
    left, right = min(columns[0], traced.axis - reach), max(columns[-1] + 1.0, traced.axis + reach)
    across = max(0.0, min(right, area.right) - max(left, area.left))
    down = area.bottom - max(area.top, rows[0])
    union = (right - left) * (area.bottom - min(area.top, rows[0])) + (area.right - area.left) * (
        area.bottom - area.top
    )
    return float(across * down / max(1.0, union - across * down))


def alike(solid: NDArray[np.bool_], axis: float) -> float:
    """How alike the sure part is on both sides of an axis: overlap with its mirror image, 0..1."""
    across = np.arange(solid.shape[1])
    mirrored = np.round(2.0 * axis - 1.0 - across).astype(int)
    other = solid[:, np.clip(mirrored, 0, solid.shape[1] - 1)] & (mirrored >= 0) & (mirrored < solid.shape[1])
    return float((solid & other).sum() / max(1, (solid | other).sum()))


def _half_width(line: NDArray[np.bool_], axis: float) -> float:
    """How far the sure part reaches from the axis in a row, on the side where it reaches less."""
    columns = np.flatnonzero(line)
    return float(min(axis - columns[0], columns[-1] + 1 - axis)) if len(columns) else 0.0


def _emerging(radius: NDArray[np.float64], half_solid: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """The walls from the row on in which they come out from behind the sure part, and that row's number.

    Behind it and close to its outline nothing is seen of them: they are taken to run straight on.
    """
    clear = np.flatnonzero(half_solid + HIDDEN_PX < radius)
    start = int(clear[0]) if len(clear) else 0
    # A line through the walls that are seen well below.
    span = slice(start + HIDDEN_PX, start + HIDDEN_PX + max(6, (len(radius) - start) // 3))
    rows = np.arange(len(radius))[span]
    if len(rows) < 6:
        return radius, 0
    slope, offset = np.polyfit(rows, radius[span], 1)
    straight = radius.copy()
    straight[: span.start] = slope * np.arange(span.start) + offset
    out = np.flatnonzero(straight[: span.start + 1] > half_solid[: span.start + 1])
    begin = int(out[0]) if len(out) else span.start
    return straight[begin:], begin


@dataclass(frozen=True)
class _Traced:
    """An outline: how well it scores, the evidence of its walls, of all pairs of pixels, and of its end; its axis, the
    half width of each row from the first on, and the half height of its end, in pixels."""

    score: float
    walls: float
    usual: float
    end: float
    axis: float
    radius: NDArray[np.float64]
    rise: float


def _traced(
    upright: Plane,
    every: Plane,
    hidden: NDArray[np.bool_],
    axis: float,
    taper: float,
    start: NDArray[np.int64],
    span: tuple[int, int],
    area: PixelBox,
) -> _Traced | None:
    """The best outline about one axis that narrows or widens by ``taper`` a row, more or less.

    A path of half widths by dynamic programming, and the ellipse that closes it best.
    """
    first, last = span
    wide = upright.shape[1]
    rows = np.arange(first, last + 1)
    radii = start[None, :] + taper * (rows - first)[:, None]
    usable = (radii >= 4) & (radii <= start[-1])
    left = np.clip(np.round(axis - 0.5 - radii).astype(int), 0, wide - 1)
    right = np.clip(np.round(axis - 0.5 + radii).astype(int), 0, wide - 1)
    at = rows[:, None]
    pair = np.minimum(upright[at, left], upright[at, right])
    free = ~(hidden[at, left] | hidden[at, right])
    bonus = np.asarray(OUTER_BONUS * radii / start[-1], np.float32)
    # Rows within the sure part's outline say nothing for or against.
    gain = np.where(usable, np.where(free, pair, 0.0) + bonus, -1.0).astype(np.float32)
    total = np.full((len(rows), len(start) + 2), -1e6, np.float32)
    step = np.zeros(gain.shape, np.int64)
    total[0, 1:-1] = gain[0]
    choices = np.empty((3, len(start)), np.float32)
    chosen = np.arange(len(start))
    for i in range(1, len(rows)):
        before = total[i - 1]
        choices[0], choices[1], choices[2] = before[:-2] - SLOPE_PRICE, before[1:-1], before[2:] - SLOPE_PRICE
        pick = choices.argmax(axis=0)
        total[i, 1:-1] = choices[pick, chosen] + gain[i]
        step[i] = pick - 1
    slack = END_SLACK * (area.bottom - area.top)
    ends = np.repeat(np.linspace(area.bottom - slack, min(float(last), area.bottom + slack), 5), len(ROUNDNESS))[
        :, None
    ]
    roundness = np.tile(ROUNDNESS, 5)[:, None]
    # The row at which the walls end and the ellipse begins depends on the radius there.
    near = radii[np.clip(ends[:, 0].astype(int) - first - 8, 0, len(rows) - 1)]
    foot = np.clip(np.round(ends - roundness * near).astype(int) - first, 0, len(rows) - 1)
    half = radii[foot, chosen]
    arc = _arc(every, axis, half, first + foot, roundness * half)
    weight = 0.6 * half
    score = (total[foot, chosen + 1] + weight * (arc + OUTER_BONUS * half / start[-1])) / (foot + 1 + weight)
    score = np.where((foot >= 8) & usable[foot, chosen], score, -1.0)
    at_best = np.unravel_index(int(score.argmax()), score.shape)
    if score[at_best] < 0:
        return None
    i, j = int(foot[at_best]), int(at_best[1])
    rise, arc_ = float((roundness * half)[at_best]), float(arc[at_best])
    path = np.empty(i + 1)
    seen = []
    for row in range(i, -1, -1):
        path[row] = radii[row, j]
        if free[row, j]:
            seen.append(float(pair[row, j]))
        j = int(np.clip(j + step[row, j], 0, len(start) - 1))
    if len(seen) < 6:
        return None
    return _Traced(
        float(score[at_best]), float(np.mean(seen)), float(pair[free & usable].mean()), arc_, axis, path, rise
    )


def _arc(every: Plane, axis: float, half: Plane, foot: NDArray[np.int64], rise: Plane) -> Plane:
    """Mean evidence of the lower half of ellipses about the axis: half widths, rows of their middles, half heights, all
    (m, n)."""
    angle = np.linspace(0.08, np.pi / 2, 20)[:, None, None]
    x, y = half * np.cos(angle), foot + rise * np.sin(angle)
    high, wide = every.shape
    at = np.clip(np.round(y).astype(int), 0, high - 1)
    left = every[at, np.clip(np.round(axis - 0.5 - x).astype(int), 0, wide - 1)]
    right = every[at, np.clip(np.round(axis - 0.5 + x).astype(int), 0, wide - 1)]
    return np.asarray(np.minimum(left, right).mean(axis=0), np.float32)


def _drawn(small: tuple[int, int], full: tuple[int, int], first: int, traced: _Traced) -> Body:
    """The outline at the crop's full size."""
    axis, radius, rise = traced.axis, traced.radius, traced.rise
    height, width = full
    scale_x, scale_y = width / small[1], height / small[0]
    smooth = cv2.GaussianBlur(radius.astype(np.float32)[:, None], (0, 0), 6.0, borderType=cv2.BORDER_REPLICATE)[:, 0]
    y = (np.arange(height, dtype=np.float32) + 0.5) / scale_y
    foot = first + len(radius) - 1 + 0.5
    half = np.interp(y, first + 0.5 + np.arange(len(radius)), smooth, left=0.0).astype(np.float32)
    below = y > foot
    half[below] = smooth[-1] * np.sqrt(np.clip(1.0 - ((y[below] - foot) / max(rise, 0.5)) ** 2, 0.0, 1.0))
    half = half[:, None] * np.float32(scale_x)
    x = (np.arange(width, dtype=np.float32) + 0.5)[None, :] - np.float32(axis * scale_x)
    cover = np.clip(half - np.abs(x) + 0.5, 0.0, 1.0) * (half > 0)
    depth = np.clip(np.abs(x) / np.maximum(half, 1.0), 0.0, 1.0)
    # The foot's lower outline is an edge, too.
    over = np.clip((y - foot) / max(rise, 0.5), 0.0, 1.0)[:, None]
    depth = np.where(below[:, None], np.sqrt(np.clip((x / (smooth[-1] * scale_x)) ** 2 + over**2, 0.0, 1.0)), depth)
    return Body(np.asarray(cover, np.float32), np.asarray(depth, np.float32), float(2 * smooth.max() * scale_x))
