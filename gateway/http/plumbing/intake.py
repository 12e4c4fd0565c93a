"""Whose upload is read, and whose is worked on: an account waits for its own uploads, never for another's.

A place of an account is held from the first byte of a body to its answer. A place for work is held by uploads that have
arrived whole, so that whoever sends slowly, or nothing at all, keeps nobody waiting. What has arrived and waits is
counted in bytes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from prometheus_client import Gauge

from lensora.core.errors import Overloaded, RateLimited

HELD_BYTES = Gauge("lensora_http_upload_bytes", "Bytes of uploads and of bodies of batches that are in memory now.")

RETRY_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """How much may be under way in one process.

    Attributes:
        work: uploads that are checked and looked at, at a time, of all accounts.
        per_account: uploads of one account that are read at a time, and as many that are looked at; its further ones
            wait unread.
        waiting: uploads of one account that may wait so; the next is refused.
        wait_s: seconds that one may wait.
        held_bytes: bytes in memory, of all accounts, above which an account may have one upload only.
        own_bytes: bytes in memory that an account may always have: one upload.
        what: these are, in sentences.
    """

    work: int = 8
    per_account: int = 2
    waiting: int = 64
    wait_s: float = 60.0
    held_bytes: int = 256_000_000
    own_bytes: int = 20_100_000
    what: str = "uploads"


@dataclass(slots=True)
class _Account:
    places: asyncio.Semaphore
    works: asyncio.Semaphore
    present: int = 0
    working: int = 0


@dataclass(slots=True)
class Arrival:
    """One upload, as it comes."""

    intake: Intake
    account_id: str
    size: int = 0
    here: bool = True

    def leave(self) -> None:
        """Give the place and the bytes back before the end: the photo is stored, and this process holds it no more."""
        if self.here:
            self.here = False
            self.intake.left(self)

    async def counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks as they come. Raises Overloaded where they may not be held."""
        async for chunk in chunks:
            self.intake.take(self.account_id, len(chunk))
            self.size += len(chunk)
            yield chunk


@dataclass
class Intake:
    """Places and bytes of one process."""

    limits: IntakeLimits
    _accounts: dict[str, _Account] = field(default_factory=dict)
    _held: Counter[str] = field(default_factory=Counter)
    _total: int = 0
    _work: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._work = asyncio.Semaphore(self.limits.work)

    @asynccontextmanager
    async def place(self, account_id: str) -> AsyncIterator[Arrival]:
        """One of the account's own places, and the count of what arrives in it.

        Raises:
            RateLimited: too many of the account's uploads wait for one, or this one has waited too long.
        """
        account = self._account(account_id)
        if account.present >= self.limits.per_account + self.limits.waiting:
            raise self._busy()
        account.present += 1
        try:
            async with asyncio.timeout(self.limits.wait_s):
                await account.places.acquire()
        except BaseException as error:
            self._gone(account_id)
            if isinstance(error, TimeoutError):
                raise self._busy() from error
            raise
        arrival = Arrival(self, account_id)
        try:
            yield arrival
        finally:
            arrival.leave()

    def left(self, arrival: Arrival) -> None:
        """Count an arrival no more. See ``Arrival.leave``."""
        self._count(arrival.account_id, -arrival.size)
        self._accounts[arrival.account_id].places.release()
        self._gone(arrival.account_id)

    @asynccontextmanager
    async def work(self, account_id: str) -> AsyncIterator[None]:
        """A place for an upload that has arrived whole, among the account's own and among all."""
        account = self._account(account_id)
        account.working += 1
        try:
            async with account.works, self._work:
                yield
        finally:
            account.working -= 1
            self._forget(account_id)

    def _account(self, account_id: str) -> _Account:
        most = self.limits.per_account
        return self._accounts.setdefault(account_id, _Account(asyncio.Semaphore(most), asyncio.Semaphore(most)))

    def _gone(self, account_id: str) -> None:
        self._accounts[account_id].present -= 1
        self._forget(account_id)

    def _forget(self, account_id: str) -> None:
        account = self._accounts[account_id]
        if not account.present and not account.working:
            del self._accounts[account_id]

    def take(self, account_id: str, size: int) -> None:
        """Count bytes that have come. Raises Overloaded."""
        if self._total + size > self.limits.held_bytes and self._held[account_id] + size > self.limits.own_bytes:
            raise Overloaded(
                f"Too many {self.limits.what} are under way; nothing was charged.", retry_after_s=RETRY_AFTER_S
            )
        self._count(account_id, size)

    def _count(self, account_id: str, size: int) -> None:
        self._total += size
        self._held[account_id] += size
        if not self._held[account_id]:
            del self._held[account_id]
        HELD_BYTES.inc(size)

    def _busy(self) -> RateLimited:
        return RateLimited(
            f"This account has {self.limits.per_account} {self.limits.what} under way and others that wait; "
            "send fewer at a time.",
            retry_after_s=RETRY_AFTER_S,
        )
