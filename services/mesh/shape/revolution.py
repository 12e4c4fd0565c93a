"""Surfaces of revolution: cups, bottles, vases, bowls, lamps, balls.

For a given camera pitch every height of the axis has a largest circle whose image stays inside the silhouette: together
they are the largest surface of revolution inside the silhouette's visual hull, and the true one if there is one. Below
its base (and above a flat top) that hull runs out into a cone which the silhouette cannot tell from nothing; it is cut
where it stops mattering. The pitch is the largest that still explains the silhouette: with less pitch the base's arc
would have to be a rounded bottom, which is possible but, for things that stand on tables, rare.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.shape.lathe import around, circle_points, discs
from services.mesh.shape.outline import Axis, Outline, axis_camera

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


PITCHES_DEG = tuple(float(p) for p in range(0, 61, 3))
"""Camera pitches tried: product photos look down by 0 to 50 degrees; the last two only tell whether more explains
less."""


@dataclass(frozen=True)
class RevolutionRules:
    """How the axis and the profile of a turned body are found. Set by hand before the corpus was split.

    Attributes:
        knee_gain, knee_drop, knee_steps: gain of agreement that a knee is worth, and the losses over so many more
            pitches that make none and a whole one: up to its true pitch every lower one explains the silhouette of a
            thing with a sharp-edged foot as well, and no higher one does.
        rim_gain: gain of agreement that a clear image edge along the front of the top rim is worth.
        rim_found: from this evidence on the body ends at the ring that shows it.
        cone_share: a hull that narrows at this share of its shadow cone's slope or faster is taken to be that cone,
            noise allowed for.
        flat_enough: a base this wide, as a share of the rings above it, is flat: bottles and cans have rounded lower
            edges.
        slack_px: a circle may leave the silhouette by this much: half of a rim's circle lies on the contour, noise and
            all.
        shadow_px: what a contour's noise and an unknown perspective may add to the lowest row of a shadow cone, pixels
            times the pitch's sine.
        usual_pitch_deg: the middle of the pitches at which products are photographed.
        unusual_loss: of agreement, for being 10 degrees off it; it decides where the silhouette cannot.
        base_gain: of agreement, for a flat base: an arc below is rather the near side of a base than a rounded bottom.
    """

    knee_gain: float = 0.035
    knee_drop: tuple[float, float] = (0.008, 0.023)
    knee_steps: int = 2
    rim_gain: float = 0.012
    rim_found: float = 0.3
    cone_share: float = 0.7
    flat_enough: float = 0.9
    slack_px: float = 0.25
    shadow_px: float = 0.8
    usual_pitch_deg: float = 13.0
    unusual_loss: float = 0.002
    base_gain: float = 0.015


RULES = RevolutionRules()


@dataclass(frozen=True)
class Revolution:
    """A fitted surface of revolution.

    Attributes:
        axis: where it stands in the picture.
        pitch: radians, how far the camera looks down.
        heights: (k,) float64, view units along the axis, rising, from base to top.
        radii: (k,) float64, view units.
        agreement: IoU of its silhouette with the symmetric part of the subject's, holes filled, 0..1.
        cover: share of the subject's silhouette, handles included, that it covers, 0..1.
        bottom_sag: view units in the picture, how far the base's middle hangs below its ends.
        camera: the photo's camera in the frame of the solid (axis on y).
    """

    axis: Axis
    pitch: float
    heights: Doubles
    radii: Doubles
    agreement: float
    cover: float
    bottom_sag: float
    camera: PhotoCamera


def fit_revolution(outline: Outline, edges: Floats) -> Revolution:
    """Fit the best surface of revolution; whether it is a good one is for the caller to judge.

    Args:
        outline: see ``outline_of``.
        edges: (h, w) float32 in 0..1, strength of the photo's edges that run across, 0 near the silhouette's rim.
    """

    def worth(fit: Revolution) -> float:
        off = (float(np.degrees(fit.pitch)) - RULES.usual_pitch_deg) / 10.0
        return (
            fit.agreement
            - RULES.unusual_loss * off**2
            + RULES.rim_gain * rim_evidence(fit, edges)
            + RULES.base_gain * flat_base(fit)
        )

    tried = [at_pitch(outline, np.radians(pitch), 72) for pitch in PITCHES_DEG]
    drops = [a.agreement - b.agreement for a, b in zip(tried, tried[RULES.knee_steps :], strict=False)]
    knees = RULES.knee_gain * np.clip(
        (np.array(drops) - RULES.knee_drop[0]) / (RULES.knee_drop[1] - RULES.knee_drop[0]), 0.0, 1.0
    )
    best = tried[int(np.argmax([worth(fit) + knee for fit, knee in zip(tried, knees, strict=False)]))]
    # A rim that shows must lie on its edge in the photo, or its texture would slip off: a finer search around the best.
    near = [best.pitch + np.radians(step) for step in (-1.5, -0.75, 0.75, 1.5)]
    finer = [at_pitch(outline, pitch, 72) for pitch in near if pitch >= 0]
    best = at_pitch(outline, max([best, *finer], key=worth).pitch, 160)
    evidence, rim = _clearest_rim(best, edges)
    if evidence >= RULES.rim_found:
        best = replace(best, heights=best.heights[: rim + 1], radii=best.radii[: rim + 1])
    return best


def flat_base(fit: Revolution) -> float:
    """Width of the base as a share of the widest ring of the lowest third, 0..1: things that stand have flat bases."""
    third = max(3, len(fit.radii) // 3)
    return min(1.0, float(fit.radii[1:3].mean()) / max(float(fit.radii[:third].max()), 1e-6) / RULES.flat_enough)


def rim_evidence(fit: Revolution, edges: Floats) -> float:
    """How clearly the photo shows the near side of the top rim: mean edge strength along it, 0..1.

    0 where the rim's opening is not seen from above by more than a few pixels.
    """
    return _clearest_rim(fit, edges)[0]


def _clearest_rim(fit: Revolution, edges: Floats) -> tuple[float, int]:
    """The strongest evidence among the topmost rings, and the ring's index: the hull may end a little above the rim."""
    found: list[tuple[float, int]] = [(0.0, len(fit.heights) - 1)]
    for k in range(len(fit.heights) - 1, max(len(fit.heights) - 2 - len(fit.heights) // 14, 0), -1):
        x, y = (v[0] for v in circle_points(fit.camera, fit.heights[k : k + 1], fit.radii[k : k + 1], 96))
        from_above = fit.camera.position()[1] > fit.heights[k]
        if from_above and y.max() - y.min() >= 0.03 * max(edges.shape) and fit.radii[k] >= 0.3 * fit.radii.max():
            found.append((edge_along(x, y, edges), k))
    best = max(evidence for evidence, _ in found)
    # Of rings that are about as clear the topmost, which reaches the outline.
    return next((evidence, k) for evidence, k in found if evidence >= 0.85 * best)


def edge_along(x: Doubles, y: Doubles, edges: Floats) -> float:
    """Mean edge strength, 0..1, along the near side of a circle whose points fall on the pixels x, y."""
    middle = 0.5 * (y.max() + y.min())
    near = (y > middle) & (np.abs(x - x.mean()) < 0.85 * (x.max() - x.mean()))
    column = np.clip(np.round(x[near] - 0.5).astype(int), 0, edges.shape[1] - 1)
    row = np.round(y[near] - 0.5).astype(int)
    strength = [edges[np.clip(row + d, 0, edges.shape[0] - 1), column] for d in (-1, 0, 1)]
    return float(np.max(strength, axis=0).mean()) if near.any() else 0.0


def straight_bands(fit: Revolution, edges: Floats) -> float:
    """Whether what runs across the thing runs straight or bends around it: above 1 straight, below 1 bent.

    Stripes, labels and rows of keys on a turned body are seen as the near arcs of its circles, those on a flat thing as
    straight lines. Edge strength averaged along the right curves varies more from height to height than along wrong
    ones.
    """
    picked = np.unique(np.linspace(4, len(fit.heights) - 5, 120).astype(int))
    if len(picked) < 20:
        return 1.0
    angle = fit_front(fit) + np.radians(np.linspace(-55.0, 55.0, 49))
    radii, heights = fit.radii[picked, None], fit.heights[picked, None]
    points = np.stack(
        [radii * np.sin(angle), np.repeat(heights, len(angle), axis=1), radii * np.cos(angle)], axis=2
    ).reshape(-1, 3)
    pixels, _ = fit.camera.project(points)
    x, y = (pixels[:, k].reshape(len(picked), -1) for k in (0, 1))
    # The straight line through the arc's ends, moved to the arc's mean height in the picture.
    ends = 0.5 * (y[:, :1] + y[:, -1:]) + (y[:, -1:] - y[:, :1]) * np.linspace(-0.5, 0.5, y.shape[1])
    line = ends + (y.mean(axis=1, keepdims=True) - ends.mean(axis=1, keepdims=True))
    soft = np.asarray(cv2.GaussianBlur(edges, (0, 0), 0.8), np.float32)
    spread = [float(_looked_up(soft, x, rows).mean(axis=1).var()) for rows in (line, y)]
    return (spread[0] + 1e-5) / (spread[1] + 1e-5)


def fit_front(fit: Revolution) -> float:
    """The angle about the axis at which the camera stands, radians from +z towards +x."""
    position = fit.camera.position()
    return float(np.arctan2(position[0], position[2]))


def _looked_up(picture: Floats, x: Doubles, y: Doubles) -> Floats:
    """Bilinear values of a picture at pixels x, y."""
    at = [(values - 0.5).astype(np.float32) for values in (x, y)]
    return np.asarray(cv2.remap(picture, at[0], at[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT), np.float32)


def silhouette(fit: Revolution, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The fitted surface's silhouette in the picture that it was fitted to, (h, w) bool."""
    x, y = circle_points(fit.camera, fit.heights, fit.radii, 48)
    return discs(shape, x, y)


def at_pitch(
    outline: Outline, pitch: float, steps: int, top: float | None = None, *, cut_cones: bool = True
) -> Revolution:
    """The largest surface of revolution inside the silhouette for one pitch, its false ends cut.

    Args:
        outline: see ``outline_of``.
        pitch: radians.
        steps: heights per view unit and a bit.
        top: height at which the body ends, where it is known.
        cut_cones: whether ends that run out like the shadow of a flat end are cut back to it.
    """
    glance()
    mask, view = outline.mask, axis_camera(outline.camera, outline.axis, pitch)
    heights = np.linspace(-1.6, 1.6 if top is None else top, 2 * steps)
    radii = np.linspace(0.0, 1.1, steps * 2 // 3)
    largest = largest_circles(outline.signed, view, heights, radii)
    inside = largest > 0
    if inside.sum() < 3:
        return Revolution(outline.axis, pitch, heights[:2], np.zeros(2), 0.0, 0.0, 0.0, view)
    first, last = int(np.argmax(inside)), len(inside) - 1 - int(np.argmax(inside[::-1]))
    heights, largest = heights[first : last + 1], np.maximum(largest[first : last + 1], 0.0)
    x, y = circle_points(view, heights, largest, 48)
    tolerance = max(0.6, 0.004 * max(mask.shape))
    lowest, highest = y.max(axis=1), y.min(axis=1)
    # From above, the rings of a base's shadow cone all end at the picture's lowest row: the base is the topmost one.
    shadow = RULES.shadow_px * float(np.sin(pitch)) if cut_cones else 0.0
    low = int(np.flatnonzero(lowest >= lowest.max() - tolerance - shadow)[-1])
    high = int(np.flatnonzero(highest <= highest.min() + tolerance)[0]) if top is None else len(heights) - 1
    if cut_cones:
        low, high = _without_cones(view, heights, largest, low, high, cut_top=top is None)
    if high - low < 2:
        low, high = 0, len(heights) - 1
    heights, largest, x, y = heights[low : high + 1], largest[low : high + 1], x[low : high + 1], y[low : high + 1]
    seen = discs(mask.shape, x, y)
    agreement = float((seen & mask).sum()) / float((seen | mask).sum())
    cover = float((seen & outline.whole).sum()) / max(float(outline.whole.sum()), 1.0)
    left, right = int(np.argmin(x[0])), int(np.argmax(x[0]))
    sag = (float(y[0].max()) - 0.5 * float(y[0][left] + y[0][right])) / outline.camera.pixels
    return Revolution(outline.axis, pitch, heights, largest, agreement, cover, sag, view)


def steepest(view: PhotoCamera, height: float) -> float:
    """How fast the hull's radius changes with the height where it is nothing but the shadow of a ring at ``height``.

    The lines of sight that graze the ring's far (above) or near (below) side rise by tan(elevation): beyond the
    ring the hull is the cone between them. Infinite where the ring is seen from its own level.
    """
    position = view.position()
    rise = abs(float(position[1]) - height) / max(float(np.hypot(position[0], position[2])), 1e-6)
    return 1.0 / max(rise, 1e-6)


def _without_cones(
    view: PhotoCamera, heights: Doubles, radii: Doubles, base: int, top: int, *, cut_top: bool
) -> tuple[int, int]:
    """Move both ends inwards as long as the hull runs there like the cone that a flat end casts."""
    above = cut_top and view.position()[1] > heights[top]
    while above and top - base > 8:
        slope = (radii[top - 3] - radii[top]) / (heights[top] - heights[top - 3])
        if slope < RULES.cone_share * steepest(view, float(heights[top])):
            break
        top -= 1
    while top - base > 8:
        slope = (radii[base + 3] - radii[base]) / (heights[base + 3] - heights[base])
        if slope < RULES.cone_share * steepest(view, float(heights[base])):
            break
        base += 1
    return base, top


def largest_circles(signed: Floats, view: PhotoCamera, heights: Doubles, radii: Doubles) -> Doubles:
    """For each height the largest radius whose circle falls inside the silhouette; negative where none does.

    Args:
        signed: (h, w) float32, pixels to the contour, positive inside.
        view: the camera in the body's frame, in those pixels.
        heights: (k,) view units.
        radii: (r,) view units, rising from 0.
    """
    turn, move = view.to_view[:, :3], view.to_view[:, 3]
    sine, cosine = around(32)
    level = np.outer(turn[:, 0], sine) + np.outer(turn[:, 2], cosine)
    beyond = -float(max(signed.shape))

    def least(wide: Floats, middle: Floats) -> Floats:
        """Of the first axis' places: ``circle_points`` in single precision, looked up between pixels."""
        far = np.maximum(np.float32(view.distance) - middle[2] - wide[2], np.float32(1e-6))
        scale = np.float32(view.pixels * view.distance) / far
        x = np.float32(view.center[0] - 0.5) + (wide[0] + middle[0]) * scale
        y = np.float32(view.center[1] - 0.5) - (wide[1] + middle[1]) * scale
        # Outside the picture is outside the subject.
        value = cv2.remap(
            signed,
            x.reshape(-1, x.shape[-1]),
            y.reshape(-1, x.shape[-1]),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=beyond,
        )
        return np.asarray(value.reshape(far.shape).min(axis=0) + RULES.slack_px, np.float32)

    middle = (np.outer(turn[:, 1], heights) + move[:, None]).astype(np.float32)
    wide = (level[:, :, None] * radii).astype(np.float32)
    largest = np.full(len(heights), -1.0)
    there = np.flatnonzero(least(wide[:, :1, None, :1], middle[:, None, :, None])[:, 0] >= 0)
    if not len(there):
        return largest
    # A quarter of the circle's points bounds the radius; only smaller circles are looked at all round.
    worst = least(wide[:, ::4, None, :], middle[:, None, there, None])
    last = len(radii) - 1
    bound = _first_below(worst, last)
    row, column = np.nonzero(np.arange(len(radii)) <= bound[:, None])
    for start in range(0, len(row), MOST_COLUMNS):
        part = slice(start, start + MOST_COLUMNS)
        place = row[part], column[part]
        others = least(wide[:, _OTHERS][:, :, column[part]], middle[:, None, there[row[part]]])
        worst[place] = np.minimum(worst[place], others)
    first_out = _first_below(worst, last)
    before = np.maximum(first_out - 1, 0)
    index = np.arange(len(there))
    a, b = worst[index, before], worst[index, first_out]
    share = np.where(a > b, np.clip(a / np.maximum(a - b, 1e-6), 0.0, 1.0), 0.0)
    largest[there] = np.where(first_out == 0, -1.0, radii[before] + share * (radii[first_out] - radii[before]))
    return largest


MOST_COLUMNS = 16_384
"""Of a picture that is looked up in one go: OpenCV takes at most 32,766."""

_OTHERS = np.flatnonzero(np.arange(32) % 4)
"""Points of a circle that are not in its first quarter of them."""


def _first_below(values: Floats, last: int) -> NDArray[np.intp]:
    """(k,) the first column of each row (k, r) that is under 0; the last one where none is."""
    below = values < 0
    return np.where(below.any(axis=1), np.argmax(below, axis=1), last)
