"""A shot: everything that a renderer of the subject needs to know, the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Camera, Pose, Rig
from lensora.core.frames import srgb_from_linear
from services.render.framing import frame_bounds
from services.render.light import Illumination
from services.render.model import Model

SRGB_FROM_ROOT = (srgb_from_linear((np.arange(256) / 255.0) ** 2) * 255.0 + 0.5).astype(np.uint8)
"""(256,) sRGB bytes from square roots of linear light. The two are within 10/255 of each other, so pixels that are
partly covered, whose colours are premultiplied, may go through it as well (an error of at most 2/255 on edges)."""

_LAYER_TABLE = np.dstack([SRGB_FROM_ROOT] * 3 + [np.arange(256, dtype=np.uint8)])

WINDOW_PADDING_PX = 4
"""Pixels of air around the subject's window: the resolve filter and rounding reach this far at most."""


@dataclass(frozen=True)
class Window:
    """A part of the frame, whole pixels; right and bottom exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Pixels."""
        return self.bottom - self.top


@dataclass(frozen=True)
class Shot:
    """What is drawn.

    Attributes:
        model: the subject.
        illumination: its light.
        rig: the camera's.
        poses: one per frame.
        size: width and height of a frame, pixels.
    """

    model: Model
    illumination: Illumination
    rig: Rig
    poses: tuple[Pose, ...]
    size: int

    def camera(self, index: int) -> Camera:
        """The camera of a frame."""
        return self.rig.camera(self.poses[index])

    def window(self, index: int) -> Window:
        """The part of a frame that holds the subject, padded, within the frame, at least two pixels a side."""
        bounds = frame_bounds(self.camera(index), self.model.support, self.poses[index].subject_yaw)
        pad = WINDOW_PADDING_PX + 0.012 * self.size  # the support points hold the outline to about 1%
        left, top = (max(0, min(self.size - 2, math.floor(edge * self.size - pad))) for edge in bounds[:2])
        right, bottom = (math.ceil(edge * self.size + pad) for edge in bounds[2:])
        return Window(left, top, min(self.size, max(left + 2, right)), min(self.size, max(top + 2, bottom)))

    def depth_range(self, index: int) -> tuple[float, float]:
        """Near and far clip distances, metres, just around the subject."""
        camera = self.camera(index)
        centre = np.array([[0.0, self.model.height / 2.0, 0.0]])
        depth = float(camera.project(centre)[1][0])
        reach = float(np.linalg.norm(self.model.support - centre, axis=1).max()) * 1.05
        return max(0.02, depth - reach), depth + reach


@dataclass(frozen=True)
class Layer:
    """The subject as drawn for one frame, without ground or backplate.

    Attributes:
        index: of the frame.
        window: where in the frame it lies.
        pixels: (window.height * factor, window.width * factor, 4) uint8, premultiplied by alpha, row 0 on top.
        factor: samples per pixel along each side.
        root: True when colours are square roots of linear light, which a shader can write cheaply; False for sRGB.
    """

    index: int
    window: Window
    pixels: NDArray[np.uint8]
    factor: int
    root: bool

    def resolved(self) -> NDArray[np.uint8]:
        """(window.height, window.width, 4) uint8 sRGB, premultiplied: one pixel each.

        The filter is a tent two pixels wide, not a box: nearly upright edges, of which a turntable shows many, get
        twice the steps between inside and outside, so they do not crawl.
        """
        pixels = self.pixels
        if self.factor > 1:
            tent = cv2.GaussianBlur(pixels, (3, 3), 0, borderType=cv2.BORDER_REPLICATE)  # weights 1 2 1
            size = (self.window.width, self.window.height)
            pixels = np.asarray(cv2.resize(tent, size, interpolation=cv2.INTER_AREA), np.uint8)
        return np.asarray(cv2.LUT(pixels, _LAYER_TABLE), np.uint8) if self.root else pixels


class SubjectRenderer(Protocol):
    """Draws the subject of a shot. Every method is called from one thread, the one that made the renderer.

    Errors:
        RenderFailed: from any method; the renderer is then closed and not used again.
    """

    @property
    def device(self) -> str:
        """The name of what draws, as OpenGL gives it."""
        ...

    def layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        """The layers of the frames ``start`` to the last, in order."""
        ...

    def close(self) -> None:
        """Give the device's memory back."""
        ...
