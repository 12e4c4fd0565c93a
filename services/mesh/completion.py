"""Colours of what the photo does not show.

The photo is trusted where the surface faces it. The rest is made up so that it belongs: on any mesh by a harmonic fill
that continues what is known, drawn on the back towards the photo's own soft colours (never its details: a clock has one
face); on a surface of revolution by carrying each height's ring of colour around the axis.
"""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import splu

from services.mesh.camera import PhotoCamera
from services.mesh.solid import Solid

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]

BACK_PULL = 0.03
"""Weight of the photo's soft colours on the back, against 1 for agreement with each neighbour: felt over about six edges."""

UNSEEN_SHADE = 0.97
"""The back is a touch darker than the front: photos are lit from the camera's side."""


class Completion(Protocol):
    """Colours by place on the surface, in the frame of the backend's solid."""

    def colors(self, points: Doubles, normals: Doubles) -> Colors:
        """(n, 3) float32 sRGB in 0..255 for points (n, 3) with unit normals (n, 3)."""


def harmonic_fill(solid: Solid, known: NDArray[np.bool_], color: Colors, soft: Colors, back: Doubles) -> Colors:
    """Colours for every vertex: the known ones as they are, the others continued smoothly from them.

    Args:
        solid: n vertices.
        known: (n,) bool.
        color: (n, 3) float32, valid where known.
        soft: (n, 3) float32, low-pass colours of the photo behind or before each vertex.
        back: (n,) how much each vertex faces away from the photo, 0..1.

    Returns:
        (n, 3) float32 in 0..255.
    """
    count = len(solid.vertices)
    result = np.where(known[:, None], color, soft * (1.0 - (1.0 - UNSEEN_SHADE) * back[:, None])).astype(np.float32)
    free = np.flatnonzero(~known)
    if not len(free):
        return result
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    length = np.linalg.norm(solid.vertices[start] - solid.vertices[end], axis=1)
    typical = max(float(np.median(length)), 1e-12)
    weight = 1.0 / np.clip(length / typical, 0.2, 5.0)
    link = sparse.coo_matrix((weight, (start, end)), shape=(count, count)).tocsr()
    link = link.maximum(link.T)
    pull = BACK_PULL * np.clip(back[free], 0.0, 1.0) + 1e-4
    rows = link[free]
    degree = np.asarray(rows.sum(axis=1)).ravel()
    matrix = sparse.diags(degree + pull) - rows[:, free]
    right = rows[:, np.flatnonzero(known)] @ result[known] + pull[:, None] * result[free]
    factors = splu(matrix.tocsc(), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    result[free] = np.clip(factors.solve(right), 0, 255)
    return result


class RingCompletion:
    """Colours for a surface of revolution about y: the ring of colour at each height, carried around the axis.

    A plain or banded thing gets each height's typical colour, so that bands and caps go round and a label stays on the front.
    A thing patterned all around (a painted bowl) gets the pattern again, mirrored at the edge of what was seen.
    """

    ROWS = 512
    COLUMNS = 257
    REACH = np.radians(60.0)
    """How far around from the viewer the photo is read: beyond, it is stretched more than twice."""

    FOLDS_DEG = ((0.0, 60.0, 120.0, 150.0, 180.0), (0.0, 60.0, 0.0, 30.0, 0.0))
    """Angles from the front, and which seen angle each repeats: out, back, out half way and back, so that it closes."""

    BUSY_LEVELS = 22.0
    """A pixel that differs from its ring's typical colour by more of 255 levels is pattern."""

    BUSY_SHARE = 0.28
    """Above this share of pattern the thing is patterned all around; a label on a bottle covers less."""

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
        if inner is not None:
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
    ) -> Colors:
        """(ROWS, COLUMNS, 3): colour by height (bottom first) and by angle from the middle, -REACH to REACH."""
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

    def _completed(self, strip: Colors, good: NDArray[np.bool_]) -> Colors:
        """Rings of typical colour, or the whole pattern where it is one."""
        usable = good.mean(axis=1) > 0.15
        if not usable.any():
            return np.broadcast_to(np.median(strip.reshape(-1, 3), axis=0), strip.shape).astype(np.float32)
        masked = np.where(good[..., None], strip, np.nan)
        ring = np.zeros((self.ROWS, 3), np.float32)
        ring[usable] = np.nanmedian(masked[usable], axis=1)
        rows = np.arange(self.ROWS)
        nearest = rows[usable][np.abs(rows[:, None] - rows[usable][None, :]).argmin(axis=1)]
        ring = ring[nearest]
        differs = (np.abs(strip - ring[:, None, :]).max(axis=2) > self.BUSY_LEVELS) & good
        busy = float(differs[usable].sum()) / max(float(good[usable].sum()), 1.0)
        # Light falls off slowly around the axis: keep that part of what differs, so the join to the photo does not show.
        kept = np.where(good[..., None] & ~differs[..., None], strip - ring[:, None, :], 0.0).astype(np.float32)
        share = (good & ~differs).astype(np.float32)
        size = (self.COLUMNS // 4 * 2 + 1, self.ROWS // 12 * 2 + 1)
        slow = cv2.blur(cv2.blur(kept, size), size) / np.maximum(cv2.blur(cv2.blur(share, size), size), 0.02)[..., None]
        calm = ring[:, None, :] + slow
        if busy < self.BUSY_SHARE:
            return np.clip(calm, 0, 255).astype(np.float32)
        pattern = np.where((good & usable[:, None])[..., None], strip, calm)
        return np.clip(pattern, 0, 255).astype(np.float32)

    def colors(self, points: Doubles, normals: Doubles) -> Colors:
        """Look up by height and by angle, folded at the edge of what was seen so that both ends meet."""
        angle = np.arctan2(points[:, 0], points[:, 2])
        row = (points[:, 1] - self._low) / max(self._high - self._low, 1e-9) * (self.ROWS - 1)
        outside = np.asarray(self._sample(self._outer, angle - self._front, row))
        if self._inner is None:
            return np.asarray(outside, dtype=np.float32)
        inwards = (points[:, 0] * normals[:, 0] + points[:, 2] * normals[:, 2]) < -0.05 * np.hypot(
            points[:, 0], points[:, 2]
        )
        deep = inwards | ((normals[:, 1] > 0.3) & (points[:, 1] < self._high - 0.05 * (self._high - self._low)))
        inside = self._sample(self._inner, angle - self._front - np.pi, row)
        return np.where(deep[:, None], inside, outside).astype(np.float32)

    def _sample(self, strip: Colors, angle: Doubles, row: Doubles) -> Colors:
        """Read a strip at (angle from its middle, row)."""
        turned = (angle + np.pi) % (2 * np.pi) - np.pi
        seen = np.radians(np.interp(np.degrees(np.abs(turned)), *self.FOLDS_DEG))
        column = (0.5 + 0.5 * np.sign(turned) * seen / self.REACH) * (self.COLUMNS - 1)
        at_x, at_y = column.astype(np.float32)[None], row.astype(np.float32)[None]
        # OpenCV takes no more than 32,767 columns at a time.
        step = 30_000
        parts = [
            cv2.remap(strip, at_x[:, i : i + step], at_y[:, i : i + step], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for i in range(0, at_x.shape[1], step)
        ]
        return np.concatenate(parts, axis=1)[0]
