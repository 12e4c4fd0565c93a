"""SIGTERM and SIGINT as something to wait for, whichever thread the system gives the signal to.

A main thread that waits for a lock, as in ``threading.Event.wait``, wakes only for a signal that it takes itself. A
thread that begins at that moment, or starts another, may take it first: on a busy machine a render service missed its
SIGTERM so. And a handler that sets an event takes its lock, which the main thread may hold as it begins to wait. So
the interpreter's own handler, in C and on any thread, writes to a pipe, and the pipe is waited for.
"""

from __future__ import annotations

import os
import select
import signal
from types import FrameType, TracebackType
from typing import Protocol, Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop(Protocol):
    """What tells that work is to end: a ``Termination``, or a ``threading.Event``."""

    def is_set(self) -> bool:
        """Whether it is to end."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it; False when the time is over."""
        ...


class Termination:
    """Takes SIGTERM and SIGINT from ``with`` on; afterwards they do nothing. For the main thread, once at a time."""

    def __enter__(self) -> Self:
        self._told, self._tells = os.pipe()
        os.set_blocking(self._tells, False)
        self._before = signal.set_wakeup_fd(self._tells, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _nothing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._before)
        os.close(self._told)
        os.close(self._tells)

    def is_set(self) -> bool:
        """Whether a signal has come."""
        return self.wait(0.0)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for a signal; False when the time, seconds, is over. What was written stays in the pipe for others."""
        return bool(select.select([self._told], [], [], timeout)[0])


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """Without a handler in Python nothing would be written to the pipe."""
