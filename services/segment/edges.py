"""The matte's edge: where the net's map leaves the outline a pixel or two off, the picture's colours decide.

The net sees a square of 1,024 pixels and its outline is soft. In a band along that outline, a small fitted network
(``python -m quality.cutouts``) mixes, for each pixel, what the map says there and around, what guided filters make of
it at two reaches, and on which side its colour lies between those of the subject and of the background nearby.
"""

from __future__ import annotations

from dataclasses import dataclass

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
        largest_px: longest side of a crop whose edges are refined: the net sees a larger one about as fine as it is.
        band: half width of the band along the outline, share of the crop's longer side; one pixel more is taken.
        reaches: radii of the guided filters, share of the crop's longer side.
        noise: variance of colour (0..1) that the guided filters take for noise.
        blurs_px, blurs: spreads at which the map is looked at, pixels and shares of the longer side.
        near: spreads of the windows in which colours of both sides are averaged, share of the longer side.
        sure: salience beyond which a pixel lends its colour to the background and to the subject.
        tested: colour steps, levels of 1, under which both sides look alike.
    """

    largest_px: int = 768
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
    if max(matte.shape) > rules.largest_px:
        return settled
    band = band_of(matte, rules)
    where = band > 0.0
    if where.any():
        change = net.alpha(edge_features(matte, rgb, where, rules)) - settled[where]
        settled[where] = np.clip(settled[where] + change * band[where], 0.0, 1.0)
    return settled


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
    air = 2 + round(3 * max(*rules.reaches, *rules.near, *rules.blurs) * longer)
    rows, across = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    window = (
        slice(max(0, int(rows[0]) - air), int(rows[-1]) + 1 + air),
        slice(max(0, int(across[0]) - air), int(across[-1]) + 1 + air),
    )
    matte, rgb, where = matte[window], rgb[window], where[window]
    image = rgb.astype(np.float32) / np.float32(255.0)
    planes = [matte]
    planes += [np.asarray(cv2.GaussianBlur(matte, (0, 0), spread), np.float32) for spread in rules.blurs_px]
    planes += [_smooth(matte, share * longer) for share in rules.blurs]
    planes += [guided(matte, image, max(1, round(reach * longer)), rules.noise) for reach in rules.reaches]
    low, high = rules.sure
    front = (matte > high).astype(np.float32)
    back = (matte < low).astype(np.float32)
    columns: list[NDArray[np.floating]] = [plane[where] for plane in planes]
    for share in rules.near:
        own, own_weight = _mean_where(image, front, share * longer)
        other, other_weight = _mean_where(image, back, share * longer)
        line = (own - other)[where]
        step = (line * line).sum(axis=1)
        known = np.minimum(own_weight, other_weight)[where]
        along = ((image - other)[where] * line).sum(axis=1) / (step + rules.tested**2)
        side = np.clip(along, -0.5, 1.5) - 0.5
        contrast = np.sqrt(step) / (np.sqrt(step) + rules.tested * 3) * np.clip(known * 50, 0.0, 1.0)
        columns += [side * contrast, contrast]
    columns.append(np.full(int(np.count_nonzero(where)), np.log2(longer / 512.0), np.float32))
    return np.stack(columns, axis=1).astype(np.float32)


def _mean_where(image: Plane, weight: Plane, spread: float) -> tuple[Plane, Plane]:
    both = _smooth(np.dstack([image * weight[..., None], weight]), spread)
    mean = both[..., :3] / np.maximum(both[..., 3:], np.float32(1e-4))
    return np.asarray(mean, np.float32), both[..., 3]


def _smooth(plane: Plane, spread: float) -> Plane:
    """Two box filters, about a Gaussian of that spread (pixels), whose time does not grow with it."""
    radius = max(1, round(1.2 * spread))
    side = (2 * radius + 1, 2 * radius + 1)
    once = cv2.blur(plane, side, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.blur(once, side, borderType=cv2.BORDER_REFLECT), np.float32)


def guided(matte: Plane, image: Plane, radius: int, noise: float) -> Plane:
    """The guided filter of He et al. 2010, of the colours.

    Args:
        matte: (h, w) float32, 0..1.
        image: (h, w, 3) float32, 0..1, the same crop.
        radius: of its windows, pixels.
        noise: variance of colour that counts as noise.
    """
    side = (2 * radius + 1, 2 * radius + 1)

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, side, borderType=cv2.BORDER_REFLECT), np.float32)

    mean_image, mean_matte = mean(image), mean(matte)
    covariance = mean(image * matte[..., None]) - mean_image * mean_matte[..., None]
    r, g, b = cv2.split(image)
    mean_r, mean_g, mean_b = cv2.split(mean_image)
    red, rest = mean(np.dstack([r * r, r * g, r * b])), mean(np.dstack([g * g, g * b, b * b]))
    rr, rg, rb = red[..., 0] - mean_r * mean_r + noise, red[..., 1] - mean_r * mean_g, red[..., 2] - mean_r * mean_b
    gg, gb, bb = rest[..., 0] - mean_g * mean_g + noise, rest[..., 1] - mean_g * mean_b, rest[..., 2] - mean_b * mean_b
    bb += noise
    # The inverse of a symmetric 3x3 matrix, written out: ten times as fast as solving each pixel's system.
    i00, i01, i02 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    i11, i12, i22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    determinant = np.maximum(rr * i00 + rg * i01 + rb * i02, np.float32(noise**3))
    with_r, with_g, with_b = cv2.split(np.asarray(covariance / determinant[..., None], np.float32))
    slope = np.dstack(
        [
            i00 * with_r + i01 * with_g + i02 * with_b,
            i01 * with_r + i11 * with_g + i12 * with_b,
            i02 * with_r + i12 * with_g + i22 * with_b,
        ]
    )
    offset = mean_matte - (slope * mean_image).sum(axis=2)
    line = mean(np.dstack([slope, offset]))
    return np.asarray(np.clip((line[..., :3] * image).sum(axis=2) + line[..., 3], 0.0, 1.0), np.float32)
