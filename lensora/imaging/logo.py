"""A brand's logo over a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from lensora.core.artifacts import MediaType
from lensora.core.branding import LogoPlace
from lensora.core.errors import InvalidImage
from lensora.imaging.header import Header
from lensora.imaging.photo import decode_known
from lensora.imaging.png import read_png
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
        picture = _opened(data)
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


def _opened(data: bytes) -> Image.Image:
    """A logo's file as RGBA, sRGB: decoded as photos are, whatever depth, colours and metadata it has."""
    check_logo(data)
    layout = read_png(data)
    try:
        photo = decode_known(data, Header(MediaType.PNG, layout.width, layout.height, layout))
    except InvalidImage as error:
        raise InvalidImage(f"logo {error.message.removeprefix('image ')}", field=FIELD) from error
    alpha = np.full(photo.rgb.shape[:2], 255, np.uint8) if photo.alpha is None else photo.alpha
    return Image.fromarray(np.dstack([photo.rgb, alpha]))
