"""One Chromium for all tests of a module; each test has a fresh profile, on a desktop or a phone, and is watched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gateway.http.testing import Installation, installation
from gateway.http.visitor import Visitor, Watch, files

PATIENCE_S = 120.0
"""Longest wait for anything in a page: a busy machine is slow, and is no reason to fail."""

ARGUMENTS = (
    "--no-sandbox",
    # Without a graphics card: WebGL, which the 3D viewer needs, is drawn by the processor.
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
DESKTOP = {"width": 1400, "height": 1000}
PHONE = {"width": 390, "height": 844}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the pictures of the screens go; without the option none are made."""
    parser.addoption("--patience", default=PATIENCE_S, type=float, help="longest wait for anything in a page, seconds")
    parser.addoption("--pictures", default="", help="folder that the studio's screens are photographed into")


@pytest.fixture(scope="session")
def patience_ms(request: pytest.FixtureRequest) -> float:
    """Longest wait for anything in a page, milliseconds."""
    return 1000.0 * float(request.config.getoption("--patience", default=PATIENCE_S))


# A module's own, not the session's (as "package" would be, for a folder that is no package): while the synchronous
# playwright runs, no test of another folder can start an event loop.
@pytest.fixture(scope="module")
def chromium(patience_ms: float) -> Iterator[Browser]:
    """A running browser."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed; run: tools/setup.sh test"
    expect.set_options(timeout=patience_ms)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, patience_ms: float) -> Iterator[Page]:
    """A page of its own, without what others stored."""
    context = chromium.new_context(viewport=DESKTOP)
    context.set_default_timeout(patience_ms)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway with everything behind it but the services, which cost nothing here."""
    with installation(tmp_path_factory.mktemp("studio")) as running:
        running.detect.segmenter.picture = files()["removed_bg"]
        yield running


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cup of coffee that the studio offers to try."""
    target = tmp_path_factory.mktemp("photo") / "coffee.jpg"
    sample = Path(__file__).parents[2] / "gateway" / "http" / "web" / "sample.jpg"
    target.write_bytes(sample.read_bytes())
    return target


@pytest.fixture(params=["desktop-light", "phone-dark"])
def visitor(
    chromium: Browser, patience_ms: float, stack: Installation, photo: Path, request: pytest.FixtureRequest
) -> Iterator[Visitor]:
    """Somebody at a desk by day, and somebody with a phone by night. Nothing they meet may fail unseen."""
    device, scheme = request.param.split("-")
    phone = device == "phone"
    context = chromium.new_context(
        viewport=PHONE if phone else DESKTOP, has_touch=phone, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(patience_ms)
    watch = Watch()
    page = context.new_page()
    watch.on(page)
    given = request.config.getoption("--pictures", default="")
    pictures = Path(given) if given else None
    gateway = stack.gateway
    yield Visitor(page, gateway, gateway.api_key(2_000), watch, photo, request.param, pictures)
    context.close()
    watch.require_clean(gateway.base_url)
