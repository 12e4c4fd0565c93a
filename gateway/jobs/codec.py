"""Records <-> what lies in Redis: JSON documents and hashes of strings.

Readers take a missing optional field as its default, so that a job written by the release before can be read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from gateway.jobs.books import LedgerEntry
from gateway.jobs.branding import Branding, Logo
from gateway.jobs.photos import Choice, OrderedFrame, OrderedView, ViewCutout, ViewQuality
from gateway.jobs.records import (
    Account,
    ApiKey,
    Background,
    Job,
    JobError,
    KeptCutout,
    Limits,
    Order,
    OutputChoices,
    OutputFile,
    Quality,
    Session,
    Share,
    StageTiming,
    StillQuality,
)
from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import Box, Point, Proposal, SuggestedAction
from lensora.core.branding import LogoPlace
from lensora.core.size import Extent, RealSize
from lensora.core.steps import STAGES, JobStatus, StageStatus, Step
from lensora.core.words import (
    Aspect,
    BackgroundType,
    CameraMove,
    Corner,
    DeliveryStatus,
    LedgerKind,
    StillSubject,
    ViewOmission,
    ViewSide,
    WebhookEvent,
)

Hash = Mapping[str, str]


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """A hash from the flat list that a script returns."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def dump(value: Any) -> str:
    """Compact JSON, the same for the same value."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def order_to_json(order: Order) -> str:
    """An order as a document."""
    document = asdict(order)
    if order.output.aspect is Aspect.SQUARE:
        # A release before this one reads every name in ``output`` as a field, and has none of this name.
        del document["output"]["aspect"]
    return dump(document)


def order_from_json(text: str) -> Order:
    """The same order."""
    document = json.loads(text)
    background = document["background"]
    return Order(
        session_id=document["session_id"],
        object_index=document["object_index"],
        label=document["label"],
        photo=Artifact(**document["photo"]),
        photo_width=document["photo_width"],
        photo_height=document["photo_height"],
        box=Box(**document["box"]),
        background=background_from(background),
        camera=CameraMove(document.get("camera", CameraMove.TURNTABLE)),
        output=_output_from(document.get("output", {})),
        webhook_url=document.get("webhook_url", ""),
        webhook_events=tuple(WebhookEvent(event) for event in document.get("webhook_events", ())),
        session_models=models_from(document.get("session_models", ())),
        request_id=document.get("request_id", ""),
        traceparent=document.get("traceparent", ""),
        category=document.get("category", ""),
        points=tuple(Point(**row) for row in document.get("points", ())),
        cutout=Artifact(**document["cutout"]) if document.get("cutout") else None,
        cutout_models=models_from(document.get("cutout_models", ())),
        deliver_to=document.get("deliver_to", {}),
        test=document.get("test", False),
        real_size=_real_size(document.get("real_size")),
        views=tuple(_ordered_view(row) for row in document.get("views", ())),
        branding=_branding(document.get("branding")),
    )


def _ordered_view(row: Mapping[str, Any]) -> OrderedView:
    return OrderedView(
        view_id=row["view_id"],
        side=side_from(row["side"]),
        photo=Artifact(**row["photo"]),
        photo_width=row["photo_width"],
        photo_height=row["photo_height"],
        box=Box(**row["box"]),
        points=tuple(Point(**point) for point in row["points"]),
        models=models_from(row["models"]),
        frame=OrderedFrame(**row["frame"]) if row.get("frame") else None,
    )


def side_from(word: str | None) -> ViewSide | None:
    """The side of a further photo; None where it is not known."""
    return None if word is None else ViewSide(word)


def background_from(document: Mapping[str, Any]) -> Background:
    """A background from its document."""
    return Background(
        type=BackgroundType(document["type"]),
        url=document.get("url", ""),
        prompt=document.get("prompt", ""),
        backplate_id=document.get("backplate_id", ""),
        picture=Artifact(**document["picture"]) if document.get("picture") else None,
        color=document.get("color", ""),
    )


def logo_from(document: Mapping[str, Any] | None) -> Logo | None:
    """A logo from its document."""
    if document is None:
        return None
    place = document["place"]
    return Logo(
        picture=Artifact(**document["picture"]),
        width=document["width"],
        height=document["height"],
        place=LogoPlace(Corner(place["corner"]), place["size"]),
    )


def _branding(document: Mapping[str, Any] | None) -> Branding | None:
    if document is None:
        return None
    return Branding(document["name"], logo_from(document.get("logo")), document.get("end_color", ""))


def _real_size(document: Mapping[str, Any] | None) -> RealSize | None:
    return None if document is None else RealSize(Extent(document["extent"]), document["metres"])


def _output_from(document: Mapping[str, Any]) -> OutputChoices:
    if not document:
        return OutputChoices()
    aspect = Aspect(document.get("aspect", Aspect.SQUARE))
    known = {field.name: document[field.name] for field in fields(OutputChoices) if field.name in document}
    return OutputChoices(**{**known, "formats": tuple(document["formats"]), "aspect": aspect})


def session_to_json(session: Session) -> str:
    """What of a session is not a field of its hash."""
    return dump(
        {
            "photo": asdict(session.photo),
            "width": session.width,
            "height": session.height,
            "proposals": [asdict(proposal) for proposal in session.proposals],
            "suggested_actions": [asdict(action) for action in session.suggested_actions],
            "models": [asdict(use) for use in session.models],
            "detection_ms": session.detection_ms,
        }
    )


def session_from_hash(session_id: str, fields: Hash) -> Session:
    """A session from its hash."""
    document = json.loads(fields["document"])
    return Session(
        session_id=session_id,
        key_id=fields["key"],
        account_id=fields["account"],
        photo=Artifact(**document["photo"]),
        width=document["width"],
        height=document["height"],
        proposals=proposals_from(document["proposals"]),
        suggested_actions=tuple(SuggestedAction(**row) for row in document.get("suggested_actions", ())),
        models=models_from(document.get("models", ())),
        detection_ms=document.get("detection_ms", 0),
        created_ms=int(fields["created"]),
        expires_ms=int(fields["expires"]),
    )


def cutout_to_json(cutout: KeptCutout) -> str:
    """What of a cutout is not a field of its hash."""
    return dump(
        {
            "choice": asdict(cutout.choice),
            "artifact": asdict(cutout.artifact),
            "confidence": cutout.confidence,
            "uncertain": cutout.uncertain,
            "models": [asdict(use) for use in cutout.models],
        }
    )


def cutout_from_hash(cutout_id: str, fields: Hash) -> KeptCutout:
    """A cutout from its hash."""
    document = json.loads(fields["document"])
    return KeptCutout(
        cutout_id=cutout_id,
        session_id=fields["session"],
        key_id=fields["key"],
        account_id=fields["account"],
        choice=choice_from(document["choice"]),
        artifact=Artifact(**document["artifact"]),
        confidence=document["confidence"],
        uncertain=document["uncertain"],
        models=models_from(document["models"]),
    )


def choice_from(document: Mapping[str, Any]) -> Choice:
    """Which thing of a photo is meant."""
    return Choice(
        object_index=document["object_index"],
        label=document["label"],
        category=document["category"],
        box=Box(**document["box"]),
        points=tuple(Point(**row) for row in document["points"]),
    )


def proposals_from(rows: Any) -> tuple[Proposal, ...]:
    """What was found in a photo."""
    return tuple(
        Proposal(label=row["label"], category=row["category"], box=Box(**row["box"]), score=row["score"])
        for row in rows
    )


def output_field(name: str, file: OutputFile) -> tuple[str, str]:
    """The hash field of a finished artifact."""
    return f"output:{name}", dump({"artifact": asdict(file.artifact), "name": file.name})


def models_field(step: Step, models: Sequence[ModelUse]) -> tuple[str, str]:
    """The hash field of what made a stage's output."""
    return f"models:{step}", dump([asdict(use) for use in models])


def delivery_of(fields: Hash) -> Mapping[str, DeliveryStatus]:
    """What ``delivery_field`` wrote; empty where nothing was to be delivered."""
    return {name: DeliveryStatus(word) for name, word in json.loads(fields.get("delivery", "{}")).items()}


def delivery_field(delivery: Mapping[str, DeliveryStatus]) -> tuple[str, str]:
    """The hash field of what was sent to the customer's storage."""
    return "delivery", dump(dict(delivery))


def quality_field(quality: Quality) -> tuple[str, str]:
    """The hash field of a mesh's fidelity; those of further photos and of the still have fields of their own."""
    return "quality", dump({name: value for name, value in asdict(quality).items() if name not in ("views", "still")})


def view_quality_fields(views: Sequence[ViewQuality]) -> tuple[tuple[str, str], ...]:
    """The hash fields of what became of the further photos.

    A release before this one reads every name in a row of ``view_quality`` as a field, and has none of the others.
    """
    rows, details = [], {}
    for view in views:
        row = asdict(view)
        detail = {name: value for name in ("reason", "frames_used") if (value := row.pop(name)) is not None}
        rows.append(row)
        if detail:
            details[view.view_id] = detail
    return ("view_quality", dump(rows)), *((("view_details", dump(details)),) if details else ())


def still_quality_field(still: StillQuality) -> tuple[str, str]:
    """The hash field of a still on a picture whose camera is not the photo's."""
    return "still_quality", dump(asdict(still))


VIEW_CUTOUT = "view_cutout:"


def view_cutout_field(view_id: str, cutout: ViewCutout) -> tuple[str, str]:
    """The hash field of a further photo's cutout."""
    return f"{VIEW_CUTOUT}{view_id}", dump(asdict(cutout))


def job_from_hash(job_id: str, fields: Hash) -> Job:
    """A job from its hash."""
    order = order_from_json(fields["order"])
    models = list(order.session_models)
    for view in order.views:
        models += [use for use in view.models if use not in models]
    for step in STAGES:
        models += [use for use in models_from(json.loads(fields.get(f"models:{step}", "[]"))) if use not in models]
    return Job(
        job_id=job_id,
        key_id=fields["key"],
        account_id=fields["account"],
        order=order,
        status=JobStatus(fields["status"]),
        step=Step(fields["step"]),
        progress=int(fields["progress"]),
        version=int(fields["version"]),
        sequence=int(fields["sequence"]),
        price=int(fields["price"]),
        credits_refunded=int(fields["refunded"]),
        attempts=int(fields["attempts"]),
        created_ms=int(fields["created"]),
        started_ms=int(fields["started"]),
        ended_ms=int(fields["ended"]),
        deadline_ms=int(fields["deadline"]),
        expires_ms=int(fields["expires"]),
        parent_id=fields.get("parent", ""),
        outputs=outputs_of(fields),
        stages=tuple(_timing(step, fields.get(f"stage:{step}", "")) for step in STAGES),
        error=error_of(fields),
        delivery=delivery_of(fields),
        quality=_quality(fields),
        models=tuple(models),
        share=_share(fields),
        view_cutouts={
            name.removeprefix(VIEW_CUTOUT): _view_cutout(json.loads(text))
            for name, text in fields.items()
            if name.startswith(VIEW_CUTOUT)
        },
        batch_id=fields.get("batch", ""),
    )


def account_from_hash(account_id: str, fields: Hash, defaults: Limits) -> Account:
    """An account from its hash; limits that it has not of its own are the installation's."""
    return Account(
        account_id=account_id,
        name=fields.get("name", ""),
        balance=int(fields["balance"]),
        frozen=fields.get("frozen", "0") == "1",
        limits=Limits(
            live_jobs=int(fields.get("live_jobs", defaults.live_jobs)),
            requests_per_minute=int(fields.get("requests_per_minute", defaults.requests_per_minute)),
            running_jobs=int(fields.get("running_jobs", defaults.running_jobs)),
            weight=float(fields.get("weight", defaults.weight)),
        ),
        created_ms=int(fields["created"]),
    )


def key_from_hash(key_id: str, fields: Hash) -> ApiKey:
    """A key from its hash."""
    return ApiKey(
        key_id=key_id,
        account_id=fields["account"],
        name=fields.get("name", ""),
        hint=fields.get("hint", ""),
        created_ms=int(fields["created"]),
        revoked_ms=int(fields.get("revoked", "0")),
    )


def ledger_entry(entry_id: str, fields: Hash) -> LedgerEntry:
    """A line of a ledger from its stream entry."""
    return LedgerEntry(
        entry_id=entry_id,
        kind=LedgerKind(fields["kind"]),
        amount=int(fields["amount"]),
        balance=int(fields["balance"]),
        reference=fields["reference"],
        memo=fields["memo"],
        at_ms=int(entry_id.partition("-")[0]),
    )


def models_from(rows: Any) -> tuple[ModelUse, ...]:
    """What made something."""
    return tuple(ModelUse(**row) for row in rows)


def outputs_of(fields: Hash) -> dict[str, OutputFile]:
    """The finished artifacts among a job's fields, by their public names."""
    outputs = {}
    for field, value in fields.items():
        if field.startswith("output:"):
            document = json.loads(value)
            outputs[field.removeprefix("output:")] = OutputFile(Artifact(**document["artifact"]), document["name"])
    return outputs


def _view_cutout(document: Mapping[str, Any]) -> ViewCutout:
    artifact = document["artifact"]
    return ViewCutout(Artifact(**artifact) if artifact else None, models_from(document["models"]))


def _view_quality(row: Mapping[str, Any], detail: Mapping[str, Any]) -> ViewQuality:
    reason = detail.get("reason")
    return ViewQuality(
        **{**row, "side": side_from(row["side"])},
        reason=None if reason is None else ViewOmission(reason),
        frames_used=detail.get("frames_used"),
    )


def _quality(fields: Hash) -> Quality | None:
    if "quality" not in fields:
        return None
    rows = json.loads(fields.get("view_quality", "[]"))
    details = json.loads(fields.get("view_details", "{}"))
    views = tuple(_view_quality(row, details.get(row["view_id"], {})) for row in rows)
    return Quality(**json.loads(fields["quality"]), views=views, still=_still_quality(fields))


def _still_quality(fields: Hash) -> StillQuality | None:
    if "still_quality" not in fields:
        return None
    document = json.loads(fields["still_quality"])
    return StillQuality(document["pitch_gap_deg"], StillSubject(document["shows"]))


def _share(fields: Hash) -> Share | None:
    if "share_token" not in fields:
        return None
    return Share(
        token=fields["share_token"],
        expires_ms=int(fields["share_expires"]),
        downloads=fields["share_downloads"] == "1",
        listed=fields["share_listed"] == "1",
    )


def _timing(step: Step, value: str) -> StageTiming:
    if not value:
        return StageTiming(step, StageStatus.PENDING)
    status, started_ms, ms = value.split(",")
    return StageTiming(step, StageStatus(status), int(started_ms), int(ms))


def error_of(fields: Hash) -> JobError | None:
    """Why a job failed, from its fields; None where it has not."""
    if "error_message" not in fields:
        return None
    return JobError(
        message=fields["error_message"],
        code=fields["error_code"],
        stage=fields["error_stage"],
        retryable=fields["error_retryable"] == "1",
    )
