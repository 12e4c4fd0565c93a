"""The operator's page, in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
