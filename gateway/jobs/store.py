"""The job store of one process: every port over one Redis."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType

import redis.asyncio as aioredis

from gateway.jobs import pricing
from gateway.jobs.accounts import RedisAccounts, RedisKeys, RedisWebhookSecrets
from gateway.jobs.afterwards import Afterwards
from gateway.jobs.backplates import RedisBackplates
from gateway.jobs.batches import RedisBatches
from gateway.jobs.brands import RedisBrands
from gateway.jobs.changes import RedisChanges
from gateway.jobs.charges import Till
from gateway.jobs.customer import RedisCutouts, RedisJobs, RedisSessions
from gateway.jobs.hooks import RedisHooks
from gateway.jobs.idempotency import RedisIdempotency
from gateway.jobs.ledger import RedisCredits
from gateway.jobs.oversight import RedisOversight
from gateway.jobs.rate_limit import RedisRateLimiter
from gateway.jobs.records import Limits
from gateway.jobs.redis_client import connect, translated
from gateway.jobs.retention import Expiry, Retention
from gateway.jobs.scripts import Scripts
from gateway.jobs.shares import RedisShares
from gateway.jobs.terms import Terms
from gateway.jobs.views import RedisViews
from gateway.jobs.work import READ_BLOCK_MS, RedisWork
from gateway.settings import RedisSettings

BLOCKING_CONNECTIONS = 8
"""One for the worker's read, one for the subscription, and room for those that a restart has broken."""

GRACE_MS = 60_000
"""Beyond a job's longest wait and deadline, until nothing can read its session's photo any more."""

CLOSE_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Jobs of one account that run at a time, where it has no number of its own; heavy jobs' share of all slots."""

    running_jobs: int
    heavy_share: float


class RedisHealth:
    """The port ``Health``."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._client = client

    async def ping(self) -> None:
        with translated():
            await self._client.ping()


@dataclass(frozen=True)
class Store:
    """The ports, and what keeps them going. ``start`` after the loop runs, ``close`` before it ends."""

    accounts: RedisAccounts
    keys: RedisKeys
    credits: RedisCredits
    sessions: RedisSessions
    cutouts: RedisCutouts
    views: RedisViews
    backplates: RedisBackplates
    brands: RedisBrands
    shares: RedisShares
    jobs: RedisJobs
    batches: RedisBatches
    changes: RedisChanges
    ended: RedisChanges
    idempotency: RedisIdempotency
    limiter: RedisRateLimiter
    oversight: RedisOversight
    webhook_secrets: RedisWebhookSecrets
    health: RedisHealth
    hooks: RedisHooks
    expiry: Expiry
    scripts: Scripts
    afterwards: Afterwards
    clients: tuple[aioredis.Redis, ...]
    tasks: set[asyncio.Task[None]]
    limits: QueueLimits

    def work(self, worker: str, *, lease_s: float, attempts: int, block_ms: int = READ_BLOCK_MS) -> RedisWork:
        """The worker's port; ``block_ms``, how long it waits for a job, is at most READ_BLOCK_MS."""
        return RedisWork(
            self.scripts,
            self.clients[1],
            worker=worker,
            lease_s=lease_s,
            attempts=attempts,
            running_jobs=self.limits.running_jobs,
            heavy_share=self.limits.heavy_share,
            block_ms=block_ms,
        )

    def start(self) -> None:
        """Listen for changes in this process; only where ``changes`` is used."""
        self.tasks.add(asyncio.get_running_loop().create_task(self.changes.run()))

    def watch_ends(self) -> None:
        """Listen for ends of jobs in this process; only where ``ended`` is used."""
        self.tasks.add(asyncio.get_running_loop().create_task(self.ended.run()))

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what must be done, then close the connections."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        await self.afterwards.close(CLOSE_PATIENCE_S)
        await self.scripts.close()
        for client in self.clients:
            await client.aclose(close_connection_pool=True)


def open_store(settings: RedisSettings) -> Store:
    """Every port over the Redis of the settings; connects at the first use.

    Raises:
        ConfigurationError: the URL is not one of Redis.
    """
    url = settings.redis_url.get_secret_value()
    client = connect(url, timeout_s=settings.redis_timeout_seconds, connections=settings.redis_connections)
    blocking = connect(
        url, timeout_s=READ_BLOCK_MS / 1000 + settings.redis_timeout_seconds, connections=BLOCKING_CONNECTIONS
    )
    scripts = Scripts(client, settings.redis_prefix)
    afterwards = Afterwards()
    deadline_ms = round(settings.job_deadline_seconds * 1000)
    wait_ms = round(settings.job_wait_hours * 3_600_000)
    outlives_ms = wait_ms + round(deadline_ms * pricing.LONGEST) + GRACE_MS
    retention = Retention(
        session_ms=round(settings.session_hours * 3_600_000),
        job_ms=round(settings.job_hours * 3_600_000),
        idempotency_ms=round(settings.idempotency_hours * 3_600_000),
    )
    till = Till(scripts, afterwards, retention.idempotency_ms)
    terms = Terms(deadline_ms, wait_ms, retention.job_ms, settings.live_jobs)
    return Store(
        accounts=RedisAccounts(
            scripts, Limits(settings.live_jobs, settings.requests_per_minute, settings.running_jobs)
        ),
        keys=RedisKeys(scripts),
        credits=RedisCredits(scripts),
        sessions=RedisSessions(till, kept_ms=retention.session_ms),
        cutouts=RedisCutouts(till),
        views=RedisViews(till),
        backplates=RedisBackplates(scripts, retention),
        brands=RedisBrands(scripts, files_kept_ms=retention.job_ms + outlives_ms),
        shares=RedisShares(scripts),
        jobs=RedisJobs(till, terms),
        batches=RedisBatches(till, terms),
        changes=RedisChanges(blocking, scripts.key("changes")),
        ended=RedisChanges(blocking, scripts.key("ended")),
        idempotency=RedisIdempotency(scripts, afterwards, ttl_ms=retention.idempotency_ms),
        limiter=RedisRateLimiter(scripts, requests_per_minute=settings.requests_per_minute),
        oversight=RedisOversight(scripts),
        webhook_secrets=RedisWebhookSecrets(scripts),
        health=RedisHealth(client),
        hooks=RedisHooks(scripts),
        expiry=Expiry(scripts, session_grace_ms=outlives_ms),
        scripts=scripts,
        afterwards=afterwards,
        clients=(client, blocking),
        tasks=set(),
        limits=QueueLimits(settings.running_jobs, settings.heavy_share),
    )
