"""The queue of webhook messages in Redis. A job's end puts a message here, in the script that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.words import WebhookEvent

TRY_MS = 60_000
"""A worker that dies while it delivers is replaced after this: longer than one try may take."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A message to deliver. ``tries`` counts those that have failed."""

    message_id: str
    job_id: str
    key_id: str
    account_id: str
    url: str
    event: WebhookEvent
    tries: int
    created_ms: int


class Hooks(Protocol):
    """Messages that are due, and how each try ended."""

    async def due(self, most: int) -> list[Hook]:
        """At most ``most`` messages, given to this caller alone for a minute."""
        ...

    async def aside(self, hook: Hook, delay_s: float) -> None:
        """Not tried now: due again after this delay; no try is counted."""
        ...

    async def delivered(self, hook: Hook) -> None:
        """The receiver has it."""
        ...

    async def later(self, hook: Hook, delay_s: float) -> None:
        """This try failed; the next is after this delay."""
        ...

    async def dropped(self, hook: Hook, *, disable: bool) -> None:
        """Give up; ``disable``: send this account's messages to this URL no more."""
        ...


class RedisHooks:
    """The port ``Hooks``."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def due(self, most: int) -> list[Hook]:
        names: Any = await self._scripts.call("lease_due", "hooks", most, TRY_MS, 0)
        hooks = []
        for name in names:
            fields = await self._scripts.read_hash(f"hook:{name}")
            if fields:
                hooks.append(
                    Hook(
                        message_id=name,
                        job_id=fields["job"],
                        key_id=fields["key"],
                        account_id=fields["account"],
                        url=fields["url"],
                        event=WebhookEvent(fields["event"]),
                        tries=int(fields["tries"]),
                        created_ms=int(fields["created"]),
                    )
                )
            else:
                # The job has expired before its message could be delivered.
                with translated():
                    await self._scripts.client.zrem(self._scripts.key("hooks"), name)
        return hooks

    async def aside(self, hook: Hook, delay_s: float) -> None:
        await self._scripts.repeat("postpone", "hooks", hook.message_id, round(delay_s * 1000))

    async def delivered(self, hook: Hook) -> None:
        await self._settle(hook, "", disable=False)

    async def later(self, hook: Hook, delay_s: float) -> None:
        await self._settle(hook, str(round(delay_s * 1000)), disable=False)

    async def dropped(self, hook: Hook, *, disable: bool) -> None:
        await self._settle(hook, "", disable=disable)

    async def _settle(self, hook: Hook, next_ms: str, *, disable: bool) -> None:
        await self._scripts.repeat("settle_hook", hook.message_id, hook.tries + 1, next_ms, 1 if disable else 0)
