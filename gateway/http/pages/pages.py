"""Pages for people: the studio in the browser, the API's reference, and what they are made of. No outside resource."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.pages.openapi import document
from gateway.http.pages.reference import render_reference
from gateway.http.plumbing.calls import Call, call
from lensora.core.errors import NotFound

WEB = Path(__file__).parents[1] / "web"

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
    ".wasm": "application/wasm",
}

POLICY = (
    "default-src 'self'; img-src 'self' blob: data: {public}; media-src 'self' blob: {public}; "
    "connect-src 'self' blob: data: {public}; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
"""Content-Security-Policy: nothing from elsewhere runs; pictures and films come from the public URL. The 3D viewer
writes styles of its own, decodes in workers made of blobs, and may use WebAssembly."""

RENDERER = "vendor/scalar.js"


@dataclass(frozen=True)
class Page:
    """A body with its entity tag."""

    body: bytes
    tag: str
    media_type: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Page:
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', media_type)


def _assets() -> dict[str, Page]:
    """Every file of the folder by its path there, read once: a request's path never reaches the file system."""
    files = [path for path in WEB.rglob("*") if path.suffix in TYPES and path.is_file()]
    return {path.relative_to(WEB).as_posix(): Page.of(path.read_bytes(), TYPES[path.suffix]) for path in files}


class Pages:
    """Handlers; texts and files are read once, at the start."""

    def __init__(self, public_url: str, calls: Sequence[Call]) -> None:
        api = document(calls, public_url)
        self._policy = POLICY.format(public=public_url)
        self._openapi = Page.of(json.dumps(api, ensure_ascii=False, separators=(",", ":")).encode(), "application/json")
        self._plain = Page.of(render_reference(api, public_url).encode(), TYPES[".html"])
        self._assets = _assets()
        # The renderer is fetched at set-up; without it the plain page stands in its place.
        self._docs = self._assets["reference.html"] if RENDERER in self._assets else self._plain

    @call("GET", "/openapi.json", keyed=False)
    async def openapi(self, request: Request) -> Response:
        """GET /openapi.json."""
        return self._answer(request, self._openapi)

    @call("GET", "/docs", keyed=False)
    async def docs(self, request: Request) -> Response:
        """GET /docs."""
        return self._answer(request, self._docs)

    @call("GET", "/docs/plain", keyed=False)
    async def plain_docs(self, request: Request) -> Response:
        """GET /docs/plain: without scripts, with an anchor for every error code."""
        return self._answer(request, self._plain)

    @call("GET", "/", keyed=False)
    async def studio(self, request: Request) -> Response:
        """GET /."""
        return self._answer(request, self._asset("index.html"))

    @call("GET", "/studio", keyed=False)
    async def films(self, request: Request) -> Response:
        """GET /studio: the same page; its script shows what the address names."""
        return self._answer(request, self._asset("index.html"))

    @call("GET", "/studio/{rest:path}", keyed=False)
    async def place(self, request: Request) -> Response:
        """GET /studio/{rest:path}: a photo, or a film."""
        return self._answer(request, self._asset("index.html"))

    @call("GET", "/favicon.ico", keyed=False)
    async def favicon(self, request: Request) -> Response:
        """GET /favicon.ico."""
        return self._answer(request, self._asset("icon.svg"))

    @call("GET", "/web/{name:path}", keyed=False)
    async def asset(self, request: Request) -> Response:
        """GET /web/{name:path}."""
        return self._answer(request, self._asset(request.path_params["name"]))

    def _asset(self, name: str) -> Page:
        """A file of the folder. Raises NotFound."""
        page = self._assets.get(name)
        if page is None:
            raise NotFound(f"There is nothing at /web/{name[:100]}.")
        return page

    def _answer(self, request: Request, page: Page) -> Response:
        headers = {
            "ETag": page.tag,
            "Cache-Control": "no-cache",
            "Content-Security-Policy": self._policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
        }
        given = request.headers.get("if-none-match", "")
        if page.tag in (tag.strip().removeprefix("W/") for tag in given.split(",")):
            return Response(status_code=304, headers=headers)
        return Response(page.body, 200, headers, page.media_type)
