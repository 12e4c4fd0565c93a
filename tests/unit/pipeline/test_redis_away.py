"""What a process writes into its log while Redis is away: little, however long that lasts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from types import SimpleNamespace
from typing import Any, cast

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ReadOnlyError, ResponseError
from structlog.testing import capture_logs

from gateway.jobs.changes import RedisChanges
from gateway.pipeline.attempt import Attempt
from gateway.pipeline.worker import Worker
from lensora.core.errors import Unavailable


async def test_a_worker_says_once_that_redis_is_away_and_once_that_it_is_back() -> None:
    """It looks for work twice a second all the while."""
    away = Unavailable("The job store is not available.")
    away.__cause__ = ReadOnlyError("You can't write against a read only replica.")
    lines = await _lines_of_a_worker(away)
    assert [line["event"] for line in lines] == ["job_store_away", "job_store_back"]
    assert lines[0]["cause"] == "ReadOnlyError: You can't write against a read only replica."
    assert lines[-1]["times"] == 3


async def test_a_worker_shows_a_fault_once_with_its_traceback_not_twice_a_second() -> None:
    """Such as a script that Redis refuses, for as long as it refuses it."""
    lines = await _lines_of_a_worker(ResponseError("unknown command 'evalsha'"))
    shown = [(line["event"], line["log_level"], "exc_info" in line) for line in lines]
    assert shown == [("job_store_failed", "error", True), ("job_store_works", "info", False)]


async def _lines_of_a_worker(wrong: Exception) -> list[dict[str, Any]]:
    """What a worker says of its store, which answers the fourth look for work."""
    stop = asyncio.Event()
    looks: list[int] = []

    class Work:
        async def take(self, count: int) -> list[Any]:
            looks.append(count)
            if len(looks) <= 3:
                raise wrong
            stop.set()
            return []

        async def attend(self, slots: int) -> None:
            """It leaves."""

    none = cast("Any", None)
    with capture_logs() as lines:
        worker = Worker(cast("Any", Work()), none, none, none, slots=1, lease_s=5.0, tries=1)
        async with asyncio.timeout(20.0):
            await worker.run(stop, drain_s=0.0)
    return [dict(line) for line in lines if "job_store" in line["event"]]


async def test_a_job_says_once_that_its_heartbeats_are_missed() -> None:
    """They are sent once a second, while the work goes on."""
    beats: list[int] = []
    back = asyncio.Event()

    class Work:
        async def heartbeat(self, _claim: object, _progress: int) -> None:
            beats.append(1)
            if len(beats) <= 3:
                raise Unavailable("The job store is not available.")
            back.set()

    claim: Any = SimpleNamespace(job=SimpleNamespace(job_id="j-1", outputs={}, order=SimpleNamespace(request_id="")))
    claim.remaining_s, claim.work = 60.0, {}
    none = cast("Any", None)
    changes = RedisChanges(none, "ended")
    with capture_logs() as lines:
        attempt = Attempt(claim, cast("Any", Work()), none, none, changes, beat_s=0.01, tries=1)
        beating = asyncio.create_task(attempt._beat())
        async with asyncio.timeout(20.0):
            await back.wait()
        await asyncio.sleep(0.0)
        beating.cancel()
    assert [line["event"] for line in lines] == ["heartbeat_missed", "heartbeats_go_on"]


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
