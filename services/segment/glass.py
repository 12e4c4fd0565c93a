"""See-through bodies: the walls of a jar below its lid, which the net leaves out, found again and given a thin alpha.

A net that looks for what stands out finds the lid, the label or the juice of a glass thing, and not its walls. The box
says how far the thing reaches; where the matte leaves a good part of it empty, above or below, the outline of a body
that is alike on both sides of the sure part's axis is looked for in the picture: two faint contours at the same
distance from the axis in every row, closed by half an ellipse (a round foot or rim, seen from above). Shadows and the
table's edge are not alike on both sides, so they make no body.

The walls get straight alpha: what differs from the background behind (that of the same row, left and right of the body:
what stands behind a thing runs on beside it) is kept as the thinnest layer that explains it (colour to alpha), and a
veil of grey, denser towards the outline, where one looks along the wall, stands for what glass mirrors anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import PixelBox

Plane = NDArray[np.float32]

ANALYSIS_PX = 256
"""Longest side at which the outline is looked for: a contour of glass is one or two pixels wide there."""

EMPTY_SHARE = 0.25
"""Share of the box's height that must be left empty at one end before a body is looked for."""

WHOLE_FRAME = 0.98
"""A box that is all of the crop was not drawn round a thing, and says nothing about its reach."""

OPAQUE = 0.85
"""Alpha of the parts that are taken for opaque."""

SURE_SHARE = 0.10
"""Opaque parts under this share of the largest are reflections."""

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

VEIL, VEIL_AT_RIM = 0.52, 0.72
"""Alpha of the walls where one looks through, and along the outline. Over one half, so that the 3D stage, which parts
solid from empty there, models the body with the lid."""

VEIL_TONE = (0.60, 0.90)
"""Grey of the veil, sRGB 0..1: that of the photo's body, within these."""

RIM_WIDTH = 0.012
"""Width of the dark line that refraction draws along the outline, share of the body's width."""

RIM_DARK = 0.34
"""How much darker than the veil that line is, sRGB 0..1."""

SEEN_CONTRAST = 0.30
"""Alpha that the clearest hundredth of the body's own reflections and edges is raised to at least: on a white set they
are hardly there, on another ground they are what says glass."""

MOST_GAIN = 2.5
"""Most that the own reflections are raised: more would show the photo's noise."""

OPAQUE_LAYER = 0.60
"""Where the layer that explains the photo is so thick over half of the body, the body is not see-through."""

COLOURLESS = 0.05
"""Alpha of the own reflections up to which they are taken for grey; at four times as much they have their colour."""

NOISE_STEP = 0.016
"""Difference from the background, sRGB 0..1, that is noise: four steps of 255."""


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


def find_body(matte: Plane, rgb: NDArray[np.uint8], box: PixelBox) -> Body | None:
    """The see-through body that hangs on the sure part of a matte and fills its box; None where there is none.

    Args:
        matte: (h, w) float32, the subject as the net sees it, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        box: the chosen box within the crop.
    """
    height, width = matte.shape
    if (box.right - box.left) * (box.bottom - box.top) > WHOLE_FRAME * width * height:
        return None
    scale = min(1.0, ANALYSIS_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    solid = _sure(np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32))
    if not solid.any():
        return None
    picture = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    area = box.scaled(size[0] / width, size[1] / height)
    rows = np.flatnonzero(solid.any(axis=1))
    tall = area.bottom - area.top
    found: Body | None = None
    if area.bottom - rows[-1] > EMPTY_SHARE * tall:
        found = _below(solid, picture, area, (height, width))
    if found is None and rows[0] - area.top > EMPTY_SHARE * tall:
        upside_down = PixelBox(area.left, size[1] - area.bottom, area.right, size[1] - area.top)
        turned = _below(solid[::-1], np.ascontiguousarray(picture[::-1]), upside_down, (height, width))
        if turned is not None:
            found = Body(turned.cover[::-1].copy(), turned.depth[::-1].copy(), turned.width_px)
    return found


def _sure(matte: Plane) -> NDArray[np.bool_]:
    """The opaque parts that are worth the name: what is faint or small may be the body's own reflection."""
    opaque = matte > OPAQUE
    count, labels = cv2.connectedComponents(opaque.astype(np.uint8), connectivity=8)
    pixels = np.bincount(labels.ravel(), minlength=count)
    pixels[0] = 0
    return np.asarray(opaque & (pixels >= SURE_SHARE * pixels.max())[labels])


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


def _below(solid: NDArray[np.bool_], picture: NDArray[np.uint8], area: PixelBox, full: tuple[int, int]) -> Body | None:
    """The body below the sure part, at the crop's full size ``(height, width)``."""
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
    hidden = cv2.dilate(solid.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    best: _Traced | None = None
    for axis in middle + np.linspace(-1.0, 1.0, 5) * max(1.0, AXIS_SLACK * 2 * sure):
        for taper in TAPERS:
            traced = _traced(upright, every, hidden, float(axis), taper, radii, (first, last), area)
            if traced is not None and (best is None or traced.score > best.score):
                best = traced
    if best is None or best.end < END or best.walls < max(WALLS, CLEARER * best.usual):
        return None
    if _explained(solid, best, area) < EXPLAINED or _alike(solid, best.axis) < ALIKE:
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


def _alike(solid: NDArray[np.bool_], axis: float) -> float:
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
    total = np.empty_like(gain)
    step = np.zeros(gain.shape, np.int64)
    total[0] = gain[0]
    for i in range(1, len(rows)):
        choices = np.stack([_shifted(total[i - 1], shift) - SLOPE_PRICE * abs(shift) for shift in (-1, 0, 1)])
        pick = choices.argmax(axis=0)
        total[i] = choices[pick, np.arange(len(start))] + gain[i]
        step[i] = pick - 1
    slack = END_SLACK * (area.bottom - area.top)
    best: tuple[float, int, int, float, float] | None = None
    for end in np.linspace(area.bottom - slack, min(float(last), area.bottom + slack), 5):
        for roundness in ROUNDNESS:
            # The row at which the walls end and the ellipse begins depends on the radius there.
            ends = (
                np.round(end - roundness * radii[np.clip(int(end) - first - 8, 0, len(rows) - 1)]).astype(int) - first
            )
            ends = np.clip(ends, 0, len(rows) - 1)
            chosen = np.arange(len(start))
            half = radii[ends, chosen]
            arc = _arc(every, axis, half, first + ends, roundness * half)
            weight = 0.6 * half
            score = (total[ends, chosen] + weight * (arc + OUTER_BONUS * half / start[-1])) / (ends + 1 + weight)
            score = np.where((ends >= 8) & usable[ends, chosen], score, -1.0)
            j = int(score.argmax())
            if best is None or score[j] > best[0]:
                best = (float(score[j]), int(ends[j]), j, float(roundness * half[j]), float(arc[j]))
    if best is None or best[0] < 0:
        return None
    score_, i, j, rise, arc_ = best
    path = np.empty(i + 1)
    seen = []
    for row in range(i, -1, -1):
        path[row] = radii[row, j]
        if free[row, j]:
            seen.append(float(pair[row, j]))
        j = int(np.clip(j + step[row, j], 0, len(start) - 1))
    if len(seen) < 6:
        return None
    return _Traced(score_, float(np.mean(seen)), float(pair[free & usable].mean()), arc_, axis, path, rise)


def _arc(every: Plane, axis: float, half: Plane, foot: NDArray[np.int64], rise: Plane) -> Plane:
    """Mean evidence of the lower half of ellipses about the axis: half widths, rows of their middles, half heights."""
    angle = np.linspace(0.08, np.pi / 2, 20)[:, None]
    x, y = half * np.cos(angle), foot + rise * np.sin(angle)
    high, wide = every.shape
    at = np.clip(np.round(y).astype(int), 0, high - 1)
    left = every[at, np.clip(np.round(axis - 0.5 - x).astype(int), 0, wide - 1)]
    right = every[at, np.clip(np.round(axis - 0.5 + x).astype(int), 0, wide - 1)]
    return np.asarray(np.minimum(left, right).mean(axis=0), np.float32)


def _shifted(line: Plane, shift: int) -> Plane:
    """``line[j + shift]``, far below everything where that lies outside."""
    out = np.full_like(line, -1e6)
    if shift < 0:
        out[-shift:] = line[:shift]
    elif shift > 0:
        out[:-shift] = line[shift:]
    else:
        out[:] = line
    return out


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


def glazed(rgba: NDArray[np.uint8], body: Body, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The cutout with its see-through body behind the opaque parts.

    Args:
        rgba: (h, w, 4) uint8 sRGB, straight alpha: the opaque parts with their own colours.
        body: where the walls are.
        rgb: (h, w, 3) uint8 sRGB, the crop as it was photographed.

    Returns:
        (h, w, 4) uint8 sRGB, straight alpha.
    """
    photo = rgb.astype(np.float32) / 255.0
    front_alpha = rgba[..., 3].astype(np.float32) / 255.0
    front_alpha = _whole(front_alpha, body)
    behind = _behind(photo, np.maximum(front_alpha, body.cover))
    inside = (body.cover > 0.9) & (front_alpha < 0.1)
    own, own_alpha = _layer(photo, behind, inside)
    tone = float(np.median(photo[inside].mean(axis=1))) if inside.any() else 1.0
    line = np.exp(-(((1.0 - body.depth) * 0.5 / RIM_WIDTH) ** 2))
    veil = (VEIL + (VEIL_AT_RIM - VEIL) * body.depth**6).astype(np.float32)
    grey = np.float32(np.clip(tone, *VEIL_TONE)) - np.float32(RIM_DARK) * line
    # The own reflections over the veil, the opaque parts over both.
    alpha = own_alpha + veil * (1.0 - own_alpha)
    if inside.any() and float(np.median(own_alpha[inside])) > OPAQUE_LAYER:
        # Nothing of the background is seen through it: an opaque part that the net missed.
        own, own_alpha, alpha = photo, np.ones_like(alpha), np.ones_like(alpha)
    colour = (own * own_alpha[..., None] + (grey * veil * (1.0 - own_alpha))[..., None]) / alpha[..., None]
    under = alpha * body.cover * (1.0 - front_alpha)
    whole = front_alpha + under
    mixed = rgba[..., :3].astype(np.float32) / 255.0 * front_alpha[..., None] + colour * under[..., None]
    out = np.where(
        whole[..., None] > 0.004, mixed / np.maximum(whole, 0.004)[..., None], rgba[..., :3].astype(np.float32) / 255.0
    )
    stacked = np.dstack([out, whole])
    return np.asarray(np.clip(stacked, 0.0, 1.0) * 255.0 + 0.5, np.uint8)


def _whole(front_alpha: Plane, body: Body) -> Plane:
    """The opaque parts' alpha: within the body, what the net saw faintly is the body and not a part before it."""
    faint = np.clip((front_alpha - 0.5) / (OPAQUE - 0.5), 0.0, 1.0)
    inner = cv2.GaussianBlur(body.cover, (0, 0), 1.0) * body.cover
    return np.asarray(front_alpha * (1.0 - inner) + np.minimum(front_alpha, faint) * inner, np.float32)


def _behind(photo: Plane, thing: Plane) -> Plane:
    """The background behind the thing, (h, w, 3): each row's colours left and right of it, carried across."""
    height, width = thing.shape
    clear = (cv2.dilate(thing, np.ones((9, 9), np.uint8)) < 0.02).astype(np.float32)
    reach = max(3, round(0.05 * width))
    sides = np.empty((height, 2, 4), np.float32)
    for side, order in ((0, slice(None)), (1, slice(None, None, -1))):
        mask = clear[:, order]
        # The pixels that are nearest to the thing on this side: those clear ones before the first that is not.
        first = np.where((mask < 0.5).any(axis=1), np.argmax(mask < 0.5, axis=1), width)
        at = np.arange(width)[None, :]
        near = ((at < first[:, None]) & (at >= first[:, None] - reach)).astype(np.float32)
        picture = photo[:, order]
        sides[:, side, :3] = (picture * near[..., None]).sum(axis=1)
        sides[:, side, 3] = near.sum(axis=1)
    soft = cv2.GaussianBlur(sides, (1, 0), sigmaX=0.1, sigmaY=max(1.0, 0.006 * height)) if height > 1 else sides
    weight = soft[..., 3:]
    both = soft.sum(axis=1, keepdims=True)
    known = np.where(
        weight > 1e-3, soft[..., :3] / np.maximum(weight, 1e-3), both[..., :3] / np.maximum(both[..., 3:], 1e-3)
    )
    share = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :, None]
    return np.asarray(known[:, :1] * (1.0 - share) + known[:, 1:] * share, np.float32)


def _layer(photo: Plane, behind: Plane, inside: NDArray[np.bool_]) -> tuple[Plane, Plane]:
    """The thinnest layer that turns the background into the photo: ``(colour, alpha)``, raised to be seen inside."""
    difference = photo - behind
    lighter = difference / (1.0 - behind + 0.15)
    darker = -difference / (behind + 0.05)
    needed = np.maximum(lighter, darker).max(axis=2)
    alpha = np.clip((needed - NOISE_STEP) / (1.0 - NOISE_STEP), 0.0, 1.0).astype(np.float32)
    own = np.clip(behind + difference / np.maximum(alpha, 0.02)[..., None], 0.0, 1.0)
    # The colour of a layer that is hardly there is the photo's noise, magnified.
    grey = own.mean(axis=2, keepdims=True)
    sure = np.clip((alpha - COLOURLESS) / (3 * COLOURLESS), 0.0, 1.0)[..., None]
    own = grey + (own - grey) * sure
    clearest = float(np.quantile(alpha[inside], 0.99)) if inside.any() else 1.0
    gain = float(np.clip(SEEN_CONTRAST / max(clearest, 1e-3), 1.0, MOST_GAIN))
    return np.asarray(own, np.float32), np.clip(gain * alpha, 0.0, 0.97).astype(np.float32)
