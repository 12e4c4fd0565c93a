"""What the books say: lines of an account's ledger, and what an audit finds. Frozen values, as in ``records``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lensora.core.words import LedgerKind


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of an account's append-only ledger.

    Attributes:
        entry_id: position in the ledger, ``<ms>-<n>``; also the cursor for the next page.
        kind: why.
        amount: signed credits: a charge is negative.
        balance: the balance after this line.
        reference: the job, session or cutout it is about; for a grant, what the operator gave.
        memo: a few words for a person.
        at_ms: when.
    """

    entry_id: str
    kind: LedgerKind
    amount: int
    balance: int
    reference: str
    memo: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Something that the audit found wrong: a sentence, and whose money it is."""

    account_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What ``Credits.verify`` recomputed from every ledger and every kept job.

    Attributes:
        accounts: accounts that were recomputed.
        entries: ledger lines that were read.
        drift: sum over accounts of |balance - sum of its ledger|; 0 when all is well.
        mismatches: everything found wrong.
        spent: net credits of the last 24 hours by account, where there are any.
    """

    accounts: int
    entries: int
    drift: int
    mismatches: tuple[Mismatch, ...]
    spent: Mapping[str, int] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for each mismatch."""
        return tuple(f"account {found.account_id}: {found.problem}" for found in self.mismatches)


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """A page of a ledger, newest first; ``next_cursor`` is empty on the last one."""

    entries: tuple[LedgerEntry, ...]
    next_cursor: str
