"""Brands, colours, and the price beside each file, in a browser."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor
from lensora.core.words import Aspect, BackgroundType, Corner


def logo() -> bytes:
    """A PNG."""
    out = io.BytesIO()
    Image.new("RGBA", (120, 40), (200, 40, 30, 255)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_brand_is_made_given_to_a_film_and_deleted(
    visitor: Visitor, accessible_by_day_and_night: Callable[[Page], None]
) -> None:
    """Without a mouse's help from outside: name, colour, logo, end colour; the film's order then has all of it."""
    page = visitor.page
    visitor.open("/studio/brands")
    page.get_by_role("button", name="Make a brand").click()
    page.get_by_label("Name").fill("My Shop")
    expect(page.get_by_text("saved as “my-shop”")).to_be_visible()
    page.get_by_role("radio", name="Colour").check()
    page.get_by_label("Colour of the plate", exact=True).fill("#12345")
    expect(page.get_by_role("button", name="Save the brand")).to_be_disabled()
    page.get_by_label("Colour of the plate", exact=True).fill("#123456")
    page.get_by_label("Shape").select_option("4:5")
    wrong = {"name": "logo.jpg", "mimeType": "image/jpeg", "buffer": b"x"}
    page.get_by_label("Logo, a PNG").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("logo.jpg is not a PNG")
    page.get_by_label("Logo, a PNG").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": logo()})
    page.get_by_label("Corner").select_option("top_left")
    page.get_by_label("The film ends in a colour").check()
    visitor.picture("brand")
    accessible_by_day_and_night(page)
    page.get_by_role("button", name="Save the brand").click()
    expect(page.get_by_role("heading", name="my-shop")).to_be_visible()
    accessible_by_day_and_night(page)
    visitor.open("/", key=False)
    session_id = visitor.choose_photo()
    page.get_by_label("Brand", exact=True).select_option("my-shop")
    expect(page.get_by_role("radio", name="Portrait")).to_be_checked()
    expect(page.get_by_text("75 credits")).to_be_visible()
    accessible_by_day_and_night(page)
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert (order.background.color, order.output.aspect, order.branding.end_color) == (
        "#123456",
        Aspect.PORTRAIT,
        "#1f5c57",
    )
    assert order.branding.logo is not None and order.branding.logo.place.corner is Corner.TOP_LEFT
    visitor.open("/studio/brands", key=False)
    page.get_by_role("button", name="Delete my-shop").click()
    page.get_by_role("button", name="Delete my-shop").click()
    expect(page.get_by_text("There is none yet.")).to_be_visible()
    visitor.open(f"/studio/sessions/{session_id}", key=False)
    expect(page.get_by_text("has been deleted")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_colour_is_picked_and_each_file_says_price_and_size(
    visitor: Visitor, accessible_by_day_and_night: Callable[[Page], None]
) -> None:
    """The plate has the colour; a longer film costs more for each further file, and all are larger."""
    page = visitor.page
    visitor.open()
    visitor.choose_photo()
    page.get_by_role("radio", name="Colour").check()
    page.get_by_label("Colour of the plate, by eye").fill("#1f5c57")
    expect(page.get_by_label("Colour of the plate", exact=True)).to_have_value("#1f5c57")
    page.get_by_text("Size, length and files").click()
    row = page.locator("label.check", has_text="Moving picture")
    expect(row).to_contain_text("included, about")
    page.get_by_label("Length").select_option("8")
    expect(row).to_contain_text("+25 credits, about")
    row.get_by_role("checkbox").check()
    expect(page.get_by_text("125 credits")).to_be_visible()
    visitor.picture("prices")
    accessible_by_day_and_night(page)
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert (order.background.type, order.background.color) == (BackgroundType.COLOR, "#1f5c57")
    assert "webp" in order.output.formats
