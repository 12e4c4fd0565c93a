"""A second lane for one call: NumPy, OpenCV and the networks let another thread run while they work.

Nobody looks on the second lane whether the answer is still wanted, but for what waits for a network. So its parts are
short: a tenth of a second, after which it ends by itself.
"""

from __future__ import annotations

import contextvars
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import cache
from typing import TypeVar

from lensora.adapters.patience import glance
from lensora.cores import usable_cores

P = TypeVar("P")
T = TypeVar("T")


def begun(work: Callable[[], T], *, looks: bool = False) -> Callable[[], T]:
    """Begin work on a thread of its own, or do it now where this process may use one core only.

    Args:
        work: what is done.
        looks: whether the caller's look is in force there.

    Returns:
        waits for the work and returns what it did, or raises what it raised.
    """
    future: Future[T] = Future()
    context = contextvars.copy_context() if looks else contextvars.Context()

    def run() -> None:
        try:
            future.set_result(context.run(work))
        except BaseException as error:
            future.set_exception(error)

    if _cores() > 1:
        threading.Thread(target=run, name="mesh-lane").start()
    else:
        run()
    return future.result


def in_lanes(work: Callable[[P], T], parts: Sequence[P]) -> list[T]:
    """What is done for each part, in order; two parts are worked on at a time, and looked between this lane's.

    Args:
        work: done for each part; the parts must not depend on each other.
        parts: what it is done for.
    """
    done: list[T | None] = [None] * len(parts)
    left = deque(enumerate(parts))

    def lane(between: Callable[[], None]) -> None:
        while True:
            between()
            try:
                number, part = left.popleft()
            except IndexError:
                return
            done[number] = work(part)

    wait = begun(lambda: lane(lambda: None)) if len(parts) > 1 and _cores() > 1 else lambda: None
    try:
        lane(glance)
    except BaseException:
        left.clear()
        raise
    wait()
    return done  # type: ignore[return-value]


@cache
def _cores() -> int:
    return usable_cores()
