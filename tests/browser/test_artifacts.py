"""Artifacts that are opened by themselves in a real browser."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Page

from gateway.http.testing import Installation, installation

VIEWER = Path(__file__).parents[2] / "gateway" / "http" / "web" / "vendor"


def film() -> bytes:
    """Four seconds of H.264, as our films are: long enough to be looked at while it plays."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width = stream.height = 256
        stream.pix_fmt = "yuv420p"
        for number in range(96):
            picture = np.full((256, 256, 3), (200, 2 * number, 40), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A gateway."""
    with installation(tmp_path_factory.mktemp("artifacts")) as running:
        yield running


@pytest.fixture(scope="module")
def links(stack: Installation) -> dict[str, str]:
    """Links to a film."""
    gateway = stack.gateway
    files = {
        "turntable.mp4": (film(), "video/mp4"),
    }
    found = {}
    for name, (data, media_type) in files.items():
        gateway.run(gateway.surface.artifacts.put_async(f"jobs/7/{name}", data, media_type))
        found[name] = gateway.surface.signer.link(f"jobs/7/{name}", name, 10**10)
    return found


START = "selector => { const film = document.querySelector(selector); film.muted = true; film.play(); }"
STATE = """selector => {
    const film = document.querySelector(selector);
    return [film.videoWidth, film.videoHeight, film.currentTime, film.error && film.error.message];
}"""


def played(page: Page, selector: str) -> list[object]:
    """Width, height, whether it plays, and its error. Asked from here: in a sandboxed page no timer runs."""
    page.evaluate(START, selector)
    until = time.monotonic() + 30
    while True:
        width, height, at, error = page.evaluate(STATE, selector)
        if at > 0 or error or time.monotonic() > until:
            return [width, height, at > 0, error]
        time.sleep(0.05)


def test_a_film_that_is_opened_in_a_tab_plays(page: Page, links: dict[str, str]) -> None:
    """The browser makes a page around it, in which no script of the file's origin could run."""
    response = page.goto(links["turntable.mp4"], wait_until="commit")
    assert response is not None and response.status in (200, 206)
    page.wait_for_selector("video", state="attached")
    assert played(page, "video") == [256, 256, True, None]
    assert "sandbox" in response.headers["content-security-policy"]
    assert page.evaluate("() => self.origin") == "null"
