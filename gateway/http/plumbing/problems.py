"""Errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import math
from http import HTTPStatus

from starlette.responses import Response

from lensora.contract.answers import Problem
from lensora.contract.problems import title_of
from lensora.core.errors import DetectionUnavailable, LensoraError, RateLimited, Unauthorized, Unavailable
from lensora.rpc.status import HIDDEN_TEXT, hidden, statuses

MEDIA_TYPE = "application/problem+json"

DEFAULT_RETRY_S = 5.0
"""Retry-After of a 503 or 429 whose cause says nothing better: our services are back within seconds of a restart."""


def problem(error: LensoraError, *, request_id: str, public_url: str) -> Response:
    """The answer that tells a client of an error."""
    _, status = statuses(type(error))
    internal = hidden(error)
    code = "internal" if internal else error.code
    body = Problem(
        type=f"{public_url}/docs#{code}",
        title=title_of(code) or HTTPStatus(status).phrase,
        status=status,
        detail=HIDDEN_TEXT if internal else _sentence(error.message),
        code=code,
        request_id=request_id,
    )
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="lensora"'
    retry_s = error.retry_after_s
    if retry_s is None and isinstance(error, Unavailable | RateLimited | DetectionUnavailable):
        retry_s = DEFAULT_RETRY_S
    if retry_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_s)))
    return Response(body.encoded(), status, headers, MEDIA_TYPE)


def _sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
