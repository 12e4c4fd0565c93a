"""Raw bytes in every place that a client can fill: no answer is a 5xx, and none is missing."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.http.testing import Gateway
from lensora.core.steps import STAGES

ODD = [
    b"",
    b"0",
    b"-1",
    b"+1",
    b"00",
    b"1e9",
    b"0x10",
    b"9" * 20,
    b"9" * 4_400,
    b"0" * 4_400 + b"1",
    "٣".encode(),
    "²".encode("latin-1"),
    "½".encode(),
    b"%D9%A3",
    b"%00",
    b"%ff%fe",
    b"%",
    b"%zz",
    b"%ed%a0%80",
    b"0-0",
    b"1-1",
    b"0-1",
    b"(0-0",
    b"+",
    b"-",
    b"99999999999999999999-0",
    b"18446744073709551615-18446744073709551615",
    b"null",
    b"nan",
    b"[::1",
    b"a" * 300 + b".js",
    b"../" * 40 + b"etc/passwd",
    b"bytes=0-" + b"9" * 30,
    b"bytes=" + "٣".encode() + b"-",
    b"bytes=-0",
    b"Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
    b"Sun, 06 Nov 1994 08:49:37 +99999999999999999999",
    b"Mon, 01 Jan 0001 00:00:00 +2359",
    b"Fri, 31 Dec 9999 23:59:59 -2359",
    b"wait=" + b"9" * 5_000,
    b'"' * 200,
    b"," * 5_000,
    b"W/" * 500,
    b"\x80\xff\xfe",
    b"a\tb",
    b"multipart/form-data; boundary=" + b"x" * 5_000,
    b"multipart/form-data; boundary=\xff\xfe",
    b'multipart/form-data; boundary="',
    b"multipart/form-data; boundary*=utf-8''%ff",
]
"""What readers of numbers, dates, ranges, lists and names have stumbled over."""

AT_ONCE = 24
"""Requests under way: those that never end wait half a second to be closed."""

HEADERS = [
    *("Idempotency-Key", "X-Request-Id", "Prefer", "Last-Event-ID", "If-None-Match"),
    *("If-Modified-Since", "If-Range", "Range", "Content-Type", "traceparent", "tracestate", "Host", "Expect"),
    *("Connection", "Upgrade", "Content-Length", "Transfer-Encoding", "Accept-Encoding", "Cookie"),
]


@pytest.fixture(scope="module")
def links(hurried: Gateway) -> Iterator[tuple[str, str, str]]:
    """A key, a finished job of it, and the path of one of its files."""
    key = hurried.api_key(10_000)
    with httpx.Client(base_url=hurried.base_url, headers={"Authorization": f"Bearer {key}"}) as client:
        session = client.post("/v1/studio/init", files={"image": jpeg()}).json()["session_id"]
        body = {"session_id": session, "background": {"type": "remove"}}
        job = client.post("/v1/studio/transform", json=body).json()["job_id"]
        hurried.take(job)
        hurried.do_stages(job, *STAGES)
        hurried.finish(job)
        url = client.get(f"/v1/studio/result/{job}").json()["output"]["mp4_url"]
        yield key, job, url.removeprefix(hurried.base_url)


def jpeg() -> bytes:
    """A small photo."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG")
    return file.getvalue()


def status_of(hurried: Gateway, request: bytes) -> int:
    """The status that a raw request is answered with; 0 where the connection is closed without an answer."""
    with socket.create_connection(("127.0.0.1", int(hurried.base_url.rpartition(":")[2])), timeout=15) as peer:
        with contextlib.suppress(ConnectionError):
            peer.sendall(request)
        with contextlib.suppress(ConnectionError):
            line = peer.recv(4_096).split(b"\r\n")[0]
            return int(line.split(b" ")[1]) if line.startswith(b"HTTP/1.1 ") else 0
    return 0


def requests_of(key: str, job: str, file: str) -> dict[str, Callable[[bytes], bytes]]:
    """A request for each place, given what to put there."""
    auth = f"Authorization: Bearer {key}\r\nConnection: close\r\n".encode()

    def get(path: bytes, *more: bytes) -> bytes:
        return b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n" + auth + b"".join(more) + b"\r\n"

    def post(path: bytes, body: bytes, content_type: bytes, *more: bytes) -> bytes:
        head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + auth + b"".join(more)
        return head + b"Content-Type: %b\r\nContent-Length: %d\r\n\r\n" % (content_type, len(body)) + body

    def form(field: bytes, value: bytes, disposition: bytes = b"") -> bytes:
        named = disposition or b'form-data; name="' + field + b'"'
        body = b"--b\r\nContent-Disposition: " + named + b"\r\n\r\n" + value + b"\r\n--b--\r\n"
        return post(b"/v1/studio/init", body, b"multipart/form-data; boundary=b")

    def transform(**fields: object) -> bytes:
        body = {"session_id": str(uuid.uuid4()), "background": {"type": "remove"}, **fields}
        return post(b"/v1/studio/transform", json.dumps(body).encode(), b"application/json")

    path, result = file.encode(), f"/v1/studio/result/{job}".encode()
    token, rest = path.split(b"/")[3], b"/".join(path.split(b"/")[4:])
    places: dict[str, Callable[[bytes], bytes]] = {
        "ledger cursor": lambda odd: get(b"/v1/account/ledger?cursor=" + odd),
        "ledger limit": lambda odd: get(b"/v1/account/ledger?limit=" + odd),
        "jobs cursor": lambda odd: get(b"/v1/studio/jobs?cursor=" + odd),
        "jobs limit": lambda odd: get(b"/v1/studio/jobs?limit=" + odd),
        "jobs status": lambda odd: get(b"/v1/studio/jobs?status=" + odd),
        "query": lambda odd: get(b"/v1/account?" + odd),
        "path": lambda odd: get(b"/" + odd),
        "asset": lambda odd: get(b"/web/" + odd),
        "job": lambda odd: get(b"/v1/studio/result/" + odd),
        "stream": lambda odd: get(b"/v1/studio/result/" + odd + b"/stream"),
        "token": lambda odd: get(b"/v1/files/" + odd + b"/" + rest),
        "file": lambda odd: get(b"/v1/files/" + token + b"/" + odd),
        "cancel": lambda odd: post(b"/v1/studio/jobs/" + odd + b"/cancel", b"", b"text/plain"),
        "max_objects": lambda odd: form(b"max_objects", odd),
        "image": lambda odd: form(b"image", odd),
        "disposition": lambda odd: form(b"", b"x", odd or b"form-data"),
        "json": lambda odd: post(b"/v1/studio/transform", odd, b"application/json"),
        "session": lambda odd: transform(session_id=odd.decode("latin-1")),
        "index": lambda odd: transform(object_index=odd.decode("latin-1")),
        "seconds": lambda odd: transform(output={"seconds": odd.decode("latin-1")}),
        "url": lambda odd: transform(background={"type": "image", "url": "http://" + odd.decode("latin-1")}),
        "webhook": lambda odd: transform(webhook_url="https://" + odd.decode("latin-1")),
        "method": lambda odd: odd.replace(b" ", b"") + b" /healthz HTTP/1.1\r\n\r\n",
        "version": lambda odd: b"GET /healthz HTTP/" + odd + b"\r\n\r\n",
    }
    alone = b"GET /v1/account HTTP/1.1\r\nConnection: close\r\nAuthorization: "
    places["key"] = lambda odd: alone + odd + b"\r\n\r\n"
    places["secret"] = lambda odd: alone + b"Bearer " + odd + b"\r\n\r\n"
    for name in HEADERS:
        line = name.encode() + b": "
        places[f"{name} of a poll"] = lambda odd, line=line: get(result, line, odd, b"\r\n")  # type: ignore[misc]
        places[f"{name} of a file"] = lambda odd, line=line: get(path, line, odd, b"\r\n")  # type: ignore[misc]
        places[f"{name} of a post"] = lambda odd, line=line: post(  # type: ignore[misc]
            b"/v1/studio/transform", b"{}", b"application/json", line, odd, b"\r\n"
        )
    return places


def test_no_place_takes_what_breaks_a_reader(hurried: Gateway, links: tuple[str, str, str]) -> None:
    """Every odd value in every place: a refusal, or an answer as if it were not there, and never a fault of ours."""
    tries = [(place, odd, request(odd)) for place, request in requests_of(*links).items() for odd in ODD]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        statuses = list(pool.map(lambda each: status_of(hurried, each[2]), tries))
    answers = zip(tries, statuses, strict=True)
    faults = [(place, odd[:60], status) for (place, odd, _), status in answers if status >= 500]
    assert not faults
    assert statuses.count(0) < len(statuses) / 20, "most requests are answered, not cut off"
    assert {200, 400, 401, 404} <= set(statuses)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(odd=st.binary(max_size=200), choice=st.integers(0, 10_000))
def test_no_place_takes_random_bytes(hurried: Gateway, links: tuple[str, str, str], odd: bytes, choice: int) -> None:
    """The same with bytes that nobody thought of."""
    places = list(requests_of(*links).values())
    assert status_of(hurried, places[choice % len(places)](odd)) < 500
