"""The runtime of every stage: reports in order, the result last, and an end when the caller has gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import structlog

from lensora.adapters.patience import current_look
from lensora.core.errors import Cancelled, DeadlineExceeded
from lensora.observability import logs
from lensora.rpc.call import UNWATCHED, Call, Progress, streamed, unary


class Caller:
    """Someone who waits for an answer, until told otherwise: what the runtime asks of gRPC's context."""

    def __init__(self, left_s: float | None = 60.0) -> None:
        self.left_s = left_s
        self.waits = True

    def time_remaining(self) -> float | None:
        return self.left_s

    def is_active(self) -> bool:
        return self.waits


def test_reports_come_in_order_and_the_result_last() -> None:
    """What the work reports is what the stream yields."""

    def work(call: Call) -> str:
        call.report("net", 0.2)
        call.part(0.5, 0.9).report("film", 0.5)
        return f"{call.time_left_s()} s left"

    assert list(streamed(Caller(), work)) == [Progress("net", 0.2), Progress("film", 0.7), "60.0 s left"]


def test_the_works_error_is_the_streams() -> None:
    """What the work raises leaves the stream, after what was reported before."""

    def work(call: Call) -> None:
        call.report("net", 0.2)
        raise ValueError("of its own")

    stream: Iterator[Progress | None] = streamed(Caller(), work)
    assert next(stream) == Progress("net", 0.2)
    with pytest.raises(ValueError, match="of its own"):
        next(stream)


def test_a_net_in_mid_run_learns_that_the_caller_has_gone() -> None:
    """The look that an adapter finds on the work's thread raises once the caller has left, in either kind of call."""
    for kind in (lambda caller, work: list(streamed(caller, work)), unary):
        caller = Caller()

        def work(_call: Call, caller: Caller = caller) -> None:
            look = current_look()
            assert look is not None
            look()
            caller.waits = False
            look()

        with pytest.raises(Cancelled):
            kind(caller, work)
    assert current_look() is None


def test_a_passed_deadline_ends_the_work() -> None:
    """Work that goes on asking is told, as itself."""
    caller = Caller()

    def work(call: Call) -> None:
        caller.left_s = 0.0
        call.check()

    with pytest.raises(DeadlineExceeded):
        list(streamed(caller, work))


def test_a_stream_that_is_left_ends_its_work() -> None:
    """Who closes the stream waits until the work has stopped: its place is free then, and no thread is left."""
    stopped = threading.Event()

    def work(call: Call) -> None:
        try:
            while True:
                call.report("turning", 0.5)
                threading.Event().wait(0.005)
        except Cancelled:
            stopped.set()
            raise

    stream = streamed(Caller(), work)
    next(stream)
    stream.close()
    assert stopped.is_set()


def test_the_works_thread_logs_as_the_call_does() -> None:
    """What was bound to the call's log lines is bound on the work's thread too."""
    with logs.bind(job_id="j1"):
        assert list(streamed(Caller(), lambda _call: structlog.contextvars.get_contextvars()["job_id"])) == ["j1"]


def test_work_that_nobody_watches_runs_to_its_end() -> None:
    """The default call has no deadline, takes every report and never ends anything."""
    UNWATCHED.report("any", 0.5)
    UNWATCHED.check()
    assert UNWATCHED.time_left_s() is None
