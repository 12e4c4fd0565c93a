"""A look at the balance before work is begun that could not be paid. The charge itself is atomic, in the store."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.jobs import ports
from gateway.jobs.records import ApiKey
from lensora.core.errors import InsufficientCredits


@dataclass(frozen=True, slots=True)
class Purse:
    """What accounts have."""

    credits: ports.Credits

    async def require(self, key: ApiKey, price: int, call: str) -> None:
        """Raises InsufficientCredits where the caller cannot pay.

        Args:
            price: of the call; what the key owes of it is looked for.
            call: its name in the sentence.
        """
        owed = key.owes(price)
        balance = await self.credits.balance(key.account_id)
        if balance < owed:
            raise InsufficientCredits(f"The balance is {balance} credits; {call} needs {owed}.")
