"""A brand over finished frames."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lensora.core.branding import LogoPlace
from lensora.core.errors import InvalidImage
from lensora.core.words import Corner
from services.render.branding import UNBRANDED, Branding

FRAME = (64, 64)


def logo() -> bytes:
    """A green square."""
    out = io.BytesIO()
    Image.new("RGBA", (32, 32), (0, 200, 0, 255)).save(out, "PNG")
    return out.getvalue()


def grey() -> np.ndarray:
    """A frame."""
    return np.full((64, 64, 3), 120, np.uint8)


def test_without_a_brand_nothing_is_touched() -> None:
    """Neither the first frame nor the last."""
    layers = UNBRANDED.layers(FRAME, 24, 24)
    for index in (0, 23):
        frame = grey()
        layers.draw(frame, index)
        assert (frame == 120).all()


def test_the_logo_stays_over_the_end_colour() -> None:
    """The last frame is the colour, with the logo on it; the first is the picture, with the logo on it."""
    layers = Branding(logo(), LogoPlace(Corner.TOP_LEFT, 0.25), (10, 20, 30)).layers(FRAME, 24, 24)
    first, last = grey(), grey()
    layers.draw(first, 0)
    layers.draw(last, 23)
    assert first[60, 60].tolist() == [120, 120, 120] and last[60, 60].tolist() == [10, 20, 30]
    assert first[10, 10].tolist() == last[10, 10].tolist() == [0, 200, 0]


def test_a_logo_that_cannot_be_decoded_is_refused() -> None:
    """Before a frame is drawn."""
    with pytest.raises(InvalidImage, match="logo must be a PNG"):
        Branding(b"no png", LogoPlace(Corner.TOP_LEFT)).layers(FRAME, 24, 24)
