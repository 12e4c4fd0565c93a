"""What is looked at while a net runs: whether anybody still waits for its answer.

A service or a backend says it around its calls; the adapter looks from time to time, and a look that raises ends the
call: what it raised leaves ``Model.infer``. It is no argument there, because the code between has no use for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from lensora.core.errors import DeadlineExceeded

Look = Callable[[], None]
"""Raises when nobody waits any more, such as ``Cancelled``."""

LOOK_INTERVAL_S = 0.05
"""A cancelled call is noticed within this, and every stage has stopped within five times this."""

_look: ContextVar[Look | None] = ContextVar("look", default=None)


@contextmanager
def while_waiting(look: Look) -> Iterator[None]:
    """Inside the block, on this thread, calls that wait for a net look here every ``LOOK_INTERVAL_S``."""
    before = _look.set(look)
    try:
        yield
    finally:
        _look.reset(before)


def glance() -> None:
    """Look now, if a look is in force on this thread: for the middle of long work that is handed no call."""
    look = _look.get()
    if look is not None:
        look()


def current_look() -> Look | None:
    """The look in force on this thread; None where nobody set one."""
    return _look.get()


class Patience:
    """How long one call goes on waiting: to its deadline, and while the look in force on its thread does not raise."""

    def __init__(self, name: str, timeout_s: float | None) -> None:
        """
        Args:
            name: of what is waited for, in the error.
            timeout_s: seconds from now; None for no limit.
        """
        self._look = current_look()
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._late = DeadlineExceeded(f"{name} was not done within {max(timeout_s or 0.0, 0.0):.3g} s")

    def look(self) -> None:
        """Raises DeadlineExceeded, or what the look raises."""
        if self._until is not None and time.monotonic() >= self._until:
            raise self._late
        if self._look is not None:
            self._look()

    def pause_s(self) -> float:
        """Seconds until the next look."""
        left_s = self.left_s()
        return LOOK_INTERVAL_S if left_s is None else min(LOOK_INTERVAL_S, max(0.0, left_s))

    def left_s(self) -> float | None:
        """Seconds until the deadline, below 0 after it; None where there is none."""
        return None if self._until is None else self._until - time.monotonic()

    def pause_ms(self) -> int:
        """The same in whole milliseconds, at least one."""
        return max(1, round(self.pause_s() * 1000))
