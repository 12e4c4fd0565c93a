"""What every script that charges takes and answers: the kept answer, refusals, and the way back from a lost answer."""

from __future__ import annotations

from typing import Any

from gateway.jobs.afterwards import Afterwards
from gateway.jobs.records import IdempotencySlot, KeptAnswer
from gateway.jobs.scripts import Scripts
from lensora.contract.views import MOST_VIEWS
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

VOID_MS = 2 * 3600 * 1000
"""How long a voided id stays refused: longer than any command can be under way, and than ``Afterwards`` goes on."""


def session_not_found() -> SessionNotFound:
    """For an unknown or expired one and for another key's."""
    return SessionNotFound("There is no such session, or it has expired: start again with /v1/studio/init.")


def kept_arguments(kept: KeptAnswer | None, ttl_ms: int) -> tuple[str | int, ...]:
    """The last arguments of a script that charges: what it keeps of the answer."""
    if kept is None:
        return "", "", 0, "", ttl_ms
    return kept.slot.digest, kept.slot.token, kept.answer.status, kept.answer.body, ttl_ms


def void_afterwards(
    scripts: Scripts, afterwards: Afterwards, work: tuple[str, str, str], kept: KeptAnswer | None
) -> None:
    """The client is told that nothing was charged: make it true, whether or not the script has run.

    Args:
        scripts: the store's scripts.
        afterwards: repeats it until Redis is back.
        work: kind (``job``, ``batch``, ``session``, ``cutout`` or ``view``), id, and the key's id.
        kept: the answer that was to be kept with it.
    """
    slot = kept.slot if kept else IdempotencySlot(work[2], "", "")
    afterwards.do(lambda: scripts.repeat("void", *work, slot.digest, slot.token, VOID_MS))


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
        case "no_parent":
            raise JobNotFound("There is no such job that has completed, or it has expired.")
        case "no_account":
            raise Unauthorized("The API key's account does not exist.")
        case "void":
            raise Unavailable("The request took too long to be accepted and was taken back.", retry_after_s=1.0)
        case other:
            raise NotFound(f"unexpected answer {other!r}")
