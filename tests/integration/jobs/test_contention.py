"""Many at once: money and idempotency under concurrency."""

from __future__ import annotations

import asyncio
from collections import Counter

from gateway.jobs.records import Answer, IdempotencySlot, KeptAnswer
from gateway.jobs.store import Store
from gateway.jobs.testing import customer, submit
from lensora.core.errors import IdempotencyInProgress, InsufficientCredits, LensoraError


async def outcome(work: object) -> str:
    """What became of it, in a word."""
    try:
        await work  # type: ignore[misc]
    except LensoraError as error:
        return error.code
    return "accepted"


async def test_funds_for_one_of_64(store: Store) -> None:
    """Of 64 submits at once with credit for one, exactly one is accepted, 30 rounds (the bench does 200)."""
    for _round in range(30):
        key = await customer(store, 75)
        outcomes = Counter(await asyncio.gather(*(outcome(submit(store, key)) for _ in range(64))))
        assert outcomes == {"accepted": 1, InsufficientCredits.code: 63}
        assert await store.credits.balance(key.account_id) == 0


async def test_funds_for_ten_of_a_hundred(store: Store) -> None:
    """Of 100 submits at once with credit for 10, 10 are accepted, and the balance is 0."""
    key = await customer(store, 750)
    outcomes = Counter(await asyncio.gather(*(outcome(submit(store, key)) for _ in range(100))))
    assert outcomes == {"accepted": 10, InsufficientCredits.code: 90}
    assert await store.credits.balance(key.account_id) == 0
    assert len((await store.jobs.list(key.key_id, limit=100)).jobs) == 10


async def test_a_hundred_times_one_idempotency_key(store: Store) -> None:
    """Of 100 identical requests at once one does the work; the others are told so, and later replay its answer."""
    key = await customer(store, 7500)

    async def request() -> Answer:
        slot = await store.idempotency.begin(key.key_id, "the-key", "fingerprint")
        if isinstance(slot, Answer):
            return slot
        answer = Answer(200, '{"job_id": "x"}')
        await submit(store, key, kept=KeptAnswer(slot, answer))
        return answer

    outcomes = Counter(await asyncio.gather(*(outcome(request()) for _ in range(100))))
    assert set(outcomes) <= {"accepted", IdempotencyInProgress.code} and outcomes["accepted"] >= 1
    assert await request() == Answer(200, '{"job_id": "x"}')
    assert len((await store.jobs.list(key.key_id, limit=100)).jobs) == 1
    assert await store.credits.balance(key.account_id) == 7500 - 75


async def test_a_slot_that_was_lost_fences_the_late_request(store: Store) -> None:
    """A request whose slot has lapsed and was taken by a repeat cannot charge any more."""
    key = await customer(store, 150)
    slow = await store.idempotency.begin(key.key_id, "k", "f")
    assert isinstance(slow, IdempotencySlot)
    await store.scripts.client.delete(store.scripts.key(f"idem:{key.key_id}:{slow.digest}"))
    repeat = await store.idempotency.begin(key.key_id, "k", "f")
    assert isinstance(repeat, IdempotencySlot)
    await submit(store, key, kept=KeptAnswer(repeat, Answer(200, "{}")))
    late = outcome(submit(store, key, kept=KeptAnswer(slow, Answer(200, "{}"))))
    assert await late == IdempotencyInProgress.code
    assert await store.credits.balance(key.account_id) == 75


async def test_the_audit_of_accounts_in_use_finds_nothing(store: Store) -> None:
    """Jobs that are accepted and end while their ledger is read are no mismatch."""
    key = await customer(store, 75 * 20)
    over = asyncio.Event()

    async def churn() -> None:
        while not over.is_set():
            job = await submit(store, key)
            await store.jobs.cancel(key.key_id, job.job_id)

    churning = [asyncio.create_task(churn()) for _ in range(4)]
    audits = [await store.credits.verify() for _ in range(30)]
    over.set()
    await asyncio.gather(*churning)
    assert [audit.problems for audit in audits if audit.problems or audit.drift] == []
    assert audits[-1].entries > audits[0].entries
