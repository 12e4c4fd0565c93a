"""The outermost layer of the REST surface: request ids, routes, errors, metrics and the access log of every request."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Gauge, Histogram
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Message, Receive, Scope, Send

from gateway.http.plumbing.problems import problem
from lensora.core.errors import InternalError, LensoraError, MethodNotAllowed, NotFound
from lensora.observability import logs, traces

REQUESTS = Counter("lensora_http_requests_total", "HTTP requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "lensora_http_request_duration_seconds",
    "Time from a request's arrival to the end of its answer.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0),
)
RUNNING = Gauge("lensora_http_running", "HTTP requests that run now.")

CLIENT_CLOSED = 499
"""Status in logs and metrics of a request whose client went away before the answer (nginx's number)."""

QUIET_ROUTES = frozenset({"/healthz", "/readyz"})
"""Probes, many a minute: logged at level debug."""

TELLING = ("/files/", "/s/")
"""Parts of paths that are themselves the right to look: logs hold the route's template in their place."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Methods that metrics know; any other is counted as ``other``, so that a client cannot add labels without end."""

UNMATCHED = "unmatched"
"""Route of a request that none has taken."""

TRACE_HEADERS = frozenset({b"traceparent", b"tracestate"})

_SLASHES = re.compile("/{2,}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._~+/=-]{1,128}")
_log = logs.get(__name__)


@dataclass(slots=True)
class Exchange:
    """What a request gathers on its way: its id, its route's template, and headers for its answer."""

    request_id: str
    route: str = UNMATCHED
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def add_header(self, name: str, value: str) -> None:
        """A header for the answer, whatever the answer will be."""
        self.headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))


def exchange_of(request: Request) -> Exchange:
    """The exchange that a request belongs to."""
    exchange = request.scope["lensora.exchange"]
    assert isinstance(exchange, Exchange)
    return exchange


class Edge:
    """The ASGI application."""

    def __init__(
        self, routes: Sequence[BaseRoute], public_url: str, headers_under: Mapping[str, Mapping[str, str]] | None = None
    ) -> None:
        """
        Args:
            routes: in the order in which they are tried.
            public_url: what the URLs in problems start with.
            headers_under: start of a path -> headers of every answer under it, whether or not a route is found there.
        """
        self._router = Router(routes, redirect_slashes=False, default=_nothing_here)
        self._public_url = public_url
        self._headers_under = headers_under or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        exchange = Exchange(_request_id(scope))
        scope["lensora.exchange"] = exchange
        scope["path"] = self._tidied(scope["path"])
        for start, headers in self._headers_under.items():
            if scope["path"].startswith(start):
                for name, value in headers.items():
                    exchange.add_header(name, value)
        started = time.perf_counter()
        RUNNING.inc()
        with traces.span("HTTP", kind="server", parent=_trace_headers(scope)):
            try:
                with logs.bind(request_id=exchange.request_id):
                    await self._answer(exchange, scope, receive, send)
            finally:
                RUNNING.dec()
                _account(exchange, scope, time.perf_counter() - started)

    def _tidied(self, path: str) -> str:
        """The path without doubled slashes and without one at its end: clients that join a base URL and a path make
        them. A file's link is signed as it is."""
        tidy = _SLASHES.sub("/", path)
        if any(tidy.startswith(start) for start in self._headers_under):
            return path
        return tidy if tidy == "/" else tidy.rstrip("/")

    async def _answer(self, exchange: Exchange, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [
                    *message.get("headers", ()),
                    (b"x-request-id", exchange.request_id.encode("latin-1")),
                    *exchange.headers,
                ]
            await send(message)

        try:
            # With an application in the scope the router raises for a method that a path does not have.
            scope["app"] = self
            await self._router(scope, receive, send_with_headers)
            exchange.route = _template(scope)
        except ClientDisconnect:
            exchange.route = _template(scope)
            exchange.status = exchange.status or CLIENT_CLOSED
        except Exception as error:
            exchange.route = _template(scope)
            if isinstance(error, HTTPException):
                error = self._refused(exchange, scope)
            elif not isinstance(error, LensoraError):
                _log.exception("request_crashed", route=exchange.route)
                error = InternalError(f"{type(error).__name__}: {error}")
            elif exchange.status:
                _log.warning("answer_broken_off", route=exchange.route, code=error.code, error=error.message)
            if exchange.status:
                # The answer has begun: only a broken connection can tell the client that it is not whole.
                raise
            answer = problem(error, request_id=exchange.request_id, public_url=self._public_url)
            if answer.status_code >= 500:
                # What another library said: a Redis that is silent and one that is gone look alike to clients.
                _log.warning(
                    "request_failed", route=exchange.route, code=error.code, error=error.message, cause=error.cause
                )
            await answer(scope, receive, send_with_headers)

    def _refused(self, exchange: Exchange, scope: Scope) -> MethodNotAllowed:
        """The path has other methods, told in Allow."""
        methods: set[str] = set()
        for route in self._router.routes:
            if isinstance(route, Route) and route.matches(scope)[0] is not Match.NONE:
                methods |= route.methods or set()
        allowed = ", ".join(sorted(methods))
        exchange.add_header("Allow", allowed)
        return MethodNotAllowed(f"The method must be {' or '.join(sorted(methods))}, not {scope['method'][:20]}.")


async def _nothing_here(scope: Scope, _receive: Receive, _send: Send) -> None:
    path: str = scope["path"]
    hint = " Paths are written in lower case." if path != path.lower() else ""
    raise NotFound(f"There is nothing at {path[:200]}.{hint}")


def _template(scope: Scope) -> str:
    """The template of the route that was taken."""
    route = scope.get("route")
    return route.path if isinstance(route, Route) else UNMATCHED


def _request_id(scope: Scope) -> str:
    """The client's own X-Request-Id where it is plain, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            text: str = value.decode("latin-1")
            if _REQUEST_ID.fullmatch(text):
                return text
    return uuid.uuid4().hex


def _trace_headers(scope: Scope) -> dict[str, str]:
    """The client's own span, where it traces too (W3C Trace Context)."""
    if not traces.enabled():
        return {}
    return {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE_HEADERS}


def _account(exchange: Exchange, scope: Scope, seconds: float) -> None:
    status = exchange.status or CLIENT_CLOSED
    method = scope["method"] if scope["method"] in METHODS else "other"
    REQUESTS.labels(method, exchange.route, str(status)).inc()
    SECONDS.labels(method, exchange.route).observe(seconds)
    traces.note(f"{method} {exchange.route}", status=status, request_id=exchange.request_id)
    quiet = exchange.route in QUIET_ROUTES
    client = scope.get("client")
    (_log.debug if quiet else _log.info)(
        "request",
        method=method,
        path=exchange.route if any(part in scope["path"].lower() for part in TELLING) else scope["path"],
        status=status,
        ms=round(seconds * 1000, 1),
        client=client[0] if client else "",
        request_id=exchange.request_id,
    )
