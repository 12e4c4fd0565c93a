"""What a process writes into its log while Redis is away: little, however long that lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any, cast

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from structlog.testing import capture_logs

from gateway.jobs.changes import RedisChanges
from gateway.pipeline.worker import Worker
from lensora.core.errors import Unavailable


async def test_a_worker_says_once_that_redis_is_away_and_once_that_it_is_back() -> None:
    """It looks for work twice a second all the while."""
    stop = asyncio.Event()
    looks: list[int] = []

    class Work:
        async def take(self, count: int) -> list[Any]:
            looks.append(count)
            if len(looks) <= 3:
                raise Unavailable("The job store is not available.")
            stop.set()
            return []

        async def attend(self, slots: int) -> None:
            """It leaves."""

    none = cast("Any", None)
    with capture_logs() as lines:
        worker = Worker(cast("Any", Work()), none, none, none, slots=1, lease_s=5.0, tries=1)
        async with asyncio.timeout(20.0):
            await worker.run(stop, drain_s=0.0)
    assert [line["event"] for line in lines if "job_store" in line["event"]] == ["job_store_away", "job_store_back"]
    assert lines[-1]["times"] == 3


async def test_who_listens_for_changes_says_once_that_redis_is_away() -> None:
    """It connects again up to four times a second all the while."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        client = aioredis.Redis(host="127.0.0.1", port=closed.getsockname()[1], retry=Retry(NoBackoff(), 0))
        with capture_logs() as lines:
            listening = asyncio.create_task(RedisChanges(client, "changes").run())
            await asyncio.sleep(1.5)
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
        await client.aclose()
    assert [(line["event"], line["channel"]) for line in lines] == [("changes_interrupted", "changes")]
