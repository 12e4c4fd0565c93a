"""The studio for everybody, in a browser: axe finds nothing, targets are large enough, a first visit is told what to
do, and a keyboard is enough from the photo to the film's end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor
from gateway.jobs.records import JobError
from lensora.core.steps import STAGES, Step


def test_every_screen_is_open_to_everybody(visitor: Visitor, accessible: Callable[[Page], None]) -> None:
    """WCAG AA by axe on each screen and state, in the colours of day and of night."""
    page = visitor.page
    visitor.open()
    expect(page.get_by_text("2,000 credits")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Change the API key").click()
    accessible(page)
    page.keyboard.press("Escape")
    session_id = visitor.choose_photo()
    expect(page.get_by_text("75 credits")).to_be_visible()
    page.get_by_role("button", name="AR", exact=True).click()
    page.get_by_text("Size, length and files").click()
    page.get_by_label("Add more photos").set_input_files(visitor.photo)
    page.get_by_role("button", name="Photo 1: correct").click()
    accessible(page)
    page.keyboard.press("Escape")
    accessible(page)
    page.get_by_role("radio", name="Keep").check()
    page.locator(".picture").click()
    page.get_by_role("radio", name="Your picture").check()
    accessible(page)
    page.get_by_role("button", name="Look at the cutout").click()
    expect(page.get_by_alt_text("The cutout")).to_be_visible()
    page.get_by_role("radio", name="White").check()
    expect(page.get_by_text("75 credits")).to_be_visible()
    accessible(page)
    job_id = visitor.order()
    visitor.make(job_id, *STAGES[:3])
    expect(page.get_by_alt_text("The subject without its background")).to_be_visible()
    accessible(page)
    visitor.make(job_id, *STAGES[3:])
    expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()
    page.get_by_text("Film it again, or change the scene").click()
    page.get_by_role("button", name="Delete").click()
    accessible(page)
    failed = visitor.submit(session_id)
    visitor.gateway.take(failed)
    visitor.gateway.fail(failed, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, True))
    visitor.submit(session_id)
    page.get_by_role("link", name="My films").click()
    expect(page.locator("li.film")).to_have_count(3)
    accessible(page)
    page.locator("li.film", has_text="Failed").locator("a").click()
    expect(page.get_by_role("heading", name="This film could not be made")).to_be_visible()
    accessible(page)


def test_a_first_visit_without_a_key_is_told_where_one_comes_from(
    visitor: Visitor, accessible: Callable[[Page], None]
) -> None:
    """The photo that was chosen waits; a wrong key is said; the right one goes on with the photo."""
    page = visitor.page
    visitor.watch.expected = ("status of 401",)
    visitor.open(key=False)
    expect(page.get_by_text("lensora up")).to_be_visible()
    accessible(page)
    visitor.picture("first-visit")
    page.locator("input[type=file]").first.set_input_files(visitor.photo)
    expect(page.get_by_text("Your photo waits here")).to_be_visible()
    page.get_by_label("API key", exact=True).fill("lsk_wrong")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    # Out of a letter that made its quotes curly: nothing can be sent under it, and the server is not away.
    page.get_by_label("API key", exact=True).fill(f"“{visitor.key}”")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_contain_text("The API key is unknown: keys begin with lsk_")
    expect(page.locator(".reach")).to_have_count(0)
    page.get_by_label("API key", exact=True).fill(visitor.key)
    page.get_by_role("button", name="Use this key").click()
    page.wait_for_url("**/studio/sessions/*")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_sample_photo_needs_no_photo_of_one_s_own(visitor: Visitor, accessible: Callable[[Page], None]) -> None:
    """One click from the first screen to something that can be filmed."""
    visitor.open()
    visitor.page.get_by_role("button", name="Try with a cup of coffee").click()
    expect(visitor.page.get_by_role("heading", name="Make a film of it")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_colours_can_be_chosen_and_stay(visitor: Visitor, accessible: Callable[[Page], None]) -> None:
    """By day, by night or as the device, after a reload too."""
    page = visitor.page
    visitor.open()
    for theme, paper in (("light", "rgb(250, 248, 245)"), ("dark", "rgb(20, 23, 21)")):
        page.get_by_role("button", name=re.compile(f"Change to {theme}")).click()
        page.reload()
        expect(page.locator("html")).to_have_css("background-color", paper)


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_an_address_that_is_none_leads_on(visitor: Visitor, accessible: Callable[[Page], None]) -> None:
    """It says so, and offers the first screen."""
    visitor.open("/studio/somewhere")
    expect(visitor.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    accessible(visitor.page)


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_key_s_dialog_gives_the_keyboard_back(visitor: Visitor) -> None:
    """To the button that opened it, however it is closed."""
    page = visitor.page
    visitor.open()
    for way in ("Close", "Use this key", "Forget the key"):
        page.get_by_title("API key").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("API key", exact=True).fill(visitor.key)
        dialog.get_by_role("button", name=way).click()
        expect(dialog).to_have_count(0)
        expect(page.get_by_title("API key")).to_be_focused()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_what_one_key_does_not_see_another_does(visitor: Visitor) -> None:
    """A film and a photo that another key has are there as soon as the dialog has taken that key."""
    page = visitor.page
    visitor.watch.expected = ("status of 404",)
    session_id = visitor.session()
    job_id = visitor.submit(session_id)
    visitor.make(job_id)
    stranger = visitor.gateway.api_key(10)
    for path, missing, there in (
        (f"/studio/jobs/{job_id}", "This film is not here", "is ready"),
        (f"/studio/sessions/{session_id}", "This photo is no longer kept", "Make a film of it"),
    ):
        page.goto(f"{visitor.gateway.base_url}/#key={stranger}")
        page.goto(f"{visitor.gateway.base_url}{path}")
        expect(page.get_by_role("heading", name=missing)).to_be_visible()
        page.get_by_title("API key").click()
        page.get_by_label("API key", exact=True).fill(visitor.key)
        page.get_by_role("button", name="Use this key").click()
        expect(page.get_by_role("heading", name=re.compile(there))).to_be_visible()


OVERLAPPING = """() => {
  const all = [...document.querySelectorAll('.bar .brand, .bar nav a, .balance, .bar button')];
  const areas = all.filter(each => each.offsetWidth).map(each => {
    const text = document.createRange();
    text.selectNodeContents(each);
    return [each.title || each.textContent, text.getBoundingClientRect()];
  });
  const beside = (one, other) => one.right <= other.left || other.right <= one.left;
  const apart = (one, other) => beside(one, other) || one.bottom <= other.top || other.bottom <= one.top;
  const under = ([name, area], at) => areas.slice(at + 1).filter(([, other]) => !apart(area, other));
  return areas.flatMap((each, at) => under(each, at).map(([other]) => [each[0], other]));
}"""


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_bar_fits_every_screen(visitor: Visitor) -> None:
    """Nothing in it lies over something else, and no page is wider than its screen."""
    page = visitor.page
    visitor.open()
    expect(page.get_by_text("2,000 credits")).to_be_visible()
    page.locator(".balance").evaluate("balance => { balance.textContent = '99,999 credits'; }")
    for width in (320, 360, 375, 390, 480, 562, 600, 667, 768, 1024):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate(OVERLAPPING) == [], width
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_a_price_on_the_first_screen_stays_with_its_step(visitor: Visitor) -> None:
    """A price that has no room in its line makes the step higher, and lies over nothing below."""
    page = visitor.page
    visitor.open()
    steps = page.locator(".how li")
    expect(steps).to_have_count(4)
    below = """step => {
      const price = step.querySelector('small');
      return price.getBoundingClientRect().bottom - step.getBoundingClientRect().bottom;
    }"""
    assert all(steps.nth(place).evaluate(below) <= 0 for place in (0, 3))


MOST_TABS = 80

FOCUSED = """() => {
  const element = document.activeElement;
  if (element === document.body) return '';
  const label = element.labels && element.labels[0], own = element.getAttribute('aria-label');
  return (own || (label && label.innerText) || element.innerText || element.id || '').trim();
}"""


def tab_to(page: Page, name: str) -> None:
    """Press Tab until what has this name has the focus, and see that the focus can be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if re.search(name, page.evaluate(FOCUSED)):
            break
    else:
        raise AssertionError(f"{name!r} was not reached: {page.evaluate(FOCUSED)!r} has the focus")
    shown = """() => {
      const element = document.activeElement, label = element.closest('label');
      const outline = which => which && getComputedStyle(which).outlineStyle !== 'none';
      return Boolean(outline(element) || outline(label) || element.matches('.segmented input, .cameras input'));
    }"""
    assert page.evaluate(shown), f"the focus on {name!r} cannot be seen"


COVERED = """() => {
  const element = document.activeElement, shown = element.closest('label') || element;
  const { left, top, width, height } = shown.getBoundingClientRect();
  const over = document.elementFromPoint(left + width / 2, top + height / 2);
  const bar = over && over.closest('.bar, .pay');
  return bar && !bar.contains(element) ? shown.outerHTML.slice(0, 80) : '';
}"""


def test_what_has_the_keyboard_lies_under_nothing(visitor: Visitor) -> None:
    """Neither the bar nor the price, which stay while the page moves, cover what is reached by Tab."""
    page = visitor.page
    visitor.open_photo()
    expect(page.get_by_text("75 credits")).to_be_visible()
    page.get_by_text("Size, length and files").click()
    for key, last in (("Tab", "Another photo"), ("Shift+Tab", "Lensora Studio")):
        for _ in range(MOST_TABS):
            page.keyboard.press(key)
            assert page.evaluate(COVERED) == "", key
            if page.evaluate(FOCUSED) == last:
                break
        else:
            raise AssertionError(f"{last!r} was not reached")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_a_film_is_made_by_keyboard_alone(visitor: Visitor) -> None:
    """A photo is chosen, a brand passed by, a move picked, the film ordered, watched, shared, and deleted."""
    page = visitor.page
    visitor.open()
    with page.expect_file_chooser() as chooser:
        tab_to(page, "Choose a photo")
        page.keyboard.press("Enter" if page.evaluate("() => document.activeElement.tagName") == "BUTTON" else " ")
    chooser.value.set_files(visitor.photo)
    page.wait_for_url("**/studio/sessions/*")
    expect(page.get_by_role("heading", name="Make a film of it")).to_be_focused()
    tab_to(page, "Turntable")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Dolly")).to_be_checked()
    expect(page.get_by_text("75 credits")).to_be_visible()
    tab_to(page, "Create the film")
    page.keyboard.press("Enter")
    page.wait_for_url("**/studio/jobs/*")
    job_id = page.url.rsplit("/", 1)[-1]
    visitor.make(job_id)
    expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()
    tab_to(page, "Download everything")
    tab_to(page, "Share it")
    page.keyboard.press("Enter")
    tab_to(page, "Make a link")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Link", exact=True)).to_be_visible()
    tab_to(page, "^Delete$")
    page.keyboard.press("Enter")
    tab_to(page, "Delete it")
    page.keyboard.press("Enter")
    page.wait_for_url("**/studio")
    expect(page.locator("li.film")).to_have_count(0)


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_many_films_are_made_by_keyboard_alone(visitor: Visitor, tmp_path: Path) -> None:
    """Photos are chosen, one is left out, the batch is ordered, kept on, looked into, and deleted."""
    page = visitor.page
    for name in ("bowl", "cup", "jug"):
        Image.new("RGB", (96, 96), (200, 120, 90)).save(tmp_path / f"{name}.jpg")
    visitor.open()
    tab_to(page, "Many photos at once")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Many photos, one order")).to_be_focused()
    with page.expect_file_chooser() as chooser:
        tab_to(page, "Add photos")
        page.keyboard.press(" ")
    chooser.value.set_files(sorted(tmp_path.iterdir()))
    expect(page.get_by_text("240 credits")).to_be_visible()
    tab_to(page, "Leave cup out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Leave jug out")).to_be_focused()
    expect(page.get_by_text("160 credits")).to_be_visible()
    tab_to(page, "Make 2 films")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/studio/batches/" in url and not url.endswith("/new"))
    expect(page.get_by_role("heading", name="Your films are being made")).to_be_focused()
    tab_to(page, "Cancel all")
    page.keyboard.press("Enter")
    tab_to(page, "Go on")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel all")).to_be_focused()
    films = page.locator("li.film a")
    for address in films.evaluate_all("links => links.map(link => link.href)"):
        visitor.make(address.rsplit("/", 1)[-1], *STAGES)
    expect(page.get_by_role("heading", name="Your films are ready")).to_be_visible()
    with page.expect_download():
        tab_to(page, "Download all films")
        page.keyboard.press("Enter")
    tab_to(page, "^jug")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_focused()
    tab_to(page, "All films of this batch")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your films are ready")).to_be_focused()
    tab_to(page, "^Delete$")
    page.keyboard.press("Enter")
    tab_to(page, "Delete them")
    page.keyboard.press("Enter")
    page.wait_for_url("**/studio/batches")
    expect(page.get_by_text("There is no batch yet")).to_be_visible()
