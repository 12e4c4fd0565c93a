"""Success answers of the API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.intake import Arrival
from lensora.contract.shapes import PublicAnswer
from lensora.core.bounds import whole
from lensora.core.errors import InvalidRequest

JSON = "application/json"
API_HEADERS = {"Cache-Control": "no-store"}
"""What the API says is for one caller and one moment."""


def json_answer(answer: PublicAnswer, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """An answer as JSON."""
    return Response(answer.encoded(), status, API_HEADERS | (headers or {}), JSON)


def require_unpacked(request: Request) -> None:
    """Raise InvalidRequest where the body is packed: nothing of ours unpacks what strangers send."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", ""):
        raise InvalidRequest(
            f"Content-Encoding must be identity, not {coding[:20]!r}: send the body unpacked.", field="Content-Encoding"
        )


async def read_body(request: Request, limit: int, arrival: Arrival | None = None) -> bytes:
    """The body, never more in memory than ``limit`` bytes.

    Args:
        arrival: counts what comes, where bodies may be large.

    Raises:
        InvalidRequest: it is packed, or too long.
        Overloaded: as ``Arrival.counted``.
    """
    require_unpacked(request)
    body = bytearray()
    chunks = request.stream()
    async for chunk in chunks if arrival is None else arrival.counted(chunks):
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
