"""The shadow of a cutout on the ground of a scene: where it touches, around it, and away from the key light.

A cutout has no depth, but its lower outline says how the ground lies under it: what stands on it touches it along
gently sloping outlines (the front edges of a box seen from a corner) and in feet (wheels, casters, legs), which lie
the higher in the picture the further back they are. The row of the ground in every column, ``ground_line``, goes
through both; shadows start from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.core.cameras import FOCAL
from lensora.core.peaks import peaks
from lensora.core.scene import Lighting, Scene
from lensora.core.staging import BASE_LINE, from_above

Plane = NDArray[np.float32]

SHADOW_PX = 448
"""Shadows are made at this size: they are soft."""

SLICES = 48
"""Heights at which the subject is taken to be cut for its shadow."""

DEPTH = 0.70
"""Depth of a slice over its width: most products are round, or somewhat less deep than wide."""

LOWEST_KEY = np.sin(np.radians(28.0))
"""The sine of the lowest key light that casts: a lower one would throw the shadow out of the frame, as in the film."""

SOURCE = 0.10
"""Angular size of the key light, radians: blur of the cast shadow per height."""

CAST, AMBIENT, CONTACT = 0.92, 0.62, 0.66
"""Share of the key light, of the dome and of all light that the three shadows take at their darkest."""

ON_WHITE = 0.6
"""Share of the shadows that are drawn on the white plate."""

AFLOAT = 0.50
"""Share of the contact that is drawn where the picture has no ground (a sky, a wall): a hint that it stands."""

SHADES_FROM = 0.4
"""Alpha from which a part shades the ground: glass does, wisps do not."""

SLOPE = 0.5
"""Rise of the lower outline per column up to which it may still lie on the ground: the front edges of a box seen from a
corner. A ball leaves it at a quarter of its width."""

PROMINENCE = 0.035
"""How far a foot stands out below the outline beside it, share of the subject's smaller extent."""

LOW_BODY = 0.20
"""Room under a body, share of its width, from which light comes in from the sides: under a car the ground is dark,
under a chair it is not."""

STANDS = 0.03
"""How far over its ground a column may hang and still stand on it, share of the width."""

HIGHEST_FOOT = 0.30
"""How far over the lowest point a foot may stand and still be on the ground, share of the subject's smaller extent:
the casters at the back of a chair that is seen from 20 degrees above."""


SWEEPS = 12
"""Heights at which a plan is moved along the light."""

FLATTEST = 0.06
"""Least height of what is seen from above, share of its larger extent: a phone on a table."""

FOOT = 0.7
"""Share of the way that the upper edges of a thing's picture stay over its plan."""


def foreshortening(horizon: float, plain: bool, pitch: float | None = None) -> float:
    """How much a length on the ground shrinks that runs away from the camera, 0..1.

    Args:
        horizon: the surface's far edge; the lower, the more it shrinks where the pitch is not known.
        plain: True for the white plate.
        pitch: radians that the scene's camera looks down at the frame's middle.
    """
    if pitch is not None:
        return math.sin(pitch + math.atan((BASE_LINE - 0.5) / FOCAL))
    if plain:
        return 0.22
    return float(np.clip(0.26 * (BASE_LINE - horizon) / 0.26, 0.12, 0.34))


def key_share(lighting: Lighting) -> NDArray[np.float32]:
    """(3,) share of the light on the ground that comes from the key light, 0..1."""
    sky = np.pi * 0.282095 * lighting.sh[0] + (2 * np.pi / 3) * 0.488603 * lighting.sh[1]
    key = lighting.key_color * max(float(lighting.key_direction[1]), float(LOWEST_KEY))
    return np.asarray(np.clip(key / np.maximum(key + np.maximum(sky, 1e-3), 1e-3), 0.0, 1.0), np.float32)


def shade(alpha: Plane, base: float, scene: Scene) -> Plane:
    """(height, width, 3) what is left of the ground's light, 0..1.

    Args:
        alpha: (height, width) float32, the subject standing in the frame.
        base: row of its lowest point, pixels.
        scene: the ground and its light.
    """
    height, width = alpha.shape
    scale = min(1.0, SHADOW_PX / max(width, height))
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    small = np.asarray(cv2.resize(alpha, size, interpolation=cv2.INTER_AREA), np.float32)
    frame, outline = max(size), Outline.of(small, base * scale)
    above = 0.0 if scene.pitch is None else from_above(scene.pitch)
    short = foreshortening(scene.horizon, scene.plain, scene.pitch)
    contact = _touch(outline, size[1], 0.10, 0.0035 * frame, short)
    near = _touch(outline, size[1], 0.22, 0.012 * frame, short)
    around = cv2.GaussianBlur(_touch(outline, size[1], 0.45, 0.045 * frame, short), (0, 0), 0.012 * frame)
    under = _under(outline, size[1], 0.010 * frame)
    glance()
    ambient, touch = AMBIENT, CONTACT
    if scene.plain:
        ambient *= ON_WHITE
    if scene.afloat:
        ambient, touch = ambient * AFLOAT, touch * AFLOAT
    if above > 0.0:
        # Seen from above a thing touches the ground all round, not along its lower outline alone.
        rim = cv2.GaussianBlur(small, (0, 0), 0.006 * frame)
        contact = contact + above * (0.9 * rim - contact)
        near = near + above * (cv2.GaussianBlur(small, (0, 0), 0.016 * frame) - near)
        around = around + above * (cv2.GaussianBlur(small, (0, 0), 0.035 * frame) - around)
        under = (1.0 - above) * under
    left = np.ones((size[1], size[0], 3), np.float32)
    left *= 1.0 - (ambient * np.clip(0.70 * near + 0.80 * around, 0.0, 1.0))[..., None]
    left *= 1.0 - (touch * np.maximum(np.clip(contact, 0.0, 1.0) ** 1.2, under))[..., None]
    if not scene.afloat:
        cast = _cast_from(small, outline, scene)
        if above > 0.0:
            cast = cast + above * (_swept(small, outline, scene) - cast)
        left *= 1.0 - (ON_WHITE if scene.plain else 1.0) * CAST * cast[..., None] * key_share(scene.lighting)
    # The wall behind the ground is not in the subject's shadow.
    rows = (np.arange(size[1], dtype=np.float32) + 0.5) / size[1]
    open_ground = scene.plain or scene.afloat
    on_ground = np.ones_like(rows) if open_ground else np.clip((rows - scene.horizon) / 0.05, 0.0, 1.0)
    left = 1.0 - (1.0 - left) * on_ground[:, None, None]
    glance()
    grown = cv2.resize(left.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(grown, 0.0, 1.0), np.float32)


@dataclass(frozen=True)
class Outline:
    """The lower outline of a subject, column by column.

    Attributes:
        base: row of the lowest point.
        wide: the subject's width, pixels.
        tall: its height, pixels.
        lowest: (width,) float32, row below the lowest solid pixel; -1 in empty columns.
        highest: (width,) float32, row of the highest solid pixel; -1 in empty columns.
        hang: (width,) float32, how far it hangs over the ground there, pixels; 0 where it touches.
        ground: (width,) float32, row of the ground.
    """

    base: float
    wide: float
    tall: float
    lowest: NDArray[np.float32]
    highest: NDArray[np.float32]
    hang: NDArray[np.float32]
    ground: NDArray[np.float32]

    @staticmethod
    def of(alpha: Plane, base: float) -> Outline:
        """Read the outline of (h, w) float32 alpha whose lowest point lies on row ``base``."""
        solid = alpha > SHADES_FROM
        height, width = alpha.shape
        seen = np.asarray(solid.any(axis=0), np.bool_)
        columns = np.flatnonzero(seen)
        if not len(columns):
            empty = np.full(width, -1.0, np.float32)
            return Outline(base, 2.0, 2.0, empty, empty, np.zeros(width, np.float32), np.full(width, base, np.float32))
        lowest = np.where(seen, height - np.argmax(solid[::-1], axis=0), -1).astype(np.float32)
        highest = np.where(seen, np.argmax(solid, axis=0), -1).astype(np.float32)
        wide = max(2.0, float(columns[-1] + 1 - columns[0]))
        tall = max(2.0, base - float(np.flatnonzero(solid.any(axis=1))[0]))
        hang = _hang(lowest, seen, min(wide, tall), float(base))
        stands = seen & (hang < STANDS * wide)
        if not stands.any():
            stands = seen & (lowest >= lowest.max())
        at = np.arange(width)
        ground = np.interp(at, at[stands], lowest[stands]).astype(np.float32)
        soft = cv2.GaussianBlur(ground[None], (0, 0), max(0.8, 0.03 * wide), borderType=cv2.BORDER_REPLICATE)[0]
        return Outline(base, wide, tall, lowest, highest, hang, np.asarray(soft, np.float32))


def _hang(lowest: NDArray[np.float32], seen: NDArray[np.bool_], size: float, base: float) -> NDArray[np.float32]:
    """(width,) how far the outline hangs over the ground, pixels: from each foot outward, what rises steeply counts."""
    width = len(lowest)
    out = np.full(width, 4.0 * size, np.float32)
    # Whole rows make stairs of a slope; smoothed within what is seen.
    line = np.where(seen, lowest, 0.0).astype(np.float32)
    share = cv2.GaussianBlur(seen.astype(np.float32)[None], (0, 0), 1.5)[0]
    line = np.where(seen, cv2.GaussianBlur(line[None], (0, 0), 1.5)[0] / np.maximum(share, 1e-3), 0.0)
    feet, _ = peaks(np.pad(line, 1), PROMINENCE * size)
    feet = feet - 1
    if not len(feet):
        feet = np.array([int(np.argmax(line))])
    late = np.maximum(0.0, base - line[feet] - HIGHEST_FOOT * size)
    for foot, over in zip(feet, late, strict=True):
        # A foot further back stands higher in the picture; one that is too high is a hand, a spout, a handle.
        for step in (-1, 1):
            steep, x, before = 3.0 * float(over), int(foot), float(line[foot])
            while 0 <= x < width and seen[x]:
                # Downward again is towards another foot's ground, not back to this one's.
                steep += max(0.0, before - float(line[x]) - SLOPE)
                before = float(line[x])
                out[x] = min(out[x], steep)
                x += step
    firm = feet[late <= 0.0]
    if len(firm) > 1:
        # Between two feet the ground runs straight from one to the other.
        at = np.arange(firm[0], firm[-1] + 1)
        room = np.interp(at, firm, line[firm]) - line[at]
        out[at] = np.where(seen[at], np.maximum(out[at], room), out[at])
    return np.asarray(out, np.float32)


def _cast_from(alpha: Plane, outline: Outline, scene: Scene) -> Plane:
    """The key light's shadow on the ground, 0..1, of a subject whose ground lies on ``outline.ground``.

    The columns are moved so that they all stand on one row, and their shadow is moved back.
    """
    height, width = alpha.shape
    drop = outline.base - outline.ground
    x = np.broadcast_to(np.arange(width, dtype=np.float32)[None], alpha.shape)
    y = np.arange(height, dtype=np.float32)[:, None]
    level = cv2.remap(alpha, x, np.asarray(y - drop[None], np.float32), cv2.INTER_LINEAR, borderValue=0.0)
    short = foreshortening(scene.horizon, scene.plain, scene.pitch)
    cast = _cast(np.asarray(level, np.float32), outline.base, outline.tall, scene.lighting, short)
    back = cv2.remap(cast, x, np.asarray(y + drop[None], np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(back, np.float32)


def _swept(alpha: Plane, outline: Outline, scene: Scene) -> Plane:
    """The key light's shadow of what is seen from above, 0..1: its picture moved along the light, ever softer.

    The picture is then the plan of the thing rather than its elevation; how tall it is follows from how much longer it
    is seen than a thing as deep as it is wide would be.
    """
    assert scene.pitch is not None
    x, y, z = (float(v) for v in scene.lighting.key_direction)
    y = max(y, float(LOWEST_KEY))
    sine, cosine = math.sin(scene.pitch), max(0.2, math.cos(scene.pitch))
    size = max(outline.tall, outline.wide)
    tall = float(np.clip((outline.tall - DEPTH * outline.wide * sine) / cosine, FLATTEST * size, outline.tall))
    # The plan lies as far below its picture as the thing's middle stands over the ground.
    drop, shadow = 0.5 * tall * cosine, np.zeros_like(alpha)
    for k in range(SWEEPS):
        glance()
        rise = (k + 0.5) / SWEEPS * tall
        move = np.array([[1.0, 0.0, -x / y * rise], [0.0, 1.0, drop * (1.0 - FOOT) - z / y * rise * sine]])
        moved = cv2.warpAffine(alpha, move, (alpha.shape[1], alpha.shape[0]))
        np.maximum(shadow, cv2.GaussianBlur(moved, (0, 0), max(0.8, SOURCE * rise / y)), out=shadow)
    return np.clip(shadow, 0.0, 1.0)


def _slice(alpha: Plane, row: float) -> tuple[Plane, float]:
    """The subject's row at a height, (width,) float32, and its width in pixels."""
    line = alpha[int(np.clip(row, 0, alpha.shape[0] - 1))]
    return line, float(line.sum())


def _splat(into: Plane, line: Plane, y: float, depth_px: float, shift: float) -> None:
    """Lay a slice on the ground: its row, moved sideways, spread over its own foreshortened depth."""
    height, width = into.shape
    half = max(0.7, depth_px / 2)
    first, last = max(0, int(np.floor(y - half))), min(height, int(np.ceil(y + half)) + 1)
    if first >= last:
        return
    moved = np.interp(np.arange(width) - shift, np.arange(width), line, left=0.0, right=0.0).astype(np.float32)
    rows = np.arange(first, last, dtype=np.float32) + 0.5
    # A round slice: fuller in its middle.
    cover = np.sqrt(np.clip(1.0 - ((rows - y) / (half + 0.5)) ** 2, 0.0, 1.0))
    part = into[first:last]
    np.maximum(part, cover[:, None] * moved[None, :], out=part)


def _cast(alpha: Plane, base: float, tall: float, lighting: Lighting, short: float) -> Plane:
    """The key light's shadow on the ground, 0..1: sharp at the foot, softer with every bit of height."""
    x, y, z = (float(v) for v in lighting.key_direction)
    y = max(y, float(LOWEST_KEY))
    groups = 6
    shadow = np.zeros_like(alpha)
    layer = np.zeros_like(alpha)
    for k in range(SLICES):
        glance()
        rise = (k + 0.5) / SLICES * tall
        line, wide = _slice(alpha, base - rise)
        if wide > 0.5:
            away = z / y * rise
            _splat(layer, line, base - away * short, DEPTH * wide * short, -x / y * rise)
        if (k + 1) % (SLICES // groups) == 0:
            blur = max(0.8, SOURCE * rise / y)
            np.maximum(shadow, np.asarray(cv2.GaussianBlur(layer, (0, 0), blur), np.float32), out=shadow)
    return np.clip(shadow, 0.0, 1.0)


def _touch(outline: Outline, height: int, reach: float, spread_px: float, short: float) -> Plane:
    """Darkness under the subject's lower outline, (height, width) 0..1: full where it stands, less where it hangs.

    Args:
        outline: the subject's.
        height: of the picture, pixels.
        reach: how far over the ground, as a share of the width, the outline still shades it.
        spread_px: how far the shade runs out from the outline.
        short: how much a length on the ground shrinks that runs away from the camera.
    """
    lowest = outline.lowest
    weight = np.where(lowest >= 0, np.exp(-((outline.hang / (reach * outline.wide + 1.0)) ** 2)), 0.0)
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    below = rows - lowest[None, :]
    shade = np.where(below < 0, 1.0, np.exp(-0.5 * (below / max(0.6, spread_px)) ** 2)) * weight[None, :]
    # Nothing far above the outline: the shade is on the ground, not on the wall.
    shade = np.where(below < -3.0 * spread_px - 2.0, 0.0, shade)
    # The ground that it stands on is hidden by itself: what is seen above it is ground further back.
    back = np.maximum(outline.highest[None, :] - rows, 0.0)
    shade *= np.exp(-0.5 * (back / max(0.6, short * spread_px)) ** 2)
    return np.asarray(cv2.GaussianBlur(shade.astype(np.float32), (0, 0), max(0.7, 0.6 * spread_px)), np.float32)


def _under(outline: Outline, height: int, spread_px: float) -> Plane:
    """Darkness of the ground that is seen under a body between its feet, (height, width) 0..1: the lower the body lies
    over it, the darker, down to the line on which the feet stand."""
    stands = np.flatnonzero((outline.lowest >= 0) & (outline.hang < STANDS * outline.wide))
    rows = np.arange(height, dtype=np.float32)[:, None] + 0.5
    if len(stands) < 2:
        return np.zeros((height, len(outline.lowest)), np.float32)
    columns = np.arange(len(outline.lowest))
    between = (columns > stands[0]) & (columns < stands[-1]) & (outline.lowest >= 0)
    room = np.maximum(outline.ground - outline.lowest, 0.0)
    # Less than a row is the stairs of an outline that curves, not ground that is seen under it.
    weight = np.where(between, np.clip(1.0 - room / (LOW_BODY * outline.wide), 0.0, 1.0), 0.0)
    weight *= np.clip(room - 1.0, 0.0, 1.0)
    past = (rows - outline.ground[None, :]) / max(0.6, spread_px)
    shade = np.where(past < 0.0, 1.0, np.exp(-0.5 * past**2)) * weight[None, :]
    shade = np.where(rows < outline.lowest[None, :] - 3.0 * spread_px, 0.0, shade)
    return np.asarray(cv2.GaussianBlur(shade.astype(np.float32), (0, 0), max(0.7, 0.6 * spread_px)), np.float32)
