"""Customers of a cheap house over plain sockets: what they send, and what they do not take for an answer."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from dataclasses import dataclass

from bench.cheap_house import CheapHouse
from gateway.jobs.records import TRANSFORM_CREDITS, ApiKey
from gateway.jobs.store import Store
from gateway.jobs.testing import session


class Connection:
    """One HTTP/1.1 connection, kept alive; one request at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def request(self, head: bytes, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request; ``(status, body)``. ``head`` ends with its last header's line."""
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        headers = await self._reader.readuntil(b"\r\n\r\n")
        length = int(headers.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return int(headers[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Drop it."""
        if self._writer is not None:
            self._writer.close()


class Refused(Exception):
    """An answer was not the one that is measured; ``str()`` is what it said, and what the processes logged last."""


def require(status: int, body: bytes, what: str, house: CheapHouse, since: float) -> None:
    """Raise Refused where an answer is not 200.

    Args:
        status: of the answer.
        body: of the answer.
        what: the request, for people.
        house: what was measured.
        since: when it was asked, by the performance counter.
    """
    if status != 200:
        said = body.decode(errors="replace")[:300]
        waited_ms = (time.perf_counter() - since) * 1000
        raise Refused(f"{what} answered {status} after {waited_ms:.0f} ms: {said}\n{house.complaints()}")


@dataclass(frozen=True)
class Customer:
    """A key that may submit: its secret, and a session of its own."""

    key: ApiKey
    secret: str
    session_id: str

    def transform(self) -> tuple[bytes, bytes]:
        """Head and body of a submit."""
        body = {"session_id": self.session_id, "background": {"type": "prompt", "prompt": "on a marble countertop"}}
        return self._head("POST /v1/studio/transform", "Content-Type: application/json\r\n"), json.dumps(body).encode()

    def poll(self, job_id: str, extra: str = "") -> bytes:
        """Head of a poll."""
        return self._head(f"GET /v1/studio/result/{job_id}", extra)

    def _head(self, what: str, extra: str) -> bytes:
        return f"{what} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.secret}\r\n{extra}".encode()


async def new_customer(store: Store, jobs: int) -> Customer:
    """A customer with credit for so many jobs and an open session."""
    account = f"account-{uuid.uuid4().hex[:12]}"
    await store.accounts.create(account)
    await store.credits.grant(account, 5 + TRANSFORM_CREDITS * jobs, reference="first")
    key, secret = await store.keys.create(account)
    opened = await store.sessions.open(session(key))
    return Customer(key, secret, opened.session_id)
