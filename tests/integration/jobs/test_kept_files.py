"""How long the files of a job that was deleted are kept for the films that were made from it."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace

from gateway.jobs.batch_records import BatchItem, NewBatch
from gateway.jobs.records import TRANSFORM_CREDITS, ApiKey, NewJob, OutputChoices
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, do_stages, order, submit, take_one
from lensora.core.steps import Step

FILM = (Step.RENDERING_VIDEO,)


async def finish_next(store: Store) -> None:
    """Complete the job that is next."""
    work = store.work("w", lease_s=30.0, attempts=3, block_ms=20)
    claim = await take_one(work)
    await do_stages(work, claim)
    await work.finish(claim)


async def filmed_again(store: Store, key: ApiKey, parent_id: str) -> str:
    """A completed film of a job's model."""
    new = NewJob(str(uuid.uuid4()), key, order(), 25, parent_id=parent_id, again=FILM)
    await store.jobs.submit(new)
    await finish_next(store)
    return new.job_id


async def kept_until(store: Store, job_id: str) -> list[float]:
    """When the files of a job are swept, Unix milliseconds: the times of all its places in the schedule."""
    places = await store.scripts.client.zrange(store.scripts.key("expiring:jobs"), 0, -1, withscores=True)
    return [score for member, score in places if member.endswith(job_id)]


async def test_a_deleted_model_outlives_films_of_its_films(store: Store) -> None:
    """The files of a deleted job are swept once, not before the last film that was made from a film of it may go."""
    key = await customer(store, 200)
    first = (await submit(store, key)).job_id
    await finish_next(store)
    second = await filmed_again(store, key, first)
    await store.jobs.delete(key.key_id, first)
    await asyncio.sleep(0.02)
    third = await filmed_again(store, key, second)
    (swept,) = await kept_until(store, first)
    assert swept >= (await store.jobs.get(key.key_id, third)).expires_ms
    assert await store.expiry.due() == []


async def test_a_deleted_film_of_a_batch_keeps_what_is_filmed_again(store: Store) -> None:
    """A batch is kept until the latest end of its large films, which is later than a small film of one of its models
    needs: that model's files stay all the same when it is deleted."""
    key = await customer(store, 200)
    large = replace(order(), output=OutputChoices(size=2160, seconds=20.0))
    first = str(uuid.uuid4())
    items = (BatchItem("0", "session", job_id=first),)
    await store.batches.submit(NewBatch(str(uuid.uuid4()), key, items, (large,), {}, TRANSFORM_CREDITS))
    await finish_next(store)
    second = await filmed_again(store, key, first)
    await store.jobs.delete(key.key_id, first)
    (swept,) = await kept_until(store, first)
    assert swept >= (await store.jobs.get(key.key_id, second)).expires_ms
    assert await store.expiry.due() == []


async def test_a_deleted_job_that_nothing_was_made_from_is_swept_at_once(store: Store) -> None:
    """Its files are due with the next sweep, once, and then nothing is left of it."""
    key = await customer(store, 75)
    job = await submit(store, key)
    await store.jobs.cancel(key.key_id, job.job_id)
    await store.jobs.delete(key.key_id, job.job_id)
    (due,) = await store.expiry.due()
    assert due.prefix == f"jobs/{job.job_id}"
    await store.expiry.done(due)
    assert await kept_until(store, job.job_id) == []
    assert not await store.expiry.kept("jobs", job.job_id)
