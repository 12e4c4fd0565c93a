"""The release before accounts took turns, and this one, on the same Redis: during an upgrade, and back.

``tests/data/scripts_before_turns`` holds that release's scripts as they were.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from gateway.jobs.codec import dump, order_to_json
from gateway.jobs.records import ApiKey
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, do_stages, order, submit, take_one
from gateway.jobs.work import Claim, LostClaim, RedisWork
from lensora.core.steps import STAGES, JobStatus

SCRIPTS = Path(__file__).parents[2] / "data" / "scripts_before_turns"
LEASE_MS = 60_000


class Before:
    """A gateway and a worker of that release."""

    def __init__(self, store: Store) -> None:
        self._client = store.scripts.client
        self._prefix = store.scripts.prefix
        self._queue = store.scripts.key("queue")

    async def script(self, name: str, *arguments: Any) -> Any:
        text = f"{(SCRIPTS / 'prelude.lua').read_text()}\n{(SCRIPTS / f'{name}.lua').read_text()}"
        return await self._client.eval(text, 1, self._prefix, *arguments)  # type: ignore[misc]

    async def submit(self, key: ApiKey) -> str:
        job_id = str(uuid.uuid4())
        runs, day = dump(list(STAGES)), 86_400_000
        arguments = (job_id, key.key_id, key.account_id, 75, order_to_json(order()), 900_000, 1_000, day, "", "")
        reply = await self.script("submit", *arguments, "", "[]", runs, "", "", 0, "", day)
        assert reply[0] == "accepted"
        return job_id

    async def take(self) -> tuple[str, str, str]:
        """``(job id, entry, token)`` of the next job that this worker is given by the stream and may claim."""
        if not await self._client.exists(self._queue) or not await self._client.xinfo_groups(self._queue):
            await self._client.xgroup_create(self._queue, "workers", id="0", mkstream=True)
        while True:
            rows: Any = await self._client.xreadgroup("workers", "old", {self._queue: ">"}, count=1, block=20)
            if not rows:
                return "", "", ""
            entry, fields = rows[0][1][0]
            token = uuid.uuid4().hex
            reply = await self.script("claim", fields["job"], entry, token, "old", LEASE_MS, 3, "{}")
            if reply[0] == "claimed":
                return fields["job"], entry, token

    async def end(self, job_id: str, token: str) -> int:
        for step in STAGES:
            await self.script("stage_start", job_id, token, step, step)
            await self.script("stage_done", job_id, token, step, step, 1, "{}", "[]")
        return int(await self.script("finish", job_id, token))


@pytest.fixture
def before(store: Store) -> Before:
    """The release before."""
    return Before(store)


def worker(store: Store) -> RedisWork:
    """A worker of this release."""
    return store.work(hashlib.sha1(uuid.uuid4().bytes).hexdigest()[:6], lease_s=30.0, attempts=3, block_ms=20)


async def statuses(store: Store, key: ApiKey) -> set[JobStatus]:
    """Of every job of the key."""
    return {job.status for job in (await store.jobs.list(key.key_id, limit=100)).jobs}


async def settle(store: Store, key: ApiKey, work: RedisWork, held: int = 0) -> None:
    """Finish everything that this worker is given, until only what others hold is left, and nothing more comes."""
    idle = 0
    until = time.monotonic() + 30
    while idle < 3:
        taken = await work.take(5)
        live = await store.scripts.client.scard(store.scripts.key(f"live:{key.account_id}"))
        idle = 0 if taken or live > held else idle + 1
        assert time.monotonic() < until, f"{live} jobs are left"
        for claim in taken:
            assert isinstance(claim, Claim)
            await do_stages(work, claim)
            await work.finish(claim)
    audit = await store.credits.verify()
    assert not audit.problems and audit.drift == 0


async def test_jobs_of_the_release_before_are_done(store: Store, before: Before) -> None:
    """What waited, what ran, and what a killed worker held: all of it is finished by this release, once."""
    key = await customer(store, 75 * 20)
    for _ in range(8):
        await before.submit(key)
    finished, held, dead = [await before.take() for _ in range(3)]
    await before.script("heartbeat", dead[0], dead[2], "old", 300, 1)
    work = worker(store)
    first = await take_one(work)
    assert first.job.job_id not in {finished[0], held[0], dead[0]}
    assert await before.end(finished[0], finished[2]) == 1
    await before.script("heartbeat", held[0], held[2], "old", 60_000, 50)
    await do_stages(work, first)
    await work.finish(first)
    await settle(store, key, work, held=1)
    assert await before.script("heartbeat", dead[0], dead[2], "old", LEASE_MS, 1) == 0
    assert (await store.jobs.get(key.key_id, held[0])).status is JobStatus.PROCESSING
    assert await before.end(held[0], held[2]) == 1
    assert await statuses(store, key) == {JobStatus.COMPLETED}
    assert await store.scripts.client.zcard(store.scripts.key("waiting")) == 0


async def test_both_releases_work_side_by_side(store: Store, before: Before) -> None:
    """Gateways and workers of both at once: each job is held by one worker at a time and ends once."""
    key = await customer(store, 75 * 40)
    work = worker(store)
    held: dict[str, str] = {}
    for number in range(30):
        await (before.submit(key) if number % 2 else submit(store, key))
        if number % 3 == 0:
            job_id, _entry, token = await before.take()
            if job_id:
                assert job_id not in held
                held[job_id] = token
        else:
            await work.attend(2)
            for claim in await work.take(1):
                assert isinstance(claim, Claim)
                assert claim.job.job_id not in held
                await do_stages(work, claim)
                await work.finish(claim)
    for job_id, token in held.items():
        assert await before.script("heartbeat", job_id, token, "old", 60_000, 1) in (0, 1)
        await before.end(job_id, token)
    await settle(store, key, work)
    assert await statuses(store, key) == {JobStatus.COMPLETED}


async def test_the_release_before_finds_what_this_one_has_accepted(store: Store, before: Before) -> None:
    """The way back: its workers take new jobs from the stream, and are fenced from those that still run here."""
    key = await customer(store, 75 * 4)
    jobs = {(await submit(store, key)).job_id for _ in range(3)}
    work = worker(store)
    running = await take_one(work)
    taken = {}
    while True:
        job_id, _entry, token = await before.take()
        if not job_id:
            break
        taken[job_id] = token
    assert set(taken) == jobs - {running.job.job_id}
    for job_id, token in taken.items():
        assert await before.end(job_id, token) == 1
    await do_stages(work, running)
    await work.finish(running)
    assert await statuses(store, key) == {JobStatus.COMPLETED}
    await settle(store, key, work)


async def test_a_worker_of_this_release_loses_to_one_before(store: Store, before: Before) -> None:
    """A lease that has run out here may be taken there; the late one here can no longer write."""
    key = await customer(store, 75)
    await submit(store, key)
    late = store.work("late", lease_s=0.05, attempts=3, block_ms=20)
    claim = await take_one(late)
    await asyncio.sleep(0.1)
    job_id, _entry, token = await before.take()
    assert job_id == claim.job.job_id
    with pytest.raises(LostClaim):
        await late.heartbeat(claim, 1)
    assert not await worker(store).take(1)
    assert await before.end(job_id, token) == 1
