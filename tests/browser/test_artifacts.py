"""A job's artifacts in a real browser: opened by themselves, and embedded in a page of another origin."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from gateway.http.testing import Installation
from lensora.core.artifacts import MediaType
from lensora.core.steps import STAGES
from lensora.testing.pictures import saved, scene
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.finish.formats import FileFormat, file_of
from services.mesh.model import ModelRequest, create_model
from services.render.animation import GifSink, WebpSink
from services.render.encode import Mp4Sink, PosterSink, Sink, WebmAlphaSink

VIEWER = Path(__file__).parents[2] / "gateway" / "http" / "web" / "vendor" / "model-viewer.min.js"
SIDE, FPS, FRAMES = 256, 24, 96
PATIENCE_S = 120.0

EXTRA = (
    ("webm_alpha", "turntable.webm", MediaType.WEBM),
    ("gif", "turntable.gif", MediaType.GIF),
    ("webp", "turntable.webp", MediaType.WEBP),
    ("poster", "poster.jpg", MediaType.JPEG),
    ("usdz", "model.usdz", MediaType.USDZ),
)
"""A job's further files: public name, file's name, media type."""


def pot() -> NDArray[np.uint8]:
    """(220, 220, 4) RGBA: a round pot, cut out."""
    rgba = np.zeros((220, 220, 4), np.uint8)
    cv2.ellipse(rgba, (110, 120), (70, 80), 0, 0, 360, (170, 90, 40, 255), -1)
    cv2.circle(rgba, (110, 110), 14, (30, 60, 160, 255), -1)
    return rgba


def filmed(sink: Sink, channels: int = 3) -> bytes:
    """Four seconds by one of the renderer's own encoders: long enough to be looked at while it plays."""
    for number in range(FRAMES):
        color = (200, 2 * number, 40, 255)[:channels]
        sink.write(np.full((SIDE, SIDE, channels), color, np.uint8))
    return sink.finish()


def contents() -> dict[str, bytes]:
    """Real files of every kind that a page embeds, by their public names: made as the stages make them, but small."""
    model = create_model(pot(), ModelRequest(name="pot"), SilhouetteBackend(), lambda _phase, _done: None)
    return {
        "removed_bg": saved(Image.fromarray(pot()), "PNG"),
        "scene": saved(scene(SIDE, SIDE), "JPEG"),
        "glb": model.glb,
        "usdz": file_of(model, FileFormat.USDZ),
        "mp4": filmed(Mp4Sink((SIDE, SIDE), FPS)),
        "webm_alpha": filmed(WebmAlphaSink((SIDE, SIDE), FPS), 4),
        "gif": filmed(GifSink((SIDE, SIDE), FPS)),
        "webp": filmed(WebpSink((SIDE, SIDE), FPS)),
        "poster": filmed(PosterSink(0)),
    }


@pytest.fixture(scope="module")
def links(stack: Installation) -> dict[str, str]:
    """The links of a completed job, as its poll gives them, and the photo's."""
    gateway = stack.gateway
    headers = {"Authorization": f"Bearer {gateway.api_key(1_000)}"}
    with httpx.Client(base_url=gateway.base_url, headers=headers, timeout=60.0) as api:
        session = api.post("/v1/studio/init", files={"image": saved(scene(320, 240), "WEBP")}).json()
        body = {"session_id": session["session_id"], "background": {"type": "remove"}}
        job_id = api.post("/v1/studio/transform", json=body).json()["job_id"]
        gateway.take(job_id)
        gateway.do_stages(job_id, *STAGES, extra=EXTRA, contents=contents())
        gateway.finish(job_id)
        output: dict[str, str] = api.get(f"/v1/studio/result/{job_id}").json()["output"]
    return {name.removesuffix("_url"): url for name, url in output.items()} | {"source": session["source_url"]}


class _Shop(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing. Its pages ask of everything in them that it allows being embedded (COEP): a
    page that does not ask takes whatever such a page takes."""

    def end_headers(self) -> None:
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_args: object) -> None:
        return


PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title>
<link rel="icon" href="data:,">
<script type="module" src="model-viewer.min.js"></script></head><body>
<video id="film" src="{mp4}" poster="{poster}" muted playsinline controls></video>
<video id="read-film" src="{mp4}" crossorigin muted playsinline></video>
<video id="clear-film" src="{webm_alpha}" crossorigin muted playsinline></video>
<img id="scene" src="{scene}" alt=""><img id="cutout" src="{removed_bg}" alt=""><img id="moving" src="{gif}" alt="">
<img id="source" src="{source}" alt=""><img id="read-scene" src="{scene}?1" crossorigin alt="">
<a id="quick-look" rel="ar" href="{usdz}"><img id="poster" src="{poster}" alt="See it in your room"></a>
<model-viewer id="model" src="{glb}" ios-src="{usdz}" poster="{poster}" alt="A pot" camera-controls ar
 ar-modes="webxr scene-viewer quick-look" style="width: 120px; height: 120px"></model-viewer>
</body></html>"""


@pytest.fixture(scope="module")
def shop(links: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A page of another origin that embeds everything: its address."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "page.html").write_text(PAGE.format(**links))
    (folder / VIEWER.name).symlink_to(VIEWER)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Shop, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


STATE = """selector => {
    const film = document.querySelector(selector);
    film.muted = true;
    if (film.paused && !film.ended) film.play().catch(() => {});
    return [film.videoWidth, film.videoHeight, film.currentTime, film.error && film.error.message];
}"""
"""Asks for the start until it plays: a browser drops what is asked for while it loads."""


def played(page: Page, selector: str) -> list[object]:
    """Width, height, whether it plays, and its error. Asked from here: in a sandboxed page no timer runs."""
    until = time.monotonic() + PATIENCE_S
    while True:
        width, height, at, error = page.evaluate(STATE, selector)
        if at > 0 or error or time.monotonic() > until:
            return [width, height, at > 0, error]
        time.sleep(0.05)


def test_a_film_that_is_opened_in_a_tab_plays(page: Page, links: dict[str, str]) -> None:
    """The browser makes a page around it, in which no script of the file's origin could run."""
    response = page.goto(links["mp4"], wait_until="commit")
    assert response is not None and response.status in (200, 206)
    page.wait_for_selector("video", state="attached")
    assert played(page, "video") == [SIDE, SIDE, True, None]
    assert "sandbox" in response.headers["content-security-policy"]
    assert page.evaluate("() => self.origin") == "null"


@pytest.mark.parametrize("name", ["scene", "removed_bg", "gif", "webp", "poster", "source"])
def test_a_picture_that_is_opened_in_a_tab_shows(page: Page, links: dict[str, str], name: str) -> None:
    """It is decoded, and its own policy does not forbid it to itself."""
    page.goto(links[name])
    page.wait_for_function("() => document.images[0].complete && document.images[0].naturalWidth > 0")


READ = """selector => {
    const thing = document.querySelector(selector), canvas = document.createElement('canvas');
    canvas.width = canvas.height = 8;
    const drawn = canvas.getContext('2d');
    drawn.drawImage(thing, 0, 0, 8, 8);
    return [...drawn.getImageData(4, 4, 1, 1).data];
}"""
"""A pixel of a film or picture. A browser refuses where the file's server has not agreed."""

FETCH = """async ([url, headers]) => {
    const response = await fetch(url, {headers});
    const start = new Uint8Array(await response.arrayBuffer()).slice(0, 4);
    return [response.status, response.headers.get('content-type'), response.headers.get('content-range'),
            String.fromCharCode(...start)];
}"""


def test_a_page_of_another_origin_embeds_everything(page: Page, shop: str, links: dict[str, str]) -> None:
    """Films play, pictures show, the 3D viewer loads the model, Quick Look's file is what its link says; scripts may
    read each; nothing fails, and no console message is an error."""
    failed: list[str] = []
    page.on("pageerror", lambda error: failed.append(str(error)))
    page.on("console", lambda message: failed.append(message.text) if message.type == "error" else None)
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.goto(f"{shop}/page.html", wait_until="domcontentloaded")
    for selector in ("#film", "#read-film", "#clear-film"):
        assert played(page, selector) == [SIDE, SIDE, True, None], selector
    page.wait_for_function("() => [...document.images].every(image => image.complete && image.naturalWidth > 0)")
    page.wait_for_function("() => document.querySelector('#model').loaded")
    assert page.evaluate("() => document.querySelector('#model').getDimensions().y") > 0.05
    for selector in ("#read-film", "#clear-film", "#read-scene"):
        assert page.evaluate(READ, selector)[3] == 255, selector
    assert page.evaluate(FETCH, [links["usdz"], {}]) == [200, "model/vnd.usdz+zip", None, "PK\x03\x04"]
    size = httpx.head(links["glb"]).headers["content-length"]
    part = page.evaluate(FETCH, [links["glb"], {"Range": "bytes=0-3"}])
    assert part == [206, "model/gltf-binary", f"bytes 0-3/{size}", "glTF"]
    assert not failed
    assert asked == {urlsplit(shop).netloc, urlsplit(links["glb"]).netloc, ""}


def test_a_page_of_another_origin_can_tell_an_expired_link(page: Page, shop: str, links: dict[str, str]) -> None:
    """The answer's status and code are readable there, not only "failed to fetch"."""
    head, _, tail = links["glb"].partition("/v1/files/")
    page.goto(f"{shop}/page.html", wait_until="commit")
    answer = page.evaluate(
        "async url => { const r = await fetch(url); return [r.status, (await r.json()).code]; }",
        f"{head}/v1/files/1.{tail.partition('.')[2]}",
    )
    assert answer == [404, "file_not_found"]
