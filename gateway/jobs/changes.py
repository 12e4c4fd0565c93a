"""Who waits for a job to change: one Redis subscription per process, however many clients wait."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio as aioredis
from redis import exceptions

from lensora.observability import logs
from lensora.observability.outages import Outage

_log = logs.get(__name__)

SILENCE_S = 5.0
"""After this long without a message the connection is pinged: a peer that vanished without a word is noticed."""

RECONNECT_S = 0.5

WAKE_SPREAD_S = 1.0
"""After an outage every waiter looks again, spread over this time, so that they do not all read at once."""


class _Waiter:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        self._event.set()

    async def changed(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class RedisChanges:
    """The port ``Changes``. ``run`` must be running in the process."""

    def __init__(self, client: aioredis.Redis, channel: str) -> None:
        self._client = client
        self._channel = channel
        self._waiters: dict[str, set[_Waiter]] = defaultdict(set)
        self._outage = Outage(_log, "changes_interrupted", "changes_resumed")

    @property
    def waiting(self) -> int:
        """How many subscriptions there are."""
        return sum(len(waiters) for waiters in self._waiters.values())

    @asynccontextmanager
    async def subscribe(self, job_id: str) -> AsyncIterator[_Waiter]:
        waiter = _Waiter()
        self._waiters[job_id].add(waiter)
        try:
            yield waiter
        finally:
            waiters = self._waiters[job_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[job_id]

    async def run(self) -> None:
        """Listen until cancelled; after each loss of the connection, connect again and let everybody look."""
        while True:
            try:
                async with self._client.pubsub() as pubsub:
                    await pubsub.subscribe(self._channel)
                    self._wake_everybody()
                    await self._listen(pubsub)
            except (exceptions.RedisError, OSError) as error:
                self._outage.failed(channel=self._channel, error=str(error))
                await asyncio.sleep(RECONNECT_S * random.uniform(0.5, 1.0))  # noqa: S311 - jitter

    async def _listen(self, pubsub: Any) -> None:
        loop = asyncio.get_running_loop()
        heard, pinged = loop.time(), False
        while True:
            message = await pubsub.get_message(timeout=SILENCE_S)
            if message is None:
                if loop.time() - heard < SILENCE_S:
                    continue
                if pinged:
                    raise exceptions.ConnectionError("no answer to a ping")
                await pubsub.ping()
                heard, pinged = loop.time(), True
                continue
            heard, pinged = loop.time(), False
            self._outage.answered()  # by the word of the subscription at the latest
            if message["type"] == "message":
                job_id = message["data"].partition(" ")[0]
                for waiter in self._waiters.get(job_id, ()):
                    waiter.wake()

    def _wake_everybody(self) -> None:
        loop = asyncio.get_running_loop()
        for waiters in self._waiters.values():
            for waiter in waiters:
                loop.call_later(random.uniform(0.0, WAKE_SPREAD_S), waiter.wake)  # noqa: S311 - jitter
