"""Batches in Redis: many jobs that are charged, queued, canceled and told of together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from gateway.jobs import metrics
from gateway.jobs.batch_records import Batch, BatchItem, BatchPage, BatchStop, ItemState, NewBatch
from gateway.jobs.charges import Till, Work, raise_refusal
from gateway.jobs.codec import delivery_of, dump, error_of, order_to_json, outputs_of, pairs
from gateway.jobs.customer import MAX_SEQUENCE
from gateway.jobs.records import KeptAnswer
from gateway.jobs.redis_client import translated
from gateway.jobs.terms import Terms
from lensora.core.bounds import whole
from lensora.core.errors import BatchNotFound, Conflict, InvalidRequest, TooManyJobs
from lensora.core.steps import STAGES, JobStatus

_ID = re.compile(r"[a-f0-9-]{36}")

_FIELDS = (
    "key",
    "status",
    "progress",
    "refunded",
    "error_message",
    "error_code",
    "error_stage",
    "error_retryable",
    "output:scene",
    "expires",
    "started",
    "delivery",
)
"""Of a job, as ``read_batch.lua`` is asked for them."""


class RedisBatches:
    """The port ``Batches``."""

    def __init__(self, till: Till, terms: Terms) -> None:
        self._till = till
        self._scripts = till.scripts
        self._terms = terms

    async def submit(self, new: NewBatch, *, kept: KeptAnswer | None = None) -> None:
        output = new.orders[0].output
        document = {"items": [asdict(item) for item in new.items], "choices": new.choices}
        jobs = [item.job_id for item in new.items if item.job_id]
        films = [text for row in zip(jobs, map(order_to_json, new.orders), strict=True) for text in row]
        work = Work("submit_batch", "batch", new.batch_id, new.key.key_id, new.key.account_id, new.price)
        reply = await self._till.charge(
            work, dump(document), *self._terms.of(output), dump(list(STAGES)), new.webhook_url, *films, kept=kept
        )
        if reply[0] == "too_many":
            raise TooManyJobs(
                f"This account may have {reply[1]} jobs queued or running; with the {len(jobs)} of this batch it would "
                "have more."
            )
        raise_refusal(reply, new.price * len(jobs))
        metrics.JOBS_ACCEPTED.inc(len(jobs))
        metrics.CREDITS_CHARGED.labels(kind="transform").inc(new.price * len(jobs))

    async def get(self, key_id: str, batch_id: str) -> Batch:
        return await self._read(batch_id, key_id)

    async def shown(self, batch_id: str) -> Batch:
        return await self._read(batch_id, "")

    async def list(self, key_id: str, *, cursor: str = "", limit: int = 10) -> BatchPage:
        if cursor and whole(cursor, 1, MAX_SEQUENCE) is None:
            raise InvalidRequest(f"cursor must be one that a page gave, not {cursor[:60]!r}", field="cursor")
        found: list[Batch] = []
        while True:
            wanted = limit - len(found) + 1
            names = await self._names(key_id, cursor, wanted)
            for name, sequence in names:
                if len(found) == limit:
                    return BatchPage(tuple(found), cursor)
                cursor = str(int(sequence))
                try:
                    found.append(await self._read(name, key_id))
                except BatchNotFound:
                    # Its time is over; the next batch takes it off the list.
                    continue
            if len(names) < wanted:
                return BatchPage(tuple(found), "")

    async def cancel(self, key_id: str, batch_id: str) -> BatchStop:
        reply = await self._scripts.repeat("cancel_batch", batch_id, key_id) if _ID.fullmatch(batch_id) else ["none"]
        if reply[0] == "none":
            raise _not_found()
        canceled = tuple(reply[1:])
        if canceled:
            batch = await self._read(batch_id, key_id)
            back = {item.item.job_id: item.credits_refunded for item in batch.items}
            for job_id in canceled:
                metrics.job_ended(JobStatus.CANCELED, None, back.get(job_id, 0))
        return BatchStop(already_ended=reply[0] == "ended", canceled=canceled)

    async def delete(self, key_id: str, batch_id: str) -> None:
        outcome = await self._scripts.repeat("delete_batch", batch_id, key_id) if _ID.fullmatch(batch_id) else "none"
        if outcome == "none":
            raise _not_found()
        if outcome == "live":
            raise Conflict(f"Only a batch that has ended can be deleted; cancel batch {batch_id} first.")

    async def _names(self, key_id: str, before: str, count: int) -> Sequence[tuple[str, float]]:
        with translated():
            names: Any = await self._scripts.client.zrevrangebyscore(
                self._scripts.key(f"batches:{key_id}"),
                f"({before}" if before else "+inf",
                "-inf",
                start=0,
                num=count,
                withscores=True,
            )
        return list(names)

    async def _read(self, batch_id: str, key_id: str) -> Batch:
        reply: Any = (
            await self._scripts.repeat("read_batch", batch_id, key_id, *_FIELDS) if _ID.fullmatch(batch_id) else []
        )
        if not reply:
            raise _not_found()
        fields = pairs(reply[0])
        rows = dict(zip(reply[1::2], reply[2::2], strict=True))
        document = json.loads(fields["document"])
        items = []
        for place, row in enumerate(document["items"]):
            state = _state(place, BatchItem(**row), rows.get(row["job_id"]), fields["key"])
            if state is not None:
                items.append(state)
        return Batch(
            batch_id=batch_id,
            key_id=fields["key"],
            account_id=fields["account"],
            version=int(fields["version"]),
            items=tuple(items),
            choices=document["choices"],
            price=int(fields["price"]),
            stopped=fields["stopped"] != "0",
            created_ms=int(fields["created"]),
            ended_ms=int(fields["ended"]),
            expires_ms=int(fields["until"]),
        )


def _state(place: int, item: BatchItem, row: Sequence[str | None] | None, key_id: str) -> ItemState | None:
    """An item with its film's state; None where the film was deleted by itself, or has expired."""
    if not item.job_id:
        return ItemState(place, item, JobStatus.FAILED)
    job = {name: value for name, value in zip(_FIELDS, row or (), strict=False) if value is not None}
    if job.get("key") != key_id:
        return None
    return ItemState(
        place,
        item,
        JobStatus(job["status"]),
        progress=int(job["progress"]),
        credits_refunded=int(job["refunded"]),
        error=error_of(job),
        scene=outputs_of(job).get("scene"),
        delivery=delivery_of(job),
        started_ms=int(job["started"]),
        expires_ms=int(job["expires"]),
    )


def _not_found() -> BatchNotFound:
    return BatchNotFound("There is no such batch, or it has expired.")
