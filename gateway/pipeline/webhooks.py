"""Delivers webhooks by the Standard Webhooks scheme (https://www.standardwebhooks.com, version 1)."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from standardwebhooks.webhooks import Webhook

from gateway.egress import Answer, EgressRefused, FetchFailed, HostUnknown
from gateway.jobs import metrics
from gateway.jobs.batch_records import Batch
from gateway.jobs.hooks import Hook, Hooks
from gateway.jobs.ports import Batches, Jobs, WebhookSecrets
from gateway.jobs.records import Job
from lensora.contract.answers import Result
from lensora.contract.batches import Batch as PublicBatch
from lensora.contract.batches import BatchEnded
from lensora.contract.events import JobEvent
from lensora.contract.shapes import moment
from lensora.core.errors import NotFound, Unavailable
from lensora.core.words import BatchEvent
from lensora.observability import logs

_log = logs.get(__name__)

DELAYS_S = (5.0, 15.0, 45.0, 120.0, 300.0, 600.0, 1200.0, 2100.0, 2700.0)
"""Pauses between the 10 tries: 7,085 s in all, so that the last try is about 2 hours after the first."""

JITTER = 0.1
"""Each pause is longer or shorter by up to this share, so that many messages do not come back at once."""

TRY_S = 10.0
"""Longest time of one try."""

IN_FLIGHT = 64
"""Tries under way at once in one worker."""

PER_ACCOUNT = 8
"""Of these, at most so many for one account: a customer whose receiver hangs delays no other's messages."""

ASIDE_S = 2.0
"""When a message is looked at again whose account has all its tries under way."""

LOOK_S = 0.5
"""Pause between two looks for what has come due while tries are under way."""

GONE = 410
"""The receiver does not want any more: the URL is disabled for the account."""

ResultOf = Callable[[Job], Result]
"""A job as the poll answers it."""

BatchOf = Callable[[Batch], PublicBatch]
"""A batch as its poll answers it."""


class Tidings:
    """What a message says, read when it is sent."""

    def __init__(self, jobs: Jobs, batches: Batches, *, result: ResultOf, batch: BatchOf) -> None:
        """
        Args:
            jobs: where a message's job is read.
            batches: where a message's batch is read.
            result: a job as the message's ``data``.
            batch: a batch as the message's ``data``.
        """
        self._jobs = jobs
        self._batches = batches
        self._result = result
        self._batch = batch

    async def body(self, hook: Hook) -> bytes:
        """The message's body. Raises NotFound where what it is about is gone."""
        if isinstance(hook.event, BatchEvent):
            batch = await self._batches.get(hook.key_id, hook.batch_id)
            ended = BatchEnded(type=BatchEvent.ENDED, timestamp=moment(batch.ended_ms), data=self._batch(batch))
            return ended.encoded()
        job = await self._jobs.get(hook.key_id, hook.job_id)
        return JobEvent(type=hook.event, timestamp=moment(job.ended_ms), data=self._result(job)).encoded()


class Poster(Protocol):
    """Sends a request to an address outside; private ones are refused at connect time."""

    async def post(self, url: str, body: bytes, headers: dict[str, str], *, timeout_s: float) -> Answer:
        """Raises EgressRefused and FetchFailed."""
        ...


class Deliveries:
    """Takes messages that are due from their queue and sends each one once per try."""

    def __init__(
        self,
        hooks: Hooks,
        tidings: Tidings,
        secrets: WebhookSecrets,
        poster: Poster,
        *,
        clock: Callable[[], float],
    ) -> None:
        """
        Args:
            hooks: the queue.
            tidings: what each message says.
            secrets: sign.
            poster: the guarded way out.
            clock: Unix seconds; the signature's time.
        """
        self._hooks = hooks
        self._tidings = tidings
        self._secrets = secrets
        self._poster = poster
        self._clock = clock

    async def deliver_due(self) -> None:
        """
        Try every message that is due, and those that come due meanwhile, until none is left.

        A slow receiver holds up only its own account: see ``PER_ACCOUNT``.
        """
        under_way: dict[asyncio.Task[None], str] = {}
        try:
            while True:
                room = IN_FLIGHT - len(under_way)
                due = await self._hooks.due(room) if room else []
                busy = Counter(under_way.values())
                for hook in due:
                    if busy[hook.account_id] < PER_ACCOUNT:
                        busy[hook.account_id] += 1
                        under_way[asyncio.create_task(self._try(hook))] = hook.account_id
                    else:
                        await self._hooks.aside(hook, ASIDE_S)
                if not due:
                    if not under_way:
                        return
                    ended, _ = await asyncio.wait(under_way, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
                    for task in ended:
                        del under_way[task]
                        task.result()
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _try(self, hook: Hook) -> None:
        with logs.bind(job_id=hook.job_id or hook.batch_id):
            try:
                outcome, status = await self._post(hook, await self._tidings.body(hook))
            except NotFound:
                await self._hooks.dropped(hook, disable=False)
                return
            except Unavailable:
                raise
            except Exception:
                # A job of a release that we do not know, or a fault of ours: no other message waits for it.
                _log.exception("webhook_not_made")
                outcome, status = "failed", 0
            metrics.WEBHOOKS.labels(outcome=outcome).inc()
            _log.info("webhook_tried", outcome=outcome, status=status, tries=hook.tries + 1, about=hook.event)
            match outcome:
                case "delivered":
                    await self._hooks.delivered(hook)
                case "gone" | "refused":
                    await self._hooks.dropped(hook, disable=outcome == "gone")
                case _ if hook.tries < len(DELAYS_S):
                    spread = random.uniform(1.0 - JITTER, 1.0 + JITTER)  # noqa: S311 - jitter
                    await self._hooks.later(hook, DELAYS_S[hook.tries] * spread)
                case _:
                    _log.warning("webhook_given_up", tries=hook.tries + 1)
                    await self._hooks.dropped(hook, disable=False)

    async def _post(self, hook: Hook, body: bytes) -> tuple[str, int]:
        """``(outcome, HTTP status or 0)``."""
        now = datetime.fromtimestamp(int(self._clock()), UTC)
        text = body.decode()
        secrets = await self._secrets.valid(hook.account_id)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": hook.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            # While a secret is being rotated both sign, separated by a space, as the scheme says.
            "webhook-signature": " ".join(Webhook(secret).sign(hook.message_id, now, text) for secret in secrets),
        }
        try:
            answer = await self._poster.post(hook.url, body, headers, timeout_s=TRY_S)
        except HostUnknown:
            # A name server that is away for a minute must not cost the message.
            return "failed", 0
        except EgressRefused:
            return "refused", 0
        except FetchFailed:
            return "failed", 0
        if 200 <= answer.status < 300:
            return "delivered", answer.status
        return ("gone" if answer.status == GONE else "failed"), answer.status
