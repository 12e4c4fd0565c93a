"""What one connection may cost, tried over raw sockets: sizes, times, paces and numbers."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from gateway.http.plumbing.edge import RUNNING
from gateway.http.testing import Gateway

PER_ADDRESS = 64
"""Of the fixture's gateway."""
AHEAD = 64
"""Requests of a connection that may wait for their answers."""
LAST_CHUNK = b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
"""A request whose body has ended; trailers may follow."""


@contextlib.contextmanager
def connected(gateway: Gateway) -> Iterator[socket.socket]:
    """A raw connection to the gateway."""
    port = int(gateway.base_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as peer:
        yield peer


def rest_of(peer: socket.socket) -> bytes:
    """Everything until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := peer.recv(65536):
            received += chunk
    return received


def flood(peer: socket.socket, start: bytes, piece: bytes, most: int) -> int:
    """Send without end, up to ``most`` bytes; how many were taken before the other side closed."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        peer.sendall(start)
        while sent < most:
            peer.sendall(piece)
            sent += len(piece)
    return sent


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ", b"a" * 16_384),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"X-A: " + b"a" * 1_000 + b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"a:\r\n" * 1_000),
        (b"GET /", b"a" * 16_384),
        (b"", b"GET" * 4_000),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-", b"a" * 16_384),
        (LAST_CHUNK, b"a:b\r\n" * 3_000),
        (LAST_CHUNK + b"X-A: ", b"a" * 16_384),
    ],
    ids=["one header", "many headers", "tiny headers", "url", "method", "header name", "trailers", "one trailer"],
)
def test_headers_without_end_are_cut_off(hurried: Gateway, start: bytes, piece: bytes) -> None:
    """A few hundred kilobytes fill the kernel's buffers; then the connection is closed, and others are served. Headers
    behind a body (RFC 9112, section 7.1.2) are no exception."""
    with connected(hurried) as peer:
        assert flood(peer, start, piece, 20_000_000) < 8_000_000
    assert httpx.get(f"{hurried.base_url}/healthz").status_code == 200


def test_a_trailer_and_what_stands_beside_a_chunk_are_passed_over(hurried: Gateway) -> None:
    """However a body is cut into chunks; the connection goes on."""
    key = hurried.api_key(1_000)
    head = f"POST /v1/studio/quote HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
    with connected(hurried) as peer:
        for _ in range(2):
            peer.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(20):
                peer.sendall(b"1;a=b\r\n \r\n" * 1_000)
                time.sleep(0.01)
            peer.sendall(b"0\r\nX-Checksum: 5\r\nAuthorization: none\r\n\r\n")
            answer = b""
            while b"}" not in answer:
                answer += peer.recv(65536)
            assert answer.startswith(b"HTTP/1.1 400") and b"The body is empty" in answer


def test_a_request_within_the_limit_of_headers_is_answered(hurried: Gateway) -> None:
    """30 KB of headers are allowed, 34 KB are 431, also when they come in one piece."""
    for size, status in ((30_000, b"200"), (34_000, b"431")):
        with connected(hurried) as peer:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: " + b"a" * size + b"\r\n\r\n")
            assert rest_of(peer).startswith(b"HTTP/1.1 " + status)
    with connected(hurried) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 200 + b"\r\n")
        assert rest_of(peer).startswith(b"HTTP/1.1 431")


def test_what_a_connection_is_refused_for_is_a_problem_as_any_other(hurried: Gateway) -> None:
    """The answer of the connection itself has the code, its meaning's address, and a request id, and closes."""
    with connected(hurried) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 34_000 + b"\r\n\r\n")
        head, _, body = rest_of(peer).partition(b"\r\n\r\n")
    said = json.loads(body)
    assert (said["status"], said["code"], said["title"]) == (431, "headers_too_large", "Headers too large")
    assert said["type"] == f"{hurried.base_url}/docs#headers_too_large"
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n"))}
    assert headers["x-request-id"] == said["request_id"] and headers["connection"] == "close"
    assert headers["content-type"] == "application/problem+json"
    assert f'id="{said["code"]}"' in httpx.get(f"{hurried.base_url}/docs/plain").text


def test_a_whole_request_that_comes_in_one_piece_is_no_header(hurried: Gateway) -> None:
    """A body of 60 KB that arrives together with its headers is read as a body, again and again."""
    body = b" " * 60_000
    head = b"POST /v1/studio/transform HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connected(hurried) as peer:
        for _ in range(20):
            peer.sendall(head + body)
            answer = b""
            while b"}" not in answer:
                answer += peer.recv(65536)
            assert answer.startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("start", [b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: "], ids=["nothing", "half"])
def test_headers_that_never_end_are_not_waited_for(hurried: Gateway, start: bytes) -> None:
    """Neither silence nor a byte now and then keeps a connection open."""
    with connected(hurried) as peer:
        began = time.monotonic()
        peer.sendall(start)
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 5 and start:
                peer.sendall(b"a")
                time.sleep(0.1)
        rest_of(peer)
        assert 0.4 < time.monotonic() - began < 3.0


def test_a_second_request_is_hurried_too(hurried: Gateway) -> None:
    """After a whole request on the same connection, a half one is closed as well."""
    with connected(hurried) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        peer.sendall(b"GET /healthz HTT")
        began = time.monotonic()
        said = rest_of(peer)
        assert b"HTTP/1.1 408" in said and b"The request's headers did not end within 0.5 seconds." in said
        assert time.monotonic() - began < 3.0


def test_a_body_that_drips_is_cut_off(hurried: Gateway) -> None:
    """Whoever holds a body back is answered 408, with the limit; whoever sends at a fair pace is not."""
    key = hurried.api_key(1_000)
    head = (
        f"POST /v1/studio/transform HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 9000\r\n\r\n"
    )
    slow = "The request's body must bring at least 2,000 bytes in 0.5 seconds, not "
    for pause_s, piece, status, says in ((0.2, b"a" * 10, b"408", slow), (0.1, b"a" * 900, b"400", "JSON")):
        with connected(hurried) as peer:
            peer.sendall(head.encode())
            with contextlib.suppress(ConnectionError):
                for _ in range(10):
                    peer.sendall(piece)
                    time.sleep(pause_s)
            answer = rest_of_answer(peer)
            assert answer.startswith(b"HTTP/1.1 " + status) and says.encode() in answer


def rest_of_answer(peer: socket.socket) -> bytes:
    """The first bytes of an answer."""
    with contextlib.suppress(ConnectionError):
        return peer.recv(65536)
    return b""


def test_a_body_that_nobody_reads_ends(hurried: Gateway) -> None:
    """The answer is given at once, and what is sent after it is read up to a limit only."""
    with connected(hurried) as peer:
        head = b"POST /v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 900000000\r\n\r\n"
        assert flood(peer, head, b"a" * 65_536, 60_000_000) < 20_000_000


def test_an_answer_that_is_not_read_ends(hurried: Gateway) -> None:
    """A client that asks and does not read holds neither the answer nor the connection."""
    with connected(hurried) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        ask = b"GET /web/vendor/model-viewer.min.js HTTP/1.1\r\nHost: x\r\n\r\n"
        began = time.monotonic()
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(40):
                peer.sendall(ask)
                time.sleep(0.05)
            while time.monotonic() - began < 8:
                time.sleep(0.2)
                peer.sendall(b"\r\n")
        assert time.monotonic() - began < 6.0


def test_one_address_has_so_many_connections(hurried: Gateway) -> None:
    """The next one is told to come back; when one closes, there is room again."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(hurried)) for _ in range(PER_ADDRESS)]
        for peer in held:
            peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(65536).startswith(b"HTTP/1.1 200")
        with connected(hurried) as one_more:
            answer = rest_of(one_more)
            assert answer.startswith(b"HTTP/1.1 503") and b"retry-after: 5" in answer
    time.sleep(0.2)
    assert httpx.get(f"{hurried.base_url}/healthz").status_code == 200


@pytest.mark.parametrize("split", [False, True], ids=["whole", "in two pieces"])
def test_a_wish_for_another_protocol_takes_no_body_away(hurried: Gateway, split: bool) -> None:
    """Java's client wishes for HTTP/2 with each request: the body is still the request's, and never the next one."""
    key = hurried.api_key(1_000)
    body = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = (
        f"POST /v1/studio/quote HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    with connected(hurried) as peer:
        if split:
            start, _, head = head.partition(b"pgrade: h2c")
            peer.sendall(start)
            time.sleep(0.1)
            head = b"pgrade: h2c" + head
        peer.sendall(head)
        time.sleep(0.1)
        with contextlib.suppress(ConnectionError):
            peer.sendall(body)
        answer = rest_of(peer)
    assert answer.count(b"HTTP/1.1 ") == 1 and b"HTTP/1.1 400" in answer
    assert (b"without the header Upgrade" if split else b"at line 1, column 1") in answer


@pytest.fixture
def film(hurried: Gateway) -> str:
    """The path of a file that no kernel's buffer holds."""
    hurried.artifacts.put("films/large.mp4", b"f" * 20_000_000, "video/mp4")
    return hurried.signer.link("films/large.mp4", "large.mp4", int(time.time()) + 600).removeprefix(hurried.base_url)


def test_what_is_cut_off_ends_though_nobody_reads_it(hurried: Gateway, film: str) -> None:
    """A connection that is ended for a limit while its answer waits to be read is reset, and its request ends."""
    before = RUNNING._value.get()
    with connected(hurried) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        peer.sendall(f"GET {film} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.2)
        assert RUNNING._value.get() == before + 1
        peer.sendall(b"\0 is no request\r\n\r\n")
        until = time.monotonic() + 5
        while RUNNING._value.get() > before and time.monotonic() < until:
            time.sleep(0.1)
        assert RUNNING._value.get() == before


def test_a_wrong_second_request_leaves_the_first_answer_alone(hurried: Gateway, film: str) -> None:
    """Requests that are sent ahead of the answer before: a malformed one ends the connection, and nothing of its error
    stands in the bytes of the film."""
    with connected(hurried) as peer:
        peer.sendall(f"GET {film} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.1)
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n\0 is no request\r\n\r\n")
        body = rest_of(peer).partition(b"\r\n\r\n")[2]
    assert body and not body.strip(b"f")


def test_a_body_that_was_not_asked_for_yet_is_not_slow(hurried: Gateway) -> None:
    """A client that waits for 100 Continue while its account's other uploads are read is not cut off."""
    key = hurried.api_key(1_000)
    head = (
        f"POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n"
    ).encode()
    with contextlib.ExitStack() as stack:
        first = [stack.enter_context(connected(hurried)) for _ in range(2)]
        for peer in first:
            peer.sendall(head + b"\r\n--b\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\n")
        time.sleep(0.2)
        patient = stack.enter_context(connected(hurried))
        patient.sendall(head + b"Expect: 100-continue\r\n\r\n")
        for _ in range(12):
            time.sleep(0.1)
            for peer in first:
                peer.sendall(b"a" * 1_000)
        for peer in first:
            peer.close()
        assert patient.recv(65536).startswith(b"HTTP/1.1 100")


def test_requests_that_are_sent_ahead_are_taken_up_to_a_number(hurried: Gateway) -> None:
    """So many are answered, the last with the end of the connection, and none of the rest costs anything."""
    piece = b"GET /web/icon.svg HTTP/1.1\r\nHost: x\r\n\r\n"
    began = time.process_time()
    with connected(hurried) as peer:
        peer.sendall(piece * 6_000 + b"\0 is no request\r\n\r\n")
        answers = rest_of(peer)
    assert answers.count(b"HTTP/1.1 200") == answers.count(b"HTTP/1.1 ") == AHEAD
    assert answers.rpartition(b"HTTP/1.1 ")[2].count(b"connection: close") == answers.count(b"connection: close") == 1
    assert time.process_time() - began < 2
