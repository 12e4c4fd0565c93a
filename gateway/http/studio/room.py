"""Whether a session can have, and its key can pay for, one more further photo or film."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.http.plumbing.purse import Purse
from gateway.jobs import ports
from gateway.jobs.photos import KeptView
from gateway.jobs.records import ApiKey, Session
from lensora.core.errors import TooManyViews
from lensora.core.words import MOST_VIEWS


async def require_room(
    views: ports.Views, purse: Purse, key: ApiKey, session: Session, price: int, what: str
) -> Sequence[KeptView]:
    """What the session has; spares the work where it could not be paid or kept. The script decides in the end.

    Args:
        views: where further photos are kept.
        purse: who knows the balance.
        key: who asks.
        session: to be added to.
        price: in credits.
        what: the path's last part, for the sentence about the price.

    Raises:
        InsufficientCredits, TooManyViews: as the script would.
    """
    await purse.require(key, price, what)
    kept = await views.list(key.key_id, session.session_id)
    if len(kept) >= MOST_VIEWS:
        raise TooManyViews(
            f"This session has {MOST_VIEWS} further photos, the most that it may have; delete one first."
        )
    return kept
