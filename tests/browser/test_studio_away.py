"""The studio in a browser while its server goes away and comes back."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from gateway.http.settings import HttpSettings
from gateway.http.testing import DetectServer, running_gateway, settings_for
from gateway.http.visitor import Visitor, Watch
from lensora.adapters.redis_server import RedisServer, free_port
from lensora.core.steps import STAGES

LOOKING, FILM = 5, 75
"""Credits of a photo that is looked at, and of its film."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpSettings]:
    """Of a gateway that can be killed and started again: everything behind it stays."""
    folder = tmp_path_factory.mktemp("away")
    redis = RedisServer(folder / "redis", appendfsync="no")
    redis.start()
    detect = DetectServer()
    try:
        yield settings_for(
            redis_url=redis.url,
            artifacts_url=f"file://{folder / 'artifacts'}",
            detect_target=detect.target,
            port=free_port(),
            prefix="away",
        )
    finally:
        detect.stop()
        redis.stop()


@pytest.fixture
def phone(chromium: Browser, settings: HttpSettings, patience_ms: float) -> Iterator[tuple[Page, Watch]]:
    """A page on a phone that may meet a server which is away, and must meet nothing else."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    context.set_default_timeout(patience_ms)
    page, watch = context.new_page(), Watch(expected=("ERR_", "status of 5"))
    watch.on(page)
    yield page, watch
    context.close()
    watch.require_clean(settings.public_url)


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path | None:
    """Where screens are photographed into."""
    given = request.config.getoption("--pictures", default="")
    return Path(given) if given else None


def test_a_server_that_is_killed_in_mid_job_is_said_and_recovered(
    phone: tuple[Page, Watch], settings: HttpSettings, photo: Path, pictures: Path | None
) -> None:
    """The page says that the server is away, loses nothing, and goes on by itself when it is back, to the film."""
    page, watch = phone
    with running_gateway(settings) as first:
        visitor = Visitor(page, first, first.api_key(100), watch, photo, "phone", pictures)
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
        page.goto("about:blank")


def test_a_server_that_is_killed_in_mid_batch_loses_and_charges_nothing_twice(
    phone: tuple[Page, Watch], settings: HttpSettings, photo: Path, pictures: Path | None, tmp_path: Path
) -> None:
    """Killed before the photos are sent, and again while films are made: the page says so both times, what was pressed
    goes on by itself when the server is back, and each film is paid once and is in the archive."""
    page, watch = phone
    shop = [tmp_path / f"mug-{number}.jpg" for number in range(3)]
    for number, path in enumerate(shop):
        Image.new("RGB", (96, 96), (60 * number, 120, 90)).save(path)
    with running_gateway(settings) as first:
        visitor = Visitor(page, first, first.api_key(300), watch, photo, "phone", pictures)
        visitor.open("/studio/batches/new")
        page.locator(".many input[type=file]").first.set_input_files(shop)
        expect(page.get_by_text("240 credits")).to_be_visible()
    page.get_by_role("button", name="Make 3 films").click()
    expect(page.locator(".reach.lost")).to_be_visible()
    with running_gateway(settings) as second:
        visitor.gateway = second
        page.wait_for_url(lambda url: "/studio/batches/" in url and not url.endswith("/new"))
        films = page.locator("li.film a")
        expect(films).to_have_count(3)
        addresses = films.evaluate_all("links => links.map(link => link.href)")
        jobs = [str(address).rsplit("/", 1)[-1] for address in addresses]
        assert second.balance(visitor.key) == 300 - 3 * (LOOKING + FILM)
        visitor.make(jobs[0])
        visitor.make(jobs[1], *STAGES[:2])
        expect(page.get_by_text("1 of 3 ready", exact=True)).to_be_visible()
        claims = second.claims
    expect(page.locator(".reach.lost")).to_be_visible()
    page.get_by_role("button", name="Cancel all").click()
    page.get_by_role("button", name="Cancel them").click()
    expect(page.get_by_role("alert")).to_contain_text("They could not be cancelled")
    expect(page.get_by_text("1 of 3 ready", exact=True)).to_be_visible()
    visitor.picture("batch-away")
    page.get_by_role("button", name="Go on").click()
    with running_gateway(settings) as third:
        third.claims.update(claims)
        visitor.gateway = third
        visitor.make(jobs[1], *STAGES[2:])
        visitor.make(jobs[2])
        expect(page.get_by_role("heading", name="Your films are ready")).to_be_visible()
        expect(page.locator(".reach.lost")).to_be_hidden()
        with page.expect_download() as loading:
            page.get_by_role("link", name="Download all films (.zip)").click()
        names = zipfile.ZipFile(loading.value.path()).namelist()
        assert {name.partition("/")[0] for name in names} == {"films.csv", "mug-0", "mug-1", "mug-2"}
        assert third.balance(visitor.key) == 300 - 3 * (LOOKING + FILM)
        page.goto("about:blank")


def test_a_first_screen_without_its_server_says_so(
    phone: tuple[Page, Watch], settings: HttpSettings, photo: Path
) -> None:
    """A photo that is chosen while the server is away stays, and is sent, once, when the server is back."""
    page, watch = phone
    with running_gateway(settings) as first:
        visitor = Visitor(page, first, first.api_key(100), watch, photo, "phone", None)
        visitor.open()
        expect(page.get_by_text("100 credits", exact=True)).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(photo)
    expect(page.get_by_role("alert")).to_contain_text("does not answer")
    with running_gateway(settings) as second:
        page.wait_for_url("**/studio/sessions/*")
        assert second.balance(visitor.key) == 100 - LOOKING
        page.goto("about:blank")
