"""One Chromium for each file of this folder; each test has a fresh profile."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

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


# A module's own, not the session's (as "package" would be, for a folder that is no package): while the synchronous
# playwright runs, no test of another folder can start an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A running browser."""
    path = shutil.which("chromium")
    assert path is not None, "chromium is not installed; run: tools/setup.sh test"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of its own, without what others stored."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(PATIENCE_S * 1000)
    yield context.new_page()
    context.close()
