"""Chores of a worker: where Redis is away, and where it is told to stop."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from gateway.pipeline.worker import cancelled, repeatedly
from lensora.core.errors import Unavailable


async def test_a_chore_that_found_redis_away_does_not_wait_for_its_next_hour() -> None:
    """The audit of a worker that started before Redis runs when Redis is there, and then once an hour."""
    tries: list[str] = []
    audited = asyncio.Event()

    async def audit() -> None:
        tries.append("audit")
        if len(tries) < 3:
            raise Unavailable("The job store is not available.")
        audited.set()

    chore = asyncio.create_task(repeatedly("audit", 3_600.0, audit, again_s=0.01))
    async with asyncio.timeout(10.0):
        await audited.wait()
    await asyncio.sleep(0.05)
    await cancelled([chore])
    assert len(tries) == 3


async def test_a_chore_that_fails_each_time_says_so_once() -> None:
    """Some come every second. A store that is away is a warning with its cause, a fault an error, and both end."""
    wrong: list[Exception] = [ValueError("ours")] * 3 + [Unavailable("The job store is not available.")] * 3
    wrong[-1].__cause__ = wrong[3].__cause__ = ConnectionRefusedError("refused")
    idle = asyncio.Event()

    async def reap() -> None:
        if wrong:
            raise wrong.pop(0)
        idle.set()

    with capture_logs() as lines:
        chore = asyncio.create_task(repeatedly("reap", 0.001, reap))
        async with asyncio.timeout(10.0):
            await idle.wait()
        await cancelled([chore])
    shown = [(line["event"], line["log_level"], line["chore"]) for line in lines]
    assert shown == [
        ("chore_failed", "error", "reap"),
        ("chore_waits", "warning", "reap"),
        ("chore_goes_on", "info", "reap"),
        ("chore_works", "info", "reap"),
    ]
    assert lines[1]["cause"] == "ConnectionRefusedError: refused"


async def test_chores_end_even_where_a_cancellation_is_lost() -> None:
    """Work that answers the first cancellation with an error of its own, as a timeout in that moment does, goes on
    after it, and ends by the second one."""
    lost: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60.0)
        except asyncio.CancelledError:
            if lost:
                raise
            lost.append("once")
            raise TimeoutError from None

    chores = [asyncio.create_task(repeatedly("watch", 0.001, each)) for each in (work, lambda: asyncio.sleep(60.0))]
    await asyncio.sleep(0.01)
    async with asyncio.timeout(10.0):
        await cancelled(chores, again_s=0.05)
    assert lost == ["once"]
    assert all(chore.cancelled() for chore in chores)
