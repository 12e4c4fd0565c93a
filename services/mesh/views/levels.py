"""How the colours of several photos meet: each photo's gain, and the offsets that close what difference is left.

A gain is told by places that two photos both show. Front and back share none: there, the thing's materials are held
against each other. Most things have the same ones on both sides, so that the two photos' colours, all of them together,
fit on each other once the light is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, sparse

from services.mesh.cutout import Cutout
from services.mesh.solid import Solid
from services.mesh.texturing.completion import harmonic_offsets

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class LevelRules:
    """How far colours are changed.

    Attributes:
        most: a photo's gain is between this and its inverse.
        enough: pairs of colours that make a gain fully believed.
        tint, light: natural logarithms of linear light by which two places of one material may differ, in colour and in
            brightness: more is another material.
        usable: levels between which a colour tells of light: less is noise, more is burnt out.
        gamma: of the photos' levels.
        step: difference of levels at a seam from which on it is held for the thing's own edge, and left as it is.
        rings: edges from a seam within which colours are changed.
    """

    most: float = 1.8
    enough: float = 60.0
    tint: float = 0.3
    light: float = 0.8
    usable: tuple[float, float] = (12.0, 243.0)
    gamma: float = 2.2
    step: float = 32.0
    rings: int = 8


RULES = LevelRules()


def gain_between(wanted: Floats, given: Floats) -> NDArray[np.float64]:
    """(3,) factor of linear light that brings one photo's colours to another's: the median over pairs of places.

    Args:
        wanted, given: (n, 3) sRGB levels of the same places, or of places side by side.
    """
    low, high = RULES.usable
    good = ((wanted > low) & (wanted < high) & (given > low) & (given < high)).all(axis=1)
    if not good.any():
        return np.ones(3)
    ratio = RULES.gamma * np.log(wanted[good].astype(np.float64) / given[good])
    mean = ratio.mean(axis=1, keepdims=True)
    same = (np.abs(ratio - mean).max(axis=1) < RULES.tint) & (np.abs(mean[:, 0]) < RULES.light)
    if not same.any():
        return np.ones(3)
    # Where most places are of another material, the few that are not may be so by chance.
    sure = float(same.mean()) * same.sum() / (same.sum() + RULES.enough)
    limit = np.log(RULES.most)
    return np.asarray(np.exp(np.clip(sure * np.median(ratio[same], axis=0), -limit, limit)))


@dataclass(frozen=True)
class LightRules:
    """How the colours of two photos are laid on each other; logarithms are natural ones of linear light.

    Attributes:
        step, tint: width of the histogram's cells in brightness, and in the two differences of colours.
        darkest, farthest: what is darker, or farther from grey, is counted in the last cell.
        blur: sigma of the histograms, cells, along brightness and along the others.
        spread: standard deviation of the light between two photos, before they are looked at: exposures up to a quarter
            off each.
        reach: brightness by which photos are shifted at most.
        trust: what a whole overlap of the histograms adds to the log-likelihood, the best on ``tune`` of 4 to 64: the
            light between front and back is then off by 0.10, without it by 0.14.
        colors: that are looked at of each photo.
        fewest: photos with fewer usable colours say nothing.
    """

    step: float = 0.05
    tint: float = 0.12
    darkest: float = -9.5
    farthest: float = 1.5
    blur: tuple[float, float] = (1.0, 0.7)
    spread: float = 0.18
    reach: float = 0.45
    trust: float = 8.0
    colors: int = 4_000
    fewest: int = 50


LIGHT = LightRules()


def light_between(wanted: Cutout, given: Cutout) -> float:
    """Factor of linear light, expected from all their colours, that brings one photo to the light of another."""
    histograms = [_histogram(photo) for photo in (wanted, given)]
    if any(one is None for one in histograms):
        return 1.0
    first, second = (np.sqrt(one) for one in histograms if one is not None)
    most = int(LIGHT.reach / LIGHT.step)
    steps = np.arange(-most, most + 1)
    overlap = np.array([float((first * np.roll(second, int(step), axis=0)).sum()) for step in steps])
    shift = steps * LIGHT.step
    likely = LIGHT.trust * overlap - 0.5 * (shift / LIGHT.spread) ** 2
    weight = np.exp(likely - likely.max())
    return float(np.exp((weight * shift).sum() / weight.sum()))


def _histogram(photo: Cutout) -> Floats | None:
    """Shares of a photo's colours by brightness and by the two differences; None where it has too few."""
    low, high = RULES.usable
    pixels = photo.rgb[photo.safe]
    pixels = pixels[:: max(1, len(pixels) // LIGHT.colors)].astype(np.float32)
    pixels = pixels[(pixels.max(axis=1) < high) & (pixels.min(axis=1) > low)]
    if len(pixels) < LIGHT.fewest:
        return None
    light = RULES.gamma * np.log(pixels / 255.0)
    far = LIGHT.farthest * 0.999
    cells = (
        np.clip(light.mean(axis=1), LIGHT.darkest, 0.0),
        np.clip(light[:, 0] - light[:, 1], -far, far),
        np.clip(light[:, 2] - light[:, 1], -far, far),
    )
    tints = np.arange(-LIGHT.farthest, LIGHT.farthest + LIGHT.tint, LIGHT.tint)
    room = LIGHT.reach + LIGHT.step
    edges = (np.arange(LIGHT.darkest - room, room + LIGHT.step, LIGHT.step), tints, tints)
    counted, _ = np.histogramdd(np.stack(cells, axis=1), bins=edges)
    soft = ndimage.gaussian_filter(counted, (LIGHT.blur[0], LIGHT.blur[1], LIGHT.blur[1]))
    return np.asarray(soft / soft.sum(), np.float32)


def brightened(photo: Bytes, gain: NDArray[np.float64]) -> Bytes:
    """A photo with so many times the light, (3,)."""
    levels = np.arange(256)[:, None] / 255.0
    table = np.clip(np.round(255.0 * levels * gain ** (1.0 / RULES.gamma)), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(photo, table[:, None, :].reshape(256, 1, 3)), np.uint8)


def meeting_offsets(solid: Solid, owner: Ints, colors: Floats) -> Floats:
    """What is to be added to each label's colours so that they meet at the seams.

    Args:
        solid: n vertices, m faces.
        owner: (m,) the label of each face.
        colors: (labels, n, 3) each label's colour at each vertex.

    Returns:
        (labels, n, 3) float32, 0 away from the seams.
    """
    count, labels = len(solid.vertices), len(colors)
    member = np.zeros((labels, count), bool)
    for label in range(labels):
        member[label, solid.faces[owner == label]] = True
    shared = member.sum(axis=0)
    seam = shared > 1
    offsets = np.zeros((labels, count, 3), np.float32)
    if not seam.any():
        return offsets
    mean = (colors * member[:, :, None]).sum(axis=0) / np.maximum(shared, 1)[:, None]
    start, end = solid.faces.ravel(), np.roll(solid.faces, -1, axis=1).ravel()
    link = sparse.coo_matrix((np.ones(len(start), np.float32), (start, end)), shape=(count, count)).tocsr()
    near = seam.astype(np.float32)
    for _ in range(RULES.rings):
        near = np.maximum(near, (link @ near > 0).astype(np.float32))
    for label in range(labels):
        own = seam & member[label]
        if not own.any():
            continue
        known = own | (near == 0) | ~member[label]
        off = mean - colors[label]
        apart = np.abs(off).max(axis=1, keepdims=True) / RULES.step
        wanted = np.where(own[:, None], off * np.exp(-(apart**4)), 0.0).astype(np.float32)
        # Beyond its own faces a label's offset is that of its seam: the crossfade reaches over there.
        offsets[label] = harmonic_offsets(solid, known, wanted, np.zeros(count))
        spread = offsets[label].copy()
        filled = member[label].astype(np.float32)
        for _ in range(3):
            weight = np.maximum(link @ filled, 1e-6)
            around = (link @ (spread * filled[:, None])) / weight[:, None]
            grown = (filled == 0) & (weight > 0.5)
            spread[grown] = around[grown]
            filled[grown] = 1.0
        offsets[label] = spread
    return offsets
