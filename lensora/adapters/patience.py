"""What is looked at while a net runs: whether anybody still waits for its answer.

A service or a backend says it around its calls; the adapter looks from time to time, and a look that raises ends the
call: what it raised leaves ``Model.infer``. It is no argument there, because the code between has no use for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
