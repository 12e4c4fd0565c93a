"""What an operator looks at: jobs of every account, why some failed, the queue, and what each account used over
time."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.jobs.codec import ledger_entry
from gateway.jobs.pace import run_of
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.bounds import whole
from lensora.core.errors import InvalidRequest, NotFound
from lensora.core.words import LedgerKind

DAY_MS = 86_400_000
MOST_DAYS = 90
MAX_PAGE = 200
SCAN_ROWS = 2_000
"""Jobs that a page with a filter looks at before it answers with what it has, and a cursor."""
LEDGER_BATCH = 1_000
MOST_LINES = 50_000
"""Ledger lines that one look at an account's use reads: some 20 MB, about a second."""

_FIELDS = (
    *("account", "key", "status", "step", "progress", "price", "refunded", "attempts", "sequence"),
    *("created", "started", "ended", "parent", "error_message", "error_code", "error_stage"),
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as an operator sees it: whose, how far, for how much, and why it failed. Nothing of what it shows.

    Attributes:
        created_ms: Unix milliseconds, as ``started_ms`` and ``ended_ms``, which are 0 while unknown.
        parent_id: the job whose model is filmed again; empty for none.
        error_code: of the error tree; empty where it has not failed.
        error_stage: the step that it failed in.
    """

    job_id: str
    account_id: str
    key_id: str
    status: str
    step: str
    progress: int
    price: int
    refunded: int
    attempts: int
    sequence: int
    created_ms: int
    started_ms: int
    ended_ms: int
    parent_id: str
    error_message: str
    error_code: str
    error_stage: str


@dataclass(frozen=True, slots=True)
class JobRows:
    """A page of jobs, newest first; ``next_cursor`` is empty on the last one."""

    jobs: tuple[JobRow, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs of one account in the queue."""

    account_id: str
    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class QueueState:
    """The queue now.

    Attributes:
        waiting: jobs that no worker has taken.
        running: jobs that a worker has.
        oldest_ms: when the one that waits longest was ordered; 0 where none waits.
        median_s: seconds that recent jobs took from a worker's first touch on; 0 until there is one.
        accounts: those with jobs in it, most waiting first.
    """

    waiting: int
    running: int
    oldest_ms: int
    median_s: float
    accounts: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """What an account did on one day (UTC): credits, and how many jobs and refunds."""

    day: str
    charged: int = 0
    refunded: int = 0
    granted: int = 0
    charges: int = 0
    refunds: int = 0


@dataclass(frozen=True, slots=True)
class Usage:
    """Days with movements, newest first; ``whole`` is False where there were too many lines to read them all."""

    days: tuple[Day, ...]
    whole: bool


class RedisOversight:
    """The port ``Oversight``."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def jobs(
        self, *, account_id: str = "", status: str = "", refunded: bool = False, cursor: str = "", limit: int = 50
    ) -> JobRows:
        """A page of jobs, newest first.

        Args:
            account_id: one account's alone; empty for every account's.
            status: a word of ``JobStatus``; empty for any.
            refunded: only those whose price has come back.
            cursor: of the page before.
            limit: rows of the page.

        Raises:
            InvalidRequest: for a cursor that no page gave.
        """
        before = whole(cursor, 1, 10**15) if cursor else None
        if cursor and before is None:
            raise InvalidRequest(f"cursor must be one that a page gave, not {cursor[:60]!r}", field="cursor")
        limit = max(1, min(limit, MAX_PAGE))
        lists = await self._lists(account_id)
        found: list[JobRow] = []
        seen, below = 0, f"({before}" if before else "+inf"
        while seen < SCAN_ROWS:
            newest = await self._newest(lists, below, limit + 1)
            rows = await self._rows([job_id for _sequence, job_id in newest[:limit]])
            last = len(newest) <= limit
            for place, row in enumerate(rows, 1):
                if (not status or row.status == status) and (not refunded or row.refunded > 0):
                    found.append(row)
                    if len(found) == limit:
                        return JobRows(tuple(found), "" if last and place == len(rows) else str(row.sequence))
            if last:
                return JobRows(tuple(found), "")
            seen += limit
            below = f"({newest[limit - 1][0]}"
        return JobRows(tuple(found), below.strip("("))

    async def queue(self) -> QueueState:
        """What waits and what runs."""
        client, key = self._scripts.client, self._scripts.key
        with translated():
            waiting: Any = await client.zcard(key("waiting"))
            running: Any = await client.zcard(key("leases"))
            oldest: Any = await client.zrange(key("waiting"), 0, 0)
            runs: Any = await client.lrange(key("runs"), 0, -1)
            created: Any = await client.hget(key(f"job:{oldest[0]}"), "created") if oldest else None
        accounts = await self._scripts.read_set("accounts")
        counted = await self._counted(accounts)
        busy = sorted((each for each in counted if each.waiting or each.running), key=lambda each: -each.waiting)
        median = statistics.median(run_of(each).whole_s for each in runs) if runs else 0.0
        return QueueState(int(waiting), int(running), int(created or 0), median, tuple(busy))

    async def usage(self, account_id: str, days: int = 30) -> Usage:
        """What an account was charged, paid back and granted, day by day. Raises NotFound."""
        if not await self._scripts.read_hash(f"account:{account_id}"):
            raise NotFound(f"There is no account {account_id!r}.")
        days = max(1, min(days, MOST_DAYS))
        since = (round(time.time() * 1000) // DAY_MS - days + 1) * DAY_MS
        sums: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
        start, lines = f"{since}-0", 0
        while lines < MOST_LINES:
            with translated():
                rows: Any = await self._scripts.client.xrange(
                    self._scripts.key(f"ledger:{account_id}"), start, "+", count=LEDGER_BATCH
                )
            for entry_id, fields in rows:
                entry = ledger_entry(entry_id, fields)
                _add(
                    sums[datetime.fromtimestamp(entry.at_ms / 1000, UTC).strftime("%Y-%m-%d")], entry.kind, entry.amount
                )
            lines += len(rows)
            if len(rows) < LEDGER_BATCH:
                break
            start = f"({rows[-1][0]}"
        return Usage(tuple(Day(day, **sums[day]) for day in sorted(sums, reverse=True)), lines < MOST_LINES)

    async def _lists(self, account_id: str) -> list[str]:
        """Names of the lists of jobs, one for each key of the account, or of every account."""
        accounts = [account_id] if account_id else await self._scripts.read_set("accounts")
        async with self._scripts.client.pipeline(transaction=False) as pipe:
            for name in accounts:
                pipe.lrange(self._scripts.key(f"keys:{name}"), 0, -1)
            with translated():
                found = await pipe.execute()
        return [self._scripts.key(f"jobs:{key_id}") for keys in found for key_id in keys]

    async def _newest(self, lists: Sequence[str], below: str, count: int) -> list[tuple[int, str]]:
        """(sequence, job id) of the newest of all lists under a sequence, at most ``count``."""
        async with self._scripts.client.pipeline(transaction=False) as pipe:
            for name in lists:
                pipe.zrevrangebyscore(name, below, "-inf", start=0, num=count, withscores=True)
            with translated():
                found = await pipe.execute()
        merged = ((int(score), job_id) for rows in found for job_id, score in rows)
        return sorted(merged, reverse=True)[:count]

    async def _rows(self, job_ids: Sequence[str]) -> list[JobRow]:
        """Those of the jobs that are still kept."""
        async with self._scripts.client.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(self._scripts.key(f"job:{job_id}"), *_FIELDS)
            with translated():
                found = await pipe.execute()
        return [
            _row(job_id, dict(zip(_FIELDS, values, strict=True)))
            for job_id, values in zip(job_ids, found, strict=True)
            if values[0] is not None
        ]

    async def _counted(self, accounts: Sequence[str]) -> list[Waiting]:
        async with self._scripts.client.pipeline(transaction=False) as pipe:
            for name in accounts:
                pipe.zcard(self._scripts.key(f"queue:{name}"))
                pipe.zcard(self._scripts.key(f"busy:{name}"))
            with translated():
                found = await pipe.execute()
        return [Waiting(name, int(found[2 * place]), int(found[2 * place + 1])) for place, name in enumerate(accounts)]


def _add(sums: defaultdict[str, int], kind: LedgerKind, amount: int) -> None:
    match kind:
        case LedgerKind.CHARGE:
            sums["charged"] -= amount
            sums["charges"] += 1
        case LedgerKind.REFUND:
            sums["refunded"] += amount
            sums["refunds"] += 1
        case LedgerKind.GRANT:
            sums["granted"] += amount


def _row(job_id: str, fields: Mapping[str, str | None]) -> JobRow:
    def text(name: str) -> str:
        return fields[name] or ""

    def number(name: str) -> int:
        return int(fields[name] or 0)

    return JobRow(
        job_id=job_id,
        account_id=text("account"),
        key_id=text("key"),
        status=text("status"),
        step=text("step"),
        progress=number("progress"),
        price=number("price"),
        refunded=number("refunded"),
        attempts=number("attempts"),
        sequence=number("sequence"),
        created_ms=number("created"),
        started_ms=number("started"),
        ended_ms=number("ended"),
        parent_id=text("parent"),
        error_message=text("error_message"),
        error_code=text("error_code"),
        error_stage=text("error_stage"),
    )
