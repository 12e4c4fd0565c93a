"""Work that reports its phases, run beside the stream that tells them to the caller."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from lensora.adapters.patience import while_waiting

T = TypeVar("T")

POLL_S = 0.1
"""How often a waiting stream looks whether its caller is still there."""


class Abandoned(Exception):
    """The stream is gone: raised inside the work at its next phase."""


class Phased(Generic[T]):
    """Runs ``work`` on a thread; iterating yields ``(fraction, phase)`` until it ends, then ``result`` has its value.

    A caller that stops iterating, or a ``check_alive`` that raises, ends the work at its next phase, or in the middle
    of a net's run.
    """

    def __init__(self, work: Callable[[Callable[[float, str], None]], T], check_alive: Callable[[], None]) -> None:
        """
        Args:
            work: is handed ``check(fraction, phase)``, to call between its phases.
            check_alive: raises when the caller is gone.
        """
        self._work = work
        self._check_alive = check_alive
        self._events: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._outcome: list[T] = []
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[tuple[float, str]]:
        thread = threading.Thread(target=self._run, name="segment-work", daemon=True)
        thread.start()
        try:
            while True:
                try:
                    event = self._events.get(timeout=POLL_S)
                except queue.Empty:
                    self._check_alive()
                    continue
                if event is None:
                    break
                yield event
        finally:
            self._stop.set()
            thread.join()
        if self._error is not None:
            raise self._error

    @property
    def result(self) -> T:
        """What the work returned; only after the iteration has ended."""
        return self._outcome[0]

    def _run(self) -> None:
        try:
            with while_waiting(self._look):
                self._outcome.append(self._work(self._check))
        except Abandoned:
            pass
        except Exception as error:  # handed to the stream, which raises it
            self._error = error
        finally:
            self._events.put(None)

    def _look(self) -> None:
        if self._stop.is_set():
            raise Abandoned
        self._check_alive()

    def _check(self, fraction: float, phase: str) -> None:
        self._look()
        self._events.put((fraction, phase))
