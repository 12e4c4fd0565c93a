"""The colours of a box all around, from the sides that the photo shows.

A side that is not seen has the ground colour of the one across from it, and its bands: tape and stripes that run all
across go round a box, prints do not. A side that is patterned all over repeats its pattern.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.shape.boxes.creases import shown_sides
from services.mesh.texturing.evenness import evenly_lit
from services.mesh.texturing.grain import grain_of
from services.mesh.texturing.pattern import patterned
from services.mesh.texturing.sampling import sampled

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PanelRules:
    """How a cuboid's sides that do not show are painted.

    Attributes:
        side_px: pixels along the longest side of a laid-out panel.
        least_cosine: a side that is seen at a flatter angle says nothing.
        border_share: border of a side, share of its shorter edge, that rounds off and is left out.
        edge_share: share of a side at either end that is not looked at for grain: edges are worn and lit in their own
            way.
        like: levels within which colours count as the same.
        across: a row or a column of which this share has one colour is a band or a part of the ground.
        soft_px: sigma, pixels, of the edges of bands.
        edge_power: power of the normal's parts: panels mix only where an edge is rounded.
    """

    side_px: int = 400
    least_cosine: float = 0.12
    border_share: float = 0.025
    edge_share: float = 0.08
    like: float = 30.0
    across: float = 0.85
    soft_px: float = 0.8
    edge_power: float = 8.0


RULES = PanelRules()


@dataclass(frozen=True)
class _Panel:
    """One laid-out side.

    Attributes:
        axis: across it: 0, 1 or 2.
        picture: (rows, columns, 3) float32: rows along the first of the other two axes, columns along the second, both
            from -half to half.
    """

    axis: int
    picture: Floats


class PanelCompletion:
    """Colours for a box about the origin whose sides face the axes."""

    detailed = True

    def __init__(self, cutout: Cutout, camera: PhotoCamera, half: Doubles) -> None:
        """Lay out what the photo shows.

        Args:
            cutout: the photo.
            camera: in the box's frame, pixels of ``cutout.rgb``.
            half: (3,) half the box's sides.
        """
        self._half = np.asarray(half, np.float64)
        self._camera = camera
        self._scale = RULES.side_px / (2.0 * float(self._half.max()))
        self._patterned = patterned(cutout)
        seen = [self._panel(cutout, axis) for axis in range(3)]
        self._panels = [panel or self._unseen(cutout, axis, seen) for axis, panel in enumerate(seen)]
        self._grain = grain_of(cutout, plain_parts(cutout, camera, self._half))

    def _panel(self, cutout: Cutout, axis: int) -> _Panel | None:
        """The side across ``axis`` that faces the camera, if one does clearly."""
        glance()
        position = self._camera.position()
        sign = float(np.sign(position[axis])) or 1.0
        middle = np.zeros(3)
        middle[axis] = sign * self._half[axis]
        towards = position - middle
        if sign * towards[axis] < RULES.least_cosine * float(np.linalg.norm(towards)):
            return None
        u, v = (k for k in range(3) if k != axis)
        rows, columns = (max(8, round(2.0 * float(self._half[k]) * self._scale)) for k in (u, v))
        points = np.empty((rows, columns, 3))
        border = RULES.border_share * min(self._half[u], self._half[v]) * 2.0
        points[..., axis] = middle[axis]
        points[..., u] = np.linspace(border - self._half[u], self._half[u] - border, rows)[:, None]
        points[..., v] = np.linspace(border - self._half[v], self._half[v] - border, columns)[None, :]
        pixels, _ = self._camera.project(points.reshape(-1, 3))
        laid = sampled(cutout.photo, pixels).reshape(rows, columns, 3)
        if self._patterned:
            return _Panel(axis, laid)
        return _Panel(axis, _banded(evenly_lit(np.clip(laid, 0.0, 255.0))))

    def _unseen(self, cutout: Cutout, axis: int, seen: list[_Panel | None]) -> _Panel:
        """A pair of sides of which no photo is: the pattern or the ground of the largest side."""
        largest = max((panel for panel in seen if panel is not None), key=lambda p: p.picture.size, default=None)
        if largest is None or not self._patterned:
            colors = cutout.photo[cutout.mask] if largest is None else largest.picture.reshape(-1, 3)
            return _Panel(axis, _ground(colors.astype(np.float32)).reshape(1, 1, 3))
        # The vertical, where both have it, stays the vertical.
        own, lent = ([k for k in range(3) if k != a] for a in (axis, largest.axis))
        upright = 1 not in own or 1 not in lent or own.index(1) == lent.index(1)
        picture = largest.picture if upright else largest.picture.transpose(1, 0, 2)
        rows, columns = (max(8, round(2.0 * float(self._half[k]) * self._scale)) for k in own)
        down, right = max(0, rows - picture.shape[0]), max(0, columns - picture.shape[1])
        whole = np.pad(picture, ((0, down), (0, right), (0, 0)), mode="symmetric")
        return _Panel(axis, np.ascontiguousarray(whole[:rows, :columns], np.float32))

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Floats:
        """See ``Completion``."""
        weight = np.abs(normals).astype(np.float32) ** RULES.edge_power
        weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
        share = np.clip(0.5 + 0.5 * points / self._half, 0.0, 1.0)
        total = np.zeros((len(points), 3), np.float32)
        for panel in self._panels:
            u, v = (k for k in range(3) if k != panel.axis)
            chosen = np.flatnonzero(weight[:, panel.axis] > 0.01)
            size = panel.picture.shape[:2]
            at = np.stack([share[chosen, v] * size[1], share[chosen, u] * size[0]], axis=1)
            total[chosen] += weight[chosen, panel.axis, None] * sampled(panel.picture, at)
        if self._patterned:
            return total
        grain = self._grain.levels(points * self._camera.pixels, normals)
        return np.asarray(total + self._grain.usual * grain, np.float32)


def plain_parts(cutout: Cutout, camera: PhotoCamera, half: Doubles) -> NDArray[np.bool_]:
    """(h, w) bool: where a box has the ground colour of its side; neither prints nor edges are grain.

    Args:
        cutout: the photo.
        camera: in the box's frame, pixels of ``cutout.rgb``.
        half: (3,) half the box's sides.
    """
    plain = np.zeros(cutout.mask.shape, np.uint8)
    for axis, sign in shown_sides(camera.position(), half):
        glance()
        u, v = (k for k in range(3) if k != axis)
        corners = np.zeros((4, 3))
        corners[:, axis] = sign
        corners[:, [u, v]] = (1.0 - 2.0 * RULES.edge_share) * np.array([[-1, -1], [-1, 1], [1, 1], [1, -1]])
        pixels, _ = camera.project(corners * half)
        side = np.zeros_like(plain)
        cv2.fillConvexPoly(side, np.round(pixels - 0.5).astype(np.int32), 1)
        rows, columns = np.nonzero(side)
        if len(rows):
            colors = cutout.photo[rows, columns].astype(np.float32)
            plain[rows, columns] = _within(colors, _ground(colors))
    return np.asarray(cv2.morphologyEx(plain, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0)


def _ground(colors: Floats) -> Floats:
    """(3,): the colour that most of (n, 3) are close to."""
    cells = np.clip(colors / 16.0, 0, 15).astype(int)
    cell = (cells[:, 0] * 16 + cells[:, 1]) * 16 + cells[:, 2]
    count = np.bincount(cell, minlength=16**3).reshape(16, 16, 16).astype(np.float32)
    # Neighbouring cells count as well, or a ground on the border of two would lose to a print.
    near = uniform_filter(count, 3, mode="constant")
    peak = (np.array(np.unravel_index(int(np.argmax(near)), near.shape)) + 0.5) * 16.0
    close = _within(colors, peak)
    return np.asarray(np.median(colors[close], axis=0) if close.any() else peak, np.float32)


def _within(colors: Floats, middle: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(n,): which of colours (n, 3) count as the same as one."""
    red, green, blue = (np.abs(colors[:, k] - middle[k]) < RULES.like for k in range(3))
    return np.asarray(red & green & blue)


def _banded(picture: Floats) -> Floats:
    """The picture's ground with those of its rows and columns that have one other colour all across."""
    out = np.empty_like(picture)
    ground = _ground(picture.reshape(-1, 3))
    out[:] = ground
    for turned, target in ((picture, out), (picture.transpose(1, 0, 2), out.transpose(1, 0, 2))):
        color = np.median(turned, axis=1)
        alike = (np.abs(turned - color[:, None]).max(axis=2) < RULES.like).mean(axis=1) >= RULES.across
        band = alike & (np.abs(color - ground).max(axis=1) >= RULES.like)
        target[band] = color[band, None]
    return np.asarray(cv2.GaussianBlur(out, (0, 0), RULES.soft_px), np.float32)
