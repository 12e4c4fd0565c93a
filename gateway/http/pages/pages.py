"""Pages for people: the studio in the browser, the API's reference, and what they are made of. No outside resource."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.pages.openapi import document
from gateway.http.pages.reference import render_reference
from gateway.http.plumbing.calls import Call, call
from gateway.http.plumbing.web import POLICY, TYPES, WEB, Page, page_answer
from lensora.core.errors import NotFound

RENDERER = "vendor/scalar.js"


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
        return page_answer(request, page, self._policy)
