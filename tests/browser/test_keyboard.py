"""The way from a photo to its film, and to the film's end, without a mouse."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor

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
