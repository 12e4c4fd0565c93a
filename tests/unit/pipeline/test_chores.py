"""Chores of a worker that is told to stop."""

from __future__ import annotations

import asyncio

from gateway.pipeline.worker import cancelled, repeatedly


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
