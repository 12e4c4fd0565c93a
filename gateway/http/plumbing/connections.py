"""What one connection may cost: bytes of headers, time to send them, a pace for bodies, and how many there may be.

uvicorn's parser takes headers of any size and waits for ever for their end. The limits stand around it, in the protocol
object of each connection, so that a request is measured before the application sees it.
"""

from __future__ import annotations

import asyncio
import functools
import re
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from prometheus_client import Counter as Count
from prometheus_client import Gauge
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from gateway.http.plumbing.problems import problem
from lensora.core.errors import HeadersTooLarge, InvalidRequest, LensoraError, RequestTooSlow, TooManyConnections

OPEN = Gauge("lensora_http_connections", "Connections that are open now.")
CUT_OFF = Count("lensora_http_connections_cut_off_total", "Connections ended for a limit, by which.", ["limit"])
for _limit in (
    "headers",
    "header_time",
    "body_pace",
    "write_stall",
    "address",
    "total",
    "unread",
    "ahead",
    "malformed",
):
    CUT_OFF.labels(limit=_limit)

NOT_HTTP = "This is not well-formed HTTP/1.1: see RFC 9112 for the request line, the headers and the length of a body."
BODY_AND_UPGRADE = "A request with a body must not ask for another protocol: send it without the header Upgrade."

_UPGRADE = re.compile(rb"(?<=\n)upgrade(?=[ \t]*:)", re.IGNORECASE)
_PASSED_OVER = b"ignored"
"""Name that the header Upgrade gets: one that nothing asks for."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Limits of one HTTP process; each is far above what browsers, SDKs and proxies do.

    Attributes:
        header_bytes: of a request's line, headers and trailers together.
        header_count: headers of a request.
        header_s: seconds from a connection's start, or a request's first byte, to the end of its headers.
        body_window_s: a body that is waited for must bring ``body_window_bytes`` in each window of so many seconds.
        body_window_bytes: 4 KB a second: a fifth of what the slowest mobile network brings.
        write_stall_s: seconds in which a client must read 48 KB of an answer that waits for it.
        ahead: requests of a connection that are taken before the first of them is answered.
        unread_bytes: bytes of a body that are read and dropped after the answer, so that the client can see it.
        per_address: open connections of one client address; a proxy's address stands for all its clients.
        total: open connections of this process.
    """

    header_bytes: int = 32 * 1024
    header_count: int = 128
    header_s: float = 10.0
    body_window_s: float = 15.0
    body_window_bytes: int = 60_000
    write_stall_s: float = 30.0
    ahead: int = 64
    unread_bytes: int = 24_000_000
    per_address: int = 512
    total: int = 8_192


class Census:
    """Open connections of one process, by client address."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._by_address: Counter[str] = Counter()
        self._total = 0

    def enter(self, address: str) -> str:
        """Count a connection; the name of the limit that it is over, or ''. It is counted all the same."""
        self._by_address[address] += 1
        self._total += 1
        OPEN.set(self._total)
        if self._total > self._limits.total:
            return "total"
        return "address" if self._by_address[address] > self._limits.per_address else ""

    def leave(self, address: str) -> None:
        """The connection is closed."""
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._total -= 1
        OPEN.set(self._total)


def protocol_of(limits: ConnectionLimits, public_url: str) -> Callable[..., asyncio.Protocol]:
    """What uvicorn makes for each connection (its setting ``http``).

    Args:
        limits: of each connection, and of all.
        public_url: what the URLs in problems start with.
    """
    return functools.partial(GuardedProtocol, limits, Census(limits), public_url)


def without_upgrade(data: bytes) -> bytes:
    """The start of a request without its wish for another protocol, which a server may pass over (RFC 9110, 7.8).

    Java's client wishes for HTTP/2 in each request. The parser takes no body after such a wish: what follows would be
    read as the next request.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(_PASSED_OVER, head) + end + rest


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol within limits."""

    def __init__(
        self,
        limits: ConnectionLimits,
        census: Census,
        public_url: str,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self._census = census
        self._public_url = public_url
        self._cut_off = False
        self._in_head = True
        self._ended = False
        self._head_bytes = 0
        self._body_bytes = 0
        self._dropped_bytes = 0
        self._unseen_bytes = 0
        self._clock: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._unanswered: list[RequestResponseCycle] = []

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        over = self._census.enter(self._address())
        if over:
            self._end(over, TooManyConnections("There are as many connections as there may be; try again."))
        else:
            self._start(self._limits.header_s, self._headers_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._census.leave(self._address())
        self._stop_clock()
        self._stop_stall()
        for cycle in self._unanswered:
            # uvicorn tells the newest request alone.
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._cut_off:
            return
        if self._in_head and self._clock is None:
            self._start(self._limits.header_s, self._headers_late)
        if self._in_head:
            data = without_upgrade(data)
        else:
            self._unseen_bytes += len(data)
        waiting, self._ended = self._in_head, False
        super().data_received(data)
        if waiting and self._in_head and not self._ended and not self._cut_off:
            # The parser keeps what it has of an unfinished header where it cannot be seen: what came is counted. Where
            # a whole request came at once, its body is no part of a header.
            self._head_bytes += len(data)
            self._check_head()
        elif not self._in_head and not self._cut_off:
            # Nor can an unfinished trailer be seen, or what stands beside a chunk's size.
            self._check_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._start_stall()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop_stall()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._start_stall()

    def timeout_keep_alive_handler(self) -> None:
        if not self.transport.is_closing():
            super().timeout_keep_alive_handler()
            self._start_stall()

    # The parser

    def on_message_begin(self) -> None:
        self._in_head, self._head_bytes, self._body_bytes, self._dropped_bytes = True, 0, 0, 0
        self._unseen_bytes = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)
        elif not self._cut_off:
            # A trailer, which nothing of ours asks for: it is counted and not kept.
            self._unseen_bytes = 0
            self._head_bytes += len(name) + len(value) + len(b": \r\n")
            self._check_head()

    def on_headers_complete(self) -> None:
        if self._cut_off:
            return
        sizes = (len(name) + len(value) + len(b": \r\n") for name, value in self.headers)
        self._head_bytes = len(self.url) + sum(sizes)
        self._in_head = False
        self._stop_clock()
        if self.parser.should_upgrade() and self._has_body():
            # The header came in two pieces.
            self._end("malformed", InvalidRequest(BODY_AND_UPGRADE))
        elif self._check_head() and self._has_room():
            super().on_headers_complete()
            self._unanswered.append(self.cycle)
            self._start(self._limits.body_window_s, self._check_pace)

    def on_body(self, body: bytes) -> None:
        if self._cut_off:
            return
        self._unseen_bytes = 0
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            self._dropped_bytes += len(body)
            if self._dropped_bytes > self._limits.unread_bytes:
                self._end("unread")
                return
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._cut_off:
            return
        super().on_message_complete()
        self._stop_clock()
        self._in_head, self._head_bytes, self._ended = True, 0, True

    def send_400_response(self, msg: str) -> None:
        """What the parser does not take is answered as every other error is."""
        del msg
        if not self._cut_off:
            self._end("malformed", InvalidRequest(NOT_HTTP))

    # The limits

    def _check_head(self) -> bool:
        size, count = self._head_bytes + self._unseen_bytes, len(self.headers or ())
        if size > self._limits.header_bytes or count > self._limits.header_count:
            most = f"{self._limits.header_bytes // 1024} KB and {self._limits.header_count} fields"
            self._end("headers", HeadersTooLarge(f"The request line and headers together must have at most {most}."))
        return not self._cut_off

    def _has_room(self) -> bool:
        """Whether one more request may wait; else those that do are answered, and the connection ends."""
        self._unanswered = [cycle for cycle in self._unanswered if not cycle.response_complete]
        if len(self._unanswered) >= self._limits.ahead:
            CUT_OFF.labels(limit="ahead").inc()
            self._cut_off = True
            self._unanswered[-1].keep_alive = False
        return not self._cut_off

    def _has_body(self) -> bool:
        return any(
            name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0"))
            for name, value in self.headers
        )

    def _headers_late(self) -> None:
        self._clock = None
        if self.flow.read_paused or (self.cycle is not None and not self.cycle.response_complete):
            # Not the client's doing: an earlier request of this connection is still being answered.
            self._start(self._limits.header_s, self._headers_late)
        else:
            said = f"The request's headers did not end within {self._limits.header_s:g} seconds."
            self._end("header_time", RequestTooSlow(said) if self._head_bytes else None)

    def _check_pace(self) -> None:
        """Once a window while a body is under way; one that nobody reads at the moment, or has asked for (Expect:
        100-continue), cannot be slow."""
        self._clock = None
        unasked = self.flow.read_paused or self.cycle.waiting_for_100_continue
        if unasked or self._body_bytes >= self._limits.body_window_bytes:
            self._body_bytes = 0
            self._start(self._limits.body_window_s, self._check_pace)
        else:
            said = (
                f"The request's body must bring at least {self._limits.body_window_bytes:,} bytes in "
                f"{self._limits.body_window_s:g} seconds, not {self._body_bytes:,}."
            )
            self._end("body_pace", RequestTooSlow(said))

    def _not_read(self) -> None:
        self._stall = None
        CUT_OFF.labels(limit="write_stall").inc()
        self._cut_off = True
        self.transport.abort()

    def _end(self, limit: str, error: LensoraError | None = None) -> None:
        """Close the connection, with an answer where there is one to give and one may still be given."""
        CUT_OFF.labels(limit=limit).inc()
        self._cut_off = True
        self._stop_clock()
        # What has begun is not broken into; a request that came whole has an answer of its own, which this is not.
        answering = any(
            not cycle.response_complete and (cycle.response_started or not cycle.more_body)
            for cycle in self._unanswered
        )
        if error is not None and not answering and not self.transport.is_closing():
            request_id = uuid.uuid4().hex
            answer = problem(error, request_id=request_id, public_url=self._public_url)
            headers = [*answer.raw_headers, (b"x-request-id", request_id.encode()), (b"connection", b"close")]
            self.transport.write(
                b"HTTP/1.1 %d %s\r\n" % (answer.status_code, HTTPStatus(answer.status_code).phrase.encode())
                + b"".join(b"%s: %s\r\n" % header for header in headers)
                + b"\r\n"
                + bytes(answer.body)
            )
        self.transport.close()
        self._start_stall()

    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _start(self, seconds: float, then: Callable[[], None]) -> None:
        self._stop_clock()
        self._clock = self.loop.call_later(seconds, then)

    def _stop_clock(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
            self._clock = None

    def _start_stall(self) -> None:
        """From now on the client must read: a closed connection stays open until all that was written is read."""
        if self._stall is None:
            self._stall = self.loop.call_later(self._limits.write_stall_s, self._not_read)

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None
