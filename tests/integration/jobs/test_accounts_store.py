"""Accounts, keys, ledgers, idempotency keys, rate limits, webhook secrets and retention in the store."""

from __future__ import annotations

import asyncio
import base64

import pytest

from gateway.jobs.records import Answer, IdempotencySlot, KeptAnswer, Limits
from gateway.jobs.store import Store, open_store
from gateway.jobs.testing import customer, session, submit
from gateway.settings import RedisSettings
from lensora.core.errors import (
    IdempotencyInProgress,
    IdempotencyMismatch,
    InvalidRequest,
    JobNotFound,
    NotFound,
    SessionNotFound,
    Unauthorized,
)
from lensora.core.words import LedgerKind


async def test_keys_work_until_they_are_revoked(store: Store) -> None:
    """A secret names its key; nothing in Redis holds the secret; a revoked key works no more and stays listed."""
    await store.accounts.create("acme")
    key, secret = await store.keys.create("acme", "shop")
    assert await store.keys.authenticate(secret) == key and secret.startswith("lsk_")
    for name in await store.scripts.client.keys(f"{store.scripts.prefix}*"):
        assert secret not in str(name)
        if await store.scripts.client.type(name) == "hash":
            assert secret not in str(await store.scripts.client.hgetall(name))
    revoked = await store.keys.revoke(key.key_id)
    assert revoked.revoked_ms > 0
    for wrong in (secret, "lsk_unknown", ""):
        with pytest.raises(Unauthorized):
            await store.keys.authenticate(wrong)
    assert await store.keys.list("acme") == [revoked]
    with pytest.raises(NotFound):
        await store.keys.revoke("key_unknown")
    with pytest.raises(NotFound):
        await store.keys.create("nobody")


async def test_a_grant_counts_once_per_reference(store: Store) -> None:
    """A repeated grant with the same reference changes nothing; a negative one takes back; one too large is refused."""
    await store.accounts.create("acme")
    assert await store.credits.grant("acme", 100, reference="invoice-1") == 100
    assert await store.credits.grant("acme", 100, reference="invoice-1") == 100
    assert await store.credits.grant("acme", -30, reference="correction") == 70
    with pytest.raises(NotFound):
        await store.credits.grant("nobody", 1, reference="x")
    for amount in (10**12 + 1, -(10**19), 10**40):
        with pytest.raises(InvalidRequest, match="amount must be"):
            await store.credits.grant("acme", amount, reference="a slip of the finger")
    assert await store.credits.grant("acme", 10**12, reference="a slip of the finger") == 10**12 + 70
    assert not (await store.credits.verify()).problems


async def test_the_ledger_tells_every_move(store: Store) -> None:
    """Grant, charge and refund appear newest first, with balances, page by page."""
    key = await customer(store, 100)
    opened = await store.sessions.open(session(key))
    job = await submit(store, key)
    await store.jobs.cancel(key.key_id, job.job_id)
    page = await store.credits.ledger(key.account_id, limit=3)
    rest = await store.credits.ledger(key.account_id, cursor=page.next_cursor, limit=3)
    rows = [(entry.kind, entry.amount, entry.balance, entry.reference) for entry in (*page.entries, *rest.entries)]
    assert rows == [
        (LedgerKind.REFUND, 75, 95, job.job_id),
        (LedgerKind.CHARGE, -75, 20, job.job_id),
        (LedgerKind.CHARGE, -5, 95, opened.session_id),
        (LedgerKind.GRANT, 100, 100, "first"),
    ]
    assert not rest.next_cursor
    with pytest.raises(InvalidRequest, match="cursor"):
        await store.credits.ledger(key.account_id, cursor="zzz")


async def test_the_audit_finds_what_is_wrong(store: Store) -> None:
    """A balance that was changed by hand, a doubled refund and a forgotten one are all named."""
    key = await customer(store, 300)
    twice, forgotten = await submit(store, key), await submit(store, key)
    await store.jobs.cancel(key.key_id, twice.job_id)
    assert not (await store.credits.verify()).problems
    client, name = store.scripts.client, store.scripts.key
    ledger = name(f"ledger:{key.account_id}")
    line = {"kind": "refund", "amount": "75", "balance": "300", "reference": twice.job_id, "memo": ""}
    await client.xadd(ledger, line)
    await client.hset(name(f"job:{forgotten.job_id}"), mapping={"status": "failed", "terminals": "1"})
    audit = await store.credits.verify()
    assert audit.drift == 75 and audit.accounts == 1 and audit.entries == 5
    problems = "\n".join(audit.problems)
    assert "the balance is 225, the sum of the ledger is 300" in problems
    assert f"{twice.job_id} was charged 75 and refunded 150" in problems
    assert f"job {forgotten.job_id} is failed: charged 75 and refunded 0, not 75 and 75" in problems


async def test_idempotency_keys_answer_fence_and_refuse(store: Store) -> None:
    """A running key is in progress, another body is a mismatch, an answer is replayed, an abandoned key is free."""
    slot = await store.idempotency.begin("key", "k", "body-1")
    assert isinstance(slot, IdempotencySlot)
    with pytest.raises(IdempotencyInProgress):
        await store.idempotency.begin("key", "k", "body-1")
    with pytest.raises(IdempotencyMismatch):
        await store.idempotency.begin("key", "k", "body-2")
    assert isinstance(await store.idempotency.begin("other-key", "k", "body-2"), IdempotencySlot)
    await store.idempotency.abandon(slot)
    again = await store.idempotency.begin("key", "k", "body-2")
    assert isinstance(again, IdempotencySlot)
    await store.idempotency.finish(slot, Answer(200, "late"))
    await store.idempotency.finish(again, Answer(402, "no"))
    assert await store.idempotency.begin("key", "k", "body-2") == Answer(402, "no")
    await store.idempotency.abandon(again)
    assert await store.idempotency.begin("key", "k", "body-2") == Answer(402, "no")


async def test_a_replayed_answer_is_not_voided(store: Store) -> None:
    """Once a replay has told the client that a job was accepted, giving up on the first answer leaves it alone."""
    key = await customer(store, 150)
    slot = await store.idempotency.begin(key.key_id, "k", "f")
    assert isinstance(slot, IdempotencySlot)
    job = await submit(store, key, kept=KeptAnswer(slot, Answer(200, "yes")))
    assert await store.idempotency.begin(key.key_id, "k", "f") == Answer(200, "yes")
    void = ("job", job.job_id, key.key_id, slot.digest, slot.token, 60_000)
    assert await store.scripts.call("void", *void) == "kept"
    assert await store.credits.balance(key.account_id) == 75


async def test_the_bucket_empties_and_fills(store: Store) -> None:
    """An account's requests are limited by its own number, refilled by time, and the headers' figures agree."""
    few = await customer(store, 0, limits=Limits(live_jobs=1, requests_per_minute=3))
    assert [(await store.limiter.take(few.account_id)).allowed for _ in range(5)] == [True] * 3 + [False] * 2
    key = await customer(store, 0, limits=Limits(live_jobs=1, requests_per_minute=600))
    takes = await asyncio.gather(*(store.limiter.take(key.account_id) for _ in range(10)))
    assert [(take.allowed, take.remaining) for take in takes] == [(True, 599 - n) for n in range(10)]
    assert (takes[0].limit, takes[0].window_s) == (600, 60)
    bucket = store.scripts.key(f"bucket:{key.account_id}")
    await store.scripts.client.hset(bucket, "tokens", "0")
    refused = await store.limiter.take(key.account_id)
    assert not refused.allowed and refused.retry_after_s == 1 and refused.remaining == 0 and refused.reset_s == 60
    await asyncio.sleep(0.25)
    assert (await store.limiter.take(key.account_id)).allowed


async def test_webhook_secrets_rotate_with_an_overlap(store: Store) -> None:
    """A secret is made once, is the same for every process, and the one before goes on signing after a rotation."""
    first = await store.webhook_secrets.current("acme")
    assert await store.webhook_secrets.current("acme") == first
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32
    second = await store.webhook_secrets.rotate("acme")
    assert await store.webhook_secrets.valid("acme") == [second, first]
    assert await store.webhook_secrets.current("other") not in (first, second)


async def test_sessions_and_jobs_expire(redis_settings: RedisSettings) -> None:
    """After their time nobody can read them, and the sweeper is told of each once."""
    hurried = redis_settings.model_copy(
        update={"session_hours": 0.2 / 3600, "job_hours": 0.2 / 3600, "job_deadline_seconds": 0.05}
    )
    async with open_store(hurried) as store:
        key = await customer(store, 500)
        opened = await store.sessions.open(session(key))
        job = await submit(store, key)
        await store.jobs.cancel(key.key_id, job.job_id)
        await asyncio.sleep(0.3)
        with pytest.raises(SessionNotFound):
            await store.sessions.get(key.key_id, opened.session_id)
        with pytest.raises(JobNotFound):
            await store.jobs.get(key.key_id, job.job_id)
        due = await store.expiry.due()
        # The session's photo stays for jobs that were ordered in its last second.
        assert [expired.prefix for expired in due] == [f"jobs/{job.job_id}"]
        assert not await store.expiry.due()
        await store.expiry.done(due[0])
        assert not (await store.jobs.list(key.key_id)).jobs
        assert not await store.scripts.client.zcard(store.scripts.key("expiring:jobs"))
