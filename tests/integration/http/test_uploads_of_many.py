"""Uploads of several customers at once: nobody waits for another's."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

import httpx
import pytest

from gateway.http.plumbing.intake import HELD_BYTES
from gateway.http.testing import Gateway, installation


def slow_upload(gateway: Gateway, key: str, stack: contextlib.ExitStack) -> socket.socket:
    """A connection on which an upload has begun, and stays so."""
    peer = stack.enter_context(
        socket.create_connection(("127.0.0.1", int(gateway.base_url.rpartition(":")[2])), timeout=10)
    )
    head = (
        "POST /v1/studio/init HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        f"Authorization: Bearer {key}\r\nContent-Type: multipart/form-data; boundary=XX\r\n\r\n--XX"
    )
    peer.sendall(head.encode())
    return peer


def init(gateway: Gateway, key: str, photo: bytes, **headers: str) -> httpx.Response:
    """One upload."""
    return httpx.post(
        f"{gateway.base_url}/v1/studio/init",
        files={"image": photo},
        headers={"Authorization": f"Bearer {key}", **headers},
        timeout=20,
    )


@pytest.mark.parametrize("balance", [0, 1_000])
def test_slow_uploads_of_one_keep_nobody_waiting(gateway: Gateway, photo: bytes, balance: int) -> None:
    """Forty uploads that never end: another customer's is answered at once, by a gateway with eight places for work."""
    slow, other = gateway.api_key(balance), gateway.api_key(100)
    with contextlib.ExitStack() as stack:
        peers = [slow_upload(gateway, slow, stack) for _ in range(40)]
        time.sleep(0.2)
        began = time.monotonic()
        assert init(gateway, other, photo).status_code == 200
        assert time.monotonic() - began < 2.0
        if not balance:
            assert all(peer.recv(65536).startswith(b"HTTP/1.1 402 ") for peer in peers)


def test_an_account_has_so_many_uploads_at_a_time(tmp_path: Path, photo: bytes) -> None:
    """Its own further ones wait unread until there is a place, and do so without being refused."""
    with installation(tmp_path, uploads_per_account=1, upload_seconds=0.6) as running, contextlib.ExitStack() as stack:
        key = running.gateway.api_key(100)
        slow_upload(running.gateway, key, stack)
        time.sleep(0.1)
        began = time.monotonic()
        assert init(running.gateway, key, photo).status_code == 200
        assert time.monotonic() - began > 0.3


def test_a_repeat_is_answered_when_the_credits_are_gone(gateway: Gateway, photo: bytes) -> None:
    """The look at the balance comes before the body, but after the look for an answer that is kept."""
    key = gateway.api_key(5)
    first = init(gateway, key, photo, **{"Idempotency-Key": "a"})
    again = init(gateway, key, photo, **{"Idempotency-Key": "a"})
    assert (first.status_code, again.status_code) == (200, 200) and again.content == first.content
    assert init(gateway, key, photo, **{"Idempotency-Key": "b"}).status_code == 402
    assert gateway.balance(key) == 0


def test_bodies_of_batches_are_read_two_at_a_time(gateway: Gateway) -> None:
    """Each may have 2 MB: of twenty that an account holds back two are in memory, and another's order is answered."""
    slow, other = gateway.api_key(0), gateway.api_key(0)
    said = b'{"photos": 3, "background": {"type": "remove"}'
    head = f"POST /v1/studio/quote/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\nAuthorization: Bearer {slow}"
    before = HELD_BYTES._value.get()
    with contextlib.ExitStack() as stack:
        port = int(gateway.base_url.rpartition(":")[2])
        for _ in range(20):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            peer.sendall(head.encode() + b"\r\n\r\n" + said + b" " * (50_000 - len(said)))
        time.sleep(0.5)
        assert HELD_BYTES._value.get() - before == 2 * 50_000
        answer = httpx.post(
            f"{gateway.base_url}/v1/studio/quote/batch",
            content=said + b"}",
            headers={"Authorization": f"Bearer {other}"},
            timeout=10,
        )
        assert answer.json()["jobs"] == 3
    until = time.monotonic() + 5
    while HELD_BYTES._value.get() > before and time.monotonic() < until:
        time.sleep(0.05)
    assert HELD_BYTES._value.get() == before
