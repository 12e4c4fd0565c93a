"""The colours of a turned thing all around, from the side that the photo shows (``strip.py`` completes them)."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from services.mesh.camera import PhotoCamera
from services.mesh.texturing.sampling import sampled
from services.mesh.texturing.strip import PARAMETERS, Rings, completed

Doubles = NDArray[np.float64]
Colors = NDArray[np.float32]


class RingCompletion:
    """Colours for a surface of revolution about y, by height and angle."""

    detailed = True

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
    def _outer(self) -> Rings:
        """The outside."""
        strip, good = self._read(self._heights, self._radii, self._front)
        return completed(strip, good)

    @cached_property
    def _inner(self) -> Rings | None:
        """The inside of an open vessel. From the viewer's side only the far wall shows, and of that what the near rim
        does not hide."""
        if self._hollow is None:
            return None
        strip, good = self._read(*self._hollow, self._front + np.pi, self._sight_line())
        return completed(strip, good)

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
        level = np.linspace(self._low, self._high, PARAMETERS.rows)
        radius = np.interp(level, heights, radii)
        angle = middle + np.radians(np.linspace(-PARAMETERS.read_deg, PARAMETERS.read_deg, PARAMETERS.columns))
        points = np.stack(
            [
                radius[:, None] * np.sin(angle),
                np.repeat(level[:, None], PARAMETERS.columns, 1),
                radius[:, None] * np.cos(angle),
            ],
            axis=2,
        )
        pixels, _ = self._camera.project(points.reshape(-1, 3))
        x = (pixels[:, 0] - 0.5).astype(np.float32).reshape(PARAMETERS.rows, -1)
        y = (pixels[:, 1] - 0.5).astype(np.float32).reshape(PARAMETERS.rows, -1)
        strip = cv2.remap(self._photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
        good = cv2.remap(self._safe.astype(np.uint8), x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT) > 0
        if hidden_below is not None:
            good &= y < hidden_below - 0.01 * self._photo.shape[0]
        return strip, good

    def colors(self, points: NDArray[np.floating], normals: NDArray[np.floating]) -> Colors:
        """Look up by height and angle."""
        angle = np.arctan2(points[:, 0], points[:, 2])
        # On a flat end the angle means nothing near the axis: it gets the light of its whole ring.
        level = np.clip((np.abs(normals[:, 1]) - 0.7) / 0.2, 0.0, 1.0)
        row = (points[:, 1] - self._low) / max(self._high - self._low, 1e-9) * (PARAMETERS.rows - 1)
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
        self, rings: Rings, angle: NDArray[np.floating], row: NDArray[np.floating], level: NDArray[np.floating]
    ) -> Colors:
        """Colours at (angle from the strip's middle, row) of a surface that lies flat (``level`` 1) or stands (0)."""
        turn = (angle / (2.0 * np.pi) + 0.5) % 1.0
        index = np.clip(row, 0, PARAMETERS.rows - 1)
        standing = sampled(rings.around, np.stack([turn * (rings.around.shape[1] - 1) + 0.5, index + 0.5], axis=1))
        lying = sampled(rings.typical[:, None, :], np.stack([np.full_like(index, 0.5), index + 0.5], axis=1))
        return np.asarray(standing + level[:, None].astype(np.float32) * (lying - standing), np.float32)
