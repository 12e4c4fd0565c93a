"""A batch's record as the public ``Batch``: what its poll, its list and its webhook say. Pure."""

from __future__ import annotations

from typing import Any

from gateway.jobs.batch_records import Batch, BatchItem, ItemState
from gateway.links import FileLinks
from gateway.results import LIVE_LINK_S
from lensora.contract import answers, batches
from lensora.contract.shapes import moment
from lensora.core.steps import JobStatus

ARCHIVE = "archive.zip"


def archive_key(batch_id: str) -> str:
    """What the signature of a link to the archive is about."""
    return f"batches/{batch_id}"


def batch_of(batch: Batch, files: FileLinks, *, eta_seconds: int | None = None, items: bool = True) -> batches.Batch:
    """The batch as the public contract tells it.

    Args:
        batch: as the store has it.
        files: makes the links.
        eta_seconds: until its end; None for one that has ended.
        items: whether each photo is told.
    """
    fields: dict[str, Any] = {}
    if batch.ended_ms:
        fields["ended_at"] = moment(batch.ended_ms)
    elif eta_seconds is not None:
        fields["eta_seconds"] = eta_seconds
    if items:
        fields["items"] = tuple(_item(state, files) for state in batch.items)
    path = f"/v1/studio/batches/{batch.batch_id}"
    return batches.Batch(
        batch_id=batch.batch_id,
        status=batch.status,
        progress=batch.progress,
        counts=counts_of(batch),
        credits_used=batch.price,
        credits_refunded=batch.credits_refunded,
        created_at=moment(batch.created_ms),
        expires_at=moment(batch.expires_ms),
        archive_url=files.made(path, archive_key(batch.batch_id), ARCHIVE, batch.expires_ms // 1000),
        order=batches.BatchOrder.model_validate(batch.choices),
        **fields,
    )


def counts_of(batch: Batch) -> batches.BatchCounts:
    """Items by their status."""
    by_status = batch.counts
    return batches.BatchCounts(total=len(batch.items), **{status.value: by_status[status] for status in JobStatus})


def refusal_of(place: int, item: BatchItem) -> batches.BatchRefusal:
    """An item that could not be ordered."""
    return batches.BatchRefusal(index=place, name=item.name, code=item.code, error=item.error)


def _item(state: ItemState, files: FileLinks) -> batches.BatchItem:
    item = state.item
    fields: dict[str, Any] = {}
    if item.job_id:
        fields["job_id"] = item.job_id
    if state.scene is not None:
        expires_at = state.expires_ms // 1000 or state.started_ms // 1000 + LIVE_LINK_S
        fields["scene_url"] = files.of(state.scene.artifact, state.scene.name, expires_at)
    if state.delivery and state.status is JobStatus.COMPLETED:
        fields["delivery"] = dict(state.delivery)
    if not item.job_id:
        fields["error"] = item.error
        fields["error_detail"] = answers.ErrorDetail(code=item.code, stage=None, retryable=False)
    elif state.error is not None:
        error = state.error
        fields["error"] = error.message
        fields["error_detail"] = answers.ErrorDetail(
            code=error.code, stage=error.stage or None, retryable=error.retryable
        )
    return batches.BatchItem(
        index=state.place,
        name=item.name,
        session_id=item.session_id,
        status=state.status,
        progress=state.progress,
        credits_refunded=state.credits_refunded,
        **fields,
    )
