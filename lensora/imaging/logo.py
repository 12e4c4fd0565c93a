"""A brand's logo over a picture."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.core.branding import LogoPlace
from lensora.core.errors import InvalidImage
from lensora.imaging.png_logo import FIELD, check_logo

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class LogoLayer:
    """A logo, made as large as it is shown in frames of one size.

    Attributes:
        color: (h, w, 3) uint8 sRGB, times its alpha.
        clear: (h, w, 1) uint16, 255 less its alpha.
        left: first column in the frame, pixels.
        top: first row in the frame, pixels.
    """

    color: Pixels
    clear: NDArray[np.uint16]
    left: int
    top: int

    @classmethod
    def of(cls, data: bytes, place: LogoPlace, frame: tuple[int, int]) -> LogoLayer:
        """The layer of a PNG file in frames of so many pixels across and down.

        Raises:
            InvalidImage: the file cannot be decoded.
        """
        check_logo(data)
        try:
            picture = Image.open(io.BytesIO(data), formats=["PNG"]).convert("RGBA")
        except (OSError, ValueError, SyntaxError) as error:
            raise InvalidImage(f"logo cannot be decoded: {error}", field=FIELD) from error
        left, top, right, bottom = place.box(picture.size, frame)
        # Colours of clear pixels must not bleed into the edge: they are weighed by their alpha before they are mixed.
        small = np.asarray(picture.convert("RGBa").resize((right - left, bottom - top), Image.Resampling.LANCZOS))
        alpha = small[..., 3:]
        return cls(np.minimum(small[..., :3], alpha), 255 - alpha.astype(np.uint16), left, top)

    def draw(self, frame: Pixels) -> None:
        """Lay it over a frame, (h, w, 3) uint8 sRGB, in place."""
        height, width = self.color.shape[:2]
        area = frame[self.top : self.top + height, self.left : self.left + width]
        area[:] = self.color + ((area * self.clear + 127) // 255).astype(np.uint8)
