"""Checking a webhook before it is believed: the scheme Standard Webhooks, version 1, by the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping

from pydantic import TypeAdapter, ValidationError

from lensora.contract.batches import BatchEnded
from lensora.contract.events import JobEvent
from lensora.core.errors import Unauthorized

TOLERANCE_S = 300.0
"""Older or newer messages are refused, so that nobody can send an old one again."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret starts with

_EVENTS: TypeAdapter[JobEvent | BatchEnded] = TypeAdapter(JobEvent | BatchEnded)


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance_s: float = TOLERANCE_S,
) -> JobEvent:
    """The event of a webhook that our own server signed.

    Args:
        secret: ``GET /v1/account/webhook-secret``.
        headers: of the request; names count without regard to case.
        body: the request's body as it came, not parsed and written again.
        now: Unix seconds; None takes the clock.
        tolerance_s: how far the message's time may be from now.

    Raises:
        Unauthorized: a header is missing, the time is too far off, no signature fits, or it is no event of a job.
    """
    found = event(secret, headers, body, now=now, tolerance_s=tolerance_s)
    if not isinstance(found, JobEvent):
        raise Unauthorized("The webhook's body is not an event of a job.")
    return found


def event(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float | None = None,
    tolerance_s: float = TOLERANCE_S,
) -> JobEvent | BatchEnded:
    """As ``verify``, for an address that is told of batches too.

    Raises:
        Unauthorized: as ``verify``, or it is an event of neither.
    """
    given = {name.lower(): value for name, value in headers.items()}
    try:
        name, moment, signatures = (given[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        sent_s = float(int(moment))
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (KeyError, ValueError, OverflowError) as error:
        raise Unauthorized("The webhook lacks a header of Standard Webhooks, or the secret is not one.") from error
    if not key:  # anybody can sign with an empty one
        raise Unauthorized("The secret is empty.")
    if abs((time.time() if now is None else now) - sent_s) > tolerance_s:
        raise Unauthorized(f"The webhook's time is more than {tolerance_s:g} seconds from now.")
    wanted = base64.b64encode(hmac.new(key, f"{name}.{moment}.".encode() + body, hashlib.sha256).digest())
    valid = [
        hmac.compare_digest(wanted, signature.encode())
        for version, _, signature in (part.partition(",") for part in signatures.split(" "))
        if version == "v1"
    ]
    if not any(valid):
        raise Unauthorized("The webhook's signature does not fit its body.")
    try:
        return _EVENTS.validate_json(body)
    except ValidationError as error:
        raise Unauthorized("The webhook's body is not an event of a job.") from error
