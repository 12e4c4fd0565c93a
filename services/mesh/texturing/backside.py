"""What the photo does not show of a free shape: the same outline seen from behind.

A free shape is symmetric about the plane of the picture, so every place on its back lies behind a pixel of the photo.
Two pictures can be meant for it:

- things that look the same from both sides (a truck seen from its side, a cow, a shoe, scissors) repeat the photo;
- all others show what goes around the outline: bands, legs and patches that reach it continue, whatever is enclosed
  by them (a dial, keys, a face, a seat, print, highlights) is taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.texturing.enclosed import PARAMETERS as ENCLOSED
from services.mesh.texturing.enclosed import carried_out, disc, filled_in, without_enclosed
from services.mesh.texturing.evenness import PARAMETERS as LIGHT
from services.mesh.texturing.evenness import evenly_lit
from services.mesh.texturing.exposure import projected
from services.mesh.texturing.sampling import sampled

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class BacksideParameters:
    """How the back of a free shape is made of its front.

    Attributes:
        picture_px: longer side of the picture in which enclosed features are taken out: finer detail is the grain's.
        rim_share, least_rim_share: width of the rim that says what continues behind, as a share of the local half
            width, and of the longer side.
        least_rim_px: and at least so many pixels of that picture.
        haze_share: width of the rim, as a share of the local half width, whose colours are not carried round: seen at
            more than 60 degrees, they mirror the surroundings.
        cast_share: width of the rim, as a share of the local half width, that a cast is looked for in: of a round part
            it is seen at more than 45 degrees.
        cast_step: a rim that differs from what it encloses by a step is a trim, by a slope a cast of the surroundings:
            the steepest change from one pixel to the next, as a share of the whole, at which nothing and all of it is
            taken for a cast.
        shade_kept: power of a rim's own shade that stays: its colour is the surroundings', its shade is mostly the
            shape's.
        cast_levels: levels by which a rim must differ before any and before all of it counts as a cast.
        cast_px: sigma, pixels of the picture, of what is compared: a rim's grain is not its cast.
        cast_slant: cosines to the camera at which a cast begins to be taken off and is off: of what is seen at more
            than 60 degrees a good part of the light is a reflection, and what is drawn out over a flank would show as
            a streak.
        turn, slant: cosines to the camera between which a surface turns from the back's light to the front's, and from
            what is carried round to the photo itself.
        body_share: parts narrower than this share of the widest are legs and arms, not body.
        flank, flank_blur: around a cosine of zero a pixel is drawn out over a whole flank, so colours get softer
            between these cosines, by so much.
        thick, deep: that is so on parts whose half width, as a share of the longer side, is large, and far (view
            units) from the plane of the picture; not on legs and arms: rings go round them.
        pattern_blur: how much wider than a filled place the colours of a pattern are averaged.
    """

    picture_px: int = 256
    rim_share: float = 0.08
    least_rim_share: float = 0.015
    least_rim_px: float = 3.0
    haze_share: float = 0.12
    cast_share: float = 0.28
    cast_step: tuple[float, float] = (0.5, 0.3)
    shade_kept: float = 0.75
    cast_levels: tuple[float, float] = (8.0, 20.0)
    cast_px: float = 1.5
    cast_slant: tuple[float, float] = (0.6, 0.3)
    turn: tuple[float, float] = (-0.7, 0.25)
    slant: tuple[float, float] = (0.0, 0.18)
    body_share: float = 0.3
    flank: tuple[float, float, float, float] = (-0.6, -0.2, 0.05, 0.25)
    flank_blur: float = 2.5
    thick: tuple[float, float] = (0.06, 0.16)
    deep: tuple[float, float] = (0.05, 0.15)
    pattern_blur: float = 3.0


PARAMETERS = BacksideParameters()


@dataclass(frozen=True)
class Backside:
    """Colours behind each pixel of the photo.

    Attributes:
        picture: (h, w, 3) float32, sRGB 0..255, as if one looked through the subject.
        front: the same for what turns towards the photo: with the photo's light on it.
        near: the photo at the same scale, for what the photo shows at a slant.
        cast: (h, w, 3) float32, levels to be added to the photo so that its rim has no cast of the surroundings.
        soft: (h, w, 3) float32, the back's colours without anything that could be drawn out to a streak.
        thick: (h, w) float32, how far ``soft`` takes their place on the flanks: 1 on bodies, 0 on legs and arms.
        material: (h, w) bool: inside the silhouette, and nothing was taken out there.
        factor: pixels of ``picture`` for one of the photo.
    """

    picture: Floats
    front: Floats
    near: Floats
    cast: Floats
    soft: Floats
    thick: Floats
    material: NDArray[np.bool_]
    factor: float

    def colors(self, pixels: NDArray[np.floating], cosine: NDArray[np.floating], off: NDArray[np.floating]) -> Floats:
        """(n, 3) float32 at the photo's pixels (n, 2), of what faces its camera with a cosine (n,), ``off`` (n,) view
        units from the plane of the picture."""
        at = np.asarray(pixels) * self.factor
        turned = np.asarray(cosine, np.float32)
        deep = np.clip(
            (np.asarray(off, np.float32) - PARAMETERS.deep[0]) / (PARAMETERS.deep[1] - PARAMETERS.deep[0]), 0.0, 1.0
        )
        flank = np.minimum(
            _step(turned, PARAMETERS.flank[0], PARAMETERS.flank[1]),
            _step(turned, PARAMETERS.flank[3], PARAMETERS.flank[2]),
        )
        flank *= np.maximum(sampled(self.thick, at), deep)
        mixed = sampled(self.picture, at)
        for share, picture in (
            (_step(turned, *PARAMETERS.turn), self.front),
            (flank, self.soft),
        ):
            mixed += share[:, None] * (sampled(picture, at) - mixed)
        return mixed

    def slanted(self, pixels: NDArray[np.floating], cosine: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """The photo itself, (n, 3) float32, and its share (n,) of what faces the camera with a cosine (n,)."""
        share = _step(np.asarray(cosine, np.float32), *PARAMETERS.slant)
        return sampled(self.near, np.asarray(pixels) * self.factor), share

    def without_cast(self, pixels: NDArray[np.floating], cosine: NDArray[np.floating]) -> Floats:
        """Levels (n, 3) to be added to the photo at its pixels (n, 2), of what faces its camera with a cosine (n,)."""
        share = _step(np.asarray(cosine, np.float32), *PARAMETERS.cast_slant)
        return np.asarray(sampled(self.cast, np.asarray(pixels) * self.factor) * share[:, None], np.float32)


def carried_round(cutout: Cutout, *, patterned: bool = False) -> Backside:
    """The back of a free shape: the photo without what its outline does not reach, evenly lit.

    Args:
        cutout: the photo.
        patterned: the thing is patterned all over: then only its soft colours are carried, and all of it is material.
    """
    height, width = cutout.mask.shape
    factor = min(1.0, PARAMETERS.picture_px / max(height, width))
    size = (max(3, round(width * factor)), max(3, round(height * factor)))
    mask = np.asarray(cv2.resize(cutout.alpha, size, interpolation=cv2.INTER_AREA)) >= 0.5
    photo = np.asarray(cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA), np.uint8)
    if not mask.any():
        flat = photo.astype(np.float32)
        return Backside(flat, flat, flat, flat * 0.0, flat, np.zeros(mask.shape, np.float32), mask, factor)
    depth, spine = _depths(mask)
    least = max(PARAMETERS.least_rim_px, PARAMETERS.least_rim_share * max(mask.shape))
    rim = mask & (depth <= np.maximum(least, PARAMETERS.rim_share * spine))
    own = mask & (depth >= PARAMETERS.haze_share * spine)
    # A body is filled in with its own colours, not with those of the legs that it stands on.
    body = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(PARAMETERS.body_share * float(depth.max())))
    weight = np.where(own, body + np.float32(0.01), np.float32(0.0)).astype(np.float32)
    if patterned:
        filled, changed = filled_in(photo, weight, own, PARAMETERS.pattern_blur), np.zeros_like(mask)
    else:
        filled, changed = without_enclosed(photo, mask, rim, weight)
    glance()
    behind = evenly_lit(carried_out(filled, own))
    share = spine / max(mask.shape)
    thick = np.clip((share - PARAMETERS.thick[0]) / (PARAMETERS.thick[1] - PARAMETERS.thick[0]), 0.0, 1.0).astype(
        np.float32
    )
    near = carried_out(np.asarray(cv2.medianBlur(photo, 3), np.float32), mask)
    glance()
    cast = _cast(near, mask, (depth, spine), thick)
    return Backside(
        picture=np.asarray(cv2.GaussianBlur(behind, (0, 0), ENCLOSED.step_px), np.float32),
        front=np.asarray(cv2.GaussianBlur(carried_out(filled, mask), (0, 0), ENCLOSED.step_px), np.float32),
        near=near + cast,
        cast=cast,
        soft=filled_in(np.clip(behind, 0, 255).astype(np.uint8), weight, np.ones_like(own), PARAMETERS.flank_blur),
        thick=thick,
        material=mask & ~changed,
        factor=factor,
    )


def through(points: Floats, camera: PhotoCamera) -> tuple[Floats, Floats]:
    """The photo's pixels (n, 2) in front of or behind points (3, n) of a free shape, and their distance (n,), view
    units, from the plane of the picture.

    In front points are seen in perspective; behind, the shape repeats its outline straight back (``relief``).
    """
    pixels, depth = projected(points, camera)
    squeezed = np.maximum(depth / np.float32(camera.distance), np.float32(1.0))
    middle = np.array(camera.center, np.float32)[:, None]
    return (middle + (pixels - middle) * squeezed).T, np.abs(depth - np.float32(camera.distance))


def _step(values: Floats, low: float, high: float) -> Floats:
    """0 at the first limit, 1 at the second, smoothly; the second may be the lower one."""
    share = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(share * share * (3.0 - 2.0 * share), np.float32)


def _depths(mask: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """For each pixel how far it is from the outline, and how far the middle of its part is: the local half width."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = max(1, round(0.5 * float(depth.max())))
    spine = cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    return np.asarray(depth, np.float32), np.asarray(spine, np.float32)


def _cast(near: Floats, mask: NDArray[np.bool_], depths: tuple[Floats, Floats], thick: Floats) -> Floats:
    """What is to be added along the rims of thick parts so that they have the colours of what they enclose.

    Args:
        near: (h, w, 3) float32, the photo carried on beyond the outline.
        mask: (h, w) bool, inside.
        depths: see ``_depths``.
        thick: (h, w) float32, 0..1, where casts are looked for.
    """
    depth, spine = depths
    inner = mask & (depth >= PARAMETERS.cast_share * spine)
    rim = mask & ~inner & (thick > 0.0)
    if not inner.any() or not rim.any():
        return np.zeros_like(near)
    calm = np.asarray(cv2.GaussianBlur(near, (0, 0), PARAMETERS.cast_px), np.float32)
    enclosed = np.asarray(cv2.GaussianBlur(carried_out(calm, inner), (0, 0), PARAMETERS.cast_px), np.float32)
    shade = (calm.mean(axis=2) + LIGHT.dark) / (enclosed.mean(axis=2) + LIGHT.dark)
    differ = (enclosed + LIGHT.dark) * np.minimum(shade**PARAMETERS.shade_kept, 1.0)[..., None] - LIGHT.dark - calm
    whole = np.abs(enclosed - calm).max(axis=2)
    across, along = (np.abs(np.diff(near, axis=axis, append=near.take([-1], axis=axis))) for axis in (0, 1))
    reach = max(2, round(PARAMETERS.cast_share * float(np.median(spine[rim]))))
    steps = (np.maximum(across, along).max(axis=2) * mask).astype(np.float32)
    steepest = np.asarray(cv2.dilate(steps, disc(reach)), np.float32)
    share = (
        _step(steepest / np.maximum(whole, 1.0), *PARAMETERS.cast_step) * _step(whole, *PARAMETERS.cast_levels) * thick
    )
    share *= np.clip(2.0 - 2.0 * depth / np.maximum(PARAMETERS.cast_share * spine, 1.0), 0.0, 1.0)
    return np.asarray(
        differ * cv2.GaussianBlur(share.astype(np.float32), (0, 0), PARAMETERS.cast_px)[..., None], np.float32
    )
