"""The way from a photo to its film, and to the film's end, without a mouse."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor
from lensora.core.steps import STAGES

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
