"""What a film costs: the public page's price for its film, and more in proportion above it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.jobs import pricing
from gateway.jobs.records import OutputChoices
from lensora.core.errors import InvalidRequest
from lensora.core.words import Aspect

SIZES = st.integers(128, 1080).map(lambda half: 2 * half)
CHOICES = st.builds(OutputChoices, size=SIZES, fps=st.integers(12, 60), seconds=st.floats(1.0, 20.0))


@pytest.mark.parametrize(
    ("output", "transform", "render"),
    [
        (OutputChoices(), 75, 25),
        (OutputChoices(formats=("mp4", "glb", "webm_alpha", "gif", "poster", "usdz")), 75, 25),
        (OutputChoices(size=256, fps=12, seconds=1.0), 75, 25),
        (OutputChoices(fps=48), 100, 50),
        (OutputChoices(size=1536), 150, 100),
        (OutputChoices(size=1536, formats=("mp4", "webm_alpha")), 225, 175),
        (OutputChoices(size=1536, formats=("mp4", "webp")), 225, 175),
        (OutputChoices(size=2160, seconds=20.0), 75 + 964, 25 + 964),
    ],
)
def test_prices(output: OutputChoices, transform: int, render: int) -> None:
    """75 and 25 for everything up to 96 frames of 768 x 768; 25 for each further film's worth."""
    assert pricing.transform_price(output) == transform
    assert pricing.render_price(output) == render


@given(CHOICES)
def test_more_work_never_costs_less(output: OutputChoices) -> None:
    """A price is never under the base, grows with work, and pays for it above the base."""
    price = pricing.transform_price(output)
    assert price >= 75
    assert price - 75 >= pricing.FILM_CREDITS * (pricing.film_units(output) - 1)
    assert pricing.units(output) >= 1.0 and 1.0 <= pricing.patience(output) <= pricing.LONGEST


def test_a_film_has_an_end() -> None:
    """The largest is 20 s of 2160 px at 24 frames a second; the sentence gives both figures."""
    pricing.require_bounded(OutputChoices(size=2160, seconds=20.0))
    with pytest.raises(InvalidRequest, match=r"1200 frames of 2160 x 2160 pixels, 99 times .* at most 40 times"):
        pricing.require_bounded(OutputChoices(size=2160, fps=60, seconds=20.0))
    with pytest.raises(InvalidRequest, match=r"486 frames of 2160 x 2160 pixels, 41 times .* at most 40 times"):
        pricing.require_bounded(OutputChoices(size=2160, fps=27, seconds=18.0))


@pytest.mark.parametrize(("aspect", "size", "price"), [("9:16", 1024, 75), ("16:9", 1920, 138), ("4:5", 768, 75)])
def test_a_film_of_another_shape_costs_its_own_pixels(aspect: str, size: int, price: int) -> None:
    """What lies outside of the frame is not paid for."""
    assert pricing.transform_price(OutputChoices(size=size, aspect=Aspect(aspect))) == price
