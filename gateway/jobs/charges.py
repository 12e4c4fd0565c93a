"""What every script that charges takes and answers: the kept answer, refusals, and the way back from a lost answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from gateway.jobs.afterwards import Afterwards
from gateway.jobs.records import IdempotencySlot, KeptAnswer
from gateway.jobs.scripts import Scripts
from lensora.core.errors import (
    IdempotencyInProgress,
    InsufficientCredits,
    JobNotFound,
    NotFound,
    SessionNotFound,
    TooManyJobs,
    TooManyViews,
    Unauthorized,
    Unavailable,
)
from lensora.core.words import MOST_VIEWS

VOID_MS = 2 * 3600 * 1000
"""How long a voided id stays refused: longer than any command can be under way, and than ``Afterwards`` goes on."""


def session_not_found() -> SessionNotFound:
    """For an unknown or expired one and for another key's."""
    return SessionNotFound("There is no such session, or it has expired: start again with /v1/studio/init.")


@dataclass(frozen=True, slots=True)
class Work:
    """What is paid for.

    Attributes:
        script: of the five that charge.
        kind: the word for it in ``void.lua``.
        id: made by the caller, so that a repeat is the same work.
        account_id: who pays.
        price: credits, of each piece where there are several.
    """

    script: str
    kind: Literal["job", "batch", "session", "cutout", "view"]
    id: str
    key_id: str
    account_id: str
    price: int


@dataclass(frozen=True, slots=True)
class Till:
    """Runs the scripts that charge.

    Attributes:
        afterwards: takes back what could not be confirmed.
        answers_ms: how long a kept answer is replayed.
    """

    scripts: Scripts
    afterwards: Afterwards
    answers_ms: int

    async def charge(self, work: Work, *own: str | int, kept: KeptAnswer | None) -> Any:
        """The script's reply: that the work is done, or a refusal.

        Args:
            own: the script's own arguments, after those of every script that charges.
            kept: the idempotent answer that is kept with the work.

        Raises:
            Unavailable: Redis is away. The client is told that nothing was charged, and that is made true afterwards,
                whether or not the script has run.
        """
        slot, status, body = IdempotencySlot(work.key_id, "", ""), 0, ""
        if kept is not None:
            slot, status, body = kept.slot, kept.answer.status, kept.answer.body
        answer = (slot.digest, slot.token, status, body, self.answers_ms)
        try:
            return await self.scripts.repeat(
                work.script, work.id, work.key_id, work.account_id, work.price, *answer, *own
            )
        except Unavailable:
            void = ("void", work.kind, work.id, work.key_id, slot.digest, slot.token, VOID_MS)
            self.afterwards.do(lambda: self.scripts.repeat(*void))
            raise


def raise_refusal(reply: Any, price: int) -> None:
    """Raise the error of a script that has not done what it was asked for."""
    match reply[0]:
        case "accepted" | "opened":
            return
        case "insufficient":
            raise InsufficientCredits(f"This costs {price} credits; the balance is {reply[1]}.")
        case "too_many":
            raise TooManyJobs(f"This account may have {reply[1]} jobs queued or running, and has as many.")
        case "frozen":
            raise InsufficientCredits(f"This costs {price} credits; the account is frozen and may not spend.")
        case "slot_lost":
            raise IdempotencyInProgress("A later request with this Idempotency-Key is running.", retry_after_s=1.0)
        case "no_session":
            raise session_not_found()
        case "many_views":
            raise TooManyViews(
                f"This session has {MOST_VIEWS} further photos, the most that it may have; delete one first."
            )
        case "two_films":
            raise TooManyViews("This session has a film of a turn, the most that it may have; delete it first.")
        case "no_parent":
            raise JobNotFound("There is no such job that has completed, or it has expired.")
        case "no_account":
            raise Unauthorized("The API key's account does not exist.")
        case "void":
            raise Unavailable("The request took too long to be accepted and was taken back.", retry_after_s=1.0)
        case other:
            raise NotFound(f"unexpected answer {other!r}")
