"""Success answers of the API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.problems import encode
from lensora.core.bounds import whole
from lensora.core.errors import InvalidRequest

JSON = "application/json"
API_HEADERS = {"Cache-Control": "no-store"}
"""What the API says is for one caller and one moment."""


def json_answer(value: object, *, headers: dict[str, str] | None = None) -> Response:
    """200 with a JSON body."""
    return Response(encode(value), 200, API_HEADERS | (headers or {}), JSON)


async def read_body(request: Request, limit: int) -> bytes:
    """The body, never more in memory than ``limit`` bytes. Raises InvalidRequest."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise InvalidRequest(f"The body must have at most {limit:,} bytes.")
    return bytes(body)


def page_limit(request: Request, *, default: int, most: int) -> int:
    """The query's ``limit``. Raises InvalidRequest."""
    text = request.query_params.get("limit")
    if text is None:
        return default
    limit = whole(text, 1, most)
    if limit is None:
        raise InvalidRequest(f"limit must be an integer from 1 to {most}, not {text[:20]!r}.", field="limit")
    return limit
