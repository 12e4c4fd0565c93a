"""Whose job is next: accounts take turns, by weight, within limits; and how long a job may wait and run."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import replace

from gateway.jobs.records import Limits, NewJob, OutputChoices
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, do_stages, order, submit, take_one
from gateway.jobs.work import Claim, Ended, RedisWork
from gateway.settings import RedisSettings
from lensora.core.steps import JobStatus

HEAVY = OutputChoices(size=1536, fps=48)
"""Eight ordinary films' worth of frames x pixels."""


def worker(store: Store) -> RedisWork:
    """A worker of the store."""
    return store.work(uuid.uuid4().hex[:6], lease_s=30.0, attempts=3, block_ms=20)


async def test_a_thousand_jobs_of_one_hold_up_no_other(store: Store) -> None:
    """Another's single job is next, however many stand before it; its place and the estimate say so."""
    many, one = await customer(store, 75 * 1_000), await customer(store, 75)
    for _ in range(100):
        await asyncio.gather(*(submit(store, many) for _ in range(10)))
    work = worker(store)
    await take_one(work)
    job = await submit(store, one)
    outlook = await store.jobs.outlook(job)
    assert outlook.queue_position is not None and outlook.queue_position <= 1
    taken = [await take_one(work) for _ in range(2)]
    assert job.job_id in {claim.job.job_id for claim in taken}


async def test_a_newcomer_is_next_among_many_accounts(store: Store) -> None:
    """With thirty accounts at work in turns, the first job of a new one is next, and its second waits its turn."""
    others = [await customer(store, 75 * 5) for _ in range(30)]
    for other in others:
        for _ in range(5):
            await submit(store, other)
    work = worker(store)
    for _ in range(45):
        await take_one(work)
    newcomer = await customer(store, 75 * 2)
    first, second = [await submit(store, newcomer) for _ in range(2)]
    assert (await store.jobs.outlook(first)).queue_position == 0
    assert (await take_one(work)).job.job_id == first.job_id
    taken = [(await take_one(work)).job.job_id for _ in range(50)]
    assert 14 <= taken.index(second.job_id) <= 46, "it had its turn; the fifteen that had none are before it"


async def test_newcomers_without_end_hold_up_nobody(store: Store) -> None:
    """While a new account comes with a job before each job that is taken, those at work have their turns too."""
    others = [await customer(store, 75 * 5) for _ in range(3)]
    for other in others:
        for _ in range(5):
            await submit(store, other)
    work = worker(store)
    for _ in range(4):
        await take_one(work)
    known = {other.account_id for other in others}
    taken = []
    for _ in range(80):
        await submit(store, await customer(store, 75))
        taken.append((await take_one(work)).job.account_id in known)
    assert taken.count(True) >= 4, taken
    assert not taken[0], "newcomers are first"


async def test_places_are_what_happens(store: Store) -> None:
    """With three accounts that wait, each job is taken after as many as its place said, give or take one turn."""
    keys = [await customer(store, 75 * 20) for _ in range(3)]
    jobs = [await submit(store, key) for key, count in zip(keys, (8, 3, 1), strict=True) for _ in range(count)]
    places = {job.job_id: (await store.jobs.outlook(job)).queue_position for job in jobs}
    work = worker(store)
    order_taken = [(await take_one(work)).job.job_id for _ in jobs]
    for rank, job_id in enumerate(order_taken):
        place = places[job_id]
        assert place is not None and abs(place - rank) <= 2, (rank, place)
    firsts = [next(job.job_id for job in jobs if job.account_id == key.account_id) for key in keys]
    assert {order_taken.index(job_id) for job_id in firsts} == {0, 1, 2}


async def test_weights_share_the_work(store: Store) -> None:
    """An account of weight 3 gets three jobs done where one of weight 1 gets one."""
    heavy = await customer(store, 75 * 40, limits=Limits(weight=3.0))
    light = await customer(store, 75 * 40)
    for key in (heavy, light):
        for _ in range(40):
            await submit(store, key)
    work = worker(store)
    taken = Counter([(await take_one(work)).job.account_id for _ in range(40)])
    assert abs(taken[heavy.account_id] - 30) <= 1 and abs(taken[light.account_id] - 10) <= 1


async def test_coming_back_gains_no_turn(store: Store) -> None:
    """An account that submits one job at a time, again and again, is not served before one that waits."""
    eager, patient = await customer(store, 75 * 50), await customer(store, 75 * 50)
    for _ in range(20):
        await submit(store, patient)
    work = worker(store)
    taken = Counter[str]()
    for _ in range(20):
        await submit(store, eager)
        taken[(await take_one(work)).job.account_id] += 1
    assert taken[patient.account_id] >= 9


async def test_running_jobs_of_an_account_are_limited(store: Store) -> None:
    """Its next one waits for the end of one that runs; others' are taken meanwhile."""
    key = await customer(store, 75 * 3, limits=Limits(running_jobs=1))
    other = await customer(store, 75)
    first, second = await submit(store, key), await submit(store, key)
    theirs = await submit(store, other)
    work = worker(store)
    taken = [claim for claim in await work.take(5) if isinstance(claim, Claim)]
    assert {claim.job.job_id for claim in taken} == {first.job_id, theirs.job_id}
    assert not await work.take(5)
    held = next(claim for claim in taken if claim.job.job_id == first.job_id)
    await do_stages(work, held)
    await work.finish(held)
    assert (await take_one(work)).job.job_id == second.job_id


async def test_who_waits_for_a_turn_is_told_from_who_has_ordered_much(store: Store) -> None:
    """While one of its jobs runs an account is served; it waits from its last turn on, a newcomer from its order."""
    bulk = await customer(store, 75 * 4)
    for _ in range(4):
        await submit(store, bulk)
    work = worker(store)
    await asyncio.sleep(0.3)
    queue = await work.attend(1)
    assert 0.3 <= queue.turnless_s <= queue.oldest_s
    held = await take_one(work)
    await asyncio.sleep(0.2)
    queue = await work.attend(1)
    assert queue.turnless_s == 0.0 and queue.oldest_s >= 0.5
    await do_stages(work, held)
    await work.finish(held)
    queue = await work.attend(1)
    assert 0.2 <= queue.turnless_s < queue.oldest_s - 0.2
    await take_one(work)
    await submit(store, await customer(store, 75))
    await asyncio.sleep(0.1)
    assert 0.1 <= (await work.attend(1)).turnless_s < queue.turnless_s


async def test_heavy_jobs_leave_slots_to_others(store: Store) -> None:
    """Of two slots one is never a heavy job's, whoever orders it; ordinary jobs may have both."""
    work = worker(store)
    await work.attend(2)
    first, second = await customer(store, 10_000), await customer(store, 10_000)
    for key in (first, first, second):
        await submit(store, key, replace(order(), output=HEAVY))
    taken = [claim for claim in await work.take(5) if isinstance(claim, Claim)]
    assert len(taken) == 1 and taken[0].job.order.output == HEAVY
    ordinary = await submit(store, await customer(store, 75))
    assert (await take_one(work)).job.job_id == ordinary.job_id
    await do_stages(work, taken[0])
    await work.finish(taken[0])
    assert (await take_one(work)).job.order.output == HEAVY


async def test_the_deadline_counts_from_the_first_claim(redis_settings: RedisSettings) -> None:
    """Time in the queue takes nothing from it; a second attempt gives nothing back; more work has longer."""
    hurried = redis_settings.model_copy(update={"job_deadline_seconds": 2.0})
    async with open_store(hurried) as store:
        key = await customer(store, 10_000)
        work = worker(store)
        await submit(store, key)
        await asyncio.sleep(0.5)
        claim = await take_one(work)
        assert 1.8 < claim.remaining_s <= 2.0
        await asyncio.sleep(0.3)
        await work.release(claim, pause_s=0, counts=True)
        assert (await take_one(work)).remaining_s < 1.75
        await submit(store, key, replace(order(), output=replace(HEAVY, seconds=10.0)))
        assert 3.5 < (await take_one(work)).remaining_s < 8.0


async def test_a_job_waits_for_its_first_claim_for_a_time(redis_settings: RedisSettings) -> None:
    """One that no worker takes fails and is refunded, so that nothing waits for ever."""
    async with open_store(redis_settings.model_copy(update={"job_wait_hours": 0.1 / 3600})) as store:
        key = await customer(store, 75)
        job = await submit(store, key)
        await asyncio.sleep(0.15)
        assert await worker(store).take(1) == [Ended(job.job_id, 75)]
        job = await store.jobs.get(key.key_id, job.job_id)
        assert job.error is not None and job.error.message == "Job start timeout"
        assert await store.credits.balance(key.account_id) == 75


async def test_a_claim_whose_answer_got_lost_is_given_again(store: Store) -> None:
    """The same token names the same attempt; nothing is taken twice."""
    key = await customer(store, 150)
    await submit(store, key)
    await submit(store, key)
    arguments = ("a-token", 30_000, 3, "{}", 10, 0.5)
    first = await store.scripts.call("claim", *arguments)
    again = await store.scripts.call("claim", *arguments)
    assert first[0] == again[0] == "claimed" and first[1] == again[1]
    jobs = await store.jobs.list(key.key_id, status=JobStatus.PROCESSING)
    assert len(jobs.jobs) == 1 and jobs.jobs[0].attempts == 1


async def test_a_waiting_worker_is_woken(redis_settings: RedisSettings) -> None:
    """A job that comes while a worker waits is taken at once, not at the end of the wait."""
    async with open_store(redis_settings) as store:
        key = await customer(store, 75)
        work = store.work("w", lease_s=30.0, attempts=3)
        loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(work.take(1))
        await asyncio.sleep(0.2)
        began = loop.time()
        await store.jobs.submit(NewJob(str(uuid.uuid4()), key, order()))
        assert await waiting
        assert loop.time() - began < 0.5
