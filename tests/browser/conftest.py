"""One Chromium for all tests of a module; each test has a fresh profile, on a desktop or a phone, and is watched."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

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
BOTH: tuple[Literal["light", "dark"], ...] = ("light", "dark")
DESKTOP = {"width": 1400, "height": 1000}
PHONE = {"width": 390, "height": 844}


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


@pytest.fixture
def accessible_by_day_and_night() -> Callable[[Page], None]:
    """The same look in the colours of both, one after the other."""

    def look(page: Page) -> None:
        for scheme in BOTH:
            page.emulate_media(color_scheme=scheme)
            require_access(page)

    return look


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    """A look at a page, as it is, for everybody's sake."""
    return require_access


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
