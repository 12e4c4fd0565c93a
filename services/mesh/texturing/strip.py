"""A strip of colours, read off the photo around a turned thing, completed to rings that close.

Every height has a ring of its own colour, which the light changes slowly around the axis. What is left, the detail, is
sewn on behind by image quilting: bands, hammered reliefs, streaks and patterns go round at their own heights. What
occurs once (a label, a leaf, a spot of dirt) is not sewn on again.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from lensora.adapters.patience import glance
from services.mesh.texturing.quilting import Example, quilted

Colors = NDArray[np.float32]


@dataclass(frozen=True)
class RingParameters:
    """How colours are read around a turned thing, and what is sewn on where the photo did not look.

    Attributes:
        rows: heights at which the colours are read.
        columns_a_degree: columns of the strip that is read off the photo.
        read_deg: how far around from the viewer the photo is read: there it is stretched four times.
        known_deg: how far it is kept; beyond, it is sewn on.
        example_deg: how far around what is sewn on may come from: beyond, the photo shows less detail.
        calm_rows: sigma, rows (2% of the height), over which a ring's colour is averaged with those of its neighbours
            that it cannot be told from: the median of a speckled row is off by chance, and would be a stripe all
            around.
        speck_columns: columns (7 degrees) after which a speckle is independent of the one before.
        fine_columns: sigma, columns (8 degrees): what is finer than this around the axis is detail, what is coarser is
            light or panels.
        cell: rows and columns (8 degrees) over which detail is compared with what else is seen at its height.
        once, once_floor: a cell whose detail is this many times as strong as usual at its height, and by so much
            (logarithm) stronger, holds something that occurs once.
        spread: sigmas, columns and rows, over which colours at the edge of what is seen are averaged before they go
            on.
        panel: a place whose colour is off its ring's by more (logarithm) belongs to a label.
        tall: rows: what differs from its ring over less than half of them is no light.
        some, loose: least share of a ring that must be ordinary to have a usual colour, and the spread (logarithm) at
            which it has none.
        dark: levels added to colours before their logarithm is taken: black has no noise worth sewing on.
    """

    rows: int = 512
    columns_a_degree: int = 3
    read_deg: int = 75
    known_deg: int = 62
    example_deg: int = 54
    calm_rows: float = 12.0
    speck_columns: float = 21.0
    fine_columns: float = 24.0
    cell: tuple[int, int] = (16, 24)
    once: float = 2.2
    once_floor: float = 0.03
    spread: tuple[float, float] = (9.0, 4.0)
    panel: float = 0.35
    tall: int = 257
    some: float = 0.4
    loose: float = 0.15
    dark: float = 12.0

    @property
    def columns(self) -> int:
        """Of the strip that is read off the photo."""
        return 2 * self.read_deg * self.columns_a_degree + 1


PARAMETERS = RingParameters()


@dataclass(frozen=True)
class Rings:
    """A wall's colours: ``typical`` (rows, 3) of each height, and ``around`` (rows, columns of the full circle, 3)."""

    typical: Colors
    around: Colors


def completed(strip: Colors, good: NDArray[np.bool_]) -> Rings:
    """Rings of typical colour, the light on them, and the detail: as seen, and sewn on behind."""
    rows = np.arange(PARAMETERS.rows)
    usable = good.mean(axis=1) > 0.15
    if not usable.any():
        flat = np.broadcast_to(np.median(strip.reshape(-1, 3), axis=0), (PARAMETERS.rows, 3)).astype(np.float32)
        return Rings(flat, np.repeat(flat[:, None, :], 4, axis=1))
    ring = np.zeros((PARAMETERS.rows, 3), np.float32)
    ring[usable] = _quantiles(strip[usable, ::3], good[usable, ::3], (0.5,))[0]
    nearest = rows[usable][np.abs(rows[:, None] - rows[usable][None, :]).argmin(axis=1)]
    glance()
    ring = _calmed(ring[nearest], strip, good)
    glance()
    strip = _spread(strip, good)
    glance()
    light = _light(strip, ring, usable)
    lit = ring[:, None, :] * light[..., None]
    typical = ring * light.mean(axis=1, keepdims=True)
    around = np.clip(ring[:, None, :] * _light_around(light)[..., None], 0.0, 255.0)
    detail = np.log(strip + PARAMETERS.dark) - np.log(np.clip(lit, 0.0, 255.0) + PARAMETERS.dark)
    detail[~usable] = 0.0
    change = cv2.exp(_detail_around(detail, good & usable[:, None], ring))
    around = np.clip((around + PARAMETERS.dark) * change - PARAMETERS.dark, 0.0, 255.0)
    return Rings(typical, np.asarray(around, np.float32))


def _spread(strip: Colors, good: NDArray[np.bool_]) -> Colors:
    """The strip with what is not the subject's own colour taken, softly, from the nearest place in its row that is:
    a belly shows less far around than a straight wall."""
    weight = good.astype(np.float32)
    total = cv2.GaussianBlur(
        strip * weight[..., None], (0, 0), sigmaX=PARAMETERS.spread[0], sigmaY=PARAMETERS.spread[1]
    )
    mean = cv2.GaussianBlur(weight, (0, 0), sigmaX=PARAMETERS.spread[0], sigmaY=PARAMETERS.spread[1])
    soft = total / np.maximum(mean, 0.02)[..., None]
    column, far = np.arange(PARAMETERS.columns), 4 * PARAMETERS.columns
    before = np.maximum.accumulate(np.where(good, column, -far), axis=1)
    after = np.minimum.accumulate(np.where(good, column, far)[:, ::-1], axis=1)[:, ::-1]
    closest = np.clip(np.where(column - before <= after - column, before, after), 0, PARAMETERS.columns - 1)
    nearest = np.take_along_axis(soft, closest[..., None], axis=1)
    return np.asarray(np.where(good[..., None], strip, nearest), np.float32)


def _light_around(light: Colors) -> Colors:
    """(rows, full circle): as seen in front; behind, evenly from each edge to what both and the whole agree on."""
    angle = np.arange(360 * PARAMETERS.columns_a_degree) / PARAMETERS.columns_a_degree - 180.0
    seen = np.clip(angle, -PARAMETERS.known_deg, PARAMETERS.known_deg)
    out = light[:, np.rint((seen + PARAMETERS.read_deg) * PARAMETERS.columns_a_degree).astype(int)]
    edges = light[:, [_column(-PARAMETERS.known_deg), _column(PARAMETERS.known_deg)]].mean(axis=1)
    behind = 0.5 * (edges + light.mean(axis=1))
    share = _behind(np.abs(angle), 180.0)
    return np.asarray(out + share * (behind[:, None] - out), np.float32)


def _detail_around(detail: Colors, good: NDArray[np.bool_], ring: Colors) -> Colors:
    """(rows, full circle, 3): the detail as seen, continued by what can be sewn on."""
    slow = np.asarray(cv2.GaussianBlur(detail, (0, 0), sigmaX=PARAMETERS.fine_columns, sigmaY=0.5), np.float32)
    fine = np.asarray((detail - slow) * good[..., None], np.float32)
    inner = slice(_column(-PARAMETERS.example_deg), _column(PARAMETERS.example_deg) + 1)
    plain = _ordinary(fine[:, inner], slow[:, inner], good[:, inner], ring)
    faded = cv2.GaussianBlur(plain.astype(np.float32), (0, 0), 3.0)[..., None]
    example = Example(np.asarray(fine[:, inner] * faded, np.float32), plain)
    # From the front to the right, around, and back to the front.
    step = PARAMETERS.columns_a_degree
    known, circle = PARAMETERS.known_deg * step, 360 * step
    angle = np.arange(circle) / step
    column = np.where(angle <= 180.0, angle, angle - 360.0) * step + PARAMETERS.read_deg * step
    read = np.clip(column, 0, detail.shape[1] - 1).astype(int)
    canvas = quilted(fine[:, read], (known, circle - known + 1), example)
    width = 6 * step
    typical = _typical(slow[:, inner], plain)
    left = slow[:, _column(-PARAMETERS.known_deg) : _column(-PARAMETERS.known_deg) + width].mean(axis=1)
    right = slow[:, _column(PARAMETERS.known_deg) - width : _column(PARAMETERS.known_deg)].mean(axis=1)
    away = np.minimum(angle, 360.0 - angle)
    # What reaches over much of the height is light and goes on far behind; what does not is the end of a label or
    # of a handle and goes on no further than a blur needs.
    left, right = left - typical, right - typical
    tall = [median_filter(edge, size=(PARAMETERS.tall, 1), mode="nearest") for edge in (left, right)]
    to_right = (angle <= 180.0)[None, :, None]
    carried = np.where(to_right, right[:, None], left[:, None])
    gentle = np.where(to_right, tall[1][:, None], tall[0][:, None])
    far, near = (1.0 - _behind(away, end)[None, :, None] for end in (160.0, PARAMETERS.known_deg + 12.0))
    carried = typical[:, None] + far * gentle + near * (carried - gentle)
    in_front = np.clip((PARAMETERS.known_deg - away) / 6.0, 0.0, 1.0).astype(np.float32)[None, :, None]
    canvas = canvas + carried + in_front * (slow[:, read] - carried)
    return np.asarray(np.roll(canvas, circle // 2, axis=1), np.float32)


def _typical(slow: Colors, plain: NDArray[np.bool_]) -> Colors:
    """(rows, 3): how far a ring's usual colour is off its middle one, as white between stripes is; nothing where
    it is not the same all along."""
    some = plain.mean(axis=1) > PARAMETERS.some
    out = np.zeros((PARAMETERS.rows, 3), np.float32)
    if some.any():
        low, middle, high = _quantiles(slow[some, ::12], plain[some, ::12], (0.25, 0.5, 0.75))
        out[some] = middle * np.clip(1.0 - (high - low) / PARAMETERS.loose, 0.0, 1.0)
    return np.asarray(cv2.GaussianBlur(out, (1, 0), sigmaX=0.1, sigmaY=2.0).reshape(-1, 3), np.float32)


def _ordinary(fine: Colors, slow: Colors, good: NDArray[np.bool_], ring: Colors) -> NDArray[np.bool_]:
    """(rows, columns): where the detail is like what else is seen at that height."""
    cell = (PARAMETERS.cell[1], PARAMETERS.cell[0])
    strength = cv2.blur(np.abs(fine).mean(axis=2), cell)
    usual = np.quantile(strength, 0.35, axis=1, keepdims=True).astype(np.float32)
    usual = cv2.GaussianBlur(usual, (1, 0), sigmaX=0.1, sigmaY=PARAMETERS.cell[0] / 2.0).reshape(-1, 1)
    # A channel that is nearly black changes manifold with every speckle: it counts by its share of the light.
    part = (ring + PARAMETERS.dark) / (ring + PARAMETERS.dark).max(axis=1, keepdims=True)
    off = np.abs(slow - np.median(slow, axis=1, keepdims=True)) * part[:, None]
    panel = (off.max(axis=2) > PARAMETERS.panel).astype(np.uint8)
    once = (strength > PARAMETERS.once * usual + PARAMETERS.once_floor) | ~good
    # What is slow bleeds over a label's border as far as it is blurred.
    around = np.ones((5, 2 * round(PARAMETERS.fine_columns) + 1), np.uint8)
    spoilt = cv2.dilate(once.astype(np.uint8), np.ones((5, 9), np.uint8)) + cv2.dilate(panel, around)
    return np.asarray(spoilt == 0, np.bool_)


def _column(degrees: float) -> int:
    """Column of the strip."""
    return round((degrees + PARAMETERS.read_deg) * PARAMETERS.columns_a_degree)


def _behind(away: NDArray[np.number], far: float) -> NDArray[np.float32]:
    """0 up to the edge of what is kept, 1 from ``far`` degrees on, smoothly."""
    share = np.clip((away - PARAMETERS.known_deg) / (far - PARAMETERS.known_deg), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


def _calmed(ring: Colors, strip: Colors, good: NDArray[np.bool_]) -> Colors:
    """(rows, 3): rings without the stripes that chance makes; bands that go round stay as sharp as they are.

    A bilateral filter over the height, whose range is twice the standard error of the difference of two medians.
    """
    apart = np.where(good, np.abs(strip - ring[:, None, :]).max(axis=2), 0.0)
    # 1.4826 and 1.2533: from a median deviation to a standard deviation, from a mean's error to a median's.
    error = 1.4826 * 1.2533 * np.median(apart, axis=1) / np.sqrt(PARAMETERS.columns / PARAMETERS.speck_columns)
    error = np.maximum(error, 0.5)
    rows = np.arange(PARAMETERS.rows)
    steps = (rows[:, None] - rows[None, :]) / PARAMETERS.calm_rows
    differ = np.abs(ring[:, None, :] - ring[None, :, :]).max(axis=2) / (2.0 * np.hypot(error[:, None], error[None]))
    weight = np.exp(-0.5 * (steps**2 + differ**2))
    return np.asarray(weight @ ring / weight.sum(axis=1, keepdims=True), np.float32)


def _light(strip: Colors, ring: Colors, usable: NDArray[np.bool_]) -> Colors:
    """(rows, columns): how much lighter than its ring each place is, as smooth as light is; a label hardly
    counts."""
    grey, typical = strip.mean(axis=2), np.maximum(ring.mean(axis=1), 4.0)[:, None]
    ratio = np.clip(grey / typical, 0.2, 3.0)
    small = (PARAMETERS.columns // 8, PARAMETERS.rows // 8)
    ratio[~usable] = 1.0
    middle = cv2.resize(ratio.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    # The median over a tall window: bands and letters are short, light reaches from top to bottom.
    tall = np.ones_like(middle)
    reach = max(2, small[1] // 6)
    for row in range(small[1]):
        window = slice(max(0, row - reach), row + reach + 1)
        tall[row] = np.median(middle[window], axis=0)
    tall = cv2.GaussianBlur(tall, (0, 0), sigmaX=1.5, sigmaY=3.0)
    return np.asarray(cv2.resize(tall, (PARAMETERS.columns, PARAMETERS.rows), interpolation=cv2.INTER_LINEAR))


def _quantiles(values: Colors, good: NDArray[np.bool_], shares: tuple[float, ...]) -> list[Colors]:
    """Quantiles along the second axis of values (r, n, 3) that are good (r, n), each (r, 3); nothing where none is."""
    order = np.sort(np.where(good[..., None], values, np.float32(np.inf)), axis=1)
    count, rows = good.sum(axis=1), np.arange(len(good))
    found = []
    for share in shares:
        place = share * np.maximum(count - 1, 0)
        low = np.floor(place).astype(int)
        high = np.minimum(low + 1, np.maximum(count - 1, 0))
        part = (place - low).astype(np.float32)[:, None]
        below, above = order[rows, low], order[rows, high]
        found.append(np.where(count[:, None] > 0, below + part * (above - below), np.float32(0.0)).astype(np.float32))
    return found
