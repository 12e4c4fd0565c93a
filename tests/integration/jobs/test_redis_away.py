"""Redis going away: nothing is charged that was not acknowledged, and everything goes on when it is back."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, session, submit, take_one, view
from gateway.jobs.work import LostClaim
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer, ServerProgram
from lensora.core.errors import Unavailable
from lensora.core.steps import JobStatus, Step

TIMEOUT_S = 0.3


@pytest.fixture
def own_redis(tmp_path: Path, program: ServerProgram) -> Iterator[RedisServer]:
    """A server of this test alone, with the production's appendfsync."""
    with RedisServer(tmp_path, executable=program.path) as server:
        yield server


@pytest.fixture
async def own_store(own_redis: RedisServer) -> AsyncIterator[Store]:
    """A store on it, quick to call Redis away."""
    settings = RedisSettings(redis_url=SecretStr(own_redis.url), redis_timeout_seconds=TIMEOUT_S)
    async with open_store(settings) as store:
        yield store


async def until_settled(store: Store) -> None:
    """Wait for what must be done once Redis is back."""
    await store.afterwards.close(10.0)


async def test_a_dead_redis_is_a_503_that_charges_nothing(own_redis: RedisServer, own_store: Store) -> None:
    """Every call says Unavailable with a time to wait; after the restart balances are as they were."""
    key = await customer(own_store, 100)
    own_redis.kill()
    calls = [
        lambda: submit(own_store, key),
        lambda: own_store.sessions.open(session(key)),
        lambda: own_store.jobs.get(key.key_id, "x"),
        lambda: own_store.keys.authenticate("x"),
        lambda: own_store.limiter.take(key.account_id),
        own_store.health.ping,
    ]
    for call in calls:
        with pytest.raises(Unavailable) as caught:
            await call()
        assert caught.value.retry_after_s
    own_redis.start()
    await until_settled(own_store)
    assert await own_store.credits.balance(key.account_id) == 100
    assert not (await own_store.jobs.list(key.key_id)).jobs


async def test_the_first_call_after_a_restart_works(own_redis: RedisServer, own_store: Store) -> None:
    """Pooled connections that a restart has broken cost the caller nothing."""
    key = await customer(own_store, 500)
    await asyncio.gather(*(own_store.credits.balance(key.account_id) for _ in range(10)))
    own_redis.kill()
    own_redis.start()
    jobs = await asyncio.gather(*(submit(own_store, key) for _ in range(5)))
    assert len({job.job_id for job in jobs}) == 5
    assert await own_store.credits.balance(key.account_id) == 500 - 5 * 75


async def test_a_silent_redis_that_wakes_charges_nothing(own_redis: RedisServer, own_store: Store) -> None:
    """A submit that timed out is applied by the waking Redis, and taken back: the client was told 503."""
    key = await customer(own_store, 105)
    opened = await own_store.sessions.open(session(key))
    assert own_redis.pid is not None
    os.kill(own_redis.pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable):
            await submit(own_store, key)
        with pytest.raises(Unavailable):
            await own_store.sessions.open(session(key))
        with pytest.raises(Unavailable):
            await own_store.views.add(view(opened))
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)
    await until_settled(own_store)
    assert await own_store.credits.balance(key.account_id) == 100
    assert await own_store.views.list(key.key_id, opened.session_id) == ()
    audit = await own_store.credits.verify()
    assert not audit.problems
    live = await own_store.scripts.client.zcard(own_store.scripts.key("deadlines"))
    assert live == 0


async def test_a_killed_redis_keeps_what_it_acknowledged(own_redis: RedisServer, own_store: Store) -> None:
    """Jobs, leases, stages and money are there after SIGKILL, and the attempt that held its job goes on with it."""
    key = await customer(own_store, 200)
    await own_store.sessions.open(session(key))
    job = await submit(own_store, key)
    work = own_store.work("w", lease_s=30.0, attempts=3, block_ms=100)
    claim = await take_one(work)
    await work.stage_start(claim, Step.CROPPING, Step.CROPPING)
    await work.stage_done(claim, Step.CROPPING, "{}", (), shown=Step.REMOVING_BG, progress=2)
    for _kill in range(3):
        own_redis.kill()
        own_redis.start()
        await work.heartbeat(claim, 3)
    assert not await work.stage_start(claim, Step.CROPPING, Step.CROPPING)
    assert (await own_store.jobs.get(key.key_id, job.job_id)).progress == 3
    assert await own_store.credits.balance(key.account_id) == 120


async def test_a_full_redis_refuses_jobs_whole(own_redis: RedisServer, own_store: Store) -> None:
    """At its memory limit polls are answered and a new job is a 503 that charges nothing; no script stops half-way."""
    key = await customer(own_store, 300)
    running, waiting = await submit(own_store, key), await submit(own_store, key)
    work = own_store.work("w", lease_s=30.0, attempts=3, block_ms=20)
    claim = await take_one(work)
    assert claim.job.job_id == running.job_id
    client = own_store.scripts.client
    await client.config_set("maxmemory", 500_000)
    with pytest.raises(Unavailable):
        await submit(own_store, key)
    with pytest.raises(Unavailable):
        await own_store.sessions.open(session(key))
    await own_store.keys.list(key.account_id)
    assert (await own_store.jobs.get(key.key_id, waiting.job_id)).status is JobStatus.QUEUED
    # Each is done wholly or not at all.
    for call in (
        lambda: own_store.jobs.cancel(key.key_id, waiting.job_id),
        lambda: work.stage_start(claim, Step.CROPPING, Step.CROPPING),
        lambda: work.heartbeat(claim, 1),
        lambda: work.release(claim, pause_s=0.0, counts=False),
    ):
        with contextlib.suppress(Unavailable, LostClaim):
            await call()
    await client.config_set("maxmemory", 0)
    await until_settled(own_store)
    audit = await own_store.credits.verify()
    assert not audit.problems and audit.drift == 0
    jobs = {job.job_id: job for job in (await own_store.jobs.list(key.key_id)).jobs}
    assert set(jobs) == {waiting.job_id, running.job_id}
    await submit(own_store, key)


async def test_a_redis_that_takes_no_writes_is_away(own_redis: RedisServer, own_store: Store) -> None:
    """A replica since a failover, and a primary without its replicas, are a 503 to every script, and to a worker that
    waits; on Redis 6 too, which tells it in words of its own."""
    key = await customer(own_store, 200)
    await submit(own_store, key)
    work = own_store.work("w", lease_s=30.0, attempts=3)
    claim = await take_one(work)
    assert await work.take(1) == [], "the mark of the job that is taken is used up"
    waiting = asyncio.create_task(work.take(1))
    await asyncio.sleep(0.2)
    client = own_store.scripts.client
    for refuse in (("REPLICAOF", "127.0.0.1", "1"), ("CONFIG", "SET", "min-replicas-to-write", "1")):
        await client.execute_command(*refuse)
        for call in (
            lambda: submit(own_store, key),
            lambda: own_store.sessions.open(session(key)),
            lambda: work.heartbeat(claim, 1),
        ):
            with pytest.raises(Unavailable):
                await call()
        await client.execute_command("REPLICAOF", "NO", "ONE")
    with pytest.raises(Unavailable):
        await waiting
    await client.config_set("min-replicas-to-write", 0)
    await until_settled(own_store)
    await work.heartbeat(claim, 1)
    assert await own_store.credits.balance(key.account_id) == 125


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("redis://lens:{secret}@127.0.0.1:{port}/0", "NoPermissionError"),
        ("redis://lens:wrong@127.0.0.1:{port}/0", "AuthenticationError"),
        ("redis://127.0.0.1:{port}/99", "DB index is out of range"),
    ],
)
async def test_a_redis_that_refuses_this_user_is_away(own_redis: RedisServer, address: str, cause: str) -> None:
    """A user without its rights, a wrong password, a database that is not there: 503, and the cause for the log."""
    secret = os.urandom(8).hex()
    async with open_store(RedisSettings(redis_url=SecretStr(own_redis.url))) as store:
        await store.scripts.client.execute_command("ACL", "SETUSER", "lens", "on", f">{secret}", "~*", "&*", "+@read")
    url = address.format(secret=secret, port=own_redis.port)
    async with open_store(RedisSettings(redis_url=SecretStr(url))) as store:
        with pytest.raises(Unavailable) as caught:
            await store.work("w", lease_s=30.0, attempts=3).take(1)
    assert cause in caught.value.cause


async def test_what_is_no_redis_is_away() -> None:
    """Such as a web server at the address."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as web:
        port = web.sockets[0].getsockname()[1]
        async with open_store(RedisSettings(redis_url=SecretStr(f"redis://127.0.0.1:{port}/0"))) as store:
            with pytest.raises(Unavailable) as caught:
                await store.health.ping()
    assert caught.value.cause.startswith("InvalidResponse")


async def test_waiters_share_one_connection_and_survive_a_restart(own_redis: RedisServer, own_store: Store) -> None:
    """2,000 clients that wait cost one connection; a change wakes its own waiters alone; a restart loses none."""
    key = await customer(own_store, 200)
    first, second = await submit(own_store, key), await submit(own_store, key)
    own_store.start()
    await asyncio.sleep(0.3)
    connections = len(await own_store.scripts.client.client_list())

    async def wait(job_id: str) -> bool:
        async with own_store.changes.subscribe(job_id) as subscription:
            return await subscription.changed(6.0)

    waiters = [asyncio.create_task(wait(first.job_id)) for _ in range(2_000)]
    other = asyncio.create_task(wait(second.job_id))
    await asyncio.sleep(0.2)
    assert own_store.changes.waiting == 2_001
    assert len(await own_store.scripts.client.client_list()) <= connections + 1
    await own_store.jobs.cancel(key.key_id, first.job_id)
    assert all(await asyncio.gather(*waiters))
    assert not other.done()
    own_redis.kill()
    own_redis.start()
    # Whoever waited is woken to look again: a change may have happened while nobody listened.
    assert await other
    assert own_store.changes.waiting == 0
