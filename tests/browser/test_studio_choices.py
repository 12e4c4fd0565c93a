"""What a film is and how it looks, chosen in a browser: shape, length, files with their prices, background, brand."""

from __future__ import annotations

import io
from collections.abc import Callable

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from gateway.http.visitor import Visitor
from gateway.jobs.scripts import Scripts
from lensora.core.size import Extent, RealSize
from lensora.core.words import Aspect, BackgroundType, CameraMove, Corner


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_film_for_a_story_is_ordered_with_one_tap(visitor: Visitor) -> None:
    """The preset sets shape, size, move and files; the price is the order's own, and what was changed after counts."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_role("button", name="Story").click()
    expect(page.get_by_role("radio", name="Story")).to_be_checked()
    expect(page.get_by_role("radio", name="Cinematic")).to_be_checked()
    page.get_by_text("Size, length and files").click()
    page.get_by_label("Length").select_option("8")
    page.get_by_label("Animated picture").check()
    expect(page.get_by_text("125 credits")).to_be_visible()
    visitor.picture("output")
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    job = visitor.gateway.claims[job_id].job
    assert (job.order.output.aspect, job.order.output.frame) == (Aspect.STORY, (576, 1024))
    assert (job.order.camera, job.order.output.seconds, job.price) == (CameraMove.CINEMATIC, 8.0, 125)
    assert job.order.output.formats == ("mp4", "glb", "poster", "gif")


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_model_for_a_room_has_the_thing_s_true_size(visitor: Visitor) -> None:
    """The size is asked for where it matters, is kept over a reload, may not be absurd, and may be left open."""
    page = visitor.page
    visitor.open_photo()
    expect(page.get_by_label("How tall is it?")).to_have_count(0)
    page.get_by_role("button", name="AR", exact=True).click()
    page.get_by_label("How tall is it?").fill("0")
    page.get_by_role("button", name="Create the film").click()
    assert not page.get_by_label("How tall is it?").evaluate("field => field.validity.valid")
    page.get_by_label("How tall is it?").fill("9.5")
    page.reload()
    expect(page.get_by_label("How tall is it?")).to_have_value("9.5")
    expect(page.get_by_text("75 credits")).to_be_visible()
    page.get_by_label("How tall is it?").scroll_into_view_if_needed()
    visitor.picture("true-size")
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert (order.real_size, "usdz" in order.output.formats) == (RealSize(Extent.HEIGHT, 0.095), True)
    page.go_back()
    page.get_by_label("How tall is it?").fill("")
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    assert visitor.gateway.claims[job_id].job.order.real_size is None


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_film_is_made_again_in_another_shape(visitor: Visitor) -> None:
    """From its model, with the still made anew; what was chosen before is what is offered."""
    page = visitor.page
    job_id = visitor.submit(visitor.session(), output={"aspect": "4:5", "seconds": 2})
    visitor.make(job_id)
    visitor.open(f"/studio/jobs/{job_id}")
    page.get_by_text("Film it again, or change the scene").click()
    expect(page.get_by_role("radio", name="Portrait")).to_be_checked()
    page.get_by_role("radio", name="Wide").check()
    page.get_by_role("button", name="Film it again").click()
    page.wait_for_url(lambda url: "/studio/jobs/" in url and job_id not in url)
    again = page.url.rsplit("/", 1)[-1]
    visitor.gateway.take(again)
    job = visitor.gateway.claims[again].job
    assert (job.order.output.aspect, job.order.output.seconds, job.price) == (Aspect.WIDE, 2.0, 25)
    assert [stage.step for stage in job.stages if stage.status == "reused"] == [
        "cropping", "removing-bg", "generating-3d",
    ]  # fmt: skip


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_picture_of_one_s_own_is_the_background(visitor: Visitor) -> None:
    """Uploaded, seen, ordered with; a file that is no picture is said there; a scene of ours is one tap away, and so is
    none at all, which brings the file that can show it."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_role("button", name="on a sandy beach at sunset").click()
    expect(page.get_by_label("Describe the scene")).to_have_value("on a sandy beach at sunset")
    visitor.picture("scenes")
    page.get_by_role("radio", name="Your picture").check()
    expect(page.get_by_role("button", name="Create the film")).to_be_disabled()
    expect(page.get_by_text("Upload a picture for the background")).to_be_visible()
    wrong = {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    page.locator(".own-picture input[type=file]").set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("plan.pdf is not a photo")
    page.locator(".own-picture input[type=file]").set_input_files(visitor.photo)
    expect(page.get_by_alt_text("Your background")).to_be_visible()
    visitor.picture("own-picture")
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    background = visitor.gateway.claims[job_id].job.order.background
    assert background.picture is not None and background.backplate_id in background.picture.uri
    page.go_back()
    page.get_by_role("radio", name="Transparent").check()
    expect(page.get_by_text("MP4 cannot be transparent")).to_be_visible()
    visitor.picture("transparent")
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    order = visitor.gateway.claims[job_id].job.order
    assert (order.background.type, "webm_alpha" in order.output.formats) == ("remove", True)


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
    page.get_by_label("Background colour", exact=True).fill("#12345")
    expect(page.get_by_role("button", name="Save the brand")).to_be_disabled()
    page.get_by_label("Background colour", exact=True).fill("#123456")
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
    visitor.open_photo()
    page.get_by_role("radio", name="Colour").check()
    page.get_by_label("Background colour, by eye").fill("#1f5c57")
    expect(page.get_by_label("Background colour", exact=True)).to_have_value("#1f5c57")
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


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_what_was_wrong_with_an_order_is_not_said_of_another(visitor: Visitor) -> None:
    """The sentence beside the button goes with the choice that it was about."""
    page = visitor.page
    visitor.open_photo()
    visitor.watch.expected = ("status of 400",)
    page.get_by_role("radio", name="Your picture").check()
    page.get_by_label("or its address").fill("ftp://shop.example/wall.jpg")
    page.get_by_role("button", name="Create the film").click()
    expect(page.get_by_role("alert")).to_contain_text("must start with http:// or https://")
    page.get_by_role("radio", name="White").check()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_brand_s_form_comes_to_the_person(visitor: Visitor) -> None:
    """Also from the end of a long list; when it is closed, the keyboard is at the button that opened it."""
    page = visitor.page
    visitor.save_brands(*(f"brand-{number}" for number in range(9)))
    visitor.open("/studio/brands")
    change = page.get_by_role("button", name="Change brand-8")
    change.click()
    form = page.get_by_role("region", name="The brand brand-8")
    expect(form).to_be_focused()
    expect(form.get_by_label("Name")).to_be_in_viewport()
    form.get_by_role("button", name="Not now").click()
    expect(change).to_be_focused()
    page.get_by_role("button", name="Delete brand-8").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("button", name="Delete brand-8")).to_be_focused()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_brand_s_name_that_is_none_or_taken_is_said(visitor: Visitor) -> None:
    """One without a letter of the alphabet cannot be saved, and one that is there is replaced: both are said before."""
    page = visitor.page
    visitor.save_brands("spring")
    visitor.open("/studio/brands")
    expect(page.get_by_role("heading", name="spring")).to_be_visible()
    page.get_by_role("button", name="Make a brand").click()
    page.get_by_label("Name").fill("\u65e5\u672c")
    expect(page.get_by_text("made of the letters a to z and digits")).to_be_visible()
    expect(page.get_by_role("button", name="Save the brand")).to_be_disabled()
    page.get_by_label("Name").fill("Spring")
    expect(page.get_by_text("There is a brand “spring”: this one takes its place.")).to_be_visible()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_the_shapes_fit_a_small_phone(visitor: Visitor) -> None:
    """Each lies within the card that holds it, in one line where there is room for all."""
    page = visitor.page
    visitor.open_photo()
    ends = """() => [...document.querySelectorAll('.swatches label')].map(label => {
      const { right, top } = label.getBoundingClientRect();
      return [Math.ceil(right - label.closest('fieldset').getBoundingClientRect().right), top];
    })"""
    for width, lines in ((320, 2), (390, 1), (1400, 1)):
        page.set_viewport_size({"width": width, "height": 844})
        over, tops = zip(*page.evaluate(ends), strict=True)
        assert max(over) <= 0, width
        assert len(set(tops)) == lines


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_background_chosen_while_a_picture_is_on_its_way_stays(visitor: Visitor) -> None:
    """The picture is there for whoever goes back to it; it does not take the place of what was chosen meanwhile."""
    page = visitor.page
    visitor.open_photo()
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("**/v1/studio/backplates", hold)
    page.get_by_role("radio", name="Your picture").check()
    with page.expect_request("**/v1/studio/backplates"):
        page.get_by_label("Upload a picture").set_input_files(visitor.photo)
    page.get_by_role("radio", name="White").check()
    with page.expect_response("**/v1/studio/backplates"):
        waiting[0].continue_()
    page.wait_for_function("() => localStorage.getItem('lensora-drafts').includes('/backplates/')")
    expect(page.get_by_role("radio", name="White")).to_be_checked()
    page.get_by_role("radio", name="Your picture").check()
    expect(page.get_by_alt_text("Your background")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_enter_in_a_field_orders_nothing(visitor: Visitor) -> None:
    """A colour, or a height, that is ended by Enter is not the press of a button that costs credits."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_role("button", name="AR", exact=True).click()
    page.get_by_role("radio", name="Colour").check()
    expect(page.get_by_text("75 credits")).to_be_visible()
    with page.expect_request("**/v1/studio/quote"):
        page.get_by_label("Background colour", exact=True).fill("#203040")
        page.keyboard.press("Enter")
        page.get_by_label("How tall is it?").fill("12")
        page.keyboard.press("Enter")
    page.get_by_role("radio", name="Dolly").focus()
    page.keyboard.press("Enter")
    visitor.open("/studio")
    expect(page.get_by_text("There is no film yet.")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_refusal_names_no_call_of_the_api(visitor: Visitor) -> None:
    """What a program is told to call is said to a person in the studio's own words."""
    page = visitor.page
    visitor.watch.expected = ("status of 40",)
    told = page.get_by_role("alert").get_by_role("paragraph")
    visitor.save_brands("spring")
    session_id = visitor.open_photo()
    page.get_by_label("Brand", exact=True).select_option("spring")
    path = f"{visitor.gateway.base_url}/v1/studio/brands/spring"
    httpx.delete(path, headers={"Authorization": f"Bearer {visitor.key}"}).raise_for_status()
    page.get_by_role("button", name="Create the film").click()
    expect(told).to_have_text("The brand “spring” has been deleted: choose another one, or none.")
    page.get_by_label("Brand", exact=True).select_option("")
    expect(told).to_have_count(0)
    scripts = visitor.gateway.store.scripts
    visitor.gateway.run(forget(scripts, f"session:{session_id}"))
    page.get_by_role("button", name="Create the film").click()
    expect(told).to_have_text("This photo is no longer kept: choose it again.")
    visitor.key = visitor.gateway.api_key(3)
    visitor.open()
    page.reload()
    page.get_by_label("Choose a photo").set_input_files(visitor.photo)
    expect(told).to_have_text("The balance is 3 credits; this needs 5.")


async def forget(scripts: Scripts, name: str) -> None:
    """The store as it is once the time of what it kept is over."""
    await scripts.client.delete(scripts.key(name))
