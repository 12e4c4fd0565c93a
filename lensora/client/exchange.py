"""How a request is sent, its answer read, and when it is tried again; shared by both clients. No I/O."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from lensora.client.requests import Request
from lensora.contract.shapes import PublicAnswer
from lensora.core.errors import (
    ConfigurationError,
    InternalError,
    LensoraError,
    NotFound,
    Unauthorized,
    Unavailable,
    error_class,
)

USER_AGENT = "lensora-client"
CONNECT_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 90.0
"""More than the longest ``Prefer: wait`` (60 s) and more than one heartbeat of the stream (15 s)."""
MAX_TRIES = 4
"""Tries of a request that the server or the network could not take; safe for POSTs, which carry an Idempotency-Key."""
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 20.0
PROBLEM = "application/problem+json"

A = TypeVar("A", bound=PublicAnswer)


def sent(base_url: str, api_key: str, request: Request) -> dict[str, Any]:
    """Arguments for ``httpx``'s ``request``/``build_request``. The key goes to the API's own base URL only."""
    within = {} if request.within_s is None else {"timeout": timeouts(request.within_s)}
    return {
        **within,
        "method": request.method,
        "url": f"{base_url}{request.path}",
        "params": dict(request.params) or None,
        "headers": {"Authorization": f"Bearer {api_key}", "User-Agent": USER_AGENT, **request.headers},
        "json": request.json,
        "files": request.files,
        "data": request.data,
    }


def usable(api_key: str) -> str:
    """A key as it is sent, without the white space that files and variables put around it.

    Raises:
        Unauthorized: no header can hold it. Its text is not told.
    """
    key = api_key.strip()
    if not key or not all("!" <= character <= "~" for character in key):
        raise Unauthorized("The API key is empty, or has a character that no key has.")
    return key


def base_of(base_url: str) -> str:
    """A base URL as requests begin with it, without the white space and the slashes around it.

    Raises:
        ConfigurationError: nothing can be asked there.
    """
    base = base_url.strip().rstrip("/")
    try:
        url = httpx.URL(base)
        named = url.scheme in ("http", "https") and bool(url.host) and not any(mark in base for mark in " ?#")
    except (httpx.InvalidURL, ValueError):  # a name that IDNA refuses is a ValueError
        named = False
    if not named:
        raise ConfigurationError(
            f"the base URL must be http:// or https:// with a host, such as http://127.0.0.1:8000, not {base_url!r}"
        )
    return base


def timeouts(within_s: float = READ_TIMEOUT_S) -> httpx.Timeout:
    """Short to connect, long to read: a poll may be held for a minute. Neither longer than ``within_s``."""
    return httpx.Timeout(min(READ_TIMEOUT_S, within_s), connect=min(CONNECT_TIMEOUT_S, within_s))


def error_from(status: int, headers: Mapping[str, str], body: bytes) -> LensoraError:
    """The error behind an answer that is not a success."""
    problem: Mapping[str, Any] = {}
    if headers.get("content-type", "").startswith(PROBLEM):
        try:
            parsed = httpx.Response(status, content=body).json()
            problem = parsed if isinstance(parsed, dict) else {}
        except ValueError:
            problem = {}
    cls = error_class(str(problem.get("code", "")))
    if cls is None:
        cls = Unavailable if status in (429, 502, 503, 504) else InternalError
    error = cls(str(problem.get("detail") or f"The server answered with status {status}."))
    error.retry_after_s = _seconds(headers.get("retry-after"))
    request_id = problem.get("request_id") or headers.get("x-request-id")
    error.add_note(f"HTTP status {status}" + (f", request id {request_id}" if request_id else ""))
    return error


def parsed(response: httpx.Response) -> Mapping[str, Any]:
    """The JSON object of a success; raises the error of anything else."""
    if not response.is_success:
        raise error_from(response.status_code, response.headers, response.content)
    if response.status_code == 204:
        return {}
    try:
        body = response.json()
    except ValueError as error:
        raise InternalError(f"The server answered {response.request.url.path} with a body that is not JSON.") from error
    if not isinstance(body, dict):
        raise InternalError(f"The server answered {response.request.url.path} with something that is no JSON object.")
    return body


def unreachable(base_url: str, cause: httpx.HTTPError) -> Unavailable:
    """The error for a server that cannot be reached or breaks off."""
    return Unavailable(f"{base_url} does not answer: {cause or type(cause).__name__}")


class Tries:
    """The tries of one call, from the first."""

    def __init__(self, request: Request | None = None) -> None:
        """``request``: what is asked for; None for a file."""
        self._request = request
        within_s = request.within_s if request is not None else None
        self._until = math.inf if within_s is None else time.monotonic() + within_s
        self._tried = 0
        self._last: LensoraError | None = None

    def has_happened(self, error: LensoraError) -> bool:
        """Whether what a deletion did not find is what the try before it deleted, whose answer was lost."""
        lost = self._last.__cause__ if self._last is not None else None
        is_lost = isinstance(lost, httpx.HTTPError) and not isinstance(lost, httpx.ConnectError | httpx.ConnectTimeout)
        is_deletion = self._request is not None and self._request.method == "DELETE"
        return is_lost and is_deletion and isinstance(error, NotFound)

    def pause_s(self, error: LensoraError) -> float:
        """Seconds before the next try, with jitter.

        Args:
            error: what this try raised; raised again where there should be no other.
        """
        self._tried += 1
        self._last = error
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 - not a secret
        asked_s = error.retry_after_s
        pause_s = FIRST_PAUSE_S * 2.0 ** (self._tried - 1) * jitter if asked_s is None else asked_s
        too_long = asked_s is not None and asked_s > LONGEST_PAUSE_S
        if self._tried >= MAX_TRIES or not error.retryable or too_long or time.monotonic() + pause_s >= self._until:
            raise error
        return pause_s


def read(model: type[A], body: Mapping[str, Any]) -> A:
    """An answer as its model. Raises InternalError for one that this client cannot read."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InternalError(f"The server's {model.__name__} cannot be read: {place}: {first['msg']}.") from error


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text) if text is not None else None
    except ValueError:
        return None
    return seconds if seconds is not None and math.isfinite(seconds) and seconds >= 0 else None
