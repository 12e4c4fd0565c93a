"""Who may look at the operator's page: whoever has its token."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from starlette.requests import Request

from lensora.core.errors import RateLimited, Unauthorized

WINDOW_S = 60.0
GUESSES = 10
"""Wrong tokens of one address in a window; after them its right one is not looked at either."""

CALLS = 300
"""Calls of one address with the right token in a window: a person's page makes a few each second."""

MOST_ADDRESSES = 1_000
"""Addresses that are remembered; beyond that the one that came longest ago is forgotten."""


class Door:
    """Compares tokens in constant time, and counts calls by address.

    Each process counts by itself: with several behind a balancer an address has that many times the calls.
    """

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Args:
            token: the operator's; not empty.
            clock: seconds.
        """
        self._digest = _digest(token)
        self._clock = clock
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()
        self._right: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, request: Request) -> None:
        """Let an operator in.

        Raises:
            Unauthorized: no token, or not the right one.
            RateLimited: too many wrong ones, or too many calls, from this address.
        """
        address = request.client.host if request.client is not None else ""
        self._check(self._wrong, address, GUESSES, "wrong tokens")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        given = given.strip()
        if scheme.lower() != "bearer" or not given:
            raise Unauthorized("The Authorization header must be 'Bearer <operator's token>'.")
        genuine = hmac.compare_digest(_digest(given), self._digest)
        if not genuine:
            self._count(self._wrong, address)
            raise Unauthorized("This is not the operator's token.")
        self._check(self._right, address, CALLS, "calls")
        self._count(self._right, address)

    def _check(self, counts: OrderedDict[str, deque[float]], address: str, most: int, what: str) -> None:
        times = counts.get(address)
        if times is None:
            return
        now = self._clock()
        while times and times[0] <= now - WINDOW_S:
            times.popleft()
        if len(times) >= most:
            left_s = times[0] + WINDOW_S - now
            raise RateLimited(
                f"There were {most} {what} from this address within {WINDOW_S:.0f} seconds; "
                f"the next call is looked at in {left_s:.0f} seconds.",
                retry_after_s=max(1.0, left_s),
            )

    def _count(self, counts: OrderedDict[str, deque[float]], address: str) -> None:
        times = counts.setdefault(address, deque())
        counts.move_to_end(address)
        times.append(self._clock())
        if len(counts) > MOST_ADDRESSES:
            counts.popitem(last=False)


def _digest(token: str) -> bytes:
    """Of equal length for every token, so that a comparison says nothing of the right one's."""
    return hashlib.sha256(token.encode()).digest()
