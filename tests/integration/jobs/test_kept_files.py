"""How long files are kept, those of a deleted job for the films that were made from it, and how long links hold."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import replace

from gateway.batch_results import batch_of
from gateway.jobs.batch_records import BatchItem, NewBatch
from gateway.jobs.codec import output_field
from gateway.jobs.records import ENDED, TRANSFORM_CREDITS, ApiKey, NewJob, OutputChoices, OutputFile
from gateway.jobs.store import Store
from gateway.jobs.testing import PHOTO, customer, do_stages, order, submit, submit_batch, take_one
from gateway.jobs.work import Claim
from gateway.links import FileLinks, UrlSigner
from gateway.results import LIVE_LINK_S, result_of
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


def link_ends(url: str | None) -> float:
    """Until when a link holds, Unix seconds."""
    assert url is not None
    return int(url.partition("/v1/files/")[2].partition(".")[0], 16)


async def test_links_of_a_job_that_waited_for_days_hold_while_it_runs(store: Store) -> None:
    """A live job's links hold for a day from the moment that a worker took it, alone or in a batch."""
    key = await customer(store, 75 * 2)
    job = await submit(store, key)
    batch_id, (film,) = await submit_batch(store, key, 1)
    days_ago = round(time.time() * 1000) - 3 * 86_400_000
    for name in (job.job_id, film):
        await store.scripts.client.hset(store.scripts.key(f"job:{name}"), "created", days_ago)
    work = store.work("w", lease_s=30.0, attempts=3, block_ms=20)
    scene = output_field("scene", OutputFile(PHOTO, "scene.jpg"))
    for claim in await work.take(2):
        assert isinstance(claim, Claim)
        await work.stage_start(claim, Step.COMPOSITING, Step.COMPOSITING)
        await work.stage_done(claim, Step.COMPOSITING, "{}", (scene,), shown=Step.COMPOSITING, progress=1)
    links = FileLinks(UrlSigner(["a-signing-key-for-tests-of-kept-files"], "http://studio.test"), lambda _uri: "a/b")
    alone = result_of(await store.jobs.get(key.key_id, job.job_id), ENDED, links).scene_url
    items = batch_of(await store.batches.get(key.key_id, batch_id), links).items
    for url in (alone, items[0].scene_url):
        assert abs(link_ends(url) - time.time() - LIVE_LINK_S) < 60
