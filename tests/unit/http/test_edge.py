"""The outermost layer: what becomes of errors that nobody foresaw."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from gateway.http.jobs.results import Results
from gateway.http.plumbing.edge import Edge, exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.lifecycle import Lifecycle
from gateway.http.plumbing.waiting import Waiting
from gateway.jobs import ports
from gateway.links import FileLinks
from lensora.core.errors import ConfigurationError, Unavailable

SECRET = "/etc/secret-path: no such file"


async def crash(_request: Request) -> Response:
    """A fault of ours."""
    raise OSError(SECRET)


async def misconfigured(_request: Request) -> Response:
    """An error of the tree whose text is for operators."""
    raise ConfigurationError(SECRET)


async def away(request: Request) -> Response:
    """An error that says nothing of when to come back."""
    exchange_of(request).add_header("X-Gathered", "yes")
    raise Unavailable("Away.")


async def half(_request: Request) -> Response:
    """An answer that breaks off."""

    async def body() -> AsyncIterator[bytes]:
        yield b"half"
        raise Unavailable("The artifact store is not available.")

    return StreamingResponse(body(), headers={"Content-Length": "8"})


def client() -> httpx.AsyncClient:
    """A client of an application of these handlers."""
    handlers = {"/crash": crash, "/misconfigured": misconfigured, "/away": away, "/half": half}
    app = Edge([Route(path, handler) for path, handler in handlers.items()], "http://studio.test")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://studio.test")


@pytest.mark.parametrize("path", ["/crash", "/misconfigured"])
async def test_a_fault_is_hidden_from_clients_and_told_to_operators(path: str) -> None:
    """500 with a request id and nothing else; the log has the same id and the truth."""
    with capture_logs() as logged:
        async with client() as api:
            response = await api.get(path)
    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert SECRET not in response.text
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert SECRET in repr(logged)
    assert [entry["status"] for entry in logged if entry["event"] == "request"] == [500]


async def test_headers_gathered_on_the_way_are_on_errors_too() -> None:
    """And an unavailable answer always says when to come back."""
    async with client() as api:
        response = await api.get("/away")
    assert (response.status_code, response.headers["x-gathered"], response.headers["retry-after"]) == (503, "yes", "5")


async def test_an_answer_that_breaks_off_breaks_the_connection() -> None:
    """A second status cannot be sent: the client must see that the body is not whole."""
    async with client() as api:
        with pytest.raises(Unavailable):
            await api.get("/half")


class Silence:
    """A subscription in which nothing happens; it counts how often somebody has waited for the whole time."""

    def __init__(self, lifecycle: Lifecycle, waits: int) -> None:
        self._lifecycle = lifecycle
        self._left = waits
        self.timeouts: list[float] = []

    async def changed(self, timeout_s: float) -> bool:
        """Time runs out at once; after some times the process drains."""
        self.timeouts.append(timeout_s)
        self._left -= 1
        if self._left == 0:
            self._lifecycle.draining.set()
        return False


async def test_a_silent_stream_has_a_heartbeat() -> None:
    """A comment for each 15 s without news, and the stream ends when the process drains."""
    lifecycle = Lifecycle()
    silence = Silence(lifecycle, waits=3)

    @asynccontextmanager
    async def subscribe(_job_id: str) -> AsyncIterator[Silence]:
        yield silence

    async def get(_key_id: str, _job_id: str) -> Any:
        return SimpleNamespace(version=7, status=SimpleNamespace(terminal=False))

    jobs, changes = (
        cast(ports.Jobs, SimpleNamespace(get=get)),
        cast(ports.Changes, SimpleNamespace(subscribe=subscribe)),
    )
    gate, files = cast(Gate, SimpleNamespace()), cast(FileLinks, SimpleNamespace())
    results = Results(gate, jobs, Waiting(changes, lifecycle), files)
    told: Sequence[bytes] = [piece async for piece in results._events("key", "job", seen=7)]
    assert told == [b": still here\n\n"] * 2
    assert silence.timeouts == [15.0] * 3


async def test_a_client_that_goes_away_is_no_fault() -> None:
    """Nothing is answered, nothing crashes, and the log says 499."""

    async def upload(request: Request) -> Response:
        await request.body()
        return Response()

    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    app = Edge([Route("/upload", upload, methods=["POST"])], "http://studio.test")
    scope = {"type": "http", "method": "POST", "path": "/upload", "headers": [], "query_string": b""}
    with capture_logs() as logged:
        await app(scope, receive, send)
    assert sent == []
    assert [(entry["event"], entry["status"]) for entry in logged] == [("request", 499)]


@pytest.mark.parametrize("path", ["/v1/files/c2lnbmF0dXJl/a", "/V1/FILES/c2lnbmF0dXJl/a", "/S/c2lnbmF0dXJl"])
async def test_a_link_s_right_is_in_no_log_however_it_is_spelled(path: str) -> None:
    """A path in capital letters is not found, and its right would hold for the one in small letters."""
    with capture_logs() as lines:
        async with client() as asked:
            assert (await asked.get(path)).status_code == 404
    assert [line["path"] for line in lines if line["event"] == "request"] == ["unmatched"]
