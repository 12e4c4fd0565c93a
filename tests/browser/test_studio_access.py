"""The studio for everybody, in a browser: axe finds nothing, targets are large enough, and a first visit is told what
to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor
from gateway.jobs.records import JobError
from lensora.core.steps import STAGES, Step

AXE = Path(__file__).parents[1] / "tools" / "node_modules" / "axe-core" / "axe.min.js"
TARGET_PX = 44
SMALL = """least => [...document.querySelectorAll('a, button, select, input, summary, textarea')].filter(element => {
  const inText = element.matches('p a, li a:not(.downloads a):not(.film a)');
  const label = element.closest('label');
  const area = (label && element.matches('input') ? label : element).getBoundingClientRect();
  return !inText && !element.matches('.sr-only, .skip') && area.width > 0 && area.height < least - 0.5;
}).map(element => element.outerHTML.slice(0, 120))"""


def require_access(page: Page) -> None:
    """Fails for what axe finds on the page as it is, for targets under 44 px, and for a page that is wider than the
    screen."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found: Any = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [(each["id"], [node["html"][:150] for node in each["nodes"]]) for each in found["violations"]] == []
    assert page.evaluate(SMALL, TARGET_PX) == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_every_screen_is_open_to_everybody(visitor: Visitor) -> None:
    """WCAG AA by axe on each screen and state, in the colours of day and of night."""
    page = visitor.page
    visitor.open()
    expect(page.get_by_text("2,000 credits")).to_be_visible()
    require_access(page)
    page.get_by_role("button", name="Change the API key").click()
    require_access(page)
    page.keyboard.press("Escape")
    session_id = visitor.choose_photo()
    expect(page.get_by_text("75 credits")).to_be_visible()
    page.get_by_role("button", name="AR", exact=True).click()
    page.get_by_text("Size, length and files").click()
    require_access(page)
    page.get_by_role("radio", name="Keep").check()
    page.locator(".picture").click()
    page.get_by_role("radio", name="Your picture").check()
    require_access(page)
    page.get_by_role("button", name="Look at the cutout").click()
    expect(page.get_by_alt_text("The cutout")).to_be_visible()
    page.get_by_role("radio", name="White").check()
    expect(page.get_by_text("75 credits")).to_be_visible()
    require_access(page)
    job_id = visitor.order()
    visitor.make(job_id, *STAGES[:3])
    expect(page.get_by_alt_text("The subject without its background")).to_be_visible()
    require_access(page)
    visitor.make(job_id, *STAGES[3:])
    expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()
    page.get_by_text("Film it again, or change the scene").click()
    page.get_by_role("button", name="Delete").click()
    require_access(page)
    failed = visitor.submit(session_id)
    visitor.gateway.take(failed)
    visitor.gateway.fail(failed, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, True))
    visitor.submit(session_id)
    page.get_by_role("link", name="My films").click()
    expect(page.locator("li.film")).to_have_count(3)
    require_access(page)
    page.locator("li.film", has_text="Failed").locator("a").click()
    expect(page.get_by_role("heading", name="This film could not be made")).to_be_visible()
    require_access(page)


def test_a_first_visit_without_a_key_is_told_where_one_comes_from(visitor: Visitor) -> None:
    """The photo that was chosen waits; a wrong key is said; the right one goes on with the photo."""
    page = visitor.page
    visitor.watch.expected = ("status of 401",)
    visitor.open(key=False)
    expect(page.get_by_text("lensora up")).to_be_visible()
    require_access(page)
    visitor.picture("first-visit")
    page.locator("input[type=file]").first.set_input_files(visitor.photo)
    expect(page.get_by_text("Your photo waits here")).to_be_visible()
    page.get_by_label("API key", exact=True).fill("lsk_wrong")
    page.get_by_role("button", name="Use this key").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("API key", exact=True).fill(visitor.key)
    page.get_by_role("button", name="Use this key").click()
    page.wait_for_url("**/studio/sessions/*")


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_sample_photo_needs_no_photo_of_one_s_own(visitor: Visitor) -> None:
    """One click from the first screen to something that can be filmed."""
    visitor.open()
    visitor.page.get_by_role("button", name="Try with a cup of coffee").click()
    expect(visitor.page.get_by_role("heading", name="Make a film of it")).to_be_visible()


@pytest.mark.parametrize("visitor", ["desktop-light"], indirect=True)
def test_the_colours_can_be_chosen_and_stay(visitor: Visitor) -> None:
    """By day, by night or as the device, after a reload too."""
    page = visitor.page
    visitor.open()
    for theme, paper in (("light", "rgb(250, 248, 245)"), ("dark", "rgb(20, 23, 21)")):
        page.get_by_role("button", name=re.compile(f"Change to {theme}")).click()
        page.reload()
        expect(page.locator("html")).to_have_css("background-color", paper)


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_an_address_that_is_none_leads_on(visitor: Visitor) -> None:
    """It says so, and offers the first screen."""
    visitor.open("/studio/somewhere")
    expect(visitor.page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    require_access(visitor.page)
