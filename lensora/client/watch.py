"""Following a job or a batch to its end, with patience with a server that is away. No I/O."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from lensora.client.requests import Request
from lensora.core.errors import DeadlineExceeded, LensoraError
from lensora.core.steps import JobStatus

HOLD_S = 20
"""How long each poll of ``wait`` is held: short enough for proxies that cut off after 30 s."""
HELD_OVER_S = 2.0
"""An answer that is held to the end of the time comes within this after it."""
PATIENCE_S = 60.0
"""A gateway that is restarted or upgraded is back within this."""


class Followed(Protocol):
    """What is followed to its end."""

    @property
    def status(self) -> JobStatus:
        """Of now."""
        ...


F = TypeVar("F", bound=Followed)


class Watch(Generic[F]):
    """Following a job or a batch: what was shown last, when to give up, and patience with a server that is away."""

    def __init__(self, name: str, timeout_s: float | None) -> None:
        """
        Args:
            name: in errors, such as ``Job <id>``.
            timeout_s: seconds to follow at most; None has no end.
        """
        self._name = name
        self._timeout_s = timeout_s
        self._started = time.monotonic()
        self._shown: F | None = None
        self._away_since: float | None = None

    def hold_s(self) -> int | None:
        """``wait`` of the next poll: none for the first, which shows where the job is."""
        if self._shown is None:
            return None
        if self._timeout_s is None:
            return HOLD_S
        return int(max(1, min(HOLD_S, self._timeout_s - (time.monotonic() - self._started))))

    def bounded(self, poll: Request) -> Request:
        """The next poll, given up when the time is over: a server may take it and never answer."""
        if self._timeout_s is None:
            return poll
        left_s = self._timeout_s - (time.monotonic() - self._started)
        return replace(poll, within_s=max(0.0, left_s) + HELD_OVER_S)

    def is_new(self, result: F) -> bool:
        """True when the state differs from the last one."""
        self._away_since = None
        changed = result != self._shown
        self._shown = result
        return changed

    def check(self, result: F) -> None:
        """Raises DeadlineExceeded when the time is over."""
        if self._timeout_s is not None and time.monotonic() - self._started >= self._timeout_s:
            raise DeadlineExceeded(f"{self._name} is still {result.status} after {self._timeout_s:g} seconds.")

    def failed(self, error: LensoraError) -> None:
        """Raises the error unless another try may do, there is time, and the server has not been away for too long."""
        now = time.monotonic()
        self._away_since = now if self._away_since is None else self._away_since
        over = self._timeout_s is not None and now - self._started >= self._timeout_s
        if not error.retryable or over or now - self._away_since >= PATIENCE_S:
            raise error
