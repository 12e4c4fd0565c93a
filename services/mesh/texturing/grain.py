"""The fine texture of a thing's material, made by example: cardboard's fibres, fabric, fur, speckled skin.

A window of the photo that looks the same all over is the example. Its fine part is blended from overlapping random
pieces, with the variance and the histogram kept (Heitz and Neyret 2018), into a tile that repeats; the tile is laid
on the surface along three axes. Nothing with a shape of its own (keys, letters, eyes) can come through: such windows
are sparse or uneven, and pieces are no larger than a part of the window.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.cutout import Cutout
from services.mesh.texturing.sampling import sampled

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class GrainParameters:
    """What counts as a material's fine texture, and how it is laid on.

    Attributes:
        search_px: longer side of the picture in which the example is looked for.
        windows: sides of the window, shares of the subject's longer side, tried from the largest.
        coarsest: sigma of what counts as fine, as a share of the window: a window holds several of the coarsest
            blotches.
        even: most that the energy of a ninth of the example may differ from that of another.
        kurtosis: of the example, mean over its window: noise, fibres and fur have 2.3 to 3.5; what has two colours
            less, letters and keys on a plain ground more.
        rough: least share of the example's energy that is finer than a third of its coarsest blotches: less is
            shading.
        strong: most standard deviation of the example's grey, levels: what stands out more is a pattern or a part.
        calm: most levels of grain where no window holds texture for sure.
        plain: least share of the example that is plain material.
        example_px: most pixels along the example.
        sigmas, sigma_steps: reach of the table of a normal distribution's values, and its entries for one standard
            deviation.
        least_weight: least weight of an axis that is looked at. Weights are the fourth power of a normal's parts:
            zones where two mix are narrow.
    """

    search_px: int = 320
    windows: tuple[float, float, float, float, float] = (0.30, 0.21, 0.15, 0.10, 0.07)
    coarsest: float = 0.2
    even: float = 2.0
    kurtosis: tuple[float, float] = (2.1, 4.0)
    rough: float = 0.2
    strong: float = 12.0
    calm: float = 8.0
    plain: float = 0.9
    example_px: int = 256
    sigmas: int = 4
    sigma_steps: int = 256
    least_weight: float = 0.02


PARAMETERS = GrainParameters()


TILE_PX = 512
"""Side of the tile, pixels of the photo."""


@dataclass(frozen=True)
class Grain:
    """A material's fine texture.

    Attributes:
        tile: (t, t, 3) float32, levels, zero mean, repeats seamlessly.
        strength: (h, w) float32, how strong it is behind each place of the photo, 1 as in the example.
        factor: pixels of ``strength`` for one of the photo.
        usual: median strength on plain material.
    """

    tile: Floats
    strength: Floats
    factor: float
    usual: float

    def levels(self, at: NDArray[np.floating], normals: NDArray[np.floating]) -> Floats:
        """(n, 3) float32 to be added to colours at places (n, 3), photo pixels along three axes, with unit
        normals (n, 3) along the same axes."""
        weight = np.square(np.square(normals.T.astype(np.float32)))
        weight /= np.maximum(np.sqrt((weight**2).sum(axis=0)), np.float32(1e-9))
        total = np.zeros((len(at), 3), np.float32)
        side = np.float32(self.tile.shape[0])
        place = at.T.astype(np.float32)
        for axis, (u, v) in enumerate(((2, 1), (0, 2), (0, 1))):
            chosen = np.flatnonzero(weight[axis] > PARAMETERS.least_weight)
            # A third of a tile apart, so that opposite edges do not meet in one pattern.
            flat = np.stack([place[u, chosen] + np.float32(axis) * side / np.float32(3.0), -place[v, chosen]])
            flat -= side * np.floor(flat / side)
            total[chosen] += weight[axis, chosen, None] * sampled(self._wrapped, flat.T + np.float32(0.5))
        return total

    @cached_property
    def _wrapped(self) -> Floats:
        """The tile with its first row and column again at its end."""
        return np.pad(self.tile, ((0, 1), (0, 1), (0, 0)), mode="wrap")

    def strength_at(self, pixels: NDArray[np.floating]) -> Floats:
        """(n,) at the photo's pixels (n, 2)."""
        return sampled(self.strength, np.asarray(pixels) * self.factor)


def grain_of(cutout: Cutout, material: NDArray[np.bool_], strongest: float = PARAMETERS.strong) -> Grain:
    """Find the example and make its tile.

    Args:
        cutout: the photo.
        material: (h, w) bool at any scale: where the photo shows plain material.
        strongest: most standard deviation of the example's grey, levels.
    """
    height, width = cutout.mask.shape
    factor = min(1.0, PARAMETERS.search_px / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    usable = np.asarray(cv2.resize(cutout.safe.astype(np.float32), size, interpolation=cv2.INTER_AREA)) > 0.99
    plain = usable & (cv2.resize(material.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0)
    window, share, fits = _example(cutout, usable, plain, size, strongest)
    middle_x, middle_y, side = (round(value / factor) for value in window)
    side = min(max(8, side), PARAMETERS.example_px, height, width)
    left, top = min(max(0, middle_x - side // 2), width - side), min(max(0, middle_y - side // 2), height - side)
    sigma = PARAMETERS.coarsest * share * max(height, width)
    fine = _fine(cutout, sigma)
    example = fine[top : top + side, left : left + side]
    example = example - example.mean(axis=(0, 1))
    if not fits:
        # Nothing here is the material's for sure: specks and edges are cut down to the grain around them.
        usual = 1.4826 * np.median(np.abs(example), axis=(0, 1))
        example = np.clip(example, -3.0 * usual, 3.0 * usual)
        example = np.clip(example, -PARAMETERS.calm, PARAMETERS.calm)
    glance()
    tile = _tile(example)
    glance()
    strength = _strength(fine, plain, float(np.abs(example).mean()), size)
    usual = float(np.median(strength[plain])) if plain.any() else float(np.median(strength))
    return Grain(tile, strength, size[0] / width, usual)


def _fine(cutout: Cutout, sigma: float) -> Floats:
    """(h, w, 3): the photo less its own blur inside the silhouette."""
    # A wide blur of a picture that was halved a few times is the same blur.
    step = max(1, int(sigma / 3.0))
    small = cv2.resize(cutout.photo, None, fx=1.0 / step, fy=1.0 / step, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / step)
    size = (cutout.photo.shape[1], cutout.photo.shape[0])
    return cutout.photo.astype(np.float32) - cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _example(
    cutout: Cutout, usable: NDArray[np.bool_], plain: NDArray[np.bool_], size: tuple[int, int], strongest: float
) -> tuple[tuple[float, float, float], float, bool]:
    """The window (x, y of its middle, side; pixels of the search) that looks most the same all over, its share, and
    whether it holds texture.

    The largest that holds nothing but even, fine texture of the material wins; without one, the calmest of the
    smallest.
    """
    grey = cv2.cvtColor(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    luma = grey.astype(np.float32)
    best = (0.5 * size[0], 0.5 * size[1], PARAMETERS.windows[-1] * max(size))
    for share in PARAMETERS.windows:
        glance()
        side = max(6, round(share * max(size)))
        window, cell = (side, side), max(2, side // 3)
        sigma = PARAMETERS.coarsest * side
        fine = luma - cv2.GaussianBlur(luma, (0, 0), sigma)
        finest = luma - cv2.GaussianBlur(luma, (0, 0), sigma / 3.0)
        energy = cv2.blur(fine**2, (cell, cell)) + 0.25
        # The most and the least energetic of the nine cells around each place.
        nine = np.zeros((2 * cell + 1,) * 2, np.uint8)
        nine[::cell, ::cell] = 1
        uneven = cv2.dilate(energy, nine) / cv2.erode(energy, nine)
        square = cv2.blur(fine**2, window) + 0.05
        kurtosis = cv2.blur(fine**4, window) / square**2
        fits = (
            (uneven <= PARAMETERS.even)
            & (kurtosis >= PARAMETERS.kurtosis[0])
            & (kurtosis <= PARAMETERS.kurtosis[1])
            & (cv2.blur(finest**2, window) >= PARAMETERS.rough * square)
            & (square <= strongest**2)
        )
        inner = np.zeros(fits.shape, bool)
        border = side // 2 + 1
        inner[border:-border, border:-border] = True
        inner &= (cv2.blur(usable.astype(np.float32), window) > 0.995) & (
            cv2.blur(plain.astype(np.float32), window) > PARAMETERS.plain
        )
        calmest = share == PARAMETERS.windows[-1] and not (inner & fits).any()
        cost = np.where(inner & (fits | calmest), square if calmest else uneven, np.inf)
        row, column = np.unravel_index(int(np.argmin(cost)), cost.shape)
        if np.isfinite(cost[row, column]):
            return (float(column), float(row), float(side)), share, not calmest
    return best, PARAMETERS.windows[-1], False


def _tile(example: Floats) -> Floats:
    """A tile of ``TILE_PX`` that repeats, blended from random pieces of the example.

    Each of its three main colour directions is made normal, blended with weights whose squares sum to one, and given
    its own distribution back.
    """
    side = example.shape[0]
    flat = example.reshape(-1, 3)
    _, directions = np.linalg.eigh(flat.T @ flat / len(flat))
    along = flat @ directions
    order = np.sort(along, axis=0)
    quantile = (np.arange(len(flat)) + 0.5) / len(flat)
    normal = _normal_quantile(quantile).astype(np.float32)
    rank = np.empty(len(flat), np.int64)
    gaussian = np.empty_like(flat)
    for k in range(3):
        rank[np.argsort(along[:, k], kind="stable")] = np.arange(len(flat))
        gaussian[:, k] = normal[rank]
    square = gaussian.reshape(side, side, 3)
    piece = max(4, 2 * (min(side, TILE_PX // 2) * 3 // 8))
    count = max(2, round(TILE_PX / (0.5 * piece)))
    starts = np.round(np.arange(count) * (TILE_PX / count)).astype(int)
    hill = np.sin(np.pi * (np.arange(piece) + 0.5) / piece).astype(np.float32) ** 2
    weight = (hill[:, None] * hill[None, :])[..., None]
    total = np.zeros((TILE_PX + piece, TILE_PX + piece, 3), np.float32)
    power = np.zeros((TILE_PX + piece, TILE_PX + piece, 1), np.float32)
    random = np.random.default_rng(int(np.abs(example).sum()) % 2**32)
    for y in starts:
        glance()
        for x in starts:
            top, left = random.integers(0, side - piece + 1, 2)
            total[y : y + piece, x : x + piece] += weight * square[top : top + piece, left : left + piece]
            power[y : y + piece, x : x + piece] += weight**2
    for values in (total, power):
        values[:piece] += values[TILE_PX:]
        values[:, :piece] += values[:, TILE_PX:]
    blended = total[:TILE_PX, :TILE_PX] / np.sqrt(np.maximum(power[:TILE_PX, :TILE_PX], 1e-9))
    # A table of the distributions: a look-up for each pixel in all of the example's values takes ten times as long.
    steps = np.linspace(-PARAMETERS.sigmas, PARAMETERS.sigmas, 2 * PARAMETERS.sigmas * PARAMETERS.sigma_steps + 1)
    place = np.clip(np.rint((blended + PARAMETERS.sigmas) * PARAMETERS.sigma_steps), 0, len(steps) - 1).astype(np.int32)
    out = np.empty_like(blended)
    for k in range(3):
        out[..., k] = np.interp(steps, normal, order[:, k]).astype(np.float32)[place[..., k]]
    out = out @ directions.T.astype(np.float32)
    return np.asarray(out - out.mean(axis=(0, 1)), np.float32)


def _normal_quantile(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """The normal distribution's quantile function, to 0.5% (Tukey's lambda 0.1349)."""
    return np.asarray((share**0.1349 - (1.0 - share) ** 0.1349) / 0.1975, np.float64)


def _strength(fine: Floats, plain: NDArray[np.bool_], example: float, size: tuple[int, int]) -> Floats:
    """(h, w) at the size of the search: the local strength of fine detail on plain material, carried to where the photo
    shows something else."""
    mean = np.abs(fine).mean(axis=2)
    small = cv2.resize(mean, size, interpolation=cv2.INTER_AREA)
    window = max(3, round(0.06 * max(size)) | 1)
    # The median knows edges and prints as the exceptions that they are.
    middle = cv2.medianBlur(np.clip(small * 4.0, 0, 255).astype(np.uint8), window).astype(np.float32) / 4.0
    weight = plain.astype(np.float32) + 1e-4
    sigma = 0.04 * max(size)
    soft = cv2.GaussianBlur(middle * weight, (0, 0), sigma) / cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(np.clip(soft / max(example, 0.25), 0.0, 1.0), np.float32)
