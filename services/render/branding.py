"""What a brand adds to finished frames: its logo in a corner, and a colour that the film ends in."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.branding import LogoPlace, end_share
from lensora.core.colours import Colour
from lensora.imaging.logo import LogoLayer

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Branding:
    """What is added, as it was ordered.

    Attributes:
        logo: a PNG file; empty for none.
        place: of the logo.
        end_color: that the film ends in, sRGB; None for a film that just ends.
    """

    logo: bytes = b""
    place: LogoPlace | None = None
    end_color: Colour | None = None

    def layers(self, frame: tuple[int, int], frames: int, fps: int) -> BrandLayers:
        """What is drawn over the frames of one film. Raises InvalidImage for a logo that cannot be decoded."""
        logo = None if self.place is None else LogoLayer.of(self.logo, self.place, frame)
        return BrandLayers(logo, self.end_color, frames, fps)


UNBRANDED = Branding()


@dataclass(frozen=True)
class BrandLayers:
    """A brand over the frames of one film."""

    logo: LogoLayer | None
    end_color: Colour | None
    frames: int
    fps: int

    def draw(self, frame: Pixels, index: int) -> None:
        """Add it to the frame of that index, (h, w, 3) uint8 sRGB, in place; the logo lies over the end colour."""
        share = 0.0 if self.end_color is None else end_share(index, self.frames, self.fps)
        if share > 0.0:
            plain = np.full_like(frame, self.end_color)
            cv2.addWeighted(frame, 1.0 - share, plain, share, 0.0, dst=frame)
        if self.logo is not None:
            self.logo.draw(frame)
