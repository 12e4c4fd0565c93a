"""Calls to the services: deadline, metadata, progress, and patience with a service that is away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import grpc.aio

from gateway.jobs import metrics
from lensora.core.errors import (
    Cancelled,
    DeadlineExceeded,
    InternalError,
    LensoraError,
    StageFailed,
    Unavailable,
)
from lensora.core.steps import Step
from lensora.observability import logs, traces
from lensora.rpc.status import error_of
from lensora.rpc.streams import result_of

_log = logs.get(__name__)

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
"""Between two tries of a service that is away: a restarted one is used within this, and a busy one is not hammered."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CallContext:
    """What goes with every call of one attempt.

    Attributes:
        job_id: sent as ``x-job-id``.
        request_id: sent as ``x-request-id``.
        deadline: of the job, on the event loop's clock, seconds.
        tries: how often a stage that fails of itself is tried.
    """

    job_id: str
    request_id: str
    deadline: float
    tries: int

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """For every call."""
        return (("x-job-id", self.job_id), ("x-request-id", self.request_id), *traces.carrier().items())

    def remaining_s(self) -> float:
        """Seconds until the job's deadline. Raises DeadlineExceeded when there are none."""
        left = self.deadline - asyncio.get_running_loop().time()
        if left <= 0:
            raise DeadlineExceeded("the job's deadline has passed")
        return left


class Interrupted(Exception):
    """A stage's end by error: the step and the error it ended with."""

    def __init__(self, step: Step, error: LensoraError) -> None:
        super().__init__(f"{step}: {error}")
        self.step = step
        self.error = error


async def unary(call: grpc.aio.UnaryUnaryCall, service: str) -> Any:
    """The answer of a unary call. Raises the error that the server raised."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise _error(error, service) from error
    finally:
        call.cancel()


async def streamed(call: Any, service: str, progress: Callable[[float], None]) -> Any:
    """The result of a streaming call; its progress, 0 to 1, goes to ``progress``. Raises as ``unary``."""
    try:
        result = await result_of(call, progress)
    except grpc.aio.AioRpcError as error:
        raise _error(error, service) from error
    if result is None:
        raise InternalError(f"The {service} service ended its stream without a result.")
    return result


async def with_patience(context: CallContext, step: Step, work: Callable[[], Awaitable[T]]) -> T:
    """Repeat a stage while its service is away or busy, until the job's deadline; a few times when it fails of itself.

    Raises:
        Interrupted: an error that a repeat does not mend, or one too many.
    """
    pause = FIRST_PAUSE_S
    failures = 0
    last: LensoraError | None = None
    while True:
        try:
            context.remaining_s()
            return await work()
        except DeadlineExceeded as error:
            raise Interrupted(step, _deadline(error, last)) from error
        except (Unavailable, StageFailed, InternalError) as error:
            if not isinstance(error, Unavailable):
                failures += 1
                if failures >= context.tries:
                    raise Interrupted(step, error) from error
            metrics.STAGE_RETRIES.labels(stage=step.value, code=error.code).inc()
            if last is None or type(last) is not type(error):
                _log.warning("stage_retried", stage=step.value, code=error.code, error=error.message)
            last = error
        except LensoraError as error:
            raise Interrupted(step, error) from error
        await asyncio.sleep(min(pause * random.uniform(0.5, 1.0), LONGEST_PAUSE_S))  # noqa: S311 - jitter
        pause = min(LONGEST_PAUSE_S, pause * 2)


def _error(error: grpc.aio.AioRpcError, service: str) -> LensoraError:
    found = error_of(error, service=service)
    if isinstance(found, Cancelled):
        # We have not cancelled it (that ends the task): the server did, on its way down.
        return Unavailable(f"The {service} service is not available.")
    return found


def _deadline(error: DeadlineExceeded, last: LensoraError | None) -> LensoraError:
    """The time ran out while the service was away: that is worth saying."""
    return last if isinstance(last, Unavailable) else error
