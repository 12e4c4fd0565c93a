"""The colours of a turned thing all around, from the side that the photo shows.

Every height has a ring of its own colour, which the light changes slowly around the axis. What is left, the detail, is
sewn on behind by image quilting: bands, hammered reliefs, streaks and patterns go round at their own heights. What
occurs once (a label, a leaf, a spot of dirt) is not sewn on again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from services.mesh.camera import PhotoCamera
from services.mesh.texturing.backside import sampled
from services.mesh.texturing.quilting import Example, quilted

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]


class RingCompletion:
    """Colours for a surface of revolution about y, by height and angle."""

    detailed = True

    ROWS = 512
    COLUMNS_A_DEGREE = 3
    READ_DEG = 75
    """How far around from the viewer the photo is read: there it is stretched four times."""

    KNOWN_DEG = 62
    """How far it is kept; beyond, it is sewn on."""

    EXAMPLE_DEG = 54
    """How far around what is sewn on may come from: beyond, the photo shows less detail."""

    CALM_ROWS = 12.0
    """Sigma, rows (2% of the height), over which a ring's colour is averaged with those of its neighbours that it
    cannot be told from: the median of a speckled row is off by chance, and would be a stripe all around."""

    SPECK_COLUMNS = 21.0
    """Columns (7 degrees) after which a speckle is independent of the one before."""

    FINE_COLUMNS = 24.0
    """Sigma, columns (8 degrees): what is finer than this around the axis is detail, what is coarser is light or
    panels."""

    CELL = (16, 24)
    """Rows and columns (8 degrees) over which detail is compared with what else is seen at its height."""

    ONCE, ONCE_FLOOR = 2.2, 0.03
    """A cell whose detail is this many times as strong as usual at its height, and by so much (logarithm) stronger,
    holds something that occurs once."""

    SPREAD = (9.0, 4.0)
    """Sigmas, columns and rows, over which colours at the edge of what is seen are averaged before they go on."""

    PANEL = 0.35
    """A place whose colour is off its ring's by more (logarithm) belongs to a label."""

    TALL = 257
    """Rows: what differs from its ring over less than half of them is no light."""

    SOME, LOOSE = 0.4, 0.15
    """Least share of a ring that must be ordinary to have a usual colour, and the spread (logarithm) at which it has
    none."""

    DARK = 12.0
    """Levels added to colours before their logarithm is taken: black has no noise worth sewing on."""

    columns = 2 * READ_DEG * COLUMNS_A_DEGREE + 1
    """Of the strip that is read off the photo."""

    def __init__(
        self,
        photo: NDArray[np.uint8],
        safe: NDArray[np.bool_],
        camera: PhotoCamera,
        heights: Doubles,
        radii: Doubles,
        inner: tuple[Doubles, Doubles] | None = None,
    ) -> None:
        """Nothing is read before the first colours are asked for: many a turned body is tried and given up.

        Args:
            photo: (h, w, 3) uint8.
            safe: (h, w) bool, pixels whose colour is the subject's own.
            camera: in the frame of the solid (axis on y), pixels of the photo.
            heights: (k,) rising.
            radii: (k,) of the outside at those heights.
            inner: heights and radii of the wall of an open vessel, which the photo sees on the far side.
        """
        self._low, self._high = float(heights[0]), float(heights[-1])
        position = camera.position()
        self._front = float(np.arctan2(position[0], position[2]))
        self._photo, self._safe, self._camera = photo, safe, camera
        self._heights, self._radii, self._hollow = heights, radii, inner
        self._floor = self._low
        self._wall = (heights, radii)
        if inner is not None:
            self._floor = float(inner[0][0]) - 0.02 * (self._high - self._low)
            self._wall = inner

    @cached_property
    def _outer(self) -> _Rings:
        """The outside."""
        strip, good = self._read(self._heights, self._radii, self._front)
        return self._completed(strip, good)

    @cached_property
    def _inner(self) -> _Rings | None:
        """The inside of an open vessel. From the viewer's side only the far wall shows, and of that what the near rim
        does not hide."""
        if self._hollow is None:
            return None
        strip, good = self._read(*self._hollow, self._front + np.pi, self._sight_line())
        return self._completed(strip, good)

    def _sight_line(self) -> float:
        """Image row of the near side of the top rim: what is above it in the picture is the inside."""
        position = self._camera.position()
        toward = np.array([position[0], 0.0, position[2]])
        toward /= max(float(np.linalg.norm(toward)), 1e-9)
        near = toward * self._radii[-1] + np.array([0.0, self._heights[-1], 0.0])
        pixel, _ = self._camera.project(near[None])
        return float(pixel[0, 1])

    def _read(
        self, heights: Doubles, radii: Doubles, middle: float, hidden_below: float | None = None
    ) -> tuple[Colors, NDArray[np.bool_]]:
        """Colour by height (bottom first) and by angle from the middle, as far as it is read, and where it is the
        subject's own."""
        level = np.linspace(self._low, self._high, self.ROWS)
        radius = np.interp(level, heights, radii)
        angle = middle + np.radians(np.linspace(-self.READ_DEG, self.READ_DEG, self.columns))
        points = np.stack(
            [
                radius[:, None] * np.sin(angle),
                np.repeat(level[:, None], self.columns, 1),
                radius[:, None] * np.cos(angle),
            ],
            axis=2,
        )
        pixels, _ = self._camera.project(points.reshape(-1, 3))
        x = (pixels[:, 0] - 0.5).astype(np.float32).reshape(self.ROWS, -1)
        y = (pixels[:, 1] - 0.5).astype(np.float32).reshape(self.ROWS, -1)
        strip = cv2.remap(self._photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        good = cv2.remap(self._safe.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
        if hidden_below is not None:
            good &= y < hidden_below - 0.01 * self._photo.shape[0]
        return strip, good

    def _completed(self, strip: Colors, good: NDArray[np.bool_]) -> _Rings:
        """Rings of typical colour, the light on them, and the detail: as seen, and sewn on behind."""
        rows = np.arange(self.ROWS)
        usable = good.mean(axis=1) > 0.15
        if not usable.any():
            flat = np.broadcast_to(np.median(strip.reshape(-1, 3), axis=0), (self.ROWS, 3)).astype(np.float32)
            return _Rings(flat, np.repeat(flat[:, None, :], 4, axis=1))
        ring = np.zeros((self.ROWS, 3), np.float32)
        ring[usable] = _quantiles(strip[usable, ::3], good[usable, ::3], (0.5,))[0]
        nearest = rows[usable][np.abs(rows[:, None] - rows[usable][None, :]).argmin(axis=1)]
        ring = self._calmed(ring[nearest], strip, good)
        strip = self._spread(strip, good)
        light = self._light(strip, ring, usable)
        lit = ring[:, None, :] * light[..., None]
        typical = ring * light.mean(axis=1, keepdims=True)
        around = np.clip(ring[:, None, :] * self._light_around(light)[..., None], 0.0, 255.0)
        detail = np.log(strip + self.DARK) - np.log(np.clip(lit, 0.0, 255.0) + self.DARK)
        detail[~usable] = 0.0
        change = cv2.exp(self._detail_around(detail, good & usable[:, None], ring))
        around = np.clip((around + self.DARK) * change - self.DARK, 0.0, 255.0)
        return _Rings(typical, np.asarray(around, np.float32))

    def _spread(self, strip: Colors, good: NDArray[np.bool_]) -> Colors:
        """The strip with what is not the subject's own colour taken, softly, from the nearest place in its row that is:
        a belly shows less far around than a straight wall."""
        weight = good.astype(np.float32)
        total = cv2.GaussianBlur(strip * weight[..., None], (0, 0), sigmaX=self.SPREAD[0], sigmaY=self.SPREAD[1])
        mean = cv2.GaussianBlur(weight, (0, 0), sigmaX=self.SPREAD[0], sigmaY=self.SPREAD[1])
        soft = total / np.maximum(mean, 0.02)[..., None]
        column, far = np.arange(self.columns), 4 * self.columns
        before = np.maximum.accumulate(np.where(good, column, -far), axis=1)
        after = np.minimum.accumulate(np.where(good, column, far)[:, ::-1], axis=1)[:, ::-1]
        closest = np.clip(np.where(column - before <= after - column, before, after), 0, self.columns - 1)
        nearest = np.take_along_axis(soft, closest[..., None], axis=1)
        return np.asarray(np.where(good[..., None], strip, nearest), np.float32)

    def _light_around(self, light: Colors) -> Colors:
        """(ROWS, full circle): as seen in front; behind, evenly from each edge to what both and the whole agree on."""
        angle = np.arange(360 * self.COLUMNS_A_DEGREE) / self.COLUMNS_A_DEGREE - 180.0
        seen = np.clip(angle, -self.KNOWN_DEG, self.KNOWN_DEG)
        out = light[:, np.rint((seen + self.READ_DEG) * self.COLUMNS_A_DEGREE).astype(int)]
        edges = light[:, [self._column(-self.KNOWN_DEG), self._column(self.KNOWN_DEG)]].mean(axis=1)
        behind = 0.5 * (edges + light.mean(axis=1))
        share = self._behind(np.abs(angle), 180.0)
        return np.asarray(out + share * (behind[:, None] - out), np.float32)

    def _detail_around(self, detail: Colors, good: NDArray[np.bool_], ring: Colors) -> Colors:
        """(ROWS, full circle, 3): the detail as seen, continued by what can be sewn on."""
        slow = np.asarray(cv2.GaussianBlur(detail, (0, 0), sigmaX=self.FINE_COLUMNS, sigmaY=0.5), np.float32)
        fine = np.asarray((detail - slow) * good[..., None], np.float32)
        inner = slice(self._column(-self.EXAMPLE_DEG), self._column(self.EXAMPLE_DEG) + 1)
        plain = self._ordinary(fine[:, inner], slow[:, inner], good[:, inner], ring)
        faded = cv2.GaussianBlur(plain.astype(np.float32), (0, 0), 3.0)[..., None]
        example = Example(np.asarray(fine[:, inner] * faded, np.float32), plain)
        # From the front to the right, around, and back to the front.
        step = self.COLUMNS_A_DEGREE
        known, circle = self.KNOWN_DEG * step, 360 * step
        angle = np.arange(circle) / step
        column = np.where(angle <= 180.0, angle, angle - 360.0) * step + self.READ_DEG * step
        read = np.clip(column, 0, detail.shape[1] - 1).astype(int)
        canvas = quilted(fine[:, read], (known, circle - known + 1), example)
        width = 6 * step
        typical = self._typical(slow[:, inner], plain)
        left = slow[:, self._column(-self.KNOWN_DEG) : self._column(-self.KNOWN_DEG) + width].mean(axis=1)
        right = slow[:, self._column(self.KNOWN_DEG) - width : self._column(self.KNOWN_DEG)].mean(axis=1)
        away = np.minimum(angle, 360.0 - angle)
        # What reaches over much of the height is light and goes on far behind; what does not is the end of a label or
        # of a handle and goes on no further than a blur needs.
        left, right = left - typical, right - typical
        tall = [median_filter(edge, size=(self.TALL, 1), mode="nearest") for edge in (left, right)]
        to_right = (angle <= 180.0)[None, :, None]
        carried = np.where(to_right, right[:, None], left[:, None])
        gentle = np.where(to_right, tall[1][:, None], tall[0][:, None])
        far, near = (1.0 - self._behind(away, end)[None, :, None] for end in (160.0, self.KNOWN_DEG + 12.0))
        carried = typical[:, None] + far * gentle + near * (carried - gentle)
        in_front = np.clip((self.KNOWN_DEG - away) / 6.0, 0.0, 1.0).astype(np.float32)[None, :, None]
        canvas = canvas + carried + in_front * (slow[:, read] - carried)
        return np.asarray(np.roll(canvas, circle // 2, axis=1), np.float32)

    def _typical(self, slow: Colors, plain: NDArray[np.bool_]) -> Colors:
        """(ROWS, 3): how far a ring's usual colour is off its middle one, as white between stripes is; nothing where
        it is not the same all along."""
        some = plain.mean(axis=1) > self.SOME
        out = np.zeros((self.ROWS, 3), np.float32)
        if some.any():
            low, middle, high = _quantiles(slow[some, ::12], plain[some, ::12], (0.25, 0.5, 0.75))
            out[some] = middle * np.clip(1.0 - (high - low) / self.LOOSE, 0.0, 1.0)
        return np.asarray(cv2.GaussianBlur(out, (1, 0), sigmaX=0.1, sigmaY=2.0).reshape(-1, 3), np.float32)

    def _ordinary(self, fine: Colors, slow: Colors, good: NDArray[np.bool_], ring: Colors) -> NDArray[np.bool_]:
        """(ROWS, columns): where the detail is like what else is seen at that height."""
        cell = (self.CELL[1], self.CELL[0])
        strength = cv2.blur(np.abs(fine).mean(axis=2), cell)
        usual = np.quantile(strength, 0.35, axis=1, keepdims=True).astype(np.float32)
        usual = cv2.GaussianBlur(usual, (1, 0), sigmaX=0.1, sigmaY=self.CELL[0] / 2.0).reshape(-1, 1)
        # A channel that is nearly black changes manifold with every speckle: it counts by its share of the light.
        part = (ring + self.DARK) / (ring + self.DARK).max(axis=1, keepdims=True)
        off = np.abs(slow - np.median(slow, axis=1, keepdims=True)) * part[:, None]
        panel = (off.max(axis=2) > self.PANEL).astype(np.uint8)
        once = (strength > self.ONCE * usual + self.ONCE_FLOOR) | ~good
        # What is slow bleeds over a label's border as far as it is blurred.
        around = np.ones((5, 2 * round(self.FINE_COLUMNS) + 1), np.uint8)
        spoilt = cv2.dilate(once.astype(np.uint8), np.ones((5, 9), np.uint8)) + cv2.dilate(panel, around)
        return np.asarray(spoilt == 0, np.bool_)

    def _column(self, degrees: float) -> int:
        """Column of the strip."""
        return round((degrees + self.READ_DEG) * self.COLUMNS_A_DEGREE)

    def _behind(self, away: NDArray[np.number], far: float) -> NDArray[np.float32]:
        """0 up to the edge of what is kept, 1 from ``far`` degrees on, smoothly."""
        share = np.clip((away - self.KNOWN_DEG) / (far - self.KNOWN_DEG), 0.0, 1.0)
        return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)

    def _calmed(self, ring: Colors, strip: Colors, good: NDArray[np.bool_]) -> Colors:
        """(ROWS, 3): rings without the stripes that chance makes; bands that go round stay as sharp as they are.

        A bilateral filter over the height, whose range is twice the standard error of the difference of two medians.
        """
        apart = np.where(good, np.abs(strip - ring[:, None, :]).max(axis=2), 0.0)
        # 1.4826 and 1.2533: from a median deviation to a standard deviation, from a mean's error to a median's.
        error = 1.4826 * 1.2533 * np.median(apart, axis=1) / np.sqrt(self.columns / self.SPECK_COLUMNS)
        error = np.maximum(error, 0.5)
        rows = np.arange(self.ROWS)
        steps = (rows[:, None] - rows[None, :]) / self.CALM_ROWS
        differ = np.abs(ring[:, None, :] - ring[None, :, :]).max(axis=2) / (2.0 * np.hypot(error[:, None], error[None]))
        weight = np.exp(-0.5 * (steps**2 + differ**2))
        return np.asarray(weight @ ring / weight.sum(axis=1, keepdims=True), np.float32)

    def _light(self, strip: Colors, ring: Colors, usable: NDArray[np.bool_]) -> Colors:
        """(ROWS, columns): how much lighter than its ring each place is, as smooth as light is; a label hardly
        counts."""
        grey, typical = strip.mean(axis=2), np.maximum(ring.mean(axis=1), 4.0)[:, None]
        ratio = np.clip(grey / typical, 0.2, 3.0)
        small = (self.columns // 8, self.ROWS // 8)
        ratio[~usable] = 1.0
        middle = cv2.resize(ratio.astype(np.float32), small, interpolation=cv2.INTER_AREA)
        # The median over a tall window: bands and letters are short, light reaches from top to bottom.
        tall = np.ones_like(middle)
        reach = max(2, small[1] // 6)
        for row in range(small[1]):
            window = slice(max(0, row - reach), row + reach + 1)
            tall[row] = np.median(middle[window], axis=0)
        tall = cv2.GaussianBlur(tall, (0, 0), sigmaX=1.5, sigmaY=3.0)
        return np.asarray(cv2.resize(tall, (self.columns, self.ROWS), interpolation=cv2.INTER_LINEAR))

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Colors:
        """Look up by height and angle."""
        angle = np.arctan2(points[:, 0], points[:, 2])
        # On a flat end the angle means nothing near the axis: it gets the light of its whole ring.
        level = np.clip((np.abs(normals[:, 1]) - 0.7) / 0.2, 0.0, 1.0)
        row = (points[:, 1] - self._low) / max(self._high - self._low, 1e-9) * (self.ROWS - 1)
        outside = self._sample(self._outer, angle - self._front, row, level)
        if self._inner is None:
            return outside
        inwards = (points[:, 0] * normals[:, 0] + points[:, 2] * normals[:, 2]) < -0.05 * np.hypot(
            points[:, 0], points[:, 2]
        )
        below_mouth = points[:, 1] < self._high - 0.05 * (self._high - self._low)
        # What faces up outside the inner wall is the body's own shoulder.
        within = np.hypot(points[:, 0], points[:, 2]) <= 1.03 * np.interp(points[:, 1], *self._wall)
        deep = inwards | ((normals[:, 1] > 0.3) & below_mouth & within)
        # What faces up below the vessel's floor is the top of the saucer that it stands on.
        deep &= points[:, 1] > self._floor
        outside[deep] = self._sample(self._inner, angle[deep] - self._front - np.pi, row[deep], level[deep])
        return outside

    def _sample(
        self, rings: _Rings, angle: NDArray[np.floating], row: NDArray[np.floating], level: NDArray[np.floating]
    ) -> Colors:
        """Colours at (angle from the strip's middle, row) of a surface that lies flat (``level`` 1) or stands (0)."""
        turn = (angle / (2.0 * np.pi) + 0.5) % 1.0
        index = np.clip(row, 0, self.ROWS - 1)
        standing = sampled(rings.around, np.stack([turn * (rings.around.shape[1] - 1) + 0.5, index + 0.5], axis=1))
        lying = sampled(rings.typical[:, None, :], np.stack([np.full_like(index, 0.5), index + 0.5], axis=1))
        return np.asarray(standing + level[:, None].astype(np.float32) * (lying - standing), np.float32)


@dataclass(frozen=True)
class _Rings:
    """A wall's colours: ``typical`` (ROWS, 3) of each height, and ``around`` (ROWS, columns of the full circle, 3)."""

    typical: Colors
    around: Colors


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
