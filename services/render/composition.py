"""Puts a frame together: backplate, shadow on it, subject before both. All on bytes, so that it costs almost
nothing."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Rig
from lensora.core.scene import Scene
from lensora.core.staging import border_fade
from services.render.backplate import Plate
from services.render.light import LUMINANCE
from services.render.shadow import GroundShadow
from services.render.shot import Layer, Shot, Window

Pixels = NDArray[np.uint8]

SHARP_BELOW_PX = 0.35
"""A blur disc smaller than this cannot be seen."""

PLAIN_FAINTEST = 9
"""Of 255: shade fainter than this is left out on a plain plate (and all shade is that much lighter), so that a plate
keeps its colour away from the subject. In a room it would go on to the walls."""

AFLOAT_SHADE = 0.5
"""Share of the contact shadow that is left where the plate shows no ground (a sky, a wall); nothing is cast there."""


REFLECTION_FADES = 0.45
"""Height of the subject, as a share of it, over which its reflection in the ground falls to 37%."""

REFLECTION_SPREAD = 0.16
"""Blur of the reflection of the subject's top on a fully rough surface, share of its height."""

LARGE_PX = 1280
"""Frames over this are so fine that the reflection, which is blurred anyway, is worked out at a quarter of the size."""

LEAST_REFLECTION = 0.03
"""A surface that mirrors less than this of the light at the subject's foot shows nothing of it."""


def reflects(scene: Scene, rig: Rig) -> bool:
    """Whether the ground shows the subject upside down."""
    x, y, z = rig.hero.eye
    sine = y / math.sqrt(x * x + y * y + z * z)
    return not scene.plain and not scene.afloat and float(scene.mirrored(np.array([sine]))[0]) >= LEAST_REFLECTION


class Compositor:
    """Composes the frames of one shot in front of one plate."""

    def __init__(self, shot: Shot, plate: Plate, scene: Scene) -> None:
        self._shot = shot
        self._plate, self._scene = plate, scene
        light = shot.illumination
        # Without ground there is nothing that the key light's shadow could fall on.
        ground_key = np.zeros_like(light.ground_key) if scene.afloat else light.ground_key
        self._shadow = GroundShadow(shot.model, light.key_direction, ground_key)
        self._open_ground = scene.plain or scene.afloat
        self._shade = AFLOAT_SHADE if scene.afloat else 1.0

    def frame(self, layer: Layer) -> Pixels:
        """(height, width, 3) uint8 sRGB: the finished frame, as much of it as the film shows."""
        shot = self._shot
        result = np.empty((shot.size, shot.size, 3), np.uint8)  # what lies beyond the film is drawn on, but not kept
        _area(result, shot.seen)[:] = self._plate.seen(shot.camera(layer.index), shot.poses[layer.index], shot.seen)
        shadow = self._seen_shadow(layer.index)
        if shadow is not None:
            window, factors = shadow
            area = _area(result, window)
            cv2.multiply(area, factors, dst=area, scale=1.0 / 255.0)
        if layer.mirror is not None:
            self._reflect(result, layer)
        window, subject = self._subject(layer)
        area = _area(result, window)
        alpha = cv2.bitwise_not(subject[..., 3])
        behind = cv2.multiply(area, cv2.merge((alpha, alpha, alpha)), scale=1.0 / 255.0)
        cv2.add(behind, cv2.cvtColor(subject, cv2.COLOR_RGBA2RGB), dst=area)
        return np.ascontiguousarray(_area(result, shot.seen))

    def cutout(self, layer: Layer) -> Pixels:
        """(height, width, 4) uint8 sRGB with straight alpha: the subject and its shadow without the plate."""
        size = self._shot.size
        shade = np.zeros((size, size), np.float32)
        shadow = self._seen_shadow(layer.index, alone=True)
        if shadow is not None:
            window, factors = shadow
            _area(shade, window)[:] = 1.0 - (factors @ LUMINANCE.astype(np.float32)) / 255.0
        window, subject = self._subject(layer)
        color = np.zeros((size, size, 3), np.float32)
        alpha = shade
        own = subject[..., 3].astype(np.float32) / 255.0
        inside = _area(alpha, window)
        inside[:] = own + inside * (1.0 - own)
        _area(color, window)[:] = subject[..., :3]
        color /= np.maximum(alpha, 1.0 / 255.0)[..., None]
        rgba = np.concatenate([np.minimum(color, 255.0), alpha[..., None] * 255.0], axis=2)
        return np.ascontiguousarray(_area((rgba + 0.5).astype(np.uint8), self._shot.seen))

    @cached_property
    def _fade(self) -> Pixels:
        """(size, size, 3) uint8: 255 inside what is seen, falling to 0 at its border. Most films need none."""
        size, seen = self._shot.size, self._shot.seen
        fade = border_fade(size, size, (seen.left, seen.top, seen.right, seen.bottom)) * 255.0
        return np.dstack([fade.astype(np.uint8)] * 3)

    def _seen_shadow(self, index: int, alone: bool = False) -> tuple[Window, Pixels] | None:
        """The shadow in a frame.

        On a plain plate, and alone, it is gone before the frame's border: the film lies on a page, which would show a
        straight edge.

        Args:
            index: of the frame.
            alone: without the plate.
        """
        shot, plain = self._shot, self._scene.plain
        seen = self._shadow.seen(
            shot.camera(index), shot.poses[index].subject_yaw, shot.size, self._edge(index), shot.shape
        )
        fades = plain or alone
        if seen is None or (not fades and self._shade == 1.0):
            return seen
        window, factors = seen
        shade = cv2.convertScaleAbs(cv2.bitwise_not(factors), alpha=self._shade)
        if plain:
            shade = cv2.subtract(shade, np.full_like(shade, PLAIN_FAINTEST))
        if fades:
            shade = cv2.multiply(shade, _area(self._fade, window), scale=1.0 / 255.0)
        return window, np.asarray(cv2.bitwise_not(shade), np.uint8)

    def _reflect(self, frame: Pixels, layer: Layer) -> None:
        """Lay the subject's mirror image on the ground of a frame: blurred and faded with the height that it shows."""
        assert layer.mirror is not None
        window, half = layer.mirror
        size, camera = self._shot.size, self._shot.camera(layer.index)
        foot, _ = camera.project(np.array([[0.0, 0.0, 0.0]]))
        tall = max(1.0, (window.bottom / size - float(foot[0, 1])) * size / 2.0)
        reduced = 1 if size <= LARGE_PX else 2
        if reduced > 1:
            half = np.asarray(cv2.resize(half, None, fx=1 / reduced, fy=1 / reduced, interpolation=cv2.INTER_AREA))
        rows = (np.arange(window.top, window.bottom, 2 * reduced) + reduced) / size
        away = np.clip((rows - foot[0, 1]) * size / 2.0 / tall, 0.0, 1.0).astype(np.float32)[: len(half)]
        below = np.sin(np.maximum(camera.pitch + np.arctan((rows - 0.5) / camera.focal), 0.0))[: len(half)]
        share = self._scene.mirrored(below) * np.exp(-away / REFLECTION_FADES)
        soft = cv2.GaussianBlur(half, (0, 0), max(0.6, REFLECTION_SPREAD * self._scene.roughness * tall / reduced))
        sharp = cv2.GaussianBlur(half, (0, 0), max(0.6, 0.002 * size / reduced))
        blend = np.sqrt(away)[:, None, None]
        seen = (sharp * (1.0 - blend) + soft * blend) * share.astype(np.float32)[:, None, None]
        grown = cv2.resize(seen.astype(np.uint8), (window.width, window.height), interpolation=cv2.INTER_LINEAR)
        top = max(0, math.ceil(self._edge(layer.index) * size) - window.top)
        if top >= window.height:
            return
        area, grown = _area(frame, window)[top:], grown[top:]
        alpha = cv2.bitwise_not(grown[..., 3])
        behind = cv2.multiply(area, cv2.merge((alpha, alpha, alpha)), scale=1.0 / 255.0)
        cv2.add(behind, cv2.cvtColor(grown, cv2.COLOR_RGBA2RGB), dst=area)

    def _edge(self, index: int) -> float:
        if self._open_ground:
            return 0.0
        edge = self._plate.edge(self._shot.camera(index))
        return float(edge[:, 1].max())

    def _subject(self, layer: Layer) -> tuple[Window, Pixels]:
        """The subject at one pixel a sample, as far out of focus as the lens has it."""
        pixels, window, size = layer.pixels, layer.window, self._shot.size
        radius = self._plate.subject_blur(self._shot.poses[layer.index]) * size
        if radius < SHARP_BELOW_PX or self._plate.plain:
            return window, pixels
        grow = math.ceil(2.0 * radius) + 1
        left, top = min(grow, window.left), min(grow, window.top)
        right, bottom = min(grow, size - window.right), min(grow, size - window.bottom)
        padded = cv2.copyMakeBorder(pixels, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0, 0, 0, 0))
        blurred = cv2.GaussianBlur(padded, (0, 0), radius * 0.5)  # a disc's standard deviation is half its radius
        grown = Window(window.left - left, window.top - top, window.right + right, window.bottom + bottom)
        return grown, np.asarray(blurred, np.uint8)


def _area(picture: NDArray[Any], window: Window) -> NDArray[Any]:
    return picture[window.top : window.bottom, window.left : window.right]
