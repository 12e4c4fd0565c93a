"""Things put on a backdrop: shadows, reflections, glass that bends what is behind it, and who hides whom.

A pixel that a thing covers in part shows a mixture of light, not of sRGB's numbers, as a camera and a renderer mix it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.frames import linear_from_srgb, srgb_from_linear
from quality.scenes.backdrop import Backdrop
from quality.scenes.sprite import Sprite

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Placed:
    """Where a thing stands.

    Attributes:
        sprite: what.
        x: of its middle, pixels.
        bottom: its lowest row, pixels.
        height: pixels.
    """

    sprite: Sprite
    x: float
    bottom: float
    height: float

    def layer(self, size: tuple[int, int]) -> tuple[Floats, ...]:
        """Colour, matte, normals and clearness on the whole canvas, (h, w, ...)."""
        scale = self.height / self.sprite.alpha.shape[0]
        flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        light = linear_from_srgb(self.sprite.rgb)
        premultiplied = np.dstack([light * self.sprite.alpha[..., None], self.sprite.alpha])
        out = []
        for plane in (premultiplied, np.dstack([self.sprite.normals, self.sprite.clear])):
            wide = max(2, round(plane.shape[1] * scale))
            small = cv2.resize(plane, (wide, max(2, round(self.height))), interpolation=flags)
            shift = np.array([[1, 0, self.x - wide / 2], [0, 1, self.bottom - small.shape[0]]], np.float32)
            out.append(cv2.warpAffine(small, shift, size, flags=cv2.INTER_LINEAR))
        alpha = np.clip(out[0][..., 3], 0, 1)
        rgb = srgb_from_linear(np.clip(out[0][..., :3] / np.maximum(alpha, 1e-3)[..., None], 0, 1))
        return rgb, alpha, out[1][..., :3], out[1][..., 3]


@dataclass(frozen=True)
class Light:
    """How things meet the ground.

    Attributes:
        lean: of the shadow, share of the thing's height to the right.
        length: of the shadow, share of the thing's height.
        blur: softness, share of the thing's height.
        dark: how much it takes of the light, 0..1.
        mirror: how much the ground reflects, 0..1.
    """

    lean: float
    length: float
    blur: float
    dark: float
    mirror: float

    @staticmethod
    def drawn(rng: np.random.Generator) -> Light:
        """Light as rooms and studios have it."""
        hard = rng.random() < 0.3
        return Light(
            lean=float(rng.uniform(-0.6, 0.6)),
            length=float(rng.uniform(0.1, 0.4)),
            blur=float(rng.uniform(0.008, 0.02) if hard else rng.uniform(0.03, 0.12)),
            dark=float(rng.uniform(0.35, 0.65) if hard else rng.uniform(0.1, 0.5)),
            mirror=float(rng.uniform(0.1, 0.35) if rng.random() < 0.25 else 0.0),
        )


def staged(backdrop: Backdrop, things: list[Placed], light: Light) -> tuple[Floats, list[Floats]]:
    """The picture, and for each thing the matte of what is seen of it; nearer things come later in the list.

    Returns:
        (h, w, 3) float32, 0..1 sRGB, and one (h, w) float32 for each thing.
    """
    canvas = backdrop.rgb.copy()
    size = (canvas.shape[1], canvas.shape[0])
    mattes: list[Floats] = []
    for placed in things:
        rgb, alpha, normals, clear = placed.layer(size)
        opaque = alpha * (1 - 0.7 * clear)
        canvas *= 1 - (light.dark * _shadow(opaque, placed, light))[..., None]
        if light.mirror:
            canvas = _mirrored(canvas, rgb, opaque, placed, light.mirror)
        glass = _glass(canvas, rgb, normals, placed.height)
        shown = rgb * (1 - clear[..., None]) + glass * clear[..., None]
        canvas = _over(canvas, shown, alpha)
        mattes = [matte * (1 - alpha) for matte in mattes]
        mattes.append(alpha)
    return np.clip(canvas, 0, 1), mattes


def _over(canvas: Floats, shown: Floats, alpha: Floats) -> Floats:
    """One picture over another, mixed as light."""
    share = alpha[..., None]
    edge = (alpha > 0.0) & (alpha < 1.0)
    mixed = np.where(share >= 1.0, shown, canvas)
    below, above = (linear_from_srgb(np.clip(each[edge], 0, 1)) for each in (canvas, shown))
    mixed[edge] = srgb_from_linear(below * (1 - share[edge]) + above * share[edge])
    return np.asarray(mixed, np.float32)


def _shadow(alpha: Floats, placed: Placed, light: Light) -> Floats:
    """The thing's silhouette laid down on the ground, and the dark line where it stands."""
    squeeze = light.length
    matrix = np.array(
        [[1, -light.lean, light.lean * placed.bottom], [0, -squeeze, (1 + squeeze) * placed.bottom]], np.float32
    )
    matrix[1] = [0, squeeze, (1 - squeeze) * placed.bottom + 0.02 * placed.height]
    size = (alpha.shape[1], alpha.shape[0])
    laid = cv2.warpAffine(alpha, matrix, size)
    soft = cv2.GaussianBlur(laid, (0, 0), max(0.8, light.blur * placed.height))
    foot = alpha * (np.arange(alpha.shape[0])[:, None] > placed.bottom - 0.06 * placed.height)
    contact = cv2.GaussianBlur(foot, (0, 0), max(0.8, 0.015 * placed.height))
    return np.asarray(np.clip(np.maximum(soft, 1.2 * contact), 0, 1), np.float32)


def _mirrored(canvas: Floats, rgb: Floats, alpha: Floats, placed: Placed, strength: float) -> Floats:
    matrix = np.array([[1, 0, 0], [0, -1, 2 * placed.bottom - 1]], np.float32)
    size = (alpha.shape[1], alpha.shape[0])
    below = np.arange(alpha.shape[0], dtype=np.float32)[:, None] - placed.bottom
    fade = strength * np.clip(1 - below / (0.5 * placed.height), 0, 1) * (below >= 0)
    share = (cv2.warpAffine(alpha, matrix, size) * fade)[..., None]
    return np.asarray(canvas * (1 - share) + cv2.warpAffine(rgb, matrix, size) * share, np.float32)


def _glass(canvas: Floats, rgb: Floats, normals: Floats, height: float) -> Floats:
    """What is seen through glass: the background, bent where the wall turns away, under Fresnel's reflection."""
    facing = np.clip(normals[..., 2], 0.05, 1)
    rows, columns = np.indices(facing.shape, dtype=np.float32)
    bend = 0.12 * height * (1 - facing)
    at_x, at_y = columns - bend * normals[..., 0], rows + bend * normals[..., 1]
    through = cv2.remap(canvas, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    fresnel = 0.04 + 0.96 * (1 - facing) ** 5
    surroundings = (
        np.float32(0.35) + 0.5 * np.clip(normals[..., 1:2], 0, 1) + 0.9 * (np.abs(normals[..., 0:1] + 0.45) < 0.06)
    )
    tint = 0.93 - 0.25 * (1 - facing[..., None]) ** 2
    mixed = through * tint * (1 - fresnel[..., None]) + surroundings * fresnel[..., None]
    shine = np.clip(rgb - 0.9, 0, 1)
    return np.asarray(np.clip(mixed + shine, 0, 1), np.float32)
