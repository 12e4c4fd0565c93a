"""Chores of a worker: where Redis is away, and where it is told to stop."""

from __future__ import annotations

import asyncio

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
