"""A film from its photo to its end, in a browser: every address works at every moment; it can be shown to others."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from gateway.http.visitor import Visitor
from gateway.jobs.records import JobError
from gateway.jobs.scripts import Scripts
from lensora.core.errors import InvalidBackground
from lensora.core.steps import STAGES, Step


def test_a_photo_becomes_a_film(visitor: Visitor) -> None:
    """From the first screen to the film that plays, with its model, still and cutout."""
    page = visitor.page
    visitor.open()
    expect(page.get_by_role("heading", name="One photo in, a product film out")).to_be_visible()
    visitor.picture("start")
    session_id = visitor.choose_photo()
    expect(page.get_by_text("75 credits")).to_be_visible()
    visitor.picture("photo")
    job_id = visitor.order()
    expect(page.get_by_role("heading", name="Your film is being made")).to_be_visible()
    visitor.make(job_id, *STAGES[:4])
    expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "55")
    expect(page.get_by_alt_text("The new scene")).to_be_visible()
    visitor.picture("making")
    visitor.make(job_id, *STAGES[4:])
    expect(page.get_by_role("heading", name="Vintage twin-lens reflex camera is ready")).to_be_visible()
    film = page.locator("video")
    film.evaluate("film => { film.muted = true; return film.play(); }")
    assert film.evaluate("film => film.videoWidth") == 128
    visitor.picture("film")
    for name in ("Still", "Cutout"):
        page.get_by_role("tab", name=name).click()
        expect(page.get_by_role("tabpanel").get_by_role("img")).to_be_visible()
    page.goto(f"{visitor.gateway.base_url}/studio/sessions/{session_id}")
    expect(page.get_by_role("heading", name="Make a film of it")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_model_can_be_turned(visitor: Visitor) -> None:
    """The 3D view comes from this server and may run by the page's own policy."""
    page = visitor.page
    job_id = visitor.submit(visitor.session())
    visitor.make(job_id)
    # A small window: without a graphics card the processor draws the model.
    page.set_viewport_size({"width": 300, "height": 400})
    visitor.open(f"/studio/jobs/{job_id}")
    page.get_by_role("tab", name="3D model").click()
    expect(page.locator("model-viewer")).to_have_js_property("loaded", True)


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_reload_back_and_a_second_tab_work_in_mid_job(visitor: Visitor) -> None:
    """What was chosen and what runs is there again; Back leads to the photo, Forward to the film."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_label("Describe the scene").fill("on a beach at sunset")
    page.get_by_role("radio", name="Dolly").check()
    page.reload()
    expect(page.get_by_label("Describe the scene")).to_have_value("on a beach at sunset")
    expect(page.get_by_role("radio", name="Dolly")).to_be_checked()
    job_id = visitor.order()
    visitor.make(job_id, *STAGES[:2])
    page.reload()
    expect(page.get_by_alt_text("The subject without its background")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Make a film of it")).to_be_visible()
    page.go_forward()
    expect(page.get_by_role("progressbar")).to_be_visible()
    second = page.context.new_page()
    visitor.watch.on(second)
    second.goto(f"{visitor.gateway.base_url}/studio/jobs/{job_id}")
    expect(second.get_by_role("progressbar")).to_be_visible()
    visitor.make(job_id, *STAGES[2:])
    for each in (page, second):
        expect(each.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()
    second.close()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_preview_that_did_not_come_is_asked_for_again(visitor: Visitor) -> None:
    """A connection that fails for a moment leaves no broken picture in the place of the cutout."""
    page = visitor.page
    visitor.watch.expected = ("ERR_",)
    visitor.open_photo()
    job_id = visitor.order()
    cutout = page.get_by_alt_text("The subject without its background")
    page.route("**/cutout.png", lambda route: route.abort("connectionreset"), times=1)
    with page.expect_event("requestfailed"):
        visitor.make(job_id, *STAGES[:2])
    expect(page.locator(".slot").first).to_have_text("Cutout")
    visitor.make(job_id, *STAGES[2:3])
    expect(cutout).not_to_have_js_property("naturalWidth", 0)


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_an_order_whose_answer_gets_lost_is_paid_once(visitor: Visitor) -> None:
    """The page asks again by itself where the connection broke, and under the same key after a reload."""
    page = visitor.page
    visitor.watch.expected = ("ERR_",)
    visitor.open_photo()
    before = visitor.gateway.balance(visitor.key)

    def lose(route: Route) -> None:
        route.fetch()
        route.abort("connectionreset")

    page.route("**/v1/studio/cutout", lose, times=1)
    page.get_by_role("button", name="Look at the cutout").click()
    expect(page.get_by_alt_text("The cutout")).to_be_visible()
    page.route("**/v1/studio/transform", lambda route: route.fetch(), times=1)
    with page.expect_request("**/v1/studio/transform"):
        page.get_by_role("button", name="Create the film").click()
    page.reload()
    visitor.order()
    assert before - visitor.gateway.balance(visitor.key) == 5 + 75


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_changing_the_scene_costs_a_third(visitor: Visitor) -> None:
    """Another background and move of a finished film are made from its model, for 25 credits."""
    page = visitor.page
    visitor.open_photo()
    job_id = visitor.order()
    visitor.make(job_id)
    page.get_by_text("Film it again, or change the scene").click()
    page.get_by_label("Describe the scene").fill("in a mossy forest")
    page.get_by_role("radio", name="Cinematic").check()
    expect(page.get_by_text("25 credits. Paid back")).to_be_visible()
    visitor.picture("again")
    before = visitor.gateway.balance(visitor.key)
    page.get_by_role("button", name="Film it again").click()
    page.wait_for_url(lambda url: "/studio/jobs/" in url and job_id not in url)
    again = page.url.rsplit("/", 1)[-1]
    assert before - visitor.gateway.balance(visitor.key) == 25
    visitor.make(again, Step.GENERATING_BG, Step.COMPOSITING, Step.RENDERING_VIDEO)
    expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_cancel_that_fails_is_seen_beside_its_button(visitor: Visitor) -> None:
    """In words, with the way to try again; the second cancel ends the job and says what came back."""
    page = visitor.page
    visitor.watch.expected = ("status of 503",)
    visitor.open_photo()
    visitor.order()
    refusal = '{"code": "unavailable", "detail": "The job store does not answer."}'
    page.route("**/cancel", lambda route: route.fulfill(status=503, body=refusal), times=1)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("alert")).to_contain_text("could not be cancelled")
    visitor.picture("cancel-failed")
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
    expect(page.get_by_text("75 credits came back")).to_be_visible()


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_failed_film_says_why_and_leads_back_to_its_photo(visitor: Visitor) -> None:
    """With what came back, and what may help."""
    page = visitor.page
    session_id = visitor.open_photo()
    job_id = visitor.order()
    visitor.gateway.take(job_id)
    error = JobError("Scene generation failed", InvalidBackground.code, Step.GENERATING_BG, False)
    visitor.gateway.fail(job_id, error)
    expect(page.get_by_role("alert")).to_contain_text("Scene generation failed")
    expect(page.get_by_text("75 credits came back")).to_be_visible()
    visitor.picture("failed")
    page.get_by_role("link", name="Back to the photo").click()
    page.wait_for_url(f"**/studio/sessions/{session_id}")


def test_films_are_listed_newest_first_and_can_be_deleted(visitor: Visitor) -> None:
    """With poster, state and price; further ones come by scrolling; a deleted one is gone for good."""
    page = visitor.page
    session_id = visitor.open_photo()
    jobs = [visitor.submit(session_id) for _ in range(14)]
    for job_id in jobs[-3:]:
        visitor.make(job_id)
    page.get_by_role("link", name="My films").click()
    films = page.locator("li.film")
    expect(films.first).to_contain_text("Ready")
    expect(films.first).to_contain_text("75 credits")
    expect(films.first.locator("img")).to_be_visible()
    visitor.picture("films")
    page.mouse.wheel(0, 20_000)
    expect(films).to_have_count(14)
    links = films.locator("a").evaluate_all("links => links.map(link => link.getAttribute('href').split('/').pop())")
    assert links == jobs[::-1]
    films.first.get_by_role("button", name="Delete").click()
    films.first.get_by_role("button", name="Delete it").click()
    expect(films).to_have_count(13)
    expect(films.first.locator("a")).to_be_focused()
    page.reload()
    expect(films.first.locator("a")).to_have_attribute("href", f"/studio/jobs/{jobs[-2]}")
    visitor.watch.expected = ("status of 404",)
    page.goto(f"{visitor.gateway.base_url}/studio/jobs/{jobs[-1]}")
    expect(page.get_by_role("heading", name="This film is not here")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_film_that_is_deleted_elsewhere_leaves_the_list(visitor: Visitor) -> None:
    """Its card goes, it is asked for no more, and the film beside it stays."""
    page = visitor.page
    session_id = visitor.session()
    stays, goes = visitor.submit(session_id), visitor.submit(session_id)
    visitor.open("/studio")
    films = page.locator("li.film")
    expect(films).to_have_count(2)
    visitor.watch.expected = ("status of 404",)
    headers = {"Authorization": f"Bearer {visitor.key}"}
    path = f"{visitor.gateway.base_url}/v1/studio/jobs/{goes}"
    with page.expect_response(lambda answer: answer.url.endswith(goes) and answer.status == 404):
        httpx.post(f"{path}/cancel", headers=headers).raise_for_status()
        httpx.delete(path, headers=headers).raise_for_status()
    expect(films).to_have_count(1, timeout=3000)
    expect(films.locator("a")).to_have_attribute("href", f"/studio/jobs/{stays}")


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_photo_that_can_never_be_taken_leads_to_another(visitor: Visitor) -> None:
    """To send it once more would not help; a photo that met a server without room is tried again."""
    page = visitor.page
    visitor.watch.expected = ("status of 400", "status of 503")
    visitor.open()
    choose, again = page.get_by_label("Choose another photo"), page.get_by_role("button", name="Try again")
    whole = visitor.photo.read_bytes()
    broken = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": whole[: len(whole) // 2]}
    page.get_by_label("Choose a photo").set_input_files(broken)
    expect(page.get_by_role("alert")).to_contain_text("truncated")
    expect(choose).to_be_attached()
    expect(again).to_have_count(0)
    visitor.picture("broken-photo")
    page.route("**/v1/studio/init", lambda route: route.fulfill(status=503, json={"code": "overloaded"}), times=1)
    choose.set_input_files(visitor.photo)
    expect(choose).to_have_count(0)
    again.click()
    page.wait_for_url("**/studio/sessions/*")


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_file_that_is_no_photo_changes_nothing(visitor: Visitor) -> None:
    """It is said in words, and the photo that was being worked on stays, with what was chosen for it."""
    page = visitor.page
    visitor.open_photo()
    page.get_by_label("Describe the scene").fill("on a desk")
    wrong = {"name": "catalogue.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    another = page.get_by_label("Another photo")
    another.set_input_files(wrong)
    expect(page.get_by_role("alert")).to_contain_text("catalogue.pdf is not a photo")
    visitor.watch.expected = ("status of 400",)
    another.set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no"})
    expect(page.get_by_role("alert")).to_contain_text("Image must be")
    visitor.picture("wrong-file")
    expect(page.get_by_label("Describe the scene")).to_have_value("on a desk")
    visitor.order()


async def its_time_is_over(scripts: Scripts, job_id: str, token: str) -> None:
    """The store as it is once a share has expired."""
    await scripts.client.hset(scripts.key(f"job:{job_id}"), "share_expires", str(round(time.time() * 1000) - 60_000))
    await scripts.client.delete(scripts.key(f"share:{token}"))


@pytest.mark.parametrize("visitor", ["phone-dark", "desktop-light"], indirect=True)
def test_a_film_is_shared_seen_by_a_stranger_and_taken_back(
    visitor: Visitor, accessible: Callable[[Page], None]
) -> None:
    """The link opens without a key in a browser that knows nothing, plays, and shows nothing once it is taken back. One
    whose time is over is said to be so, and shows nothing either."""
    page = visitor.page
    job_id = visitor.submit(visitor.session())
    visitor.make(job_id)
    visitor.open(f"/studio/jobs/{job_id}")
    page.get_by_text("Share it").click()
    page.get_by_role("button", name="Make a link").click()
    link = page.get_by_label("Link", exact=True).input_value()
    assert "<iframe" in page.get_by_label("For your own page", exact=True).input_value()
    visitor.picture("share")
    browser = page.context.browser
    assert browser is not None
    # A small window: without a graphics card the processor draws the model.
    scheme = "dark" if visitor.name.endswith("dark") else "light"
    stranger = browser.new_context(viewport={"width": 320, "height": 200}, reduced_motion="reduce", color_scheme=scheme)
    seen = stranger.new_page()
    visitor.watch.on(seen)
    seen.goto(link)
    expect(seen.get_by_role("heading", name="Vintage twin-lens reflex camera")).to_be_visible()
    accessible(seen)
    film = seen.locator("video")
    film.evaluate("film => { film.muted = true; return film.play(); }")
    assert film.evaluate("film => film.videoWidth") == 128
    seen.goto("about:blank")  # the model turns there, and without a graphics card that takes the processor
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_text("The link shows nothing any more.")).to_be_visible()
    visitor.watch.expected = ("status of 404",)
    seen.goto(link)
    expect(seen.get_by_role("heading", name=re.compile("not shown any more"))).to_be_visible()
    accessible(seen)
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_label("Link", exact=True)).to_be_visible()
    link = page.get_by_label("Link", exact=True).input_value()
    visitor.gateway.run(its_time_is_over(visitor.gateway.store.scripts, job_id, link.rsplit("/", 1)[-1]))
    page.reload()
    page.get_by_text("Share it").click()
    expect(page.get_by_text("now it shows nothing")).to_be_visible()
    expect(page.get_by_role("button", name="Make a new link")).to_be_visible()
    accessible(page)
    seen.goto(link)
    expect(seen.get_by_role("heading", name=re.compile("not shown any more"))).to_be_visible()
    stranger.close()
