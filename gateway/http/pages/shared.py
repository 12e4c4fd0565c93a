"""The public page of a shared job: film, turning model with its way into the room, files as the owner allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.http.plumbing.calls import call
from gateway.jobs import ports
from gateway.jobs.records import Job
from gateway.links import FileLinks
from lensora.core.boxes import FULL_FRAME_LABEL, Category
from lensora.core.errors import NotFound
from lensora.core.words import JobPicture, OutputFormat

LINK_S = 3600
"""A file's own link holds so long: whoever has opened a page that is then taken back can read no longer than this."""

SEEN: tuple[str, ...] = (OutputFormat.MP4, OutputFormat.GLB, OutputFormat.USDZ, OutputFormat.POSTER, JobPicture.SCENE)
"""What the page shows; further files are given out only where the owner allows downloads."""

WORDS: Mapping[str, str] = {
    OutputFormat.MP4: "Film (MP4)",
    OutputFormat.GIF: "Animated picture (GIF)",
    OutputFormat.WEBP: "Animated picture (WebP)",
    OutputFormat.WEBM_ALPHA: "Film without background (WebM)",
    OutputFormat.POSTER: "Poster (JPEG)",
    JobPicture.SCENE: "Still (JPEG)",
    JobPicture.REMOVED_BG: "Cutout (PNG)",
    OutputFormat.GLB: "3D model (GLB)",
    OutputFormat.USDZ: "Model for iPhone and iPad (USDZ)",
    OutputFormat.OBJ: "Model (OBJ)",
    OutputFormat.STL: "Model for 3D printing (STL)",
}

POLICY = (
    "default-src 'none'; img-src 'self' blob: data: {public}; media-src 'self' {public}; "
    "style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' blob: data: {public}; worker-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}"
)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title>{robots}
<meta property="og:type" content="video.other"><meta property="og:title" content="{title}">
<meta property="og:site_name" content="Lensora Studio"><meta property="og:url" content="{url}">
<meta name="description" content="{about}"><meta property="og:description" content="{about}">
<meta property="og:image" content="{url}/{still}"><meta property="og:image:width" content="{width}">
<meta property="og:image:height" content="{height}"><meta property="og:image:alt" content="{title}">
<meta property="og:video" content="{url}/mp4">
<meta property="og:video:type" content="video/mp4"><meta property="og:video:width" content="{width}">
<meta property="og:video:height" content="{height}"><meta name="twitter:card" content="player">
<meta name="twitter:title" content="{title}"><meta name="twitter:description" content="{about}">
<meta name="twitter:player" content="{url}/embed"><meta name="twitter:player:width" content="{width}">
<meta name="twitter:player:height" content="{height}"><meta name="twitter:image" content="{url}/{still}">
<link rel="icon" href="/web/icon.svg"><link rel="stylesheet" href="/web/studio.css">
<script type="module" src="/web/vendor/model-viewer.min.js"></script></head>
<body class="shared {kind}"><main>{heading}
<video src="{url}/mp4" poster="{url}/{still}" controls loop muted autoplay playsinline
 aria-label="The film of {title}"></video>
<model-viewer src="{url}/glb" {ios} poster="{url}/{still}" alt="{title} in 3D" camera-controls auto-rotate ar
 ar-modes="webxr scene-viewer quick-look" shadow-intensity="0.6" touch-action="pan-y" loading="lazy"></model-viewer>
{files}{foot}</main></body></html>"""

ABOUT = "A product film and a 3D model to turn, made from one photo."

GONE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Not shown</title><meta name="robots" content="noindex">
<link rel="icon" href="/web/icon.svg"><link rel="stylesheet" href="/web/studio.css"></head>
<body class="shared"><main><section class="card narrow"><h1>This film is not shown any more</h1>
<p>Its owner has taken the link back, or its time is over.</p></section></main></body></html>"""


@dataclass(frozen=True, slots=True)
class SharedPages:
    """Handlers. No API key: the token is the right to look."""

    shares: ports.Shares
    files: FileLinks
    public_url: str
    clock: Callable[[], float] = time.time

    @call("GET", "/s/{token}", keyed=False)
    async def page(self, request: Request) -> Response:
        """GET /s/{token}: the page."""
        return await self._page(request, embedded=False)

    @call("GET", "/s/{token}/embed", keyed=False)
    async def embed(self, request: Request) -> Response:
        """GET /s/{token}/embed: the same for a frame of another page."""
        return await self._page(request, embedded=True)

    @call("GET", "/s/{token}/{name}", keyed=False)
    async def file(self, request: Request) -> Response:
        """GET /s/{token}/{name}: to a file, by a link that holds an hour."""
        job = await self.shares.shown(request.path_params["token"])
        name = request.path_params["name"]
        allowed = name in SEEN or (job.share is not None and job.share.downloads)
        if name not in job.outputs or not allowed:
            raise NotFound("There is no such file here.")
        file = job.outputs[name]
        link = self.files.of(file.artifact, file.name, int(self.clock()) + LINK_S)
        return RedirectResponse(link, 307, headers={"Cache-Control": "no-store"})

    async def _page(self, request: Request, *, embedded: bool) -> Response:
        try:
            job = await self.shares.shown(request.path_params["token"])
        except NotFound:
            return self._html(GONE, 404, listed=False, embedded=embedded)
        assert job.share is not None
        listed = job.share.listed and not embedded
        return self._html(shared_page(job, self.public_url, embedded=embedded), 200, listed=listed, embedded=embedded)

    def _html(self, text: str, status: int, *, listed: bool, embedded: bool) -> Response:
        ancestors = "*" if embedded else "'none'"
        headers: Mapping[str, str] = {
            "Content-Security-Policy": POLICY.format(public=self.public_url, ancestors=ancestors),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            **({} if listed else {"X-Robots-Tag": "noindex, nofollow"}),
        }
        return Response(text, status, headers, "text/html; charset=utf-8")


def shared_page(job: Job, public_url: str, *, embedded: bool) -> str:
    """The page's HTML."""
    share = job.share
    assert share is not None
    label = job.order.label
    # A thing that was not recognised is called by its category.
    named = label not in ("", Category.OBJECT, Category.PRODUCT, FULL_FRAME_LABEL)
    title = escape(label[:1].upper() + label[1:] if named else "A product film")
    url = f"{public_url}/s/{share.token}"
    width, height = job.order.output.frame
    rows = "".join(
        f'<li><a href="{url}/{name}" download><span>{words}</span></a></li>'
        for name, words in WORDS.items()
        if name in job.outputs
    )
    return PAGE.format(
        title=title,
        url=url,
        about=ABOUT,
        still="poster" if "poster" in job.outputs else "scene",
        robots="" if share.listed and not embedded else '<meta name="robots" content="noindex, nofollow">',
        width=width,
        height=height,
        kind="embedded" if embedded else "whole",
        heading="" if embedded else f"<h1>{title}</h1>",
        ios=f'ios-src="{url}/usdz"' if "usdz" in job.outputs else "",
        files=f'<ul class="downloads">{rows}</ul>' if share.downloads and not embedded else "",
        foot="" if embedded else '<p class="hint">Made from one photo with Lensora Studio.</p>',
    )
