"""The matte's edge: where the net's map leaves the outline a pixel or two off, the picture's light decides.

The net sees a square of 1,024 pixels and answers on half as many, so its outline is soft, and a third of a pixel off
even where nothing is hard. For each pixel in a band along it, the light is looked at across the outline: how it goes
from the background's, just outside, to the subject's, just inside. A pixel that both share is a mixture of light, so
this is measured in linear light. A small fitted network (``python -m quality.cutouts``) makes alpha of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.core.frames import linear_from_srgb
from services.segment.matte import SOLID, settle

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]

LIGHT = linear_from_srgb(np.arange(256, dtype=np.float32) / np.float32(255.0))
"""Linear light of the levels of sRGB."""


@dataclass(frozen=True)
class EdgeNet:
    """What was fitted: one hidden layer, hyperbolic tangents, a logistic end.

    Attributes:
        mean, spread: of each feature.
        hidden: for each hidden unit, the weight of each feature.
        bias: of each hidden unit.
        out: weight of each hidden unit.
        level: of the end.
        share: how much of its word is taken: less than all, since pictures differ from those that it was fitted on.
    """

    mean: tuple[float, ...]
    spread: tuple[float, ...]
    hidden: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    out: tuple[float, ...]
    level: float
    share: float = 1.0

    def alpha(self, features: Plane) -> Plane:
        """(n,) float32, 0..1, of (n, features)."""
        scaled = (features - np.array(self.mean, np.float32)) / np.array(self.spread, np.float32)
        units = np.tanh(scaled @ np.array(self.hidden, np.float32).T + np.array(self.bias, np.float32))
        odds = units @ np.array(self.out, np.float32) + np.float32(self.level)
        return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * odds) + np.float32(1.0)), np.float32)


@dataclass(frozen=True)
class EdgeRules:
    """Where an outline is looked across. Lengths are pixels, of a crop over ``full_px`` longer in proportion.

    Attributes:
        full_px: longest side of a crop at which lengths are its own pixels: the net's map is no finer.
        band: half width of the band whose pixels may change.
        thin: where the subject, or a gap in it, is narrower than two of these, nothing changes: what is read beside
            the outline there is something else. Of 3 to 14 pixels, 10 gained most on the ``tune`` part, by networks
            that had seen photographs alone, or made scenes alone, on the others.
        beside: from the outline, where the light of either side is read.
        across: from the pixel, along the outline's normal, where the mixture is read.
        map_across: the same, where the net's map is read.
        normal_blur, around_blur: spreads at which the map is smoothed, for its normals and for what is around.
        tested: step of light under which both sides look alike.
        most: of the mixture, how far beyond either side counts.
    """

    full_px: int = 1024
    band: float = 4.0
    thin: float = 10.0
    beside: tuple[float, ...] = (2.0, 3.0, 4.0)
    across: tuple[float, ...] = (-2.0, -1.0, 0.0, 1.0, 2.0)
    map_across: tuple[float, ...] = (-3.0, -1.5, 0.0, 1.5, 3.0)
    normal_blur: float = 2.0
    around_blur: float = 6.0
    tested: float = 0.03
    most: float = 0.5


RULES = EdgeRules()


def refined(matte: Plane, rgb: NDArray[np.uint8], net: EdgeNet, rules: EdgeRules = RULES) -> Plane:
    """The matte, settled, with its outline put where the picture's light changes.

    Args:
        matte: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        net: what was fitted.
        rules: where it is looked across.
    """
    settled = settle(matte)
    band = np.float32(net.share) * band_of(matte, rules)
    where = band > 0.0
    glance()
    if where.any():
        change = net.alpha(edge_features(matte, rgb, where, rules)) - settled[where]
        settled[where] = np.clip(settled[where] + change * band[where], 0.0, 1.0)
    return settled


def band_of(matte: Plane, rules: EdgeRules = RULES) -> Plane:
    """(h, w) how much of a changed outline is taken, 1 on the outline and 0 beyond the band."""
    unit = _unit(matte, rules)
    near = np.clip((rules.band * unit + 1.0 - np.abs(_depth(matte))) / 2.0, 0.0, 1.0)
    thick = np.clip(1.0 - 1.1 * _thin(matte, round(rules.thin * unit), unit), 0.0, 1.0)
    return np.asarray(near * thick, np.float32)


def edge_features(matte: Plane, rgb: NDArray[np.uint8], where: Mask, rules: EdgeRules = RULES) -> Plane:
    """(n, features) float32 of the pixels of ``where``.

    Args:
        matte: (h, w) float32, 0..1.
        rgb: (h, w, 3) uint8 sRGB, the same crop.
        where: (h, w) bool, near the outline.
        rules: where it is looked across.
    """
    unit = _unit(matte, rules)
    light = LIGHT[rgb]
    smooth = np.asarray(cv2.GaussianBlur(matte, (0, 0), rules.normal_blur * unit), np.float32)
    around = np.asarray(cv2.GaussianBlur(matte, (0, 0), rules.around_blur * unit), np.float32)
    slope_x, slope_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)[where], cv2.Sobel(smooth, cv2.CV_32F, 0, 1)[where]
    steep = np.sqrt(slope_x**2 + slope_y**2) + np.float32(1e-6)
    normal = np.stack([slope_x / steep, slope_y / steep], axis=1)
    rows, columns = np.nonzero(where)
    here = np.stack([columns, rows], axis=1).astype(np.float32)
    depth = _depth(matte)[where]
    outline = here - depth[:, None] * normal

    def looked(plane: Plane, start: Plane, step: float) -> Plane:
        glance()
        return _at(plane, np.asarray(start + np.float32(step * unit) * normal, np.float32))

    inside = [looked(light, outline, step) for step in rules.beside]
    outside = [looked(light, outline, -step) for step in rules.beside]
    far = np.mean(outside, axis=0)
    line = np.mean(inside, axis=0) - far
    square = np.einsum("nc,nc->n", line, line)

    def mixture(colours: Plane) -> Plane:
        share = np.einsum("nc,nc->n", colours - far, line) / (square + np.float32(rules.tested**2))
        return np.asarray(np.clip(share, -rules.most, 1.0 + rules.most) - 0.5, np.float32)

    step = np.sqrt(square)
    contrast = step / (step + np.float32(3.0 * rules.tested))
    features = [mixture(looked(light, here, step)) * contrast for step in rules.across]
    features += [np.std([mixture(colours) for colours in side], axis=0) for side in (inside, outside)]
    features += [contrast, np.clip(depth / np.float32(rules.band * unit), -1.5, 1.5)]
    features += [looked(matte, here, step) for step in rules.map_across]
    features += [smooth[where], around[where]]
    return np.stack(features, axis=1).astype(np.float32)


def _unit(matte: Plane, rules: EdgeRules) -> float:
    """Pixels of a step of one."""
    return float(max(1.0, max(matte.shape) / rules.full_px))


def _thin(matte: Plane, radius: int, unit: float) -> Plane:
    """(h, w) 1 about what an opening or a closing by a disc takes off or fills."""
    side = 2 * radius + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    solid = np.pad((matte > SOLID).astype(np.uint8), side, mode="edge")
    opened, closed = (cv2.morphologyEx(solid, way, disc) for way in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE))
    # Single pixels are the corners of a digital outline.
    narrow = cv2.erode(((opened != solid) | (closed != solid)).astype(np.uint8), np.ones((2, 2), np.uint8))
    about = cv2.dilate(narrow, disc)[side:-side, side:-side].astype(np.float32)
    return np.asarray(cv2.GaussianBlur(about, (0, 0), 2.0 * unit), np.float32)


def _depth(matte: Plane) -> Plane:
    """(h, w) pixels from the outline, positive inside."""
    solid = np.pad((matte > SOLID).astype(np.uint8), 1, mode="edge")
    inner, outer = (cv2.distanceTransform(mask, cv2.DIST_L2, 5)[1:-1, 1:-1] for mask in (solid, 1 - solid))
    # The outline lies between two pixels, half a pixel from the middle of each.
    return np.asarray(np.where(inner > 0, inner - 0.5, 0.5 - outer), np.float32)


def _at(plane: Plane, places: Plane) -> Plane:
    """What a plane, of up to four channels, has at (n, 2) places: (n,) or (n, channels)."""
    row = 256  # OpenCV takes no list of more than 32,767 places, but a table of any size.
    table = np.zeros((-(-len(places) // row) * row, 2), np.float32)
    table[: len(places)] = places
    x, y = (np.ascontiguousarray(table[:, axis].reshape(-1, row)) for axis in (0, 1))
    found = cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found.reshape(-1, *plane.shape[2:])[: len(places)], np.float32)
