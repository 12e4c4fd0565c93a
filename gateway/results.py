"""A job's record as the public ``Result``: what the poll, the stream, the list and the webhook say. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.jobs.photos import OrderedView, ViewCutout, ViewQuality
from gateway.jobs.records import Background, Job, Outlook, OutputChoices, Quality, Share, StageTiming
from gateway.links import FileLinks
from lensora.contract import answers
from lensora.contract.quality import QualityReport, StillReport, ViewReport
from lensora.contract.shapes import moment
from lensora.core.artifacts import STL_FRAME, ModelUse
from lensora.core.steps import JobStatus, StageStatus, Step
from lensora.core.words import OutputFormat, ViewOmission

LIVE_LINK_S = 24 * 3600
"""Links of a job that still runs hold for a day from its start, however long it has waited: with the usual settings no
job runs so long. Those of an ended job hold until it is deleted, so they never change once it has ended."""

EARLY = ("scene_url", "removed_bg_url")
"""Links that the poll of a running job has already, as soon as their files exist."""


MESH = "mesh"
"""The service that is given the further photos, as its models name it."""

OMITTED: Mapping[str, str] = {
    ViewOmission.NOTHING_FOUND: "No subject was found in this photo. Draw a box around it, or take another photo.",
    ViewOmission.SIDE_UNCLEAR: "Nobody said which side this photo shows, and no side is clearly it. Name the side.",
    ViewOmission.DISAGREES: "The outline in this photo does not fit the other photos. Check its side and its box.",
    ViewOmission.NO_PLACE: "This close-up was not recognised on the other photos, or is no sharper than they are.",
    ViewOmission.TURN_UNCLEAR: "It is not clear which way the film turns. Film one full turn from the front on.",
    ViewOmission.UNSUPPORTED: "The mesh backend of this installation makes models from one photo.",
}
"""Sentences for a person, and what would help."""

OMITTED_FILM: Mapping[str, str] = {
    **OMITTED,
    ViewOmission.NOTHING_FOUND: "No subject was found in the film's pictures. Film it before a plain background.",
    ViewOmission.DISAGREES: "What the film shows does not fit the photo. Film the same thing, slowly and evenly, all "
    "of it in the picture.",
}
"""The same for a film of a turn."""

_NOT_CUT = ViewCutout(None)


def result_of(job: Job, outlook: Outlook, files: FileLinks) -> answers.Result:
    """The job as the public contract tells it.

    Args:
        job: as the store has it.
        outlook: its place in the queue; both None for a job that has ended.
        files: makes the links.
    """
    return answers.Result(
        job_id=job.job_id,
        status=job.status,
        stages=tuple(_stage(stage) for stage in job.stages),
        credits_refunded=job.credits_refunded,
        created_at=moment(job.created_ms),
        credits_used=job.price,
        order=_ordered(job),
        **_within(job),
        **_of_status(job, outlook, files),
    )


def _within(job: Job) -> dict[str, Any]:
    """The batch that it was ordered in, where there is one."""
    return {"batch_id": job.batch_id} if job.batch_id else {}


def _of_status(job: Job, outlook: Outlook, files: FileLinks) -> dict[str, Any]:
    """The fields that a job has in its status only."""
    match job.status:
        case JobStatus.COMPLETED:
            fields = {"step": Step.DONE, "progress": 100, "output": answers.Output(**_links(job, files))}
            if job.quality is not None:
                fields["quality"] = QualityReport(**_given(job.quality))
            if job.delivery:
                fields["delivery"] = dict(job.delivery)
            if job.share is not None:
                fields["share"] = share_of(job.share, files.public_url)
            return fields | {"models": tuple(_model(use, job) for use in job.models)}
        case JobStatus.FAILED:
            error = job.error
            if error is None:
                return {"error": "The job failed", "progress": 0}
            detail = answers.ErrorDetail(code=error.code, stage=error.stage or None, retryable=error.retryable)
            return {"error": error.message, "progress": 0, "error_detail": detail}
        case JobStatus.CANCELED:
            return {"progress": 0}
    links = _links(job, files)
    fields = {"step": job.step, "progress": job.progress}
    fields |= {name: links[name] for name in EARLY if name in links}
    return fields | {name: value for name, value in asdict(outlook).items() if value is not None}


def _links(job: Job, files: FileLinks) -> dict[str, str]:
    """``<name>_url`` of every artifact that the job has, and an STL's axes."""
    expires_at = job.expires_ms // 1000 or (job.started_ms or job.created_ms) // 1000 + LIVE_LINK_S
    links = {f"{name}_url": files.of(file.artifact, file.name, expires_at) for name, file in job.outputs.items()}
    return links | ({"stl_frame": STL_FRAME} if "stl" in job.outputs else {})


def share_of(share: Share, public_url: str) -> answers.Share:
    """How a job is shown, as the public contract tells it."""
    url = f"{public_url}/s/{share.token}"
    return answers.Share(
        share_url=url,
        embed_url=f"{url}/embed",
        expires_at=moment(share.expires_ms),
        downloads=share.downloads,
        listed=share.listed,
    )


def _ordered(job: Job) -> answers.Ordered:
    order = job.order
    further: dict[str, Any] = {"rendered_from": job.parent_id} if job.parent_id else {}
    if order.branding:
        further["brand"] = order.branding.name
    if order.views:
        named = {view.view_id: _named(view) for view in order.views}
        further["views"] = tuple(answers.OrderedView(**view) for view in named.values())
    return answers.Ordered(
        session_id=order.session_id,
        label=order.label,
        background=background_of(order.background),
        camera_preset=order.camera,
        output=ordered_output(order.output),
        **further,
    )


def _named(view: OrderedView) -> dict[str, Any]:
    return {"view_id": view.view_id} | ({} if view.side is None else {"side": view.side})


def _given(quality: Quality) -> dict[str, Any]:
    """What of a report is known; that of further photos where there are any."""
    known: dict[str, Any] = asdict(quality)
    agreement = {name: value for name, value in known.items() if value is not None and name not in ("views", "still")}
    if quality.still is not None:
        agreement["still"] = StillReport(**asdict(quality.still))
    if quality.views:
        agreement["views"] = tuple(
            ViewReport(**{name: value for name, value in _reported(view).items() if value is not None})
            for view in quality.views
        )
    return agreement


def _reported(view: ViewQuality) -> dict[str, Any]:
    sentences = OMITTED if view.frames_used is None else OMITTED_FILM
    message = None if view.reason is None else sentences[view.reason]
    return {**asdict(view), "message": message}


def background_of(background: Background) -> answers.OrderedBackground:
    """A background, as the public contract tells it."""
    told = {
        "prompt": background.prompt,
        "url": background.url,
        "backplate_id": background.backplate_id,
        "value": background.color,
    }
    return answers.OrderedBackground(type=background.type, **{name: value for name, value in told.items() if value})


def ordered_output(output: OutputChoices) -> answers.OrderedOutput:
    """The choices of a film as the public contract tells them."""
    return answers.OrderedOutput(
        aspect=output.aspect,
        size=output.size,
        fps=output.fps,
        seconds=output.seconds,
        formats=tuple(OutputFormat(name) for name in output.formats),
    )


def _stage(stage: StageTiming) -> answers.StageReport:
    return answers.StageReport(
        name=stage.step,
        status=stage.status,
        started_at=moment(stage.started_ms) if stage.started_ms else None,
        ms=stage.ms if stage.status is StageStatus.DONE else None,
    )


def _model(use: ModelUse, job: Job) -> answers.BilledModel:
    views = _views_of(use, job)
    return answers.BilledModel(
        name=use.name,
        version=use.version,
        sha256=use.sha256,
        license=use.license,
        stage=use.stage,
        **({"views": views} if views else {}),
    )


def _views_of(use: ModelUse, job: Job) -> tuple[str, ...]:
    """Ids of the further photos that a model worked on: it looked for things in them, cut them out, or was given them
    for the model's shape and colours."""
    fused = {view.view_id for view in job.quality.views if view.used} if job.quality is not None else set()
    return tuple(
        dict.fromkeys(
            view.view_id
            for view in job.order.views
            if use in view.models
            or use in job.view_cutouts.get(view.key, _NOT_CUT).models
            or (use.stage == MESH and view.view_id in fused)
        )
    )
