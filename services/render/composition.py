"""Puts a frame together: backplate, shadow on it, subject before both. All on bytes, so that it costs almost nothing."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.scene import Scene
from services.render.backplate import Plate
from services.render.light import LUMINANCE
from services.render.shadow import GroundShadow
from services.render.shot import Layer, Shot, Window

Pixels = NDArray[np.uint8]

SHARP_BELOW_PX = 0.35
"""A blur disc smaller than this cannot be seen."""


class Compositor:
    """Composes the frames of one shot in front of one plate."""

    def __init__(self, shot: Shot, plate: Plate, scene: Scene) -> None:
        self._shot = shot
        self._plate = plate
        light = shot.illumination
        self._shadow = GroundShadow(shot.model, light.key_direction, light.ground_key)
        self._plain = scene.plain

    def frame(self, layer: Layer) -> Pixels:
        """(size, size, 3) uint8 sRGB: the finished frame."""
        pose, size = self._shot.poses[layer.index], self._shot.size
        camera = self._shot.camera(layer.index)
        result = self._plate.seen(camera, pose).copy()
        shadow = self._shadow.seen(camera, pose.subject_yaw, size, self._edge(layer.index))
        if shadow is not None:
            window, factors = shadow
            area = _area(result, window)
            cv2.multiply(area, factors, dst=area, scale=1.0 / 255.0)
        window, subject = self._subject(layer)
        area = _area(result, window)
        alpha = cv2.bitwise_not(subject[..., 3])
        behind = cv2.multiply(area, cv2.merge((alpha, alpha, alpha)), scale=1.0 / 255.0)
        cv2.add(behind, cv2.cvtColor(subject, cv2.COLOR_RGBA2RGB), dst=area)
        return result

    def cutout(self, layer: Layer) -> Pixels:
        """(size, size, 4) uint8 sRGB with straight alpha: the subject and its shadow without the plate."""
        pose, size = self._shot.poses[layer.index], self._shot.size
        shade = np.zeros((size, size), np.float32)
        shadow = self._shadow.seen(self._shot.camera(layer.index), pose.subject_yaw, size, self._edge(layer.index))
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
        return (rgba + 0.5).astype(np.uint8)

    def _edge(self, index: int) -> float:
        if self._plain:
            return 0.0
        edge = self._plate.edge(self._shot.camera(index))
        return float(edge[:, 1].max())

    def _subject(self, layer: Layer) -> tuple[Window, Pixels]:
        """The subject at one pixel a sample, as far out of focus as the lens has it."""
        pixels, window, size = layer.resolved(), layer.window, self._shot.size
        radius = self._plate.subject_blur(self._shot.poses[layer.index]) * size
        if radius < SHARP_BELOW_PX or self._plate.white:
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
