"""The one runtime that every stage's work runs under: progress, deadline and cancellation of a call.

A stage is a plain function that is handed a ``Call``. It reports its phases to it, and so is ended between two of them
once nobody waits; while it waits for a net, the net's adapter looks for it (``lensora.adapters.patience``).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

import grpc

from lensora.adapters.patience import LOOK_INTERVAL_S, while_waiting
from lensora.core.errors import Cancelled, DeadlineExceeded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a call is: the phase that begins, and the share of the work done before it, 0..1."""

    phase: str
    fraction: float


class Call:
    """One call, as its work sees it. Safe to use from several threads."""

    def __init__(
        self,
        alive: Callable[[], None] = lambda: None,
        time_left_s: Callable[[], float | None] = lambda: None,
        told: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        """
        Args:
            alive: raises when nobody waits any more.
            time_left_s: seconds until the caller's deadline; None where it has none.
            told: takes each report.
        """
        self._alive = alive
        self._time_left_s = time_left_s
        self._told = told

    def check(self) -> None:
        """To be called wherever work may stop, at least every 0.2 s. Raises what ends it, such as ``Cancelled``."""
        self._alive()

    def report(self, phase: str, fraction: float) -> None:
        """Say that a phase begins, after ``fraction`` of the work, 0..1. Raises as ``check``."""
        self._alive()
        self._told(Progress(phase, fraction))

    def time_left_s(self) -> float | None:
        """Seconds that the caller still waits; None where it has set no deadline."""
        return self._time_left_s()

    def part(self, start: float, end: float) -> Call:
        """The same call for a part of the work: its 0 is ``start`` here, and its 1 is ``end``."""

        def told(progress: Progress) -> None:
            self._told(Progress(progress.phase, start + (end - start) * progress.fraction))

        return Call(self._alive, self._time_left_s, told)


NO_DEADLINE_S = 1e9
"""More is no deadline: gRPC tells the time that is left of a call without one as 10^18 seconds or so."""

UNWATCHED = Call()
"""For work that nobody watches: without a deadline, and never cancelled."""


def unary(context: grpc.ServicerContext, work: Callable[[Call], T]) -> T:
    """Run a unary call's work on this thread. Raises what the work raises, or what ended it."""
    call = Call(lambda: check_alive(context), lambda: _time_left_s(context))
    with while_waiting(call.check):
        return work(call)


def streamed(context: grpc.ServicerContext, work: Callable[[Call], T]) -> Iterator[Progress | T]:
    """Run a call's work on a thread of its own: each report of it, then what it returns.

    The call's place among the workers is free again when the work has really stopped.

    Raises:
        BaseException: what the work raises, or what ended it.
    """
    return iter(_Streamed(lambda: check_alive(context), lambda: _time_left_s(context), work))


class _Streamed(Generic[T]):
    """Work and the stream that tells of it."""

    def __init__(
        self, alive: Callable[[], None], time_left_s: Callable[[], float | None], work: Callable[[Call], T]
    ) -> None:
        self._news: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        self._left = threading.Event()
        self._caller_waits = alive
        self._call = Call(self._look, time_left_s, self._news.put)
        self._work = work
        self._made: list[T] = []
        self._error: BaseException | None = None

    def __iter__(self) -> Iterator[Progress | T]:
        context = copy_context()
        thread = threading.Thread(target=lambda: context.run(self._run), name="stage-work", daemon=True)
        thread.start()
        try:
            while True:
                try:
                    progress = self._news.get(timeout=LOOK_INTERVAL_S)
                except queue.Empty:
                    self._caller_waits()
                    continue
                if progress is None:
                    break
                yield progress
        finally:
            self._left.set()
            thread.join()
        if self._error is not None:
            raise self._error
        yield self._made[0]

    def _run(self) -> None:
        try:
            with while_waiting(self._call.check):
                self._made.append(self._work(self._call))
        except BaseException as error:  # handed to the stream, which raises it
            self._error = error
        finally:
            self._news.put(None)

    def _look(self) -> None:
        if self._left.is_set():
            raise Cancelled("the caller has left the stream")
        self._caller_waits()


def check_alive(context: grpc.ServicerContext) -> None:
    """Raise when the caller no longer waits.

    Raises:
        DeadlineExceeded: the call's deadline has passed.
        Cancelled: the caller has cancelled or is gone.
    """
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        raise DeadlineExceeded("the call's deadline has passed")
    if not context.is_active():
        raise Cancelled("the caller has cancelled the call")


def _time_left_s(context: grpc.ServicerContext) -> float | None:
    """Seconds until the caller's deadline; None where it has none."""
    left_s: float | None = context.time_remaining()
    return None if left_s is None or left_s > NO_DEADLINE_S else left_s
