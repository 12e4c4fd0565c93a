"""The pages beside the studio, in a browser: the API's reference, and the operator's page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from gateway.http.testing import Installation, installation
from gateway.http.visitor import Visitor, files
from gateway.jobs.records import JobError
from lensora.core.steps import Step

TOKEN = "an-operator-s-token-for-the-tests-in-a-browser"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway with an operator's page."""
    with installation(tmp_path_factory.mktemp("admin"), admin_token=TOKEN) as running:
        running.detect.segmenter.picture = files()["removed_bg"]
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


@pytest.mark.parametrize("visitor", ["phone-dark"], indirect=True)
def test_an_operator_sees_what_failed_grants_and_makes_a_key(
    visitor: Visitor, accessible_by_day_and_night: Callable[[Page], None]
) -> None:
    """From a wrong token to the queue, an account's use, a grant, a key that is shown once, and the way out. Every
    screen is open to everybody."""
    page, gateway = visitor.page, visitor.gateway
    visitor.watch.expected = ("status of 401",)
    visitor.open()
    failed = visitor.submit(visitor.choose_photo())
    gateway.take(failed)
    gateway.fail(failed, JobError("3D generation timeout", "deadline_exceeded", Step.GENERATING_3D, True))
    page.goto(f"{gateway.base_url}/admin")
    page.get_by_label("Operator's token").fill("wrong")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_contain_text("not the operator's token")
    accessible_by_day_and_night(page)
    page.get_by_label("Operator's token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Queue")).to_be_visible()
    expect(page.get_by_text("3D generation timeout").first).to_be_visible()
    visitor.picture("admin-queue")
    accessible_by_day_and_night(page)
    page.get_by_role("link", name="Refunds").click()
    expect(page.get_by_role("cell", name="75").first).to_be_visible()
    accessible_by_day_and_night(page)
    page.get_by_role("link", name="Accounts").click()
    name = f"shop-{visitor.name}"
    page.get_by_label("New account").fill(name)
    page.get_by_role("button", name="Create").click()
    page.get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    page.get_by_label("Credits").fill("250")
    page.get_by_label("Note").fill("a start")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_role("cell", name="+250")).to_be_visible()
    page.get_by_label("New key for").fill("till")
    page.get_by_role("button", name="Make a key").click()
    secret = page.locator(".secret").inner_text()
    assert secret.startswith("lsk_")
    visitor.picture("admin-account")
    accessible_by_day_and_night(page)
    page.reload()
    expect(page.get_by_role("cell", name="till")).to_be_visible()
    assert secret not in page.content()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_label("Operator's token")).to_be_visible()
    assert gateway.balance(secret) == 250
