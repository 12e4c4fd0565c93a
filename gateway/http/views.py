"""Records as the JSON of the public page: field names, their order, and when each appears. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from gateway.http.signing import FileLinks
from gateway.jobs.records import (
    CUTOUT_CREDITS,
    INIT_CREDITS,
    Account,
    Canceled,
    Job,
    KeptCutout,
    LedgerEntry,
    LedgerPage,
    Outlook,
    Page,
    Session,
)
from lensora.core.artifacts import STL_FRAME, SUFFIX, MediaType, ModelUse
from lensora.core.boxes import CUTOUT_UNCERTAIN, Box, Proposal
from lensora.core.steps import JobStatus, StageStatus, Step

Json = dict[str, Any]

BOX_DECIMALS = 4
CONFIDENCE_DECIMALS = 3
LIVE_LINK_S = 24 * 3600
"""Links of a job that still runs hold for a day from its start: no job lives so long. Those of an ended job hold until
it is deleted, so they never change once it has ended."""

FOUR = ("mp4", "glb", "scene", "removed_bg")
"""The four artifacts of every job, in the public page's order."""


def session_view(session: Session, files: FileLinks, price: int = INIT_CREDITS) -> Json:
    """The answer of ``/init``."""
    photo = session.photo
    suffix = SUFFIX[MediaType(photo.media_type)]
    return {
        "session_id": session.session_id,
        "source_url": files.of(photo, f"photo{suffix}", session.expires_ms // 1000),
        "objects": [_object(proposal) for proposal in session.proposals],
        "suggested_actions": [asdict(action) for action in session.suggested_actions],
        "credits_used": price,
        "vlm_elapsed_ms": session.detection_ms,
    }


def cutout_view(cutout: KeptCutout, crop: Box, session: Session, files: FileLinks, price: int = CUTOUT_CREDITS) -> Json:
    """The answer of ``/cutout``."""
    return {
        "cutout_id": cutout.cutout_id,
        "session_id": cutout.session_id,
        "cutout_url": files.of(cutout.artifact, "cutout.png", session.expires_ms // 1000),
        "bbox": _corners(cutout.choice.box),
        "crop": _corners(crop),
        "confidence": round(cutout.confidence, CONFIDENCE_DECIMALS),
        "suggested_actions": [asdict(CUTOUT_UNCERTAIN)] if cutout.uncertain else [],
        "credits_used": price,
    }


def quote_view(price: int, estimated_seconds: int, balance: int) -> Json:
    """The answer of ``/quote``."""
    return {"credits": price, "estimated_seconds": estimated_seconds, "balance": balance}


def ticket_view(job_id: str, price: int, estimated_seconds: int) -> Json:
    """The answer of ``/transform`` and of ``/render``."""
    return {
        "job_id": job_id,
        "status": JobStatus.QUEUED.value,
        "credits_used": price,
        "estimated_seconds": estimated_seconds,
        "poll_url": f"/v1/studio/result/{job_id}",
    }


def job_view(job: Job, outlook: Outlook, files: FileLinks) -> Json:
    """The answer of the poll, and the data of every event of the stream.

    Args:
        job: as the store has it.
        outlook: its place in the queue; both None for a job that has ended.
        files: makes the links.
    """
    view: Json = {"job_id": job.job_id, "status": job.status.value}
    if job.status is JobStatus.COMPLETED:
        view |= {"step": Step.DONE.value, "progress": 100, "output": links(job, files)}
    elif job.status is JobStatus.FAILED:
        error = job.error
        view |= {"error": error.message if error is not None else "The job failed", "progress": 0}
        if error is not None:
            view["error_detail"] = {"code": error.code, "stage": error.stage or None, "retryable": error.retryable}
    elif job.status is JobStatus.CANCELED:
        view |= {"progress": 0}
    else:
        view |= {"step": job.step.value, "progress": job.progress}
        found = links(job, files)
        view |= {name: found[name] for name in ("scene_url", "removed_bg_url") if name in found}
        if outlook.queue_position is not None:
            view["queue_position"] = outlook.queue_position
        if outlook.eta_seconds is not None:
            view["eta_seconds"] = outlook.eta_seconds
    view["stages"] = [
        {
            "name": stage.step.value,
            "status": stage.status.value,
            "started_at": moment(stage.started_ms),
            "ms": stage.ms if stage.status is StageStatus.DONE else None,
        }
        for stage in job.stages
    ]
    view["credits_refunded"] = job.credits_refunded
    view["created_at"] = moment(job.created_ms)
    if job.status is JobStatus.COMPLETED:
        if job.quality is not None:
            view["quality"] = asdict(job.quality)
        if job.delivery:
            view["delivery"] = dict(job.delivery)
        view["models"] = [_model(use) for use in job.models]
    return view


def links(job: Job, files: FileLinks) -> dict[str, str]:
    """``<name>_url`` of every artifact that the job has, the four of the public page first, and an STL's axes."""
    expires_at = job.expires_ms // 1000 or job.created_ms // 1000 + LIVE_LINK_S
    names = [name for name in FOUR if name in job.outputs] + sorted(set(job.outputs) - set(FOUR))
    found = {}
    for name in names:
        file = job.outputs[name]
        found[f"{name}_url"] = files.of(file.artifact, file.name, expires_at)
    if "stl" in job.outputs:
        found["stl_frame"] = STL_FRAME
    return found


def cancel_view(canceled: Canceled) -> Json:
    """The answer of a cancel."""
    return {
        "job_id": canceled.job_id,
        "status": canceled.status.value,
        "already_terminal": canceled.already_terminal,
        "credits_refunded": canceled.credits_refunded,
    }


def page_view(page: Page, outlooks: Sequence[Outlook], files: FileLinks) -> Json:
    """The answer of the list."""
    return {
        "jobs": [job_view(job, outlook, files) for job, outlook in zip(page.jobs, outlooks, strict=True)],
        "next_cursor": page.next_cursor or None,
    }


def account_view(account: Account) -> Json:
    """The answer of ``/v1/account``."""
    return {"balance": account.balance, "frozen": account.frozen, "limits": asdict(account.limits)}


def ledger_view(page: LedgerPage) -> Json:
    """The answer of ``/v1/account/ledger``."""
    return {"entries": [_entry(entry) for entry in page.entries], "next_cursor": page.next_cursor or None}


def moment(at_ms: int) -> str | None:
    """RFC 3339 in UTC with milliseconds; None for 0."""
    if not at_ms:
        return None
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _object(proposal: Proposal) -> Json:
    box = proposal.box
    return {
        "label": proposal.label,
        "category": proposal.category,
        "bbox": _corners(box),
    }


def _corners(box: Box) -> list[float]:
    return [round(side, BOX_DECIMALS) for side in (box.x1, box.y1, box.x2, box.y2)]


def _model(use: ModelUse) -> Json:
    return {
        "name": use.name,
        "version": use.version,
        "sha256": use.sha256,
        "license": use.license,
        "stage": use.stage,
    }


def _entry(entry: LedgerEntry) -> Json:
    return {
        "id": entry.entry_id,
        "at": moment(entry.at_ms),
        "kind": entry.kind.value,
        "amount": entry.amount,
        "balance": entry.balance,
        "reference": entry.reference,
        "memo": entry.memo,
    }
