"""The queue of webhook messages in Redis. A job's end puts a message here, in the script that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.words import BatchEvent, WebhookEvent
from lensora.observability import logs

_log = logs.get(__name__)

SCHEDULES = ("hooks", "hooks:batches")
"""Messages of jobs, and of batches, which workers of the release before do not know."""

TRY_MS = 60_000
"""A worker that dies while it delivers is replaced after this: longer than one try may take."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A message to deliver, about a job or about a batch.

    Attributes:
        schedule: that it waits in, one of ``SCHEDULES``.
        job_id: empty where it is about a batch.
        batch_id: empty where it is about a job.
        tries: that have failed.
    """

    message_id: str
    schedule: str
    job_id: str
    batch_id: str
    key_id: str
    account_id: str
    url: str
    event: WebhookEvent | BatchEvent
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
        hooks: list[Hook] = []
        for schedule in SCHEDULES:
            names: Any = await self._scripts.call("lease_due", schedule, most - len(hooks), TRY_MS, 0)
            hooks += [hook for name in names if (hook := await self._read(schedule, name)) is not None]
        return hooks

    async def _read(self, schedule: str, name: str) -> Hook | None:
        fields = await self._scripts.read_hash(f"hook:{name}")
        if not fields:
            # What it is about has expired before the message could be delivered.
            with translated():
                await self._scripts.client.zrem(self._scripts.key(schedule), name)
            return None
        batch_id = fields.get("batch", "")
        try:
            return Hook(
                message_id=name,
                schedule=schedule,
                job_id=fields.get("job", ""),
                batch_id=batch_id,
                key_id=fields["key"],
                account_id=fields["account"],
                url=fields["url"],
                event=BatchEvent(fields["event"]) if batch_id else WebhookEvent(fields["event"]),
                tries=int(fields["tries"]),
                created_ms=int(fields["created"]),
            )
        except (KeyError, ValueError):
            # Written by a release that we do not know, or damaged. Others may read it, when it is due again.
            _log.exception("webhook_not_readable", message_id=name)
            return None

    async def aside(self, hook: Hook, delay_s: float) -> None:
        await self._scripts.repeat("postpone", hook.schedule, hook.message_id, round(delay_s * 1000))

    async def delivered(self, hook: Hook) -> None:
        await self._settle(hook, "", disable=False)

    async def later(self, hook: Hook, delay_s: float) -> None:
        await self._settle(hook, str(round(delay_s * 1000)), disable=False)

    async def dropped(self, hook: Hook, *, disable: bool) -> None:
        await self._settle(hook, "", disable=disable)

    async def _settle(self, hook: Hook, next_ms: str, *, disable: bool) -> None:
        await self._scripts.repeat("settle_hook", hook.message_id, hook.tries + 1, next_ms, 1 if disable else 0)
