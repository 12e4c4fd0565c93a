"""The API's reference in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from gateway.http.testing import Installation, installation


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway."""
    with installation(tmp_path_factory.mktemp("reference")) as running:
        yield running


def test_the_reference_is_shown_and_asks_no_other_host(stack: Installation, page: Page, tmp_path: Path) -> None:
    """Every group is there, samples are in cURL, Python and Node, a call can be tried with a key, and each request of
    the page goes to the gateway that it came from; no script fails."""
    base_url = stack.gateway.base_url
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    page.goto(f"{base_url}/docs")
    page.get_by_text("Start a job").first.wait_for()
    page.get_by_text("Bearer Token").first.wait_for()
    page.get_by_text("More", exact=True).first.click()
    for language in ("Python", "Node.js"):
        page.get_by_text(language).first.wait_for()
    page.wait_for_load_state("networkidle")
    assert not failed
    assert {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))} == {
        urlsplit(base_url).netloc
    }


def test_a_problem_s_link_leads_to_its_meaning(stack: Installation, page: Page) -> None:
    """The ``type`` of a problem opens at the code's own row."""
    page.goto(f"{stack.gateway.base_url}/docs#crop_too_small")
    page.wait_for_url("**/docs/plain#crop_too_small")
    assert page.locator("#crop_too_small").inner_text().startswith("400")
