"""One photo of one subject, as every kind of shape looks at it: matte, colours, working grids and shared measurements.

A view never changes. Whatever is measured on it is measured once: a measurement is a plain function of the view, and
``View.measured`` keeps what it returned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from services.mesh.camera import PhotoCamera
from services.mesh.cutout import Cutout
from services.mesh.memory import Memory
from services.mesh.network import ShapePrediction

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
T = TypeVar("T")

FIT_SIDE_PX = 176
"""Longer side of the grid on which axes, pitches and profiles are fitted: a pixel is under 1% of the subject."""

FRAME_PX = 2
"""Empty pixels around the subject on every grid, so that its outline closes inside the picture."""


@dataclass(frozen=True)
class Grid:
    """The subject at one working resolution.

    Attributes:
        alpha: (h, w) float32 matte in 0..1, zero on a frame of ``FRAME_PX``; wires thinner than a pixel reach 0.5.
        camera: frontal, in pixels of ``alpha``.
        factor: pixels of the grid for one pixel of the cutout.
    """

    alpha: Floats
    camera: PhotoCamera
    factor: float

    @property
    def inside(self) -> NDArray[np.bool_]:
        """(h, w) bool, True inside the silhouette."""
        return np.asarray(self.alpha >= 0.5)

    def photo(self, cutout: Cutout) -> Bytes:
        """(h, w, 3) uint8 sRGB: the cutout's safe colours on this grid."""
        height, width = self.alpha.shape
        size = (width - 2 * FRAME_PX, height - 2 * FRAME_PX)
        small = cv2.resize(cutout.photo, size, interpolation=cv2.INTER_AREA)
        edge = FRAME_PX
        return np.asarray(cv2.copyMakeBorder(small, edge, edge, edge, edge, cv2.BORDER_REPLICATE), np.uint8)


class View:
    """What the kinds of shape and their judge are handed; safe to use from several threads.

    Attributes:
        cutout: the subject at full resolution.
    """

    def __init__(
        self,
        cutout: Cutout,
        prediction: ShapePrediction | None = None,
        awaited: Callable[[], ShapePrediction] | None = None,
    ) -> None:
        """
        Args:
            cutout: the subject.
            prediction: what the shape network says of it; None where the network is off.
            awaited: waits for that, where the network is still at work.
        """
        self.cutout = cutout
        self._prediction: Callable[[], ShapePrediction | None] = awaited or (lambda: prediction)
        self._kept: Memory[object, Any] = Memory()

    @property
    def prediction(self) -> ShapePrediction | None:
        """What the shape network says of the cutout; None where the network is off. Waits for it, and raises what it
        raised."""
        return self._prediction()

    def measured(self, measure: Callable[[View], T]) -> T:
        """What ``measure`` says of this view: asked the first time, kept after. What it raises is not kept: it may be
        the end of one caller's call."""
        return self._once(measure, lambda: measure(self))

    def grid(self, side_px: int) -> Grid:
        """The subject with its longer side ``side_px`` pixels long."""
        return self._once(side_px, lambda: self._scaled(side_px))

    def camera(self, fitted: PhotoCamera) -> PhotoCamera:
        """A camera that was fitted on a grid of this view, in the pixels of the cutout."""
        own = self.cutout.camera
        return PhotoCamera(fitted.to_view, own.center, own.pixels, fitted.distance)

    def on_grid(self, camera: PhotoCamera, grid: Grid) -> PhotoCamera:
        """A camera in the pixels of the cutout, in those of a grid."""
        return camera.scaled(grid.factor, (float(FRAME_PX), float(FRAME_PX)))

    def _scaled(self, side_px: int) -> Grid:
        alpha, factor = self.cutout.working_alpha(side_px)
        edge = float(FRAME_PX)
        return Grid(alpha, self.cutout.camera.scaled(factor, (edge, edge)), factor)

    def _once(self, key: object, make: Callable[[], T]) -> T:
        def made() -> T:
            glance()
            return make()

        return cast("T", self._kept.get(key, made, glance))
