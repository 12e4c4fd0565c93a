"""What pages for people share: where their files lie, what they may load, and how they are answered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

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


@dataclass(frozen=True)
class Page:
    """A body with its entity tag."""

    body: bytes
    tag: str
    media_type: str

    @classmethod
    def of(cls, body: bytes, media_type: str) -> Page:
        return cls(body, f'"{hashlib.sha256(body).hexdigest()[:24]}"', media_type)


def page_answer(request: Request, page: Page, policy: str, *, stored: bool = True) -> Response:
    """The page, or 304 where the browser has it.

    Args:
        request: whose ``If-None-Match`` counts.
        page: what is asked for.
        policy: Content-Security-Policy.
        stored: False for what no cache may keep.
    """
    headers = {
        "ETag": page.tag,
        "Cache-Control": "no-cache" if stored else "no-store",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    given = request.headers.get("if-none-match", "")
    if stored and page.tag in (tag.strip().removeprefix("W/") for tag in given.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(page.body, 200, headers, page.media_type)
