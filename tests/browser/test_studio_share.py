"""A film that is shown to others, in a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from gateway.http.visitor import Visitor
from gateway.jobs.scripts import Scripts


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
    visitor.open()
    job_id = visitor.submit(visitor.choose_photo())
    visitor.make(job_id)
    page.goto(f"{visitor.gateway.base_url}/studio/jobs/{job_id}")
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
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_text("The link shows nothing any more.")).to_be_visible()
    visitor.watch.expected = ("status of 404",)
    seen.reload()
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
