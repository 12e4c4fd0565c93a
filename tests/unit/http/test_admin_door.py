"""The door to the operator's page: the right token, and not too many wrong ones."""

from __future__ import annotations

import pytest
from starlette.requests import Request

from gateway.http.admin.door import CALLS, GUESSES, MOST_ADDRESSES, WINDOW_S, Door
from lensora.core.errors import RateLimited, Unauthorized

TOKEN = "an-operator-s-token-for-the-tests-of-the-door"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def request(header: str | None, address: str = "10.1.1.1") -> Request:
    """A request with an Authorization header."""
    headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (address, 5)})


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xff"],
)
def test_nothing_but_the_token_opens_it(header: str | None) -> None:
    """A missing header, another scheme, a longer, a shorter or an odd token."""
    with pytest.raises(Unauthorized):
        Door(TOKEN, Clock()).admit(request(header))


def test_the_token_opens_it_however_it_is_spaced() -> None:
    """The scheme's case and spaces around the token do not count."""
    Door(TOKEN, Clock()).admit(request(f"bearer   {TOKEN} "))


@pytest.mark.parametrize("characters", [512, 513, 5_000])
def test_a_token_of_any_length_opens_its_door(characters: int) -> None:
    """A setting that is taken is one with which the operator comes in, and no part of it does."""
    token = "a1" * characters
    Door(token, Clock()).admit(request(f"Bearer {token}"))
    with pytest.raises(Unauthorized):
        Door(token, Clock()).admit(request(f"Bearer {token[:512]}"))


def test_guesses_are_bounded_by_address_and_time() -> None:
    """After so many wrong ones even the right one waits, from that address alone, until the window is over."""
    clock = Clock()
    door = Door(TOKEN, clock)
    for _ in range(GUESSES):
        with pytest.raises(Unauthorized):
            door.admit(request("Bearer wrong"))
    with pytest.raises(RateLimited, match="10 wrong tokens") as caught:
        door.admit(request(f"Bearer {TOKEN}"))
    assert caught.value.retry_after_s == WINDOW_S
    door.admit(request(f"Bearer {TOKEN}", "10.1.1.2"))
    clock.now += WINDOW_S
    door.admit(request(f"Bearer {TOKEN}"))


def test_calls_are_bounded_too() -> None:
    """A page gone wild does not hold the store."""
    clock = Clock()
    door = Door(TOKEN, clock)
    for _ in range(CALLS):
        door.admit(request(f"Bearer {TOKEN}"))
    with pytest.raises(RateLimited, match="300 calls"):
        door.admit(request(f"Bearer {TOKEN}"))


def test_addresses_without_end_cost_no_memory() -> None:
    """The oldest is forgotten."""
    door = Door(TOKEN, Clock())
    for number in range(MOST_ADDRESSES + 50):
        with pytest.raises(Unauthorized):
            door.admit(request("Bearer wrong", f"10.{number // 250}.1.{number % 250}"))
    assert len(door._wrong) == MOST_ADDRESSES
