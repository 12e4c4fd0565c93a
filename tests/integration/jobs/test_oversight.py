"""What an operator sees of jobs and of accounts' use."""

from __future__ import annotations

import pytest

from gateway.jobs.records import JobError
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, submit, take_one
from lensora.core.errors import InvalidRequest, NotFound
from lensora.core.steps import JobStatus


async def test_jobs_of_every_account_come_newest_first_in_pages(store: Store) -> None:
    """No job is left out or told twice, whatever the pages' size, and one that is forgotten is no row."""
    first, second = await customer(store, 1_000), await customer(store, 1_000)
    ordered = [await submit(store, key) for key in (first, second, first, second, first)]
    for limit in (1, 2, 5, 50):
        seen: list[str] = []
        cursor = ""
        while True:
            page = await store.oversight.jobs(cursor=cursor, limit=limit)
            assert page.jobs, "the page before was the last one"
            seen += [row.job_id for row in page.jobs]
            cursor = page.next_cursor
            if not cursor:
                break
        assert seen == [job.job_id for job in reversed(ordered)]
    only = await store.oversight.jobs(account_id=second.account_id)
    assert [row.job_id for row in only.jobs] == [ordered[3].job_id, ordered[1].job_id]
    with pytest.raises(InvalidRequest):
        await store.oversight.jobs(cursor="x")


async def test_why_a_job_failed_and_what_came_back_is_told(store: Store) -> None:
    """The error's sentence, code and stage; a canceled job's price is among what came back too."""
    key = await customer(store, 1_000)
    work = store.work("worker", lease_s=30.0, attempts=3, block_ms=50)
    failing = await submit(store, key)
    claim = await take_one(work)
    await work.fail(claim, JobError("3D generation failed", "stage_failed", "generating-3d", retryable=True))
    canceled = await submit(store, key)
    await store.jobs.cancel(key.key_id, canceled.job_id)
    await submit(store, key)
    (row,) = (await store.oversight.jobs(status=JobStatus.FAILED)).jobs
    assert (row.job_id, row.error_code, row.error_stage, row.refunded) == (
        failing.job_id,
        "stage_failed",
        "generating-3d",
        75,
    )
    back = await store.oversight.jobs(refunded=True)
    assert [row.job_id for row in back.jobs] == [canceled.job_id, failing.job_id]
    queue = await store.oversight.queue()
    assert (queue.waiting, queue.running) == (1, 0) and queue.oldest_ms > 0
    assert [(each.account_id, each.waiting) for each in queue.accounts] == [(key.account_id, 1)]


async def test_use_adds_up_to_the_balance(store: Store) -> None:
    """Grants, charges and refunds of the day; an unknown account is an error."""
    key = await customer(store, 500)
    job = await submit(store, key)
    await submit(store, key)
    await store.jobs.cancel(key.key_id, job.job_id)
    used = await store.oversight.usage(key.account_id)
    (day,) = used.days
    assert (day.granted, day.charged, day.charges, day.refunded, day.refunds) == (500, 150, 2, 75, 1)
    assert day.granted - day.charged + day.refunded == await store.credits.balance(key.account_id)
    assert used.whole
    with pytest.raises(NotFound):
        await store.oversight.usage("nobody")
