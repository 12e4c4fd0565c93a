"""The lifecycle of jobs in the store, case by case."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from gateway.jobs.pace import MEASURED, run_of
from gateway.jobs.records import Canceled, JobError, Limits, NewJob
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, do_stages, order, session, submit, submit_batch, take_one
from gateway.jobs.work import Claim, Ended, LostClaim, RedisWork
from gateway.settings import RedisSettings
from lensora.core.errors import (
    InsufficientCredits,
    InvalidRequest,
    JobNotFound,
    SessionNotFound,
    TooManyJobs,
    Unavailable,
)
from lensora.core.steps import JobStatus, Step

LEASE_S = 0.06
ERROR = JobError("3D generation failed", "stage_failed", "generating-3d", retryable=True)


def worker(store: Store, *, lease_s: float = 30.0, attempts: int = 3) -> RedisWork:
    """A worker of the store."""
    return store.work(uuid.uuid4().hex[:6], lease_s=lease_s, attempts=attempts, block_ms=50)


async def test_a_session_is_charged_once_however_often_it_is_sent(store: Store) -> None:
    """Opening the same session again after a lost answer costs nothing and answers the same."""
    key = await customer(store, 12)
    wanted = session(key)
    opened = await store.sessions.open(wanted)
    assert await store.sessions.open(wanted) == opened == await store.sessions.get(key.key_id, opened.session_id)
    assert await store.credits.balance(key.account_id) == 7
    with pytest.raises(SessionNotFound):
        await store.sessions.get("another", opened.session_id)
    assert opened.expires_ms - opened.created_ms == 24 * 3600 * 1000


async def test_credits_that_do_not_suffice_are_named(store: Store) -> None:
    """A refusal gives balance and price, and nothing is charged or queued."""
    key = await customer(store, 74)
    with pytest.raises(InsufficientCredits, match="costs 75 credits; the balance is 74"):
        await submit(store, key)
    assert await store.credits.balance(key.account_id) == 74
    assert not (await store.jobs.list(key.key_id)).jobs


async def test_live_jobs_are_limited_and_make_room_as_they_end(store: Store) -> None:
    """The account's limit on live jobs refuses one too many, and takes it once another has ended."""
    key = await customer(store, 1000, limits=Limits(live_jobs=2, requests_per_minute=100))
    first, _second = await submit(store, key), await submit(store, key)
    with pytest.raises(TooManyJobs, match="2 jobs"):
        await submit(store, key)
    await store.jobs.cancel(key.key_id, first.job_id)
    await submit(store, key)


async def test_a_frozen_account_reads_but_does_not_spend(store: Store) -> None:
    """Freezing an account stops charges, not reads."""
    key = await customer(store, 1000)
    job = await submit(store, key)
    await store.accounts.freeze(key.account_id, frozen=True)
    with pytest.raises(InsufficientCredits, match="frozen"):
        await submit(store, key)
    assert (await store.jobs.get(key.key_id, job.job_id)).job_id == job.job_id


async def test_three_attempts_and_no_more(store: Store) -> None:
    """A job whose workers die three times fails at the fourth take, refunded, with a sentence that names the stage."""
    key = await customer(store, 75)
    job = await submit(store, key)
    work = worker(store, lease_s=LEASE_S)
    for attempt in (1, 2, 3):
        claim = await take_one(work)
        assert claim.job.attempts == attempt
        await work.stage_start(claim, Step.GENERATING_3D, Step.GENERATING_3D)
        await asyncio.sleep(LEASE_S * 1.5)
    assert await work.take(1) == [Ended(job.job_id, 75)]
    job = await store.jobs.get(key.key_id, job.job_id)
    assert job.error is not None and job.error.message == "3D generation failed after 3 attempts"
    assert (job.status, job.credits_refunded) == (JobStatus.FAILED, 75)
    assert await store.credits.balance(key.account_id) == 75


async def test_a_lease_that_runs_is_respected(store: Store) -> None:
    """While a worker renews its lease nobody else is given its job, however long it takes."""
    key = await customer(store, 75)
    await submit(store, key)
    one, other = worker(store, lease_s=0.2), worker(store, lease_s=0.2)
    claim = await take_one(one)
    for _beat in range(6):
        await asyncio.sleep(0.07)
        await one.heartbeat(claim, 1)
        assert not await other.take(1)
    await do_stages(one, claim)
    await one.finish(claim)


async def test_a_claim_is_refused_while_another_holds_the_job(store: Store) -> None:
    """A look for jobs gives nothing while the only one is under a lease, even where the schedule of leases is wrong."""
    key = await customer(store, 75)
    job = await submit(store, key)
    work = worker(store)
    await take_one(work)
    scripts = store.scripts
    await scripts.client.zadd(scripts.key("leases"), {job.job_id: 1})
    assert await scripts.call("claim", "other", 1000, 3, "{}", 10, 0.5) == ["none"]
    assert await scripts.client.zscore(scripts.key("leases"), job.job_id) > 1


async def test_late_writes_are_refused_twenty_rounds(store: Store) -> None:
    """A worker that was stopped past its lease changes nothing afterwards: every kind of write, twenty times."""
    key = await customer(store, 20 * 75)
    for _round in range(20):
        await submit(store, key)
        late, next_one = worker(store, lease_s=LEASE_S), worker(store, lease_s=LEASE_S)
        old = await take_one(late)
        await asyncio.sleep(LEASE_S * 1.3)
        claim = await take_one(next_one)
        before = await store.jobs.get(key.key_id, claim.job.job_id)
        for write in (
            late.heartbeat(old, 99),
            late.stage_start(old, Step.CROPPING, Step.CROPPING),
            late.stage_done(old, Step.CROPPING, "{}", (), shown=Step.CROPPING, progress=99),
            late.finish(old),
            late.fail(old, ERROR),
            late.release(old, pause_s=0, counts=True),
        ):
            with pytest.raises(LostClaim):
                await write
        assert await store.jobs.get(key.key_id, claim.job.job_id) == before
        await do_stages(next_one, claim)
        await next_one.finish(claim)
    assert await store.credits.balance(key.account_id) == 0


async def test_a_finished_stage_is_recorded_once(store: Store) -> None:
    """A later attempt is told that the stage is done, with the first result; another result does not replace it."""
    key = await customer(store, 75)
    await submit(store, key)
    work = worker(store)
    claim = await take_one(work)
    assert await work.stage_start(claim, Step.CROPPING, Step.CROPPING)
    await work.stage_done(claim, Step.CROPPING, '"first"', (), shown=Step.REMOVING_BG, progress=2)
    await work.stage_done(claim, Step.CROPPING, '"second"', (), shown=Step.REMOVING_BG, progress=2)
    await work.release(claim, pause_s=0, counts=True)
    with pytest.raises(LostClaim):
        await work.release(claim, pause_s=0, counts=True)
    again = await take_one(work)
    assert again.work == {Step.CROPPING: '"first"'} and again.job.attempts == 2
    assert not await work.stage_start(again, Step.CROPPING, Step.CROPPING)


async def test_a_job_cannot_complete_with_a_stage_missing(store: Store) -> None:
    """Finishing with unfinished stages is refused by the script itself."""
    key = await customer(store, 75)
    job = await submit(store, key)
    work = worker(store)
    claim = await take_one(work)
    with pytest.raises(Exception, match="unfinished stage"):
        await work.finish(claim)
    assert (await store.jobs.get(key.key_id, job.job_id)).status is JobStatus.PROCESSING


async def test_progress_never_goes_down_over_attempts(store: Store) -> None:
    """A resumed job keeps the progress that its customer has seen."""
    key = await customer(store, 75)
    job = await submit(store, key)
    work = worker(store)
    claim = await take_one(work)
    await work.heartbeat(claim, 40)
    await work.release(claim, pause_s=0, counts=False)
    again = await take_one(work)
    await work.heartbeat(again, 10)
    assert (await store.jobs.get(key.key_id, job.job_id)).progress == 40


async def test_only_the_key_that_made_a_job_cancels_it(store: Store) -> None:
    """Another key's cancel is answered as for an unknown job; the owner's ends it, once."""
    key = await customer(store, 75)
    other = await customer(store, 75)
    job = await submit(store, key)
    for stranger, name in ((other.key_id, job.job_id), (key.key_id, "unknown"), (key.key_id, "a b/../c")):
        with pytest.raises(JobNotFound):
            await store.jobs.cancel(stranger, name)
    assert await store.jobs.cancel(key.key_id, job.job_id) == Canceled(job.job_id, JobStatus.CANCELED, False, 75)
    assert await store.jobs.cancel(key.key_id, job.job_id) == Canceled(job.job_id, JobStatus.CANCELED, True, 75)
    assert not await worker(store).take(1)


async def test_queue_position_and_estimate(store: Store) -> None:
    """Positions count those before; estimates grow with the queue and shrink with the workers' slots."""
    key = await customer(store, 75 * 10)
    assert await store.jobs.estimated_seconds(key.account_id, order().output) == round(MEASURED.whole_s)
    work = worker(store)
    await submit(store, key)
    claim = await take_one(work)
    await do_stages(work, claim)
    await asyncio.sleep(1.0)
    await work.finish(claim)
    jobs = [await submit(store, key) for _ in range(4)]
    async with open_store_like(store) as fresh:
        outlooks = [await fresh.jobs.outlook(job) for job in jobs]
        assert [outlook.queue_position for outlook in outlooks] == [0, 1, 2, 3]
        assert outlooks[3].eta_seconds == 4
    await work.attend(3)
    async with open_store_like(store) as fresh:
        assert (await fresh.jobs.outlook(jobs[3])).eta_seconds == 2
    await work.attend(0)
    async with open_store_like(store) as fresh:
        assert (await fresh.jobs.outlook(jobs[3])).eta_seconds == 4


def open_store_like(store: Store) -> Store:
    """Another process's store on the same data: it has read no median yet."""
    url = store.clients[0].connection_pool.connection_kwargs
    prefix = store.scripts.prefix.strip("{}:")
    return open_store(RedisSettings(redis_url=f"redis://{url['host']}:{url['port']}/0", redis_prefix=prefix))


async def test_lists_page_by_page(store: Store) -> None:
    """Pages are newest first, complete, without repeats; a status filters; a made-up cursor is refused."""
    key = await customer(store, 75 * 7)
    jobs = [await submit(store, key) for _ in range(7)]
    await store.jobs.cancel(key.key_id, jobs[2].job_id)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await store.jobs.list(key.key_id, cursor=cursor, limit=3)
        seen += [job.job_id for job in page.jobs]
        cursor = page.next_cursor
        if not cursor:
            break
    assert seen == [job.job_id for job in reversed(jobs)]
    canceled = await store.jobs.list(key.key_id, status=JobStatus.CANCELED)
    assert [job.job_id for job in canceled.jobs] == [jobs[2].job_id] and not canceled.next_cursor
    with pytest.raises(InvalidRequest, match="cursor"):
        await store.jobs.list(key.key_id, cursor="-1; drop")


async def test_a_voided_submit_is_never_accepted(store: Store) -> None:
    """What the caller gave up on is undone when it was applied, and refused when it arrives late."""
    key = await customer(store, 150)
    applied = await submit(store, key)
    assert await store.scripts.call("void", "job", applied.job_id, key.key_id, "", "", 60_000) == "undone"
    assert await store.scripts.call("void", "job", "late", key.key_id, "", "", 60_000) == "absent"
    with pytest.raises(Unavailable):
        await store.jobs.submit(NewJob("late", key, order()))
    opened = await store.sessions.open(session(key))
    assert await store.scripts.call("void", "session", opened.session_id, key.key_id, "", "", 60_000) == "undone"
    assert await store.credits.balance(key.account_id) == 150
    assert not (await store.credits.verify()).problems


async def test_a_voided_submit_that_has_completed_costs_nothing(store: Store) -> None:
    """A job that was done before its caller's doubt could reach Redis stays, but its price comes back, once; a batch's
    films likewise. A job of which nobody was in doubt keeps its charge."""
    key = await customer(store, 75 * 4)
    doubtful, sound = await submit(store, key), await submit(store, key)
    batch_id, films = await submit_batch(store, key, 2)
    work = worker(store)
    for claim in await work.take(3):
        assert isinstance(claim, Claim)
        await do_stages(work, claim)
        await work.finish(claim)
    for _repeat in range(2):
        await store.scripts.call("void", "job", doubtful.job_id, key.key_id, "", "", 60_000)
        await store.scripts.call("void", "batch", batch_id, key.key_id, "", "", 60_000)
    assert await store.credits.balance(key.account_id) == 75 * 3
    jobs = [await store.jobs.get(key.key_id, name) for name in (doubtful.job_id, sound.job_id, *films)]
    assert [job.credits_refunded for job in jobs] == [75, 0, 75, 75]
    assert [job.status for job in jobs[:3]] == [JobStatus.COMPLETED] * 3
    assert not (await store.credits.verify()).problems


async def test_a_worker_takes_as_many_as_it_has_room_for(store: Store) -> None:
    """One look gives several jobs, each with a token of its own."""
    key = await customer(store, 75 * 3)
    for _ in range(3):
        await submit(store, key)
    taken = await worker(store).take(5)
    tokens = {claim.token for claim in taken if isinstance(claim, Claim)}
    assert len(tokens) == 3


async def test_a_second_film_does_not_count_as_a_whole_job(store: Store) -> None:
    """The estimate for a new job rests on whole jobs: filming a kept mesh again, which is quick, does not change it."""
    key = await customer(store, 75 * 4)
    work = worker(store)
    parent = await submit(store, key)
    claim = await take_one(work)
    await do_stages(work, claim)
    await work.finish(claim)
    before = await store.scripts.client.lrange(store.scripts.key("runs"), 0, -1)
    film = (Step.RENDERING_VIDEO,)
    await store.jobs.submit(NewJob(str(uuid.uuid4()), key, order(), 25, parent_id=parent.job_id, again=film))
    claim = await take_one(work)
    await do_stages(work, claim)
    await work.finish(claim)
    assert len(before) == 1
    assert await store.scripts.client.lrange(store.scripts.key("runs"), 0, -1) == before
    again = await store.scripts.client.lrange(store.scripts.key("runs-again"), 0, -1)
    assert [run_of(text).units for text in (*before, *again)] == [1.0, 1.0]


async def test_what_has_ended_can_expire_now(store: Store) -> None:
    """A job that has ended goes with its session, files included; one that runs, or another key's, stays."""
    key, other = await customer(store, 200), await customer(store, 75)
    opened = session(key)
    await store.sessions.open(opened)
    job = await submit(store, key)
    assert not await store.expiry.hasten(key.key_id, job.job_id, opened.session_id), "it has not ended"
    await store.jobs.cancel(key.key_id, job.job_id)
    assert not await store.expiry.hasten(other.key_id, job.job_id, opened.session_id), "it is not theirs"
    before = await store.credits.balance(key.account_id)
    assert await store.expiry.hasten(key.key_id, job.job_id, opened.session_id)
    with pytest.raises(JobNotFound):
        await store.jobs.get(key.key_id, job.job_id)
    due = await store.expiry.due()
    assert {one.prefix for one in due} == {f"jobs/{job.job_id}", f"sessions/{opened.session_id}"}
    for one in due:
        await store.expiry.done(one)
    assert await store.credits.balance(key.account_id) == before
    assert not (await store.credits.verify()).problems


async def test_the_audit_tells_what_accounts_spent(store: Store) -> None:
    """Net credits of a day, charges less refunds, of the accounts that spent any; grants are not spending."""
    buyer, idle = await customer(store, 300), await customer(store, 75)
    await submit(store, buyer)
    job = await submit(store, buyer)
    await store.jobs.cancel(buyer.key_id, job.job_id)
    assert (await store.credits.verify()).spent == {buyer.account_id: 75}
    assert idle.account_id != buyer.account_id
