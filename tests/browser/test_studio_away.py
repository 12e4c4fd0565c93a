"""The studio in a browser while its server goes away and comes back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from gateway.http.testing import DetectServer, running_gateway, settings_for
from gateway.http.visitor import Visitor, Watch
from lensora.adapters.redis_server import RedisServer, free_port
from lensora.core.steps import STAGES


def test_a_server_that_is_killed_in_mid_job_is_said_and_recovered(
    chromium: Browser, photo: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The page says that the server is away, loses nothing, and goes on by itself when it is back, to the film."""
    redis = RedisServer(tmp_path / "redis", appendfsync="no")
    redis.start()
    detect = DetectServer()
    settings = settings_for(
        redis_url=redis.url,
        artifacts_url=f"file://{tmp_path / 'artifacts'}",
        detect_target=detect.target,
        port=free_port(),
        prefix="away",
    )
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page, watch = context.new_page(), Watch(expected=("ERR_", "status of 5"))
    watch.on(page)
    given = request.config.getoption("--pictures", default="")
    try:
        with running_gateway(settings) as first:
            visitor = Visitor(page, first, first.api_key(100), watch, photo, "phone", Path(given) if given else None)
            visitor.open()
            visitor.choose_photo()
            job_id = visitor.order()
            visitor.make(job_id, *STAGES[:2])
            expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
            claims = first.claims
        expect(page.locator(".reach.lost")).to_be_visible()
        expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("could not be cancelled")
        visitor.picture("away")
        with running_gateway(settings) as second:
            second.claims.update(claims)
            visitor.gateway = second
            expect(page.locator(".reach.lost")).to_be_hidden()
            visitor.make(job_id, *STAGES[2:])
            expect(page.get_by_role("heading", name=re.compile("is ready"))).to_be_visible()
            context.close()
    finally:
        detect.stop()
        redis.stop()
    watch.require_clean(settings.public_url)


def test_a_first_screen_without_its_server_says_so(chromium: Browser, photo: Path, tmp_path: Path) -> None:
    """A photo that is chosen while the server is away stays, and is sent when the person tries again."""
    redis = RedisServer(tmp_path / "redis", appendfsync="no")
    redis.start()
    detect = DetectServer()
    settings = settings_for(
        redis_url=redis.url,
        artifacts_url=f"file://{tmp_path / 'artifacts'}",
        detect_target=detect.target,
        port=free_port(),
        prefix="away",
    )
    context = chromium.new_context()
    page = context.new_page()
    try:
        with running_gateway(settings) as first:
            visitor = Visitor(page, first, first.api_key(100), Watch(), photo, "desk", None)
            visitor.open()
            expect(page.get_by_text("100 credits", exact=True)).to_be_visible()
        page.locator("input[type=file]").first.set_input_files(photo)
        expect(page.get_by_role("alert")).to_contain_text("does not answer")
        with running_gateway(settings):
            page.get_by_role("button", name="Try again").click()
            page.wait_for_url("**/studio/sessions/*")
            context.close()
    finally:
        detect.stop()
        redis.stop()
