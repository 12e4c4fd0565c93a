"""Errors as ``application/problem+json`` (RFC 9457)."""

from __future__ import annotations

import json
import math
from http import HTTPStatus

from starlette.responses import Response

from lensora.core.errors import DetectionUnavailable, LensoraError, RateLimited, Unauthorized, Unavailable
from lensora.rpc.status import HIDDEN_TEXT, hidden, statuses

MEDIA_TYPE = "application/problem+json"

DEFAULT_RETRY_S = 5.0
"""Retry-After of a 503 or 429 whose cause says nothing better: our services are back within seconds of a restart."""

TITLES = {
    "invalid_input": "Invalid input",
    "invalid_image": "Invalid image",
    "invalid_request": "Invalid request",
    "invalid_background": "Invalid background",
    "object_index_out_of_range": "Object index out of range",
    "crop_too_small": "Crop too small",
    "unauthorized": "Missing or invalid API key",
    "insufficient_credits": "Insufficient credits",
    "not_found": "Not found",
    "session_not_found": "Session not found",
    "cutout_not_found": "Cutout not found",
    "subject_not_found": "Subject not found",
    "job_not_found": "Job not found",
    "file_not_found": "File not found",
    "method_not_allowed": "Method not allowed",
    "conflict": "Conflict",
    "idempotency_in_progress": "Idempotent request in progress",
    "too_many_jobs": "Too many jobs",
    "idempotency_mismatch": "Idempotency key reused",
    "rate_limited": "Too many requests",
    "detection_unavailable": "Object detection unavailable",
    "unavailable": "Temporarily unavailable",
    "internal": "Internal error",
}
"""Titles by code; a code without one takes its status's phrase."""


def problem(error: LensoraError, *, request_id: str, public_url: str) -> Response:
    """The answer that tells a client of an error."""
    _, status = statuses(type(error))
    internal = hidden(error)
    code = "internal" if internal else error.code
    body = {
        "type": f"{public_url}/docs#{code}",
        "title": TITLES.get(code, HTTPStatus(status).phrase),
        "status": status,
        "detail": HIDDEN_TEXT if internal else _sentence(error.message),
        "code": code,
        "request_id": request_id,
    }
    headers = {"Cache-Control": "no-store"}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = 'Bearer realm="lensora"'
    retry_s = error.retry_after_s
    if retry_s is None and isinstance(error, Unavailable | RateLimited | DetectionUnavailable):
        retry_s = DEFAULT_RETRY_S
    if retry_s is not None:
        headers["Retry-After"] = str(max(1, math.ceil(retry_s)))
    return Response(encode(body), status, headers, MEDIA_TYPE)


def encode(value: object) -> bytes:
    """Compact JSON, UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if text.endswith((".", "!", "?")) else f"{text}."
