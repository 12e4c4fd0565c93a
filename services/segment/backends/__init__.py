"""The methods that the segment stage can use, in one explicit registry each for cutouts and for backplates.

A backend that makes pictures or mattes does only that: cropping, isolating the subject, colours at the edges, light and
encoding are the stage's own and shared by all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lensora.core.artifacts import ModelUse
from lensora.rpc.call import UNWATCHED, Call
from services.segment.matte import PixelBox


class CutoutBackend(Protocol):
    """Finds what stands out in a picture. Safe to call from several threads."""

    def salience(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> NDArray[np.float32]:
        """How surely each pixel belongs to something that stands out.

        Args:
            rgb: (h, w, 3) uint8 sRGB, any size.
            timeout_s: seconds after which to give up; None means no limit.

        Returns:
            (h, w) float32, 0..1.

        Raises:
            InferenceFailed: the net's runtime failed.
            DeadlineExceeded: the time is over.
        """
        ...

    def describe(self) -> ModelUse:
        """The row in a job's bill of models."""
        ...


@dataclass(frozen=True)
class PromptedMask:
    """What a net takes for the thing in a box.

    Attributes:
        inside: (h, w) float32, 0..1: how surely each pixel belongs to it; its outline is coarse.
        confidence: how well the net expects its own mask to fit, 1 is perfectly (it may say a little more).
    """

    inside: NDArray[np.float32]
    confidence: float


class PromptedView(Protocol):
    """A picture that a prompted net has looked at once and can be asked about several times."""

    def mask(
        self,
        box: PixelBox,
        on: Sequence[tuple[float, float]] = (),
        off: Sequence[tuple[float, float]] = (),
        rounds: int = 1,
        timeout_s: float | None = None,
    ) -> PromptedMask:
        """The thing that the box is drawn around.

        Args:
            box: in the picture's pixels.
            on: points (x, y) in its pixels on the thing.
            off: points on what is not meant.
            rounds: how often the net is asked, from the second time on with its own last mask to correct.
            timeout_s: seconds after which to give up; None means no limit.

        Raises:
            InferenceFailed: the net's runtime failed.
            DeadlineExceeded: the time is over.
        """
        ...


class PromptedBackend(Protocol):
    """Tells which pixels a box means. Safe to call from several threads."""

    def view(self, rgb: NDArray[np.uint8], timeout_s: float | None = None) -> PromptedView:
        """Look at a picture.

        Args:
            rgb: (h, w, 3) uint8 sRGB, any size.
            timeout_s: seconds after which to give up; None means no limit.

        Raises:
            InferenceFailed: the net's runtime failed.
            DeadlineExceeded: the time is over.
        """
        ...

    def describe(self) -> tuple[ModelUse, ...]:
        """The rows in a job's bill of models."""
        ...


@dataclass(frozen=True)
class KnownKey:
    """The key light of a picture whose maker knows it, because it lit the set itself.

    Attributes:
        direction: (3,) float32 unit vector from the subject towards the light, glTF axes.
        color: (3,) float32 linear, irradiance on a surface that faces it.
    """

    direction: NDArray[np.float32]
    color: NDArray[np.float32]


@dataclass(frozen=True)
class Painted:
    """A scene without a subject.

    Attributes:
        rgb: (height, width, 3) uint8 sRGB.
        horizon: where the surface ends, fraction of the height from the top; None when the maker does not know.
        pitch: radians that its camera looks down; None when the maker does not know.
        key: the key light, None when the maker does not know.
        mirror: share of light that the surface mirrors head on; 0 when the maker does not know.
        roughness: of what it mirrors, 0..1.
    """

    rgb: NDArray[np.uint8]
    horizon: float | None
    pitch: float | None
    key: KnownKey | None
    mirror: float = 0.0
    roughness: float = 1.0


class BackplateBackend(Protocol):
    """Makes a picture of a scene from words. Safe to call from several threads."""

    def paint(
        self,
        prompt: str,
        width: int,
        height: int,
        seed: int,
        pitch: float,
        call: Call = UNWATCHED,
    ) -> Painted:
        """The scene that the words describe; the same arguments give the same picture.

        Args:
            prompt: 1 to 1,000 characters.
            width: pixels.
            height: pixels.
            seed: of what is left to chance.
            pitch: radians that the camera should look down on the place of the subject.
            call: told of each phase, and asked how long it may take.
        """
        ...

    def describe(self) -> ModelUse:
        """The row in a job's bill of models."""
        ...
