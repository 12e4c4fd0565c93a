"""Credits in Redis: balances, the ledger that they are the sum of, and the audit that recomputes all of it."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from gateway.jobs.codec import ledger_entry
from gateway.jobs.records import Audit, LedgerEntry, LedgerKind, LedgerPage, Mismatch
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import InvalidRequest, NotFound
from lensora.core.steps import JobStatus

_ENTRY_ID = re.compile(r"\d{1,15}-\d{1,10}")

AUDIT_BATCH = 1_000
"""Ledger lines per read of the audit: bounds its memory and the time that Redis spends on one command."""

MAX_PAGE = 200


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
        balance = await self._scripts.repeat("grant", account_id, amount, reference, memo)
        if balance == "":
            raise NotFound(f"There is no account {account_id!r}.")
        return int(balance)

    async def ledger(self, account_id: str, *, cursor: str = "", limit: int = 50) -> LedgerPage:
        if cursor and not _ENTRY_ID.fullmatch(cursor):
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
        )

    async def _verify_account(self, account_id: str) -> Audit:
        """Recompute one account. What moves while it is read is read to its end: the balance is taken with the tail."""
        total = entries = 0
        charged: dict[str, int] = defaultdict(int)
        refunded: dict[str, int] = defaultdict(int)
        problems: list[str] = []
        last = "-"
        while True:
            rows, balance = await self._lines(account_id, last)
            for entry in rows:
                total += entry.amount
                entries += 1
                if entry.balance != total:
                    problems.append(f"ledger line {entry.entry_id} says balance {entry.balance}, the sum is {total}")
                if entry.kind is LedgerKind.CHARGE:
                    charged[entry.reference] -= entry.amount
                elif entry.kind is LedgerKind.REFUND:
                    refunded[entry.reference] += entry.amount
            if len(rows) < AUDIT_BATCH:
                break
            last = f"({rows[-1].entry_id}"
        if balance != total:
            problems.append(f"the balance is {balance}, the sum of the ledger is {total}")
        for reference, amount in refunded.items():
            if amount > charged[reference]:
                problems.append(f"{reference} was charged {charged[reference]} and refunded {amount}")
        problems += await self._verify_jobs(charged, refunded)
        mismatches = tuple(Mismatch(account_id, problem) for problem in problems)
        return Audit(accounts=1, entries=entries, drift=abs(balance - total), mismatches=mismatches)

    async def _lines(self, account_id: str, start: str) -> tuple[list[LedgerEntry], int]:
        async with self._scripts.client.pipeline(transaction=True) as pipe:
            pipe.xrange(self._scripts.key(f"ledger:{account_id}"), start, "+", count=AUDIT_BATCH)
            pipe.hget(self._scripts.key(f"account:{account_id}"), "balance")
            with translated():
                rows, balance = await pipe.execute()
        return [ledger_entry(entry_id, fields) for entry_id, fields in rows], int(balance)

    async def _verify_jobs(self, charged: dict[str, int], refunded: dict[str, int]) -> list[str]:
        """A kept job that ended without its video must have its price back; one that completed must not."""
        problems = []
        references = list(charged)
        for start in range(0, len(references), AUDIT_BATCH):
            batch = references[start : start + AUDIT_BATCH]
            async with self._scripts.client.pipeline(transaction=False) as pipe:
                for reference in batch:
                    pipe.hmget(self._scripts.key(f"job:{reference}"), "status", "price", "terminals")
                with translated():
                    found = await pipe.execute()
            for reference, (status, price, terminals) in zip(batch, found, strict=True):
                if status is None or not JobStatus(status).terminal:
                    continue
                back = refunded.get(reference, 0)
                due = 0 if status == JobStatus.COMPLETED else int(price)
                if back != due or charged[reference] != int(price):
                    problems.append(
                        f"job {reference} is {status}: charged {charged[reference]} and refunded {back},"
                        f" not {price} and {due}"
                    )
                if terminals != "1":
                    problems.append(f"job {reference} became terminal {terminals} times")
        return problems
