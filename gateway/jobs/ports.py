"""The ports of the store, as the HTTP surface and the command line see them. ``store.open_store`` gives all of them.

Every method raises ``Unavailable`` (503, with ``retry_after_s``) when Redis does not answer; then nothing was charged:
a write whose fate is unknown is repeated under the same id, and taken back if it cannot be confirmed.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from gateway.jobs.batch_records import Batch, BatchPage, BatchStop, NewBatch
from gateway.jobs.books import Audit, LedgerPage
from gateway.jobs.brands import Brand
from gateway.jobs.oversight import JobRows, QueueState, Usage
from gateway.jobs.photos import KeptView
from gateway.jobs.records import (
    CUTOUT_CREDITS,
    INIT_CREDITS,
    VIEW_CREDITS,
    Account,
    Allowance,
    Answer,
    ApiKey,
    Canceled,
    IdempotencySlot,
    Job,
    KeptAnswer,
    KeptBackplate,
    KeptCutout,
    Limits,
    NewJob,
    Outlook,
    OutputChoices,
    Page,
    Session,
    Share,
)
from lensora.core.steps import JobStatus


class Keys(Protocol):
    """API keys. Only the SHA-256 of a secret is kept."""

    async def authenticate(self, secret: str) -> ApiKey:
        """The key with this secret. Raises Unauthorized for an unknown or revoked one."""
        ...

    async def create(self, account_id: str, name: str = "", *, test: bool = False) -> tuple[ApiKey, str]:
        """A new key and its secret, which is shown this once. Raises NotFound for an unknown account."""
        ...

    async def revoke(self, key_id: str) -> ApiKey:
        """The key does not work any more, at once. Raises NotFound."""
        ...

    async def list(self, account_id: str) -> list[ApiKey]:
        """Every key of an account, revoked ones too, oldest first."""
        ...


class Accounts(Protocol):
    """Who pays, and what each may do."""

    async def create(self, account_id: str, name: str = "", limits: Limits | None = None) -> Account:
        """Make the account with a balance of 0; one that exists is left as it is, but for limits that are given."""
        ...

    async def get(self, account_id: str) -> Account:
        """Raises NotFound."""
        ...

    async def list(self) -> list[Account]:
        """Every account, by its id."""
        ...

    async def limit(
        self,
        account_id: str,
        *,
        live_jobs: int | None = None,
        requests_per_minute: int | None = None,
        running_jobs: int | None = None,
        weight: float | None = None,
    ) -> Account:
        """Set limits of its own, as ``Limits`` has them; None leaves one as it is. Raises NotFound."""
        ...

    async def freeze(self, account_id: str, *, frozen: bool) -> Account:
        """A frozen account can read but not spend. Raises NotFound."""
        ...


class Credits(Protocol):
    """Money: a balance per account, and the ledger whose sum it is."""

    async def balance(self, account_id: str) -> int:
        """Raises NotFound."""
        ...

    async def grant(self, account_id: str, amount: int, *, reference: str, memo: str = "") -> int:
        """Add credits (negative: take back) and answer the new balance. The same reference is granted once.

        Raises NotFound, and InvalidRequest for an amount that could not be counted exactly.
        """
        ...

    async def ledger(self, account_id: str, *, cursor: str = "", limit: int = 50) -> LedgerPage:
        """A page of the ledger, newest first. Raises InvalidRequest for a cursor that no page gave."""
        ...

    async def verify(self) -> Audit:
        """Recompute every balance and every job's money from the ledgers."""
        ...


class Sessions(Protocol):
    """Photos with what was found in them, kept 24 h."""

    async def open(self, session: Session, *, price: int = INIT_CREDITS, kept: KeptAnswer | None = None) -> Session:
        """Write the session and charge the price, both or neither, with the idempotent answer when given.

        ``created_ms`` and ``expires_ms`` of the argument are ignored; those of the answer are true.

        Raises:
            InsufficientCredits: the sentence gives balance and price.
            IdempotencyInProgress: the slot was lost to a later request with the same key.
        """
        ...

    async def get(self, key_id: str, session_id: str) -> Session:
        """Raises SessionNotFound for an unknown or expired one and for another key's."""
        ...


class Cutouts(Protocol):
    """Cutouts that a person looks at before the film; each lives as long as its session."""

    async def keep(self, cutout: KeptCutout, *, price: int = CUTOUT_CREDITS, kept: KeptAnswer | None = None) -> None:
        """Write the cutout and charge the price, both or neither, with the idempotent answer when given.

        Raises:
            InsufficientCredits: the sentence gives balance and price.
            IdempotencyInProgress: the slot was lost to a later request with the same key.
            SessionNotFound: the session has expired meanwhile.
        """
        ...

    async def get(self, key_id: str, session_id: str, cutout_id: str) -> KeptCutout:
        """Raises CutoutNotFound for an unknown or expired one, another session's and another key's."""
        ...


class Views(Protocol):
    """Further photos of a session's thing; each lives as long as its session."""

    async def add(self, view: KeptView, *, price: int = VIEW_CREDITS, kept: KeptAnswer | None = None) -> None:
        """Write the view and charge the price, both or neither, with the idempotent answer when given.

        Raises:
            InsufficientCredits: the sentence gives balance and price.
            IdempotencyInProgress: the slot was lost to a later request with the same key.
            SessionNotFound: the session has expired meanwhile.
            TooManyViews: it has as many as it may have.
        """
        ...

    async def list(self, key_id: str, session_id: str) -> tuple[KeptView, ...]:
        """Those of a session, in the order in which they were added; none for another key's."""
        ...

    async def get(self, key_id: str, session_id: str, view_id: str) -> KeptView:
        """Raises ViewNotFound for an unknown or expired one, another session's and another key's."""
        ...

    async def change(self, view: KeptView) -> None:
        """Write what is known of it now. Raises ViewNotFound."""
        ...

    async def remove(self, key_id: str, session_id: str, view_id: str) -> None:
        """Forget it; its file goes with the session's. Raises ViewNotFound."""
        ...


class Backplates(Protocol):
    """Pictures that were uploaded to film in front of; each is kept as long as a session."""

    async def keep(self, backplate: KeptBackplate) -> KeptBackplate:
        """Keep it; ``expires_ms`` of the answer is true. Raises RateLimited where the account keeps too many."""
        ...

    async def get(self, key_id: str, backplate_id: str) -> KeptBackplate:
        """Raises InvalidBackground for an unknown or expired one and for another key's."""
        ...


class Brands(Protocol):
    """Choices that are saved under a name, for this key's jobs."""

    async def save(self, key: ApiKey, brand: Brand) -> Brand:
        """Save it, in place of one of the same name; the answer says when.

        Raises:
            Conflict: one brand of this key too many.
            RateLimited: too many saves whose files are still kept.
        """
        ...

    async def get(self, key_id: str, name: str) -> Brand:
        """Raises NotFound for an unknown one and for another key's."""
        ...

    async def list(self, key_id: str) -> list[Brand]:
        """Every brand of a key, by name."""
        ...

    async def delete(self, key: ApiKey, name: str) -> None:
        """Forget it; jobs that were ordered with it are not touched. Raises NotFound."""
        ...


class Jobs(Protocol):
    """Jobs as the customer sees them."""

    async def submit(self, new: NewJob, *, kept: KeptAnswer | None = None) -> Job:
        """Charge, write the job, queue it and keep the idempotent answer: one script, all or nothing.

        Raises:
            InsufficientCredits: the sentence gives balance and price.
            TooManyJobs: the account's limit on live jobs.
            IdempotencyInProgress: the slot was lost to a later request with the same key.
            JobNotFound: ``parent_id`` names no job of this key that has the stages to be taken over.
        """
        ...

    async def get(self, key_id: str, job_id: str) -> Job:
        """Raises JobNotFound for an unknown or expired one and for another key's."""
        ...

    async def list(self, key_id: str, *, status: JobStatus | None = None, cursor: str = "", limit: int = 20) -> Page:
        """A page of this key's jobs, newest first. Raises InvalidRequest for a cursor that no page gave."""
        ...

    async def cancel(self, key_id: str, job_id: str) -> Canceled:
        """End the job and refund it once; a running stage stops within 2 s. Raises JobNotFound."""
        ...

    async def delete(self, key_id: str, job_id: str) -> None:
        """Forget an ended job now: it is in no list and cannot be read, and its files go with the next sweep.

        Files that a film made from it still needs stay until that film goes.

        Raises:
            JobNotFound: unknown, expired or another key's.
            Conflict: it has not ended.
        """
        ...

    async def outlook(self, job: Job) -> Outlook:
        """Queue position and time to the end. Costs at most one read, and none for a terminal job."""
        ...

    async def estimated_seconds(
        self, account_id: str, output: OutputChoices, *, again: bool = False, jobs: int = 1
    ) -> int:
        """For the last of so many jobs with this film that this account would submit now: what recent ones took, scaled
        to the film, and the wait. ``again``: they film a kept model. See ``gateway.jobs.pace``."""
        ...


class Batches(Protocol):
    """Many jobs that are ordered at once; each of them is an ordinary job, too."""

    async def submit(self, new: NewBatch, *, kept: KeptAnswer | None = None) -> None:
        """Charge for all films, write and queue them, and keep the idempotent answer: one script, all or nothing.

        Raises:
            InsufficientCredits: the sentence gives balance and price of all films.
            TooManyJobs: the account's limit on live jobs.
            IdempotencyInProgress: the slot was lost to a later request with the same key.
        """
        ...

    async def get(self, key_id: str, batch_id: str) -> Batch:
        """Raises BatchNotFound for an unknown or expired one and for another key's."""
        ...

    async def shown(self, batch_id: str) -> Batch:
        """The batch of a signed link, whose ever it is. Raises BatchNotFound."""
        ...

    async def list(self, key_id: str, *, cursor: str = "", limit: int = 10) -> BatchPage:
        """A page of this key's batches, newest first. Raises InvalidRequest for a cursor that no page gave."""
        ...

    async def cancel(self, key_id: str, batch_id: str) -> BatchStop:
        """End every film that lives and refund it, in one step. Raises BatchNotFound."""
        ...

    async def delete(self, key_id: str, batch_id: str) -> None:
        """Forget an ended batch and all its films. Raises BatchNotFound; Conflict where a film lives."""
        ...


class Shares(Protocol):
    """Jobs that are shown to whoever has their link."""

    async def share(self, key_id: str, job_id: str, *, hours: float, downloads: bool, listed: bool) -> Share:
        """Show it so long, but never longer than it is kept; again, to change how. Raises JobNotFound, Conflict."""
        ...

    async def unshare(self, key_id: str, job_id: str) -> None:
        """Take the link back for good. Raises JobNotFound."""
        ...

    async def shown(self, token: str) -> Job:
        """The job of a link. Raises NotFound for one that is unknown, over, or taken back."""
        ...


class Subscription(Protocol):
    """Notice of changes of one job, or of one batch, from the moment it was made."""

    async def changed(self, timeout_s: float) -> bool:
        """Wait for a change since the subscription began or since the last call; False when time ran out."""
        ...


class Changes(Protocol):
    """Who waits for a job to change: one Redis connection per process, however many wait.

    Subscribe first, read the job then, so that no change falls between the two::

        async with changes.subscribe(job_id) as subscription:
            job = await jobs.get(key_id, job_id)
            while not job.status.terminal and await subscription.changed(15.0):
                job = await jobs.get(key_id, job_id)
    """

    def subscribe(self, job_id: str) -> AbstractAsyncContextManager[Subscription]:
        """Needs the store's ``start`` to have run in this process."""
        ...


class Idempotency(Protocol):
    """Idempotency-Key: one piece of work and one answer per key, kept 24 h per API key."""

    async def begin(self, key_id: str, idempotency_key: str, fingerprint: str) -> IdempotencySlot | Answer:
        """The right to do the work, or the answer of the first request.

        Args:
            key_id: whose Idempotency-Key it is.
            idempotency_key: as the client gave it.
            fingerprint: digest of method, path and body.

        Raises:
            IdempotencyInProgress: the first request is still running.
            IdempotencyMismatch: the key was used with another fingerprint.
        """
        ...

    async def known(self, key_id: str, idempotency_key: str) -> bool:
        """Whether a request with this key runs, or has an answer that is kept."""
        ...

    async def finish(self, slot: IdempotencySlot, answer: Answer) -> None:
        """Keep an answer that no other script keeps; without effect when the slot was lost."""
        ...

    async def abandon(self, slot: IdempotencySlot) -> None:
        """Free the key, as if the request had not come: nothing was done, and a repeat may succeed."""
        ...


class RateLimiter(Protocol):
    """A token bucket per account."""

    async def take(self, account_id: str) -> Allowance:
        """Take one request's token; the account's own limits apply."""
        ...


class Oversight(Protocol):
    """What an operator looks at, over every account."""

    async def jobs(
        self, *, account_id: str = "", status: str = "", refunded: bool = False, cursor: str = "", limit: int = 50
    ) -> JobRows:
        """A page of jobs, newest first, of one account or of all. Raises InvalidRequest for a cursor of no page."""
        ...

    async def queue(self) -> QueueState:
        """What waits and what runs."""
        ...

    async def usage(self, account_id: str, days: int = 30) -> Usage:
        """What an account was charged, paid back and granted, day by day. Raises NotFound."""
        ...


class WebhookSecrets(Protocol):
    """Secrets that sign an account's webhooks, in the form ``whsec_<base64>``."""

    async def current(self, account_id: str) -> str:
        """The newest secret; made at the first call."""
        ...

    async def rotate(self, account_id: str) -> str:
        """A new secret; the one before still signs beside it for 24 h."""
        ...

    async def valid(self, account_id: str) -> list[str]:
        """Every secret that signs now, newest first."""
        ...


class Health(Protocol):
    """Whether Redis answers."""

    async def ping(self) -> None:
        """Raises Unavailable."""
        ...
