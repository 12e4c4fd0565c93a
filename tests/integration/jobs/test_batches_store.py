"""Batches in the store: all or nothing, each film's money by itself, one end, one fair turn."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from gateway.jobs.records import Answer, JobError, KeptAnswer, Limits
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, do_stages, submit, submit_batch, take_one
from gateway.jobs.work import LostClaim
from gateway.settings import RedisSettings
from lensora.core.errors import BatchNotFound, Conflict, InsufficientCredits, JobNotFound, TooManyJobs
from lensora.core.steps import JobStatus

FAILURE = JobError("3D generation timeout", "deadline_exceeded", "generating-3d", True)


async def test_a_batch_goes_its_way(store: Store) -> None:
    """Charged as a whole, each film is done, fails or is canceled by itself, and the last one ends the batch."""
    key = await customer(store, 75 * 4 + 10)
    batch_id, jobs = await submit_batch(store, key, 4)
    assert await store.credits.balance(key.account_id) == 10
    batch = await store.batches.get(key.key_id, batch_id)
    assert (batch.status, batch.progress, batch.price, batch.ended_ms) == (JobStatus.QUEUED, 20, 300, 0)
    assert [state.status for state in batch.items] == [JobStatus.QUEUED] * 4 + [JobStatus.FAILED]
    work = store.work("w", lease_s=60, attempts=3, block_ms=1)
    first, second = await take_one(work), await take_one(work)
    assert [first.job.job_id, second.job.job_id] == jobs[:2] and first.job.batch_id == batch_id
    await do_stages(work, first)
    await work.finish(first)
    await work.fail(second, FAILURE)
    await store.jobs.cancel(key.key_id, jobs[2])
    batch = await store.batches.get(key.key_id, batch_id)
    assert (batch.status, batch.version, batch.credits_refunded) == (JobStatus.PROCESSING, 3, 150)
    assert batch.items[1].error == FAILURE and batch.progress < 100
    third = await take_one(work)
    await do_stages(work, third)
    await work.finish(third)
    batch = await store.batches.get(key.key_id, batch_id)
    assert (batch.status, batch.progress) == (JobStatus.COMPLETED, 100) and batch.ended_ms > 0
    assert await store.credits.balance(key.account_id) == 160
    assert (await store.credits.verify()).problems == ()


async def test_nothing_is_charged_where_not_all_can_be(store: Store) -> None:
    """Too little money for one of the films, or one too many live jobs, and there is no batch and no job."""
    key = await customer(store, 75 * 3 - 1)
    with pytest.raises(InsufficientCredits, match="costs 225 credits; the balance is 224"):
        await submit_batch(store, key, 3)
    few = await customer(store, 75 * 3, limits=Limits(live_jobs=2))
    with pytest.raises(TooManyJobs, match="may have 2 jobs queued or running; with the 3 of this batch"):
        await submit_batch(store, few, 3)
    for one, balance in ((key, 224), (few, 225)):
        assert await store.credits.balance(one.account_id) == balance
        assert (await store.batches.list(one.key_id)).batches == ()
        assert (await store.jobs.list(one.key_id)).jobs == ()


async def test_the_same_batch_is_charged_once(store: Store) -> None:
    """A submit that is repeated, because its answer was lost, changes nothing, even with other jobs."""
    key = await customer(store, 75 * 6)
    batch_id, jobs = await submit_batch(store, key, 3)
    await submit_batch(store, key, 3, batch_id=batch_id)
    assert await store.credits.balance(key.account_id) == 225
    assert [state.item.job_id for state in (await store.batches.get(key.key_id, batch_id)).items[:3]] == jobs
    assert {job.job_id for job in (await store.jobs.list(key.key_id)).jobs} == set(jobs)


async def test_cancel_ends_what_lives_and_nothing_else(store: Store) -> None:
    """Each live film is refunded once, a finished one stays paid; a second cancel finds nothing."""
    key = await customer(store, 75 * 3)
    batch_id, jobs = await submit_batch(store, key, 3)
    work = store.work("w", lease_s=60, attempts=3, block_ms=1)
    done, running = await take_one(work), await take_one(work)
    await do_stages(work, done)
    await work.finish(done)
    stop = await store.batches.cancel(key.key_id, batch_id)
    assert not stop.already_ended and list(stop.canceled) == jobs[1:]
    batch = await store.batches.get(key.key_id, batch_id)
    assert (batch.status, batch.counts[JobStatus.COMPLETED], batch.credits_refunded) == (JobStatus.CANCELED, 1, 150)
    with pytest.raises(LostClaim):
        await work.finish(running)
    assert (await store.batches.cancel(key.key_id, batch_id)).already_ended
    assert await store.credits.balance(key.account_id) == 150
    assert (await store.credits.verify()).problems == ()


async def test_a_batch_that_could_not_be_confirmed_is_undone(store: Store) -> None:
    """Whether the submit has run or comes late, nothing stays charged."""
    key = await customer(store, 75 * 4)
    batch_id, _jobs = await submit_batch(store, key, 2)
    void = ("batch", batch_id, key.key_id, "", "", 60_000)
    assert await store.scripts.repeat("void", *void) == "undone"
    assert await store.scripts.repeat("void", *void) == "absent"
    late = str(uuid.uuid4())
    assert await store.scripts.repeat("void", "batch", late, key.key_id, "", "", 60_000) == "absent"
    with pytest.raises(Exception, match="taken back"):
        await submit_batch(store, key, 2, batch_id=late)
    assert await store.credits.balance(key.account_id) == 300
    assert (await store.credits.verify()).problems == ()


async def test_the_answer_is_kept_with_the_charge(store: Store) -> None:
    """A repeat with the same Idempotency-Key gets the first answer; a slot that was lost charges nothing."""
    key = await customer(store, 75 * 4)
    slot = await store.idempotency.begin(key.key_id, "monday", "print")
    assert not isinstance(slot, Answer)
    batch_id, jobs = await submit_batch(store, key, 2, kept=KeptAnswer(slot, Answer(200, "the ticket")))
    assert await store.idempotency.begin(key.key_id, "monday", "print") == Answer(200, "the ticket")
    assert len(jobs) == 2 and (await store.batches.get(key.key_id, batch_id)).price == 150


async def test_only_its_key_reads_cancels_and_deletes_a_batch(store: Store) -> None:
    """For any other key, and for what is no id, there is none."""
    key, other = await customer(store, 150), await customer(store, 0)
    batch_id, _jobs = await submit_batch(store, key, 2)
    for name in (batch_id, "x", str(uuid.uuid4())):
        for call in (store.batches.get, store.batches.cancel, store.batches.delete):
            with pytest.raises(BatchNotFound):
                await call(other.key_id, name)
    assert (await store.batches.shown(batch_id)).key_id == key.key_id


async def test_a_deleted_batch_is_gone_with_its_films(store: Store) -> None:
    """Not before its end; then it is in no list, its jobs cannot be read, and their files are swept at once."""
    key = await customer(store, 75 * 3)
    batch_id, jobs = await submit_batch(store, key, 3)
    with pytest.raises(Conflict, match="cancel batch"):
        await store.batches.delete(key.key_id, batch_id)
    await store.jobs.cancel(key.key_id, jobs[0])
    await store.jobs.delete(key.key_id, jobs[0])
    assert [state.item.job_id for state in (await store.batches.get(key.key_id, batch_id)).items] == [*jobs[1:], ""]
    await store.batches.cancel(key.key_id, batch_id)
    await store.batches.delete(key.key_id, batch_id)
    with pytest.raises(BatchNotFound):
        await store.batches.get(key.key_id, batch_id)
    for job_id in jobs:
        with pytest.raises(JobNotFound):
            await store.jobs.get(key.key_id, job_id)
    assert (await store.batches.list(key.key_id)).batches == () == (await store.jobs.list(key.key_id)).jobs
    assert {expired.prefix for expired in await store.expiry.due()} == {f"jobs/{job_id}" for job_id in jobs}
    assert (await store.credits.verify()).problems == ()


async def test_batches_are_listed_newest_first_page_by_page(store: Store) -> None:
    """Those whose time is over are passed over, and leave the list when others come."""
    key = await customer(store, 75 * 9)
    names = [(await submit_batch(store, key, 1))[0] for _ in range(5)]
    scripts = store.scripts
    await scripts.client.delete(scripts.key(f"batch:{names[0]}"), scripts.key(f"batch:{names[3]}"))
    page = await store.batches.list(key.key_id, limit=2)
    assert [batch.batch_id for batch in page.batches] == [names[4], names[2]]
    page = await store.batches.list(key.key_id, cursor=page.next_cursor, limit=2)
    assert ([batch.batch_id for batch in page.batches], page.next_cursor) == ([names[1]], "")
    await submit_batch(store, key, 1)
    assert await scripts.client.zcard(scripts.key(f"batches:{key.key_id}")) == 5


async def test_films_are_kept_as_long_as_their_batch(store: Store, redis_settings: RedisSettings) -> None:
    """The first to end stays until the last may go, so the archive is whole for as long as the batch is there."""
    key = await customer(store, 75 * 2)
    batch_id, jobs = await submit_batch(store, key, 2)
    await store.jobs.cancel(key.key_id, jobs[0])
    batch = await store.batches.get(key.key_id, batch_id)
    assert (await store.jobs.get(key.key_id, jobs[0])).expires_ms == batch.expires_ms
    async with open_store(redis_settings.model_copy(update={"job_hours": 0.00001, "job_wait_hours": 0.00001})) as brief:
        alone = await submit(brief, await customer(brief, 75))
    assert alone.batch_id == ""


async def test_a_batch_of_two_hundred_holds_up_no_other(store: Store) -> None:
    """Another account's single job is next; its own films come in their order."""
    many, one = await customer(store, 75 * 200), await customer(store, 75)
    _batch_id, jobs = await submit_batch(store, many, 200)
    work = store.work("w", lease_s=60, attempts=3, block_ms=1)
    assert (await take_one(work)).job.job_id == jobs[0]
    job = await submit(store, one)
    assert (await store.jobs.outlook(job)).queue_position == 0
    taken = [(await take_one(work)).job.job_id for _ in range(3)]
    assert sorted(taken) == sorted([job.job_id, *jobs[1:3]]) and taken.index(job.job_id) == 0


async def test_who_waits_for_a_batch_is_woken_by_each_end(store: Store) -> None:
    """Of a film of it, and of no other job."""
    store.start()
    key = await customer(store, 75 * 3)
    batch_id, jobs = await submit_batch(store, key, 2)
    alone = await submit(store, key)
    async with store.changes.subscribe(batch_id) as waiter:
        await asyncio.sleep(0.2)
        while await waiter.changed(0.05):
            continue
        await store.jobs.cancel(key.key_id, alone.job_id)
        assert not await waiter.changed(0.2)
        await store.jobs.cancel(key.key_id, jobs[0])
        assert await waiter.changed(5.0)


async def test_the_end_that_an_older_worker_did_not_tell_is_found(store: Store) -> None:
    """A worker of the release before ends jobs without their batch; its first reader ends it, with its message."""
    key = await customer(store, 75 * 2)
    batch_id, jobs = await submit_batch(store, key, 2, webhook_url="https://shop.test/hook")
    scripts = store.scripts
    for job_id in jobs:
        await scripts.client.hset(scripts.key(f"job:{job_id}"), "batch", "")
        await store.jobs.cancel(key.key_id, job_id)
    assert await store.hooks.due(10) == []
    batch = await store.batches.get(key.key_id, batch_id)
    assert batch.status is JobStatus.CANCELED
    (hook,) = await store.hooks.due(10)
    assert (hook.batch_id, hook.url) == (batch_id, "https://shop.test/hook")
    assert await store.hooks.due(10) == []
