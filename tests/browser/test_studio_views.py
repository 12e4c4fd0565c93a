"""More photos of the same thing, in a browser: added, told which side, corrected, taken out, and ordered with."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from gateway.http.testing import Installation
from gateway.http.visitor import Visitor
from gateway.jobs.records import VIEW_CREDITS


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_more_photos_are_added_and_the_film_is_made_with_them(visitor: Visitor) -> None:
    """Each is paid for by itself and seen with its box; side and box reach the order, and a reload keeps them."""
    page = visitor.page
    visitor.open()
    visitor.choose_photo()
    adding = page.get_by_label("Add more photos")
    expect(page.locator("label.button", has_text="Add more photos")).to_contain_text(f"{VIEW_CREDITS} credits each")
    adding.set_input_files([visitor.photo, visitor.photo])
    views = page.locator(".views li")
    expect(views).to_have_count(2)
    page.get_by_label("Side that photo 1 shows").select_option("The back")
    expect(page.get_by_text(f"{2_000 - 5 - 2 * VIEW_CREDITS:,} credits", exact=True)).to_be_visible()
    visitor.picture("more-photos")
    page.get_by_role("button", name="Photo 2: correct").click()
    expect(page.get_by_role("heading", name="Where is it in this photo?")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Bottom right corner").focus()
    page.keyboard.press("ArrowLeft")
    visitor.picture("more-photos-box")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.reload()
    expect(views).to_have_count(2)
    expect(page.get_by_label("Side that photo 1 shows")).to_have_value("back")
    job_id = visitor.order()
    visitor.make(job_id)
    said = page.get_by_text("Also made with your photos: the back.")
    expect(said).to_contain_text("Left out, because they would not agree with the model: a photo of no named side.")
    first, second = visitor.gateway.claims[job_id].job.order.views
    assert (first.side, second.side) == ("back", None)
    assert (round(first.box.x2, 2), round(second.box.x2, 2)) == (0.79, 0.78)


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_another_thing_is_refused_and_may_be_insisted_on(visitor: Visitor, stack: Installation) -> None:
    """The sentence is shown with a way to say where it is; one that is taken out is gone, and five are the most."""
    page = visitor.page
    visitor.open()
    visitor.choose_photo()
    visitor.watch.expected = ("status of 400",)
    adding = page.get_by_label("Add more photos")
    likeness, stack.detect.detector.likeness = stack.detect.detector.likeness, (0.01, 0.0, 0.0)
    adding.set_input_files(visitor.photo)
    expect(page.get_by_role("alert")).to_contain_text("likeness of what is in it is 0.01")
    visitor.picture("more-photos-refused")
    page.get_by_role("button", name="It is the same thing: show where").click()
    expect(page.get_by_role("heading", name="Where is it in this photo?")).to_be_visible()
    stack.detect.detector.likeness = likeness
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Take photo 1 out").click()
    expect(page.locator(".views li")).to_have_count(0)
    adding.set_input_files([visitor.photo] * 6)
    expect(page.locator(".views li")).to_have_count(5)
    expect(page.get_by_text("Five is the most.")).to_be_visible()
    expect(adding).to_be_disabled()
