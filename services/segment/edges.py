"""The matte's edge: where the net's map leaves the outline a pixel or two off, the picture's colours decide.

The net sees a square of 1,024 pixels and its outline is soft. In a band along that outline, a small fitted network
(``python -m quality.cutouts``) mixes, for each pixel, what the map says there and around, what guided filters make of
it at two reaches, and on which side its colour lies between those of the subject and of the background nearby.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from services.segment.matte import SOLID, settle

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class EdgeNet:
    """What was fitted: one hidden layer, hyperbolic tangents, a logistic end.

    Attributes:
        mean, spread: of each feature.
        hidden: for each hidden unit, the weight of each feature.
        bias: of each hidden unit.
        out: weight of each hidden unit.
        level: of the end.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    hidden: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    out: tuple[float, ...]
    level: float

    def alpha(self, features: Plane) -> Plane:
        """(n,) float32, 0..1, of (n, features)."""
        scaled = (features - np.array(self.mean, np.float32)) / np.array(self.spread, np.float32)
        units = np.tanh(scaled @ np.array(self.hidden, np.float32).T + np.array(self.bias, np.float32))
        odds = units @ np.array(self.out, np.float32) + np.float32(self.level)
        return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * odds) + np.float32(1.0)), np.float32)


@dataclass(frozen=True)
class EdgeRules:
    """Where edges are refined and what is measured there.

    Attributes:
        largest_px: longest side of a crop whose edges are refined: a larger one's are right to a fifth of a pixel.
        side_px: longest side at which what is smooth is measured (He and Sun 2015, "Fast Guided Filter").
        band: half width of the band along the outline, share of the crop's longer side; one pixel more is taken.
        reaches: radii of the guided filters, share of the crop's longer side.
        noise: variance of colour (0..1) that the guided filters take for noise.
        blurs_px, blurs: spreads at which the map is looked at, pixels and shares of the longer side.
        near: spreads of the windows in which colours of both sides are averaged, share of the longer side.
        sure: salience beyond which a pixel lends its colour to the background and to the subject.
        tested: colour steps, levels of 1, under which both sides look alike.
    """

    largest_px: int = 768
    side_px: int = 512
    band: float = 0.012
    reaches: tuple[float, ...] = (0.008, 0.02)
    noise: float = 1e-4
    blurs_px: tuple[float, ...] = (1.0, 2.0)
    blurs: tuple[float, ...] = (0.006, 0.02)
    near: tuple[float, ...] = (0.01, 0.03)
    sure: tuple[float, float] = (0.1, 0.9)
    tested: float = 0.04


RULES = EdgeRules()


def refined(matte: Plane, rgb: NDArray[np.uint8], net: EdgeNet, rules: EdgeRules = RULES) -> Plane:
    """The matte, settled, with its outline put where the picture has it.

    Args:
        matte: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop; the edges of a large one stay as they are.
        net: what was fitted.
        rules: how.
    """
    settled = settle(matte)
    if not is_refined(matte.shape, rules):
        return settled
    band = band_of(matte, rules)
    where = band > 0.0
    if where.any():
        change = net.alpha(edge_features(matte, rgb, where, rules)) - settled[where]
        settled[where] = np.clip(settled[where] + change * band[where], 0.0, 1.0)
    return settled


def is_refined(shape: tuple[int, ...], rules: EdgeRules = RULES) -> bool:
    """True where a crop of this shape, (h, w, ...), is small enough for its edges to be refined."""
    return max(shape[:2]) <= rules.largest_px


def band_of(matte: Plane, rules: EdgeRules = RULES) -> Plane:
    """(h, w) how much of the refined edge is taken, 1 on the outline and 0 beyond the band."""
    solid = (matte > SOLID).astype(np.uint8)
    reach = 1.0 + rules.band * max(matte.shape)
    away = np.where(solid > 0, _distance(solid), _distance(1 - solid))
    return np.asarray(np.clip((reach - away) / (0.3 * reach), 0.0, 1.0), np.float32)


def _distance(inside: NDArray[np.uint8]) -> Plane:
    return np.asarray(cv2.distanceTransform(np.pad(inside, 1, mode="edge"), cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def edge_features(matte: Plane, rgb: NDArray[np.uint8], where: Mask, rules: EdgeRules = RULES) -> Plane:
    """(n, features) float32 of the pixels of ``where``."""
    longer = max(matte.shape)
    scale = min(1.0, rules.side_px / longer)
    size = (max(1, round(matte.shape[1] * scale)), max(1, round(matte.shape[0] * scale)))
    small = np.asarray(cv2.resize(matte, size, interpolation=cv2.INTER_AREA), np.float32)
    image = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255.0)
    spots = _Spots(where, size)
    colours = rgb[where].astype(np.float32) / np.float32(255.0)
    reach = longer * scale
    columns = [matte[where]]
    columns += [np.asarray(cv2.GaussianBlur(matte, (0, 0), spread), np.float32)[where] for spread in rules.blurs_px]
    columns += [spots.of(_smooth(small, share * reach)) for share in rules.blurs]
    for share in rules.reaches:
        line = spots.of(guided_line(small, image, max(1, round(share * reach)), rules.noise))
        columns.append(np.clip(np.einsum("nc,nc->n", line[:, :3], colours) + line[:, 3], 0.0, 1.0))
    low, high = rules.sure
    front, back = (small > high).astype(np.float32), (small < low).astype(np.float32)
    for share in rules.near:
        own, other = (spots.of(_mean_where(image, side, share * reach)) for side in (front, back))
        line = own[:, :3] - other[:, :3]
        step = np.einsum("nc,nc->n", line, line)
        known = np.minimum(own[:, 3], other[:, 3])
        along = np.einsum("nc,nc->n", colours - other[:, :3], line) / (step + rules.tested**2)
        side = np.clip(along, -0.5, 1.5) - 0.5
        contrast = np.sqrt(step) / (np.sqrt(step) + rules.tested * 3) * np.clip(known * 50, 0.0, 1.0)
        columns += [side * contrast, contrast]
    columns.append(np.full(len(colours), np.log2(longer / 512.0), np.float32))
    return np.stack(columns, axis=1).astype(np.float32)


class _Spots:
    """Places of a mask on a smaller grid of the same picture."""

    ROW = 256
    """OpenCV takes no list of more than 32,767 places, but a table of any size."""

    def __init__(self, where: Mask, size: tuple[int, int]) -> None:
        """
        Args:
            where: (h, w) bool.
            size: width and height of the smaller grid.
        """
        rows, columns = np.nonzero(where)
        self._count = len(rows)
        self._x = self._table((columns + 0.5) * (size[0] / where.shape[1]) - 0.5)
        self._y = self._table((rows + 0.5) * (size[1] / where.shape[0]) - 0.5)

    def of(self, plane: Plane) -> Plane:
        """What a plane of the grid, with up to four channels, has at the places: (n,) or (n, channels)."""
        found = cv2.remap(plane, self._x, self._y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found.reshape(-1, *plane.shape[2:])[: self._count], np.float32)

    def _table(self, places: NDArray[np.float64]) -> Plane:
        padded = np.zeros((-(-self._count // self.ROW), self.ROW), np.float32)
        padded.ravel()[: self._count] = places
        return padded


def _mean_where(image: Plane, weight: Plane, spread: float) -> Plane:
    """(h, w, 4): the mean colour of what has weight nearby, and how much of it there is."""
    both = _smooth(cv2.merge([*cv2.split(image * weight[..., None]), weight]), spread)
    return np.dstack([both[..., :3] / np.maximum(both[..., 3:], np.float32(1e-4)), both[..., 3]])


def _smooth(plane: Any, spread: float) -> Plane:
    """Two box filters, about a Gaussian of that spread (pixels), whose time does not grow with it."""
    radius = max(1, round(1.2 * spread))
    side = (2 * radius + 1, 2 * radius + 1)
    once = cv2.blur(plane, side, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.blur(once, side, borderType=cv2.BORDER_REFLECT), np.float32)


def guided_line(matte: Plane, image: Plane, radius: int, noise: float) -> Plane:
    """The guided filter of He et al. 2010, of the colours: (h, w, 4), three slopes and an offset of each pixel.

    Args:
        matte: (h, w) float32, 0..1.
        image: (h, w, 3) float32, 0..1, the same crop.
        radius: of its windows, pixels.
        noise: variance of colour that counts as noise.
    """
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(*planes: Plane) -> list[Plane]:
        return _planes(cv2.blur(cv2.merge(planes), side, borderType=cv2.BORDER_REFLECT))

    r, g, b = _planes(image)
    grain = np.float32(noise)
    mean_r, mean_g, mean_b, mean_matte = mean(r, g, b, matte)
    with_r, with_g, with_b = mean(r * matte, g * matte, b * matte)
    with_r, with_g, with_b = with_r - mean_r * mean_matte, with_g - mean_g * mean_matte, with_b - mean_b * mean_matte
    rr, rg, rb = mean(r * r, r * g, r * b)
    gg, gb, bb = mean(g * g, g * b, b * b)
    rr, rg, rb = rr - mean_r * mean_r + grain, rg - mean_r * mean_g, rb - mean_r * mean_b
    gg, gb, bb = gg - mean_g * mean_g + grain, gb - mean_g * mean_b, bb - mean_b * mean_b + grain
    # The inverse of a symmetric 3x3 matrix, written out: ten times as fast as solving each pixel's system.
    i00, i01, i02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i11, i12, i22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    over = 1.0 / np.maximum(rr * i00 + rg * i01 + rb * i02, np.float32(noise**3))
    red = (i00 * with_r + i01 * with_g + i02 * with_b) * over
    green = (i01 * with_r + i11 * with_g + i12 * with_b) * over
    blue = (i02 * with_r + i12 * with_g + i22 * with_b) * over
    offset = mean_matte - red * mean_r - green * mean_g - blue * mean_b
    return np.asarray(cv2.merge(mean(red, green, blue, offset)), np.float32)


def _planes(several: Any) -> list[Plane]:
    return [np.asarray(plane, np.float32) for plane in cv2.split(several)]
