"""Credits in Redis: balances, the ledger that they are the sum of, and the audit that recomputes all of it."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from gateway.jobs.books import Audit, LedgerEntry, LedgerPage, Mismatch
from gateway.jobs.codec import ledger_entry
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.bounds import stream_entry
from lensora.core.errors import InvalidRequest, NotFound
from lensora.core.steps import JobStatus
from lensora.core.words import LedgerKind

AUDIT_BATCH = 1_000
"""Ledger lines per read of the audit: bounds its memory and the time that Redis spends on one command."""

MAX_PAGE = 200

MOST_GRANT = 10**12
"""Credits of one grant, either way: scripts count exactly up to nine thousand times this."""

DAY_MS = 86_400_000


class RedisCredits:
    """The port ``Credits``."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def balance(self, account_id: str) -> int:
        with translated():
            found = await self._scripts.client.hget(self._scripts.key(f"account:{account_id}"), "balance")
        if found is None:
            raise NotFound(f"There is no account {account_id!r}.")
        return int(found)

    async def grant(self, account_id: str, amount: int, *, reference: str, memo: str = "") -> int:
        if abs(amount) > MOST_GRANT:
            raise InvalidRequest(f"amount must be {-MOST_GRANT} to {MOST_GRANT} credits, not {amount}", field="amount")
        balance = await self._scripts.repeat("grant", account_id, amount, reference, memo)
        if balance == "":
            raise NotFound(f"There is no account {account_id!r}.")
        return int(balance)

    async def ledger(self, account_id: str, *, cursor: str = "", limit: int = 50) -> LedgerPage:
        if cursor and stream_entry(cursor) is None:
            raise InvalidRequest(f"cursor must be one that a page gave, not {cursor[:60]!r}", field="cursor")
        limit = max(1, min(limit, MAX_PAGE))
        with translated():
            rows: Any = await self._scripts.client.xrevrange(
                self._scripts.key(f"ledger:{account_id}"), f"({cursor}" if cursor else "+", "-", count=limit + 1
            )
        entries = tuple(ledger_entry(entry_id, fields) for entry_id, fields in rows[:limit])
        return LedgerPage(entries, entries[-1].entry_id if len(rows) > limit else "")

    async def verify(self) -> Audit:
        accounts = [await self._verify_account(name) for name in await self._scripts.read_set("accounts")]
        return Audit(
            accounts=len(accounts),
            entries=sum(audit.entries for audit in accounts),
            drift=sum(audit.drift for audit in accounts),
            mismatches=tuple(mismatch for audit in accounts for mismatch in audit.mismatches),
            spent={name: amount for audit in accounts for name, amount in audit.spent.items()},
        )

    async def _verify_account(self, account_id: str) -> Audit:
        """Recompute one account, while it is in use.

        Jobs go on ending while their ledger is read. So the ledger is read, then the jobs, then what the ledger has
        gained: the refund of a job that was seen as ended is among the lines that were read.
        """
        sums = _Sums(since_ms=round(time.time() * 1000) - DAY_MS)
        balance = await self._read(account_id, sums)
        jobs = await self._states(list(sums.charged))
        balance = await self._read(account_id, sums)
        problems = sums.problems
        if balance != sums.total:
            problems.append(f"the balance is {balance}, the sum of the ledger is {sums.total}")
        for reference, amount in sums.refunded.items():
            if amount > sums.charged[reference]:
                problems.append(f"{reference} was charged {sums.charged[reference]} and refunded {amount}")
        problems += [problem for job in jobs for problem in sums.job_problems(job)]
        mismatches = tuple(Mismatch(account_id, problem) for problem in problems)
        return Audit(
            accounts=1,
            entries=sums.entries,
            drift=abs(balance - sums.total),
            mismatches=mismatches,
            spent={account_id: sums.spent} if sums.spent else {},
        )

    async def _read(self, account_id: str, sums: _Sums) -> int:
        """Add the lines after the last one that was added; the balance, taken together with the tail."""
        while True:
            async with self._scripts.client.pipeline(transaction=True) as pipe:
                start = f"({sums.last}" if sums.last else "-"
                pipe.xrange(self._scripts.key(f"ledger:{account_id}"), start, "+", count=AUDIT_BATCH)
                pipe.hget(self._scripts.key(f"account:{account_id}"), "balance")
                with translated():
                    rows, balance = await pipe.execute()
            for entry_id, fields in rows:
                sums.add(ledger_entry(entry_id, fields))
            if len(rows) < AUDIT_BATCH:
                return int(balance)

    async def _states(self, references: list[str]) -> list[_JobState]:
        """Those of the references that are kept jobs which have ended."""
        states = []
        for start in range(0, len(references), AUDIT_BATCH):
            batch = references[start : start + AUDIT_BATCH]
            async with self._scripts.client.pipeline(transaction=False) as pipe:
                for reference in batch:
                    pipe.hmget(self._scripts.key(f"job:{reference}"), "status", "price", "terminals", "voided")
                with translated():
                    found = await pipe.execute()
            for reference, (status, price, terminals, voided) in zip(batch, found, strict=True):
                if status is not None and JobStatus(status).terminal:
                    state = _JobState(reference, JobStatus(status), int(price), int(terminals or 0), voided == "1")
                    states.append(state)
        return states


@dataclass(frozen=True, slots=True)
class _JobState:
    """What an ended job says of itself; ``voided``: its price came back although it has completed."""

    job_id: str
    status: JobStatus
    price: int
    terminals: int
    voided: bool


@dataclass
class _Sums:
    """What a ledger adds up to, line by line; ``spent`` is the net of charges and refunds since ``since_ms``."""

    since_ms: int
    spent: int = 0
    last: str = ""
    total: int = 0
    entries: int = 0
    charged: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    refunded: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    problems: list[str] = field(default_factory=list)

    def add(self, entry: LedgerEntry) -> None:
        """The next line."""
        self.last = entry.entry_id
        self.total += entry.amount
        self.entries += 1
        if entry.balance != self.total:
            self.problems.append(f"ledger line {entry.entry_id} says balance {entry.balance}, the sum is {self.total}")
        if entry.kind is not LedgerKind.GRANT and int(entry.entry_id.partition("-")[0]) >= self.since_ms:
            self.spent -= entry.amount
        if entry.kind is LedgerKind.CHARGE:
            self.charged[entry.reference] -= entry.amount
        elif entry.kind is LedgerKind.REFUND:
            self.refunded[entry.reference] += entry.amount

    def job_problems(self, job: _JobState) -> list[str]:
        """A job that ended without its video must have its price back; one that completed must not, unless its
        customer was told that it was not accepted."""
        problems = []
        charged, back = self.charged[job.job_id], self.refunded.get(job.job_id, 0)
        due = 0 if job.status is JobStatus.COMPLETED and not job.voided else job.price
        if back != due or charged != job.price:
            problems.append(
                f"job {job.job_id} is {job.status}: charged {charged} and refunded {back}, not {job.price} and {due}"
            )
        if job.terminals != 1:
            problems.append(f"job {job.job_id} became terminal {job.terminals} times")
        return problems
