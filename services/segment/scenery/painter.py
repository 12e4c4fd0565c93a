"""A brush for things that will be out of focus: flat shapes with shading, in linear light with highlights over 1."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_SUBPIXEL_BITS = 4


class Painter:
    """Paints in fractions of the picture's height: x runs from 0 to ``aspect``, y from 0 (top) to 1.

    Args:
        width: pixels.
        height: pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.aspect = width / height
        self.picture: NDArray[np.float32] = np.zeros((height, width, 3), np.float32)
        self.rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
        self.columns = ((np.arange(width, dtype=np.float32) + 0.5) / height)[None, :]

    def gradient(self, stops: list[tuple[float, NDArray[np.float32]]]) -> None:
        """Fill with colours that change with height: ``[(y, rgb), ...]`` in order of y."""
        heights = [y for y, _ in stops]
        for channel in range(3):
            line = np.interp(self.rows[:, 0], heights, [float(rgb[channel]) for _, rgb in stops])
            self.picture[..., channel] = line[:, None]

    def _blend(self, points: NDArray[np.float64], rgb: NDArray[np.float32], opacity: float) -> None:
        scaled = points * self.height
        left = max(0, int(np.floor(scaled[:, 0].min())) - 1)
        top = max(0, int(np.floor(scaled[:, 1].min())) - 1)
        right = min(self.width, int(np.ceil(scaled[:, 0].max())) + 2)
        bottom = min(self.height, int(np.ceil(scaled[:, 1].max())) + 2)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fixed = np.round((scaled - (left, top)) * (1 << _SUBPIXEL_BITS)).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, _SUBPIXEL_BITS)
        weight = (mask.astype(np.float32) * np.float32(opacity / 255.0))[..., None]
        region = self.picture[top:bottom, left:right]
        paint = rgb if rgb.ndim == 1 else rgb[top:bottom, left:right]
        region += (paint - region) * weight

    def polygon(self, points: list[tuple[float, float]], rgb: NDArray[np.float32], opacity: float = 1.0) -> None:
        """A filled polygon of one colour (3,)."""
        self._blend(np.array(points, np.float64), rgb, opacity)

    def box(self, x0: float, y0: float, x1: float, y1: float, rgb: NDArray[np.float32], opacity: float = 1.0) -> None:
        """An upright rectangle."""
        self.polygon([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], rgb, opacity)

    def ellipse(self, x: float, y: float, rx: float, ry: float, rgb: NDArray[np.float32], opacity: float = 1.0) -> None:
        """A filled ellipse."""
        angle = np.linspace(0.0, 2 * np.pi, 28, endpoint=False)
        self._blend(np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1), rgb, opacity)

    def glow(self, x: float, y: float, radius: float, rgb: NDArray[np.float32]) -> None:
        """Add light that falls off as a Gaussian of standard deviation ``radius``."""
        across = np.exp(-0.5 * ((self.columns - x) / radius) ** 2)
        down = np.exp(-0.5 * ((self.rows - y) / radius) ** 2)
        self.picture += (across * down)[..., None] * rgb

    def turned(
        self,
        x: float,
        top: float,
        bottom: float,
        profile: list[tuple[float, float]],
        rgb: NDArray[np.float32],
        *,
        light_x: float,
        ambient: float = 0.45,
        shine: float = 0.0,
    ) -> None:
        """A turned thing (jar, bottle, trunk, vase), lit from the side.

        Args:
            x: its axis.
            top: y of its top.
            bottom: y of its foot.
            profile: ``[(share of the height from the top, radius), ...]``, radii in fractions of the picture's height.
            rgb: (3,) its colour under full light.
            light_x: -1 lit from the left, 1 from the right.
            ambient: light of the shadow side, 0..1.
            shine: brightness of the stripe that a window leaves on glaze.
        """
        first, last = max(0, round(top * self.height)), min(self.height, round(bottom * self.height))
        if last <= first:
            return
        share = (self.rows[first:last, 0] - top) / (bottom - top)
        radius = np.interp(share, [p for p, _ in profile], [r for _, r in profile]).astype(np.float32)[:, None]
        widest = max(r for _, r in profile)
        left, right = max(0, int((x - widest) * self.height) - 1), min(self.width, int((x + widest) * self.height) + 2)
        if right <= left:
            return
        offset = (self.columns[:, left:right] - x) / np.maximum(radius, 1e-4)
        cover = np.clip((1.0 - np.abs(offset)) * radius * self.height + 0.5, 0.0, 1.0)
        side = np.clip(offset, -1.0, 1.0)
        facing = np.clip(side * light_x * 0.75 + np.sqrt(np.maximum(0.0, 1 - side * side)) * 0.55, 0.0, 1.0)
        lit = ambient + (1.0 - ambient) * facing
        gleam = shine * np.exp(-(((side - 0.55 * light_x) / 0.09) ** 2))
        paint = rgb * lit[..., None] + gleam[..., None]
        region = self.picture[first:last, left:right]
        region += (paint - region) * cover[..., None]

    def points(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        rgb: NDArray[np.float32],
        radius: float = 0.004,
    ) -> None:
        """Add small bright lights; the lens turns each into a disc. ``x``, ``y`` (n,), ``rgb`` (n, 3)."""
        reach = max(1, round(radius * self.height))
        area = np.float32((2 * reach + 1) ** 2)
        gain = np.float32((2 * radius * self.height) ** 2) / area if radius * self.height > 0.5 else np.float32(1.0)
        for px, py, colour in zip(x * self.height, y * self.height, rgb, strict=True):
            cx, cy = int(px), int(py)
            if -reach <= cx < self.width + reach and -reach <= cy < self.height + reach:
                self.picture[max(0, cy - reach) : cy + reach + 1, max(0, cx - reach) : cx + reach + 1] += colour * gain

    def leaves(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        size: NDArray[np.float64],
        rgb: NDArray[np.float32],
        random: np.random.Generator,
        opacity: float = 1.0,
    ) -> None:
        """Many small leaf shapes at once: positions (n,), sizes (n,), colours (n, 3); later ones cover earlier ones."""
        angle = random.uniform(0, 2 * np.pi, len(x))
        slim = random.uniform(0.3, 0.75, len(x))
        turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        for i in range(len(x)):
            ex, ey = np.cos(turn) * size[i], np.sin(turn) * size[i] * slim[i]
            c, s = np.cos(angle[i]), np.sin(angle[i])
            points = np.stack([x[i] + c * ex - s * ey, y[i] + s * ex + c * ey], axis=1)
            cv2.fillConvexPoly(
                self.picture,
                np.round(points * self.height * 16).astype(np.int32),
                tuple(float(v) for v in rgb[i]),
                cv2.LINE_8,
                4,
            )
