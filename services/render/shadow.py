"""The subject's shadow on the ground: a contact shadow from the sky and a cast shadow from the key light.

The subject is taken apart into horizontal slices, each a small filled mask. From a point of the ground, light in a
direction is blocked when it passes one of them, so the shadow is the union of the masks, each moved along the light by
its height and blurred by the light's width at that height: sharp where the subject touches the ground, soft further
out. Slices and their blurs are made once per job; a frame only moves them, as the subject turns under a light that
stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Camera, turn
from lensora.core.staging import SQUARE, FrameShape
from services.render.light import LOWEST_KEY, shadow_direction
from services.render.model import Model
from services.render.shot import Window

SLICES = 24
"""Slices; denser near the ground, where shadows are sharp."""

SLICE_POWER = 1.6
"""Slice boundaries lie at (k / SLICES) to this power of the height."""

SLICE_CELLS = 128
"""Cells across a slice: about four pixels of a 768 frame each."""

MAP_CELLS = 320
"""Cells across the ground map."""

SAMPLES = 160_000
"""Points spread over the surface to find which cells it fills: about ten for each cell of a wall."""

LIGHT_HALF_ANGLE = math.radians(7.0)
"""Half the angle under which the key light is seen: a soft box or a window, not the sun."""

SKY_DIRECTIONS = 40
"""Directions of the sky, evenly spread by the cosine they have on the ground."""

SKY_HALF_ANGLE = math.radians(13.0)
"""Each of them stands for a patch of sky this wide, so that they blend."""

SKY_BLUR = 0.6
"""Cells by which what the sky loses is smoothed: the steps between its directions. With 1.2 the rim of a foot was too
bright by more (``bench.contact``)."""

EDGE_FADE = 0.12
"""The shadow fades out over this share of the map before its border."""

CODE_GAMMA = 1.0 / 2.2
"""A factor on light is this power of it on sRGB-encoded values."""

LEAST_LIGHT = 0.10
"""The ground never falls below this share of its light: some always comes round from the surroundings."""


_CODED = (np.linspace(0.0, 1.0, 1024) ** CODE_GAMMA * 255.0 + 0.5).astype(np.uint8)
"""(1024,) factors on encoded values of factors on light in steps of 1/1023."""


@dataclass(frozen=True)
class _Patch:
    """A slice's mask, blurred: (h, w) float32 0..1, centred on the subject's axis; its height above the ground,
    metres."""

    mask: NDArray[np.float32]
    height: float


class GroundShadow:
    """The shadow of one subject under one light."""

    def __init__(
        self,
        model: Model,
        key_direction: NDArray[np.floating],
        ground_key: NDArray[np.float64],
    ) -> None:
        """
        Args:
            model: the subject.
            key_direction: (3,) towards the key light, world frame.
            ground_key: (3,) the key light's share of the light on the ground, per channel.
        """
        self._light = shadow_direction(np.asarray(key_direction, np.float64))
        self._ground_key = ground_key.astype(np.float32)
        radius = float(np.abs(model.support[:, [0, 2]]).max())
        self._width = 2.0 * radius * 1.04
        reach = radius * 1.45 + model.height * min(1.0 / math.tan(LOWEST_KEY), 1.9)
        self._half = reach * (1.0 + EDGE_FADE)
        self._cell = 2.0 * self._half / MAP_CELLS
        points = surface_points(model)
        slices = _slices(model.height, points, self._width)
        heights = _boundaries(model.height)
        middles = (heights[:-1] + heights[1:]) / 2.0
        self._key_patches = self._patches(slices, middles, LIGHT_HALF_ANGLE, float(self._light[1]))
        sky = self._sky_occlusion(self._patches(slices, middles, SKY_HALF_ANGLE, 0.8))
        ramp = np.minimum(np.arange(MAP_CELLS) + 0.5, MAP_CELLS - np.arange(MAP_CELLS) - 0.5) / (MAP_CELLS / 2)
        fade = np.clip(ramp / EDGE_FADE, 0.0, 1.0).astype(np.float32)
        faded = np.minimum.outer(fade, fade)[..., None]
        last = len(_CODED) - 1
        rest = faded * last
        ground = self._ground_key
        # All but the key light's shadow stays from frame to frame: max(open - taken * key, least).
        least = (1.0 - (1.0 - LEAST_LIGHT) * faded) * last + 0.5
        lit = (1.0 - faded) * last + 0.5 + rest * (1.0 - sky[..., None] * (1.0 - ground))
        self._least = np.ascontiguousarray(np.broadcast_to(least, lit.shape), np.float32)
        self._open = np.asarray(np.maximum(lit, least), np.float32)
        self._taken = np.asarray(rest * ground, np.float32)
        self._still = _coded(self._open)
        self._still_area = _shaded(self._still)

    @property
    def half(self) -> float:
        """From the middle of the ground map to its border, metres."""
        return self._half

    def factors(self, yaw: float) -> NDArray[np.uint8]:
        """(cells, cells, 3) uint8: what the ground's encoded colours are multiplied by, 255 is unshaded.

        Rows run along +z of the turned subject, columns along +x.
        """
        return self._factors(yaw)[0]

    def _factors(self, yaw: float) -> tuple[NDArray[np.uint8], Window]:
        """The same, and the cells outside of which nothing is shaded."""
        toward = turn(-yaw) @ self._light  # the light as seen by the turned subject
        key, reached = self._union(self._key_patches, toward)
        result = self._still.copy()
        area = (slice(reached.top, reached.bottom), slice(reached.left, reached.right))
        if reached.width > 0 and reached.height > 0:
            share = key[area]
            lit = cv2.multiply(cv2.merge((share, share, share)), self._taken[area])
            lit = cv2.max(cv2.subtract(self._open[area], lit), self._least[area])
            result[area] = _coded(np.asarray(lit, np.float32))
        return result, self._still_area.union(reached)

    def seen(
        self, camera: Camera, yaw: float, size: int, edge: float, shape: FrameShape = SQUARE
    ) -> tuple[Window, NDArray[np.uint8]] | None:
        """The shadow in a frame: where, and (h, w, 3) uint8 factors; None when it is out of sight.

        Args:
            camera: of the frame.
            yaw: the subject's turn, radians.
            size: the frame's, pixels.
            edge: row of the surface's far edge, as a share of the frame; the shadow does not climb what stands there.
            shape: what is shown of the frame.
        """
        factors, shaded = self._factors(yaw)
        sides = (np.array([[shaded.left - 1, shaded.right + 1], [shaded.top - 1, shaded.bottom + 1]])) * self._cell
        corners = np.array([[x, 0.0, z] for x in sides[0] for z in sides[1]]) - np.array([self._half, 0.0, self._half])
        places, depth = camera.project(corners @ turn(yaw).T)
        low = np.array([shape.left, max(shape.top, edge)])
        high = 1.0 - np.array([shape.left, shape.top])
        if depth.min() > 1e-3:
            low, high = np.maximum(places.min(axis=0), low), np.minimum(places.max(axis=0), high)
        window = Window(*(int(v) for v in (*np.floor(low * size), *np.ceil(high * size))))
        if window.width < 2 or window.height < 2:
            return None
        ground = camera.picture()[:, [0, 2, 3]]  # (x, z, 1) -> frame
        c, s = math.cos(yaw), math.sin(yaw)
        unturn = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        cells = np.array(
            [
                [1.0 / self._cell, 0.0, MAP_CELLS / 2 - 0.5],
                [0.0, 1.0 / self._cell, MAP_CELLS / 2 - 0.5],
                [0.0, 0.0, 1.0],
            ]
        )
        pixel = np.array(
            [[1 / size, 0.0, (window.left + 0.5) / size], [0.0, 1 / size, (window.top + 0.5) / size], [0, 0, 1]]
        )
        mapping = cells @ unturn @ np.linalg.inv(ground) @ pixel
        seen = cv2.warpPerspective(
            factors,
            mapping,
            (window.width, window.height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )
        return window, np.asarray(seen, np.uint8)

    def _patches(
        self, slices: NDArray[np.float32], middles: NDArray[np.float64], half_angle: float, rise: float
    ) -> list[_Patch]:
        """Slices at the ground map's resolution, blurred as a light of this half angle and sine of elevation does."""
        patches = []
        scale = (self._width / SLICE_CELLS) / self._cell
        for mask, height in zip(slices, middles, strict=True):
            if not mask.any():
                continue
            sigma = 0.7 + 0.5 * height * math.tan(half_angle) / max(rise, 0.3) / self._cell
            half = math.ceil(SLICE_CELLS * scale / 2.0 + 3.0 * sigma) + 1
            side = 2 * half
            offset = half - 0.5 - (SLICE_CELLS / 2.0 - 0.5) * scale
            move = np.array([[scale, 0.0, offset], [0.0, scale, offset]])
            how = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
            fine = cv2.GaussianBlur(mask, (0, 0), max(0.5, 0.5 / scale)) if scale < 1.0 else mask
            patch = cv2.warpAffine(fine, move, (side, side), flags=cv2.INTER_LINEAR if how else how)
            patches.append(_Patch(np.asarray(cv2.GaussianBlur(patch, (0, 0), sigma), np.float32), float(height)))
        return patches

    def _union(self, patches: list[_Patch], toward: NDArray[np.float64]) -> tuple[NDArray[np.float32], Window]:
        """(cells, cells) float32: share of this light that each cell of the ground map does not get; and the cells that
        it may reach."""
        result = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        reached: list[tuple[int, int, int, int]] = []
        for patch in patches:
            side = len(patch.mask)
            x = MAP_CELLS / 2.0 - side / 2.0 - toward[0] / toward[1] * patch.height / self._cell
            z = MAP_CELLS / 2.0 - side / 2.0 - toward[2] / toward[1] * patch.height / self._cell
            left, top = math.floor(x), math.floor(z)
            move = np.array([[1.0, 0.0, x - left], [0.0, 1.0, z - top]])
            moved = cv2.warpAffine(patch.mask, move, (side + 1, side + 1))
            x0, z0 = max(left, 0), max(top, 0)
            x1, z1 = min(left + side + 1, MAP_CELLS), min(top + side + 1, MAP_CELLS)
            if x0 >= x1 or z0 >= z1:
                continue
            target = result[z0:z1, x0:x1]
            np.maximum(target, moved[z0 - top : z1 - top, x0 - left : x1 - left], out=target)
            reached.append((x0, z0, x1, z1))
        if not reached:
            return result, Window(0, 0, 0, 0)
        lefts, tops, rights, bottoms = zip(*reached, strict=True)
        return result, Window(min(lefts), min(tops), max(rights), max(bottoms))

    def _sky_occlusion(self, patches: list[_Patch]) -> NDArray[np.float32]:
        """(cells, cells) share of an even sky that is blocked; it turns with the subject."""
        total = np.zeros((MAP_CELLS, MAP_CELLS), np.float32)
        for k in range(SKY_DIRECTIONS):
            sine_squared = (k + 0.5) / SKY_DIRECTIONS  # even by the cosine
            radius, around = math.sqrt(sine_squared), k * math.pi * (3.0 - math.sqrt(5.0))
            rise = math.sqrt(1.0 - sine_squared)
            total += self._union(patches, np.array([radius * math.cos(around), rise, radius * math.sin(around)]))[0]
        return np.asarray(cv2.GaussianBlur(total / SKY_DIRECTIONS, (0, 0), SKY_BLUR), np.float32)


def _coded(lit: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Bytes of factors on encoded values from factors on light in steps of 1/1023, rounded."""
    return np.take(_CODED, lit.astype(np.uint16))


def _shaded(factors: NDArray[np.uint8]) -> Window:
    """The cells outside of which a map is 255."""
    dark = factors.min(axis=2) < 255
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    if not len(rows):
        return Window(0, 0, 0, 0)
    return Window(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _boundaries(height: float) -> NDArray[np.float64]:
    result: NDArray[np.float64] = height * (np.arange(SLICES + 1) / SLICES) ** SLICE_POWER
    return result


def _slices(height: float, points: NDArray[np.float32], width: float) -> NDArray[np.float32]:
    """(SLICES, cells, cells) filled cross-sections of a map of this width: rows along +z, columns along +x."""
    column = np.clip(((points[:, 0] / width + 0.5) * SLICE_CELLS).astype(np.int64), 0, SLICE_CELLS - 1)
    row = np.clip(((points[:, 2] / width + 0.5) * SLICE_CELLS).astype(np.int64), 0, SLICE_CELLS - 1)
    level = np.clip(np.searchsorted(_boundaries(height), points[:, 1], "right") - 1, 0, SLICES - 1)
    filled = np.zeros((SLICES, SLICE_CELLS, SLICE_CELLS), bool)
    filled[level, row, column] = True
    near = np.ones((3, 3), np.uint8)
    result = np.zeros(filled.shape, np.float32)
    for index, outline in enumerate(filled):
        if outline.any():
            joined = cv2.morphologyEx(np.pad(outline, 2).view(np.uint8), cv2.MORPH_CLOSE, near)
            # What the corner does not reach, sideways and up and down, is inside.
            _, regions = cv2.connectedComponents(1 - joined, connectivity=4)
            result[index] = (regions != regions[0, 0])[2:-2, 2:-2]
    return result


def surface_points(model: Model) -> NDArray[np.float32]:
    """(n, 3) points spread evenly over the surface, and every vertex; the same for the same model."""
    vertices = np.concatenate([part.positions for part in model.parts]).astype(np.float32)
    corners = np.concatenate([part.positions[part.triangles] for part in model.parts]).astype(np.float32)
    origin, first, second = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.linalg.norm(np.cross(first, second), axis=1).astype(np.float64)
    total = float(area.sum())
    if total <= 0.0:
        return vertices
    # To each triangle its share, in order: nothing is looked up, and points next to each other read the same memory.
    ends = np.floor(np.cumsum(area) * (SAMPLES / total) + 0.5).astype(np.int64)
    chosen = np.repeat(np.arange(len(area)), np.diff(ends, prepend=0))
    u, v = np.random.default_rng(6).random((2, len(chosen), 1), np.float32)
    over = u + v > 1.0
    u, v = np.where(over, 1.0 - u, u), np.where(over, 1.0 - v, v)
    return np.concatenate([vertices, origin[chosen] + u * first[chosen] + v * second[chosen]])
