"""Artifacts under signed links: GET and HEAD, ranges, conditional requests, readable from any web page."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.http.plumbing.calls import Parameter, call
from gateway.links import UrlSigner
from lensora.adapters.artifacts import ArtifactStore, Stored
from lensora.core.artifacts import SUFFIX
from lensora.core.bounds import http_date
from lensora.core.errors import FileNotFound, InvalidRequest

MEDIA_TYPE = {suffix: media_type.value for media_type, suffix in SUFFIX.items()}
INLINE = frozenset({".jpg", ".png", ".webp", ".gif", ".mp4", ".webm"})
"""What a browser shows; the others are saved."""

CROSS_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Allow, Content-Disposition, Content-Length, Content-Range, ETag, Last-Modified, Retry-After, "
        "X-Request-Id"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
}
"""Links carry their own right of access, so any page may read them (a 3D viewer does). The edge adds these to every
answer under the links' path, errors included: without them a page cannot tell an expired link from a dead network."""

SHOWN_SAFELY = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox"
"""Content-Security-Policy of every file. A browser that opens a film in a tab makes a page around it, which this policy
governs: it may show the film and its own controls, and nothing else. No script runs and no origin is had."""

_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)


class Unsatisfiable(Exception):
    """A range that lies behind the file's end (status 416)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` (inclusive) to ``end`` (exclusive)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Files:
    """Handlers.

    Attributes:
        artifacts: the files.
        signer: knows which links are ours.
        clock: Unix seconds.
    """

    artifacts: ArtifactStore
    signer: UrlSigner
    clock: Callable[[], float] = time.time

    @call(
        "GET",
        "/v1/files/{token}/{rest:path}",
        name="file",
        tag="files",
        summary="An artifact under its signed link",
        description="No API key: the link carries its own right, and expires. Ranges, conditions and HEAD work.",
        keyed=False,
        parameters=(
            Parameter("token", "path", {"type": "string"}, "When the link expires, and its signature."),
            Parameter("rest", "path", {"type": "string"}, "The file."),
        ),
        errors=(FileNotFound,),
        responses={
            "200": {
                "description": "The file.",
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
            "206": {"description": "A part of it."},
            "304": {"description": "You have it."},
            "416": {"description": "No such part."},
        },
    )
    async def show(self, request: Request) -> Response:
        """GET and HEAD of /v1/files/{token}/{rest:path}."""
        now = self.clock()
        signed = self.signer.verify(request.path_params["token"], request.path_params["rest"], now)
        try:
            stored = await self.artifacts.stat_async(signed.key)
        except (FileNotFound, InvalidRequest) as error:
            raise FileNotFound("There is no such file, or it has been deleted.") from error
        suffix = signed.name[signed.name.rfind(".") :].lower()
        tag = entity_tag(stored)
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": f"private, max-age={max(0, signed.expires_at - int(now))}, immutable",
            "Content-Disposition": f'{"inline" if suffix in INLINE else "attachment"}; filename="{signed.name}"',
            "ETag": tag,
            "Last-Modified": format_datetime(stored.modified.astimezone(UTC), usegmt=True),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": SHOWN_SAFELY,
        }
        if not_modified(request.headers, tag, stored.modified):
            return Response(status_code=304, headers=headers)
        media_type = MEDIA_TYPE.get(suffix, "application/octet-stream")
        status, span = 200, Span(0, stored.size_bytes)
        asked = request.headers.get("range")
        if asked is not None and range_applies(request.headers, tag, stored.modified):
            try:
                part = parse_range(asked, stored.size_bytes)
            except Unsatisfiable:
                headers["Content-Range"] = f"bytes */{stored.size_bytes}"
                return Response(status_code=416, headers=headers)
            if part is not None:
                status, span = 206, part
                headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{stored.size_bytes}"
        headers["Content-Length"] = str(span.end - span.start)
        if request.method == "HEAD" or span.start == span.end:
            return Response(status_code=status, headers=headers, media_type=media_type)
        stream = self.artifacts.stream_async(signed.key, span.start, span.end)
        return StreamingResponse(stream, status, headers, media_type)

    @call("OPTIONS", "/v1/files/{token}/{rest:path}", keyed=False)
    async def preflight(self, _request: Request) -> Response:
        """OPTIONS: any page may ask for a range, and send what its HTTP client sends by habit."""
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": "GET, HEAD",
                "Access-Control-Allow-Headers": "Authorization, If-Modified-Since, If-None-Match, If-Range, Range, *",
                "Access-Control-Max-Age": "86400",
            },
        )


def entity_tag(stored: Stored) -> str:
    """A strong tag: artifacts are written whole, so size and time of writing tell two versions apart."""
    return f'"{stored.size_bytes:x}-{round(stored.modified.timestamp() * 1e6):x}"'


def not_modified(headers: Headers, tag: str, modified: datetime) -> bool:
    """Whether the client has this version already (RFC 9110, section 13.2.2: the tag goes before the date)."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or any(given.strip().removeprefix("W/") == tag for given in tags.split(","))
    since = http_date(headers.get("if-modified-since"))
    return since is not None and modified.replace(microsecond=0) <= since


def range_applies(headers: Headers, tag: str, modified: datetime) -> bool:
    """Whether a range is of the version that the client has part of (If-Range, RFC 9110, section 13.1.5)."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.strip().startswith('"'):
        return condition.strip() == tag
    date = http_date(condition)
    return date is not None and modified.replace(microsecond=0) == date


def parse_range(header: str, size: int) -> Span | None:
    """The bytes that a Range header asks for; None where it is to be passed over (several ranges, another unit).

    Args:
        header: such as ``bytes=0-99``, ``bytes=100-``, ``bytes=-100``.
        size: of the file, bytes.

    Raises:
        Unsatisfiable: the file has no byte of the range.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = min(int(match[2]), size)
        if not length:
            raise Unsatisfiable
        return Span(size - length, size)
    start = int(match[1])
    last = int(match[2]) if match[2] else size - 1
    if match[2] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start, min(last, size - 1) + 1)
