"""A shot: everything that a renderer of the subject needs to know, the same for every backend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import Camera, Pose, Rig
from lensora.core.staging import SQUARE, FrameShape
from services.render.framing import frame_bounds
from services.render.light import Illumination
from services.render.model import Model

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

    def union(self, other: Window) -> Window:
        """The smallest window around both; an empty one adds nothing."""
        if other.width <= 0 or other.height <= 0:
            return self
        if self.width <= 0 or self.height <= 0:
            return other
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Window(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True)
class Shot:
    """What is drawn.

    Attributes:
        model: the subject.
        illumination: its light.
        rig: the camera's.
        poses: one per frame.
        size: width and height of a frame, pixels.
        mirrored: the ground shows the subject upside down, so layers hold that too.
        shape: what the film shows of a frame.
    """

    model: Model
    illumination: Illumination
    rig: Rig
    poses: tuple[Pose, ...]
    size: int
    mirrored: bool = False
    shape: FrameShape = SQUARE

    @property
    def seen(self) -> Window:
        """The part of a frame that the film shows."""
        return Window(*self.shape.box(self.size))

    @cached_property
    def _cameras(self) -> tuple[Camera, ...]:
        """One per frame: drawing and composing ask for each a dozen times."""
        return tuple(self.rig.camera(pose) for pose in self.poses)

    @cached_property
    def _reach(self) -> float:
        """A little more than the subject's radius about its middle, its unit."""
        centre = np.array([[0.0, self.model.height / 2.0, 0.0]])
        return float(np.linalg.norm(self.model.support - centre, axis=1).max()) * 1.05

    @cached_property
    def _across(self) -> float:
        """The subject's radius about its upright axis, its unit."""
        return float(np.hypot(self.model.support[:, 0], self.model.support[:, 2]).max())

    def camera(self, index: int) -> Camera:
        """The camera of a frame."""
        return self._cameras[index]

    def window(self, index: int) -> Window:
        """The part of a frame that holds the subject, padded, within the frame, at least two pixels a side."""
        bounds = frame_bounds(self.camera(index), self.model.support, self.poses[index].subject_yaw)
        pad = WINDOW_PADDING_PX + 0.012 * self.size  # the support points hold the outline to about 1%
        left, top = (max(0, min(self.size - 2, math.floor(edge * self.size - pad))) for edge in bounds[:2])
        right, bottom = (math.ceil(edge * self.size + pad) for edge in bounds[2:])
        return Window(left, top, min(self.size, max(left + 2, right)), min(self.size, max(top + 2, bottom)))

    def mirror_window(self, index: int) -> Window:
        """The part of a frame that holds the subject mirrored in the ground, of even sides; empty out of sight."""
        below = self.model.support * np.array([1.0, -1.0, 1.0])
        bounds = frame_bounds(self.camera(index), below, self.poses[index].subject_yaw)
        left, top = (max(0, 2 * math.floor(edge * self.size / 2) - WINDOW_PADDING_PX) for edge in bounds[:2])
        right, bottom = (min(self.size, 2 * math.ceil(edge * self.size / 2) + WINDOW_PADDING_PX) for edge in bounds[2:])
        return Window(left, top, max(left, right), max(top, bottom))

    def mirror_reach(self, index: int, window: Window) -> float:
        """Height of the subject, its unit, up to which its mirror image can be within a window; not below 0.

        What is higher lies deeper in the mirror, nearer to the frame's lower edge. The far side of the subject's foot
        is the last to leave the frame.
        """
        camera, edge = self.camera(index), window.bottom / self.size
        across, heading = self._across, camera.azimuth
        far = np.array([-across * math.sin(heading), 0.0, -across * math.cos(heading), 1.0])
        picture = camera.picture()
        off = picture[1] - edge * picture[2]  # 0 for what is seen on the edge, over 0 beyond it
        at_foot, deeper = float(off @ far), -float(off[1])
        return math.inf if deeper <= 0.0 else max(0.0, -at_foot / deeper)

    def depth_range(self, index: int) -> tuple[float, float]:
        """Near and far clip distances, metres, just around the subject."""
        camera = self.camera(index)
        centre = np.array([[0.0, self.model.height / 2.0, 0.0]])
        depth = float(camera.project(centre)[1][0])
        return max(0.02, depth - self._reach), depth + self._reach


@dataclass(frozen=True)
class Layer:
    """The subject as drawn for one frame, without ground or backplate.

    Attributes:
        index: of the frame.
        window: where in the frame it lies.
        pixels: (window.height, window.width, 4) uint8 sRGB, premultiplied by alpha, row 0 on top.
        mirror: the subject mirrored in the ground: where in the frame, and (height / 2, width / 2, 4) uint8 as
            ``pixels``; None where it was not asked for or is out of sight.
    """

    index: int
    window: Window
    pixels: NDArray[np.uint8]
    mirror: tuple[Window, NDArray[np.uint8]] | None = None


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
