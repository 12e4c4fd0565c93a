"""What the gateway remembers of batches: many photos ordered at once. Frozen values, as in ``records``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.jobs.records import ApiKey, JobError, Order, OutputFile
from lensora.core.steps import JobStatus
from lensora.core.words import DeliveryStatus


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One photo of a batch as it was asked for.

    Attributes:
        name: for people, and its folder's name in the archive; different for each item.
        session_id: as it was given.
        job_id: of its film; empty where it could not be ordered.
        code: of the error for which it could not be ordered; empty where it was.
        error: that error's sentence.
    """

    name: str
    session_id: str
    job_id: str = ""
    code: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch to be accepted.

    Attributes:
        batch_id: made by the caller (a UUID), so that a repeat of the same submit is the same batch.
        items: in the order of the request, those that could not be ordered too.
        orders: of the items that have a job, in their order; all with the same choices of output.
        choices: what was ordered for all of them, as the public contract tells it.
        price: credits of each film.
    """

    batch_id: str
    key: ApiKey
    items: tuple[BatchItem, ...]
    orders: tuple[Order, ...]
    choices: Mapping[str, Any]
    price: int
    webhook_url: str = ""


@dataclass(frozen=True, slots=True)
class ItemState:
    """Where one item of a batch is.

    Attributes:
        place: in the request, from 0.
        status: ``failed`` for one that could not be ordered.
        scene: its still, as soon as that exists.
        delivery: what became of each file that was to be sent to the customer's storage.
        started_ms: when a worker took its film first; 0 before.
        expires_ms: when its files are deleted; 0 while it lives.
    """

    place: int
    item: BatchItem
    status: JobStatus
    progress: int = 0
    credits_refunded: int = 0
    error: JobError | None = None
    scene: OutputFile | None = None
    delivery: Mapping[str, DeliveryStatus] = field(default_factory=dict)
    started_ms: int = 0
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it is now; readable only with the key that made it.

    Attributes:
        version: grows by one with each film that ends.
        items: those whose film was not deleted by itself.
        price: credits charged for all films.
        stopped: True when the whole batch was canceled before its end.
        ended_ms: when its last film ended; 0 while one lives.
        expires_ms: when it is deleted with its films.
    """

    batch_id: str
    key_id: str
    account_id: str
    version: int
    items: tuple[ItemState, ...]
    choices: Mapping[str, Any]
    price: int
    stopped: bool
    created_ms: int
    ended_ms: int
    expires_ms: int

    @property
    def counts(self) -> Mapping[JobStatus, int]:
        """Items in each status, 0 where there are none."""
        return {status: sum(item.status is status for item in self.items) for status in JobStatus}

    @property
    def status(self) -> JobStatus:
        """Of the whole: an end only when every film has ended; ``failed`` when none was made and one failed."""
        if not self.ended_ms:
            return JobStatus.QUEUED if self._untouched else JobStatus.PROCESSING
        if self.stopped:
            return JobStatus.CANCELED
        films = {state.status for state in self.items if state.item.job_id}
        return next((end for end in (JobStatus.COMPLETED, JobStatus.FAILED) if end in films), JobStatus.CANCELED)

    @property
    def _untouched(self) -> bool:
        return all(item.status is JobStatus.QUEUED for item in self.items if item.item.job_id)

    @property
    def progress(self) -> int:
        """The mean of its items, one that has ended counting whole: 100 exactly when all have."""
        if self.ended_ms or not self.items:
            return 100
        total = sum(100 if item.status.terminal else item.progress for item in self.items)
        return min(99, total // len(self.items))

    @property
    def credits_refunded(self) -> int:
        """What came back of ``price``."""
        return sum(item.credits_refunded for item in self.items)


@dataclass(frozen=True, slots=True)
class BatchPage:
    """A page of a list of batches, newest first; ``next_cursor`` is empty on the last one."""

    batches: tuple[Batch, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class BatchStop:
    """What the cancel of a batch did: which films were canceled by it; ``already_ended`` when there were none left."""

    already_ended: bool
    canceled: tuple[str, ...] = field(default_factory=tuple)
