"""Colours of what the photo does not show.

The photo is trusted where the surface faces it. The rest is made up so that it belongs: on any mesh by a harmonic fill
that continues what is known, drawn on the back towards the photo's own soft colours (never its details: a clock has one
face); on a surface of revolution by carrying each height's ring of colour around the axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from services.mesh.camera import PhotoCamera
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]

BACK_PULL = 0.03
"""Weight of the back's own colours, against 1 for agreement with each neighbour: felt over about six edges."""


class Completion(Protocol):
    """Colours by place on the surface, in the frame of the backend's solid."""

    def colors(self, points: Doubles, normals: Doubles) -> Colors:
        """(n, 3) float32 sRGB in 0..255 for points (n, 3) with unit normals (n, 3)."""


def harmonic_offsets(solid: Solid, known: NDArray[np.bool_], offset: Colors, back: Doubles) -> Colors:
    """Offsets for every vertex: the known ones as they are, continued smoothly and, on the back, towards zero.

    Args:
        solid: n vertices.
        known: (n,) bool.
        offset: (n, 3) float32, valid where known.
        back: (n,) how much each vertex faces away from the photo, 0..1.

    Returns:
        (n, 3) float32.
    """
    count = len(solid.vertices)
    result = np.where(known[:, None], offset, 0.0).astype(np.float32)
    free = np.flatnonzero(~known)
    if not len(free):
        return result
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    length = np.linalg.norm(solid.vertices[start] - solid.vertices[end], axis=1)
    typical = max(float(np.median(length)), 1e-12)
    weight = 1.0 / np.clip(length / typical, 0.2, 5.0)
    link = sparse.coo_matrix((weight, (start, end)), shape=(count, count)).tocsr()
    link = link.maximum(link.T)
    rows = link[free]
    degree = np.asarray(rows.sum(axis=1)).ravel()
    pull = BACK_PULL * np.clip(back[free], 0.0, 1.0) + 1e-4
    matrix = sparse.diags(degree + pull) - rows[:, free]
    right = rows[:, np.flatnonzero(known)] @ result[known]
    factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    result[free] = factors.solve(right)
    return result


class VertexColors:
    """Colours that a backend gave for its vertices, mixed from the three nearest."""

    def __init__(self, points: Doubles, colors: NDArray[np.uint8]) -> None:
        """
        Args:
            points: (n, 3), the backend's vertices.
            colors: (n, 3) uint8 sRGB.
        """
        self._tree = cKDTree(points)
        self._colors = colors.astype(np.float32)

    def colors(self, points: Doubles, normals: Doubles) -> Colors:
        """See ``Completion``."""
        count = min(3, len(self._colors))
        distance, nearest = self._tree.query(points, k=count)
        distance, nearest = distance.reshape(-1, count), nearest.reshape(-1, count)
        weight = 1.0 / np.maximum(distance, 1e-9)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.asarray((self._colors[nearest] * weight[..., None]).sum(axis=1), dtype=np.float32)


class RingCompletion:
    """Colours for a surface of revolution about y: the ring of colour at each height, carried around the axis.

    A plain or banded thing gets each height's typical colour, so that bands and caps go round and a label stays on
    the front.
    A thing patterned all around (a painted bowl) gets the pattern again, mirrored at the edge of what was seen.
    """

    ROWS = 512
    COLUMNS = 257
    REACH = np.radians(60.0)
    """How far around from the viewer the photo is read: beyond, it is stretched more than twice."""

    FOLDS_DEG = ((0.0, 60.0, 120.0, 150.0, 180.0), (0.0, 60.0, 0.0, 30.0, 0.0))
    """Angles from the front, and which seen angle each repeats: out, back, out half way and back, so that it closes."""

    CALM_ROWS = 12.0
    """Sigma, rows (2% of the height), over which a ring's colour is averaged with those of its neighbours that it
    cannot be told from: the median of a speckled row is off by chance, and would be a stripe all around."""

    SPECK_COLUMNS = 16.0
    """Columns (7 degrees) after which a speckle is independent of the one before."""

    FINE_COLUMNS = 18.0
    """Sigma, columns (8 degrees): what is finer than this around the axis is pattern, what is coarser is light or
    panels."""

    BUSY_LEVELS = 22.0
    """A pixel that differs from its surroundings on the ring by more of 255 levels is pattern."""

    BUSY_SHARE = 0.28
    """Above this share of pattern the thing may be patterned all around."""

    EVEN_SHARE = 0.55
    """It is, when each sixth of what is seen has at least this part of the mean share: a label is thick in one
    place."""

    def __init__(
        self,
        photo: NDArray[np.uint8],
        safe: NDArray[np.bool_],
        camera: PhotoCamera,
        heights: Doubles,
        radii: Doubles,
        inner: tuple[Doubles, Doubles] | None = None,
    ) -> None:
        """Read the rings off the photo.

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
        self._outer = self._read(photo, safe, camera, heights, radii, self._front, None)
        self._inner = None
        self._floor = self._low
        if inner is not None:
            self._floor = float(inner[0][0]) - 0.02 * (self._high - self._low)
            # From the viewer's side only the far wall shows, and of that what the near rim does not hide.
            hidden_below = self._sight_line(camera, heights, radii)
            self._inner = self._read(photo, safe, camera, *inner, self._front + np.pi, hidden_below)

    @staticmethod
    def _sight_line(camera: PhotoCamera, heights: Doubles, radii: Doubles) -> float:
        """Image row of the near side of the top rim: what is above it in the picture is the inside."""
        position = camera.position()
        toward = np.array([position[0], 0.0, position[2]])
        toward /= max(float(np.linalg.norm(toward)), 1e-9)
        near = toward * radii[-1] + np.array([0.0, heights[-1], 0.0])
        pixel, _ = camera.project(near[None])
        return float(pixel[0, 1])

    def _read(
        self,
        photo: NDArray[np.uint8],
        safe: NDArray[np.bool_],
        camera: PhotoCamera,
        heights: Doubles,
        radii: Doubles,
        middle: float,
        hidden_below: float | None,
    ) -> _Rings:
        """Colour by height (bottom first) and by angle from the middle, -REACH to REACH."""
        level = np.linspace(self._low, self._high, self.ROWS)
        radius = np.interp(level, heights, radii)
        angle = middle + np.linspace(-self.REACH, self.REACH, self.COLUMNS)
        points = np.stack(
            [
                radius[:, None] * np.sin(angle),
                np.repeat(level[:, None], self.COLUMNS, 1),
                radius[:, None] * np.cos(angle),
            ],
            axis=2,
        )
        pixels, _ = camera.project(points.reshape(-1, 3))
        x = (pixels[:, 0] - 0.5).astype(np.float32).reshape(self.ROWS, -1)
        y = (pixels[:, 1] - 0.5).astype(np.float32).reshape(self.ROWS, -1)
        strip = cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        good = cv2.remap(safe.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
        if hidden_below is not None:
            good &= y < hidden_below - 0.01 * photo.shape[0]
        return self._completed(strip, good)

    def _completed(self, strip: Colors, good: NDArray[np.bool_]) -> _Rings:
        """Rings of typical colour, the light on them, and the pattern where there is one all around."""
        rows = np.arange(self.ROWS)
        usable = good.mean(axis=1) > 0.15
        if not usable.any():
            flat = np.broadcast_to(np.median(strip.reshape(-1, 3), axis=0), (self.ROWS, 3)).astype(np.float32)
            return _Rings(flat, np.ones((self.ROWS, self.COLUMNS), np.float32), None)
        ring = np.zeros((self.ROWS, 3), np.float32)
        ring[usable] = np.nanmedian(np.where(good[..., None], strip, np.nan)[usable], axis=1)
        nearest = rows[usable][np.abs(rows[:, None] - rows[usable][None, :]).argmin(axis=1)]
        ring = self._calmed(ring[nearest], strip, good)
        light = self._light(strip, ring, good)
        lit = np.clip(ring[:, None, :] * light[..., None], 1.0, 255.0)
        around = cv2.GaussianBlur(np.where(good[..., None], strip, lit), (0, 0), sigmaX=self.FINE_COLUMNS, sigmaY=0.5)
        differs = (np.abs(strip - around).max(axis=2) > self.BUSY_LEVELS) & good
        seen = good & usable[:, None]
        sectors = [
            float(part.sum()) / max(float(whole.sum()), 1.0)
            for part, whole in zip(
                np.array_split(differs & seen, 6, axis=1), np.array_split(seen, 6, axis=1), strict=True
            )
        ]
        mean = float(np.mean(sectors))
        if mean < self.BUSY_SHARE or min(sectors) < self.EVEN_SHARE * mean:
            return _Rings(ring, light, None)
        pattern = np.where(seen[..., None], strip / lit, 1.0)
        return _Rings(ring, light, np.clip(pattern, 0.0, 4.0).astype(np.float32))

    def _calmed(self, ring: Colors, strip: Colors, good: NDArray[np.bool_]) -> Colors:
        """(ROWS, 3): rings without the stripes that chance makes; bands that go round stay as sharp as they are.

        A bilateral filter over the height, whose range is twice the standard error of the difference of two medians.
        """
        apart = np.where(good, np.abs(strip - ring[:, None, :]).max(axis=2), 0.0)
        # 1.4826 and 1.2533: from a median deviation to a standard deviation, from a mean's error to a median's.
        error = 1.4826 * 1.2533 * np.median(apart, axis=1) / np.sqrt(self.COLUMNS / self.SPECK_COLUMNS)
        error = np.maximum(error, 0.5)
        rows = np.arange(self.ROWS)
        steps = (rows[:, None] - rows[None, :]) / self.CALM_ROWS
        differ = np.abs(ring[:, None, :] - ring[None, :, :]).max(axis=2) / (2.0 * np.hypot(error[:, None], error[None]))
        weight = np.exp(-0.5 * (steps**2 + differ**2))
        return np.asarray(weight @ ring / weight.sum(axis=1, keepdims=True), np.float32)

    def _light(self, strip: Colors, ring: Colors, good: NDArray[np.bool_]) -> Colors:
        """(ROWS, COLUMNS): how much lighter than its ring each place is, as smooth as light is; a label hardly
        counts."""
        grey, typical = strip.mean(axis=2), np.maximum(ring.mean(axis=1), 4.0)[:, None]
        ratio = np.clip(grey / typical, 0.2, 3.0)
        small = (self.COLUMNS // 8, self.ROWS // 8)
        weight = cv2.resize(good.astype(np.float32), small, interpolation=cv2.INTER_AREA)
        middle = cv2.resize(np.where(good, ratio, 1.0).astype(np.float32), small, interpolation=cv2.INTER_AREA)
        # The median over a tall window: bands and letters are short, light reaches from top to bottom.
        tall = np.ones_like(middle)
        reach = max(2, small[1] // 6)
        for row in range(small[1]):
            window = slice(max(0, row - reach), row + reach + 1)
            tall[row] = np.median(np.where(weight[window] > 0.5, middle[window], 1.0), axis=0)
        tall = cv2.GaussianBlur(tall, (0, 0), sigmaX=1.5, sigmaY=3.0)
        return np.asarray(cv2.resize(tall, (self.COLUMNS, self.ROWS), interpolation=cv2.INTER_LINEAR))

    def colors(self, points: Doubles, normals: Doubles) -> Colors:
        """Look up by height and by angle, folded at the edge of what was seen so that both ends meet."""
        angle = np.arctan2(points[:, 0], points[:, 2])
        # On a flat end the angle means nothing near the axis: it gets the light of its whole ring.
        level = np.clip((np.abs(normals[:, 1]) - 0.7) / 0.2, 0.0, 1.0)
        row = (points[:, 1] - self._low) / max(self._high - self._low, 1e-9) * (self.ROWS - 1)
        outside = np.asarray(self._sample(self._outer, angle - self._front, row, level))
        if self._inner is None:
            return np.asarray(outside, dtype=np.float32)
        inwards = (points[:, 0] * normals[:, 0] + points[:, 2] * normals[:, 2]) < -0.05 * np.hypot(
            points[:, 0], points[:, 2]
        )
        below_mouth = points[:, 1] < self._high - 0.05 * (self._high - self._low)
        deep = inwards | ((normals[:, 1] > 0.3) & below_mouth)
        # What faces up below the vessel's floor is the top of the saucer that it stands on.
        deep &= points[:, 1] > self._floor
        inside = self._sample(self._inner, angle - self._front - np.pi, row, level)
        return np.where(deep[:, None], inside, outside).astype(np.float32)

    def _sample(self, rings: _Rings, angle: Doubles, row: Doubles, level: Doubles) -> Colors:
        """Colours at (angle from the strip's middle, row) of a surface that lies flat (``level`` 1) or stands (0)."""
        turned = (angle + np.pi) % (2 * np.pi) - np.pi
        middle, last = (self.COLUMNS - 1) / 2.0, self.COLUMNS - 1
        # Light: what was seen where it was seen; behind, evenly from one edge's to the other's, meeting half way.
        edge = np.clip(turned / self.REACH, -1.0, 1.0)
        light = _read(rings.light, middle + middle * edge, row)
        behind = np.clip((np.abs(turned) - self.REACH) / (np.pi - self.REACH), 0.0, 1.0)
        other = _read(rings.light, np.where(edge > 0, 0.0, last), row)
        light = light + 0.5 * behind * (other - light)
        whole = _read(rings.light.mean(axis=1, keepdims=True), np.zeros_like(row), row)
        light = light + level * (whole - light)
        index = np.clip(row, 0, self.ROWS - 1)
        color = _read(rings.ring[:, None, :], np.zeros_like(index), index) * light[:, None]
        if rings.pattern is not None:
            seen = np.radians(np.interp(np.degrees(np.abs(turned)), *self.FOLDS_DEG))
            pattern = _read(rings.pattern, middle + middle * np.sign(turned) * seen / self.REACH, row)
            color = color * (pattern + level[:, None] * (1.0 - pattern))
        return np.asarray(np.clip(color, 0, 255), dtype=np.float32)


@dataclass(frozen=True)
class _Rings:
    """What was read off a wall: ``ring`` (ROWS, 3), ``light`` (ROWS, COLUMNS), ``pattern`` (ROWS, COLUMNS, 3) or
    None."""

    ring: Colors
    light: Colors
    pattern: Colors | None


def _read(strip: Colors, column: Doubles, row: Doubles) -> Colors:
    """Bilinear look-up; OpenCV takes no more than 32,767 places at a time."""
    at_x, at_y = column.astype(np.float32)[None], row.astype(np.float32)[None]
    step = 30_000
    parts = [
        cv2.remap(
            strip, at_x[:, i : i + step], at_y[:, i : i + step], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        for i in range(0, at_x.shape[1], step)
    ]
    return np.asarray(np.concatenate(parts, axis=1)[0]) if parts else np.zeros((0, *strip.shape[2:]), np.float32)
