"""Somebody who uses the studio in a real browser, watched: for the browser tests."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import trimesh
from PIL import Image, ImageDraw

from gateway.http.testing import Gateway
from lensora.core.steps import STAGES, Step
from lensora.core.words import JobPicture, OutputFormat

if TYPE_CHECKING:
    from playwright.sync_api import Page


@dataclass
class Watch:
    """What a page did that nobody sees: requests to other hosts, and errors of scripts.

    Attributes:
        expected: parts of messages that the test provokes, such as a server that is away.
    """

    asked: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    expected: tuple[str, ...] = ()

    def on(self, page: Page) -> None:
        """Begin to watch a page."""
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.failed.append(str(error)))
        page.on("console", lambda message: self.failed.append(message.text) if message.type == "error" else None)

    def require_clean(self, base_url: str) -> None:
        """Fails for a request to another host, or an error that the test did not expect."""
        hosts = {urlsplit(url).netloc for url in self.asked if not url.startswith(("data:", "blob:"))}
        assert hosts <= {urlsplit(base_url).netloc}
        assert [text for text in self.failed if not any(part in text for part in self.expected)] == []


@dataclass
class Visitor:
    """Somebody who has the studio open.

    Attributes:
        key: of an account with 2,000 credits.
        photo: a file to choose.
        pictures: where screens are photographed into; None for nowhere.
    """

    page: Page
    gateway: Gateway
    key: str
    watch: Watch
    photo: Path
    name: str
    pictures: Path | None

    def open(self, path: str = "/", *, key: bool = True) -> None:
        """Go to an address; with the key, as the address that ``lensora up`` prints brings it."""
        self.page.goto(f"{self.gateway.base_url}{path}{f'#key={self.key}' if key else ''}")

    def choose_photo(self) -> str:
        """A photo in; the session's id."""
        self.page.locator("input[type=file]").first.set_input_files(self.photo)
        self.page.wait_for_url("**/studio/sessions/*")
        self.page.get_by_role("heading", name="Make a film of it").wait_for()
        return self.page.url.rsplit("/", 1)[-1]

    def session(self) -> str:
        """A photo in, by the API; the session's id."""
        answer = httpx.post(
            f"{self.gateway.base_url}/v1/studio/init",
            files={"image": self.photo.read_bytes()},
            headers={"Authorization": f"Bearer {self.key}"},
        )
        return str(answer.raise_for_status().json()["session_id"])

    def open_photo(self) -> str:
        """Go to a photo that is in already; the session's id."""
        session_id = self.session()
        self.open(f"/studio/sessions/{session_id}")
        self.page.get_by_role("heading", name="Make a film of it").wait_for()
        return session_id

    def order(self) -> str:
        """Order the film that is chosen; the job's id."""
        self.page.get_by_role("button", name="Create the film").click()
        self.page.wait_for_url("**/studio/jobs/*")
        return self.page.url.rsplit("/", 1)[-1]

    def submit(self, session_id: str, **fields: Any) -> str:
        """Order a film by the API; the job's id."""
        body = {"session_id": session_id, "background": {"type": "remove"}, **fields}
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = httpx.post(f"{self.gateway.base_url}/v1/studio/transform", json=body, headers=headers)
        return str(answer.raise_for_status().json()["job_id"])

    def save_brands(self, *names: str) -> None:
        """Save brands by the API: each says a shape."""
        for name in names:
            httpx.post(
                f"{self.gateway.base_url}/v1/studio/brands",
                files={"name": (None, name), "brand": (None, '{"aspect": "4:5"}')},
                headers={"Authorization": f"Bearer {self.key}"},
            ).raise_for_status()

    def make(self, job_id: str, *steps: Step) -> None:
        """Work on a job as a worker would: these stages, or all of them and its end."""
        self.gateway.take(job_id)
        self.gateway.do_stages(job_id, *(steps or STAGES), contents=files())
        if not steps or steps[-1] is STAGES[-1]:
            self.gateway.finish(job_id)

    def picture(self, screen: str) -> None:
        """Photograph the screen where that was asked for."""
        if self.pictures is not None:
            self.page.wait_for_timeout(300)
            self.page.screenshot(
                path=self.pictures / f"{screen}-{self.name}.jpg", type="jpeg", quality=85, animations="disabled"
            )


@cache
def files() -> dict[str, bytes]:
    """The four files of a film, small and real: each can be shown."""
    return {
        OutputFormat.MP4: _film(),
        OutputFormat.GLB: _model(),
        JobPicture.SCENE: _still(),
        JobPicture.REMOVED_BG: _cutout(),
    }


def _film() -> bytes:
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width = stream.height = 128
        stream.pix_fmt = "yuv420p"
        for number in range(24):
            picture = np.full((128, 128, 3), (200, 2 * number, 40), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return out.getvalue()


def _model() -> bytes:
    return bytes(trimesh.creation.cylinder(radius=0.3, height=0.8, sections=24).export(file_type="glb"))


def _still() -> bytes:
    out = io.BytesIO()
    picture = Image.linear_gradient("L").resize((256, 256)).convert("RGB")
    ImageDraw.Draw(picture).ellipse((70, 90, 186, 220), fill=(200, 120, 60))
    picture.save(out, "JPEG")
    return out.getvalue()


def _cutout() -> bytes:
    out = io.BytesIO()
    picture = Image.new("RGBA", (256, 256))
    ImageDraw.Draw(picture).ellipse((50, 60, 206, 220), fill=(200, 120, 60, 255))
    picture.save(out, "PNG")
    return out.getvalue()
