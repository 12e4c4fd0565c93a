"""What the API answers, as frozen dataclasses. ``raw`` is the JSON as it came, with fields that are not known here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from lensora.core.boxes import Box
from lensora.core.steps import JobStatus

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DetectedObject:
    """One thing in the photo that can be picked; ``box`` in fractions of the upright image."""

    label: str
    category: str
    box: Box


@dataclass(frozen=True, slots=True)
class SuggestedAction:
    """A problem of the photo that the user can act on."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Session:
    """The answer of ``/init``: objects are best first, the entire image is last."""

    session_id: str
    source_url: str
    objects: tuple[DetectedObject, ...]
    suggested_actions: tuple[SuggestedAction, ...]
    credits_used: int
    vlm_elapsed_ms: int
    raw: Json = field(repr=False)

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(
            session_id=str(raw["session_id"]),
            source_url=str(raw["source_url"]),
            objects=tuple(
                DetectedObject(str(entry["label"]), str(entry["category"]), Box(*entry["bbox"]))
                for entry in raw["objects"]
            ),
            suggested_actions=tuple(
                SuggestedAction(str(entry["code"]), str(entry["message"])) for entry in raw["suggested_actions"]
            ),
            credits_used=int(raw["credits_used"]),
            vlm_elapsed_ms=int(raw["vlm_elapsed_ms"]),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Cutout:
    """The answer of ``/cutout``: a cutout to look at, which ``/transform`` takes by its id.

    Attributes:
        cutout_url: PNG with alpha, the extent of ``crop``; opens without an API key until the session ends.
        box: what was cut out of, in fractions of the upright image.
        crop: that box with air around it.
        confidence: how likely the cutout is right, 0..1.
    """

    cutout_id: str
    session_id: str
    cutout_url: str
    box: Box
    crop: Box
    confidence: float
    suggested_actions: tuple[SuggestedAction, ...]
    credits_used: int
    raw: Json = field(repr=False)

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(
            cutout_id=str(raw["cutout_id"]),
            session_id=str(raw["session_id"]),
            cutout_url=str(raw["cutout_url"]),
            box=Box(*raw["bbox"]),
            crop=Box(*raw["crop"]),
            confidence=float(raw["confidence"]),
            suggested_actions=tuple(
                SuggestedAction(str(entry["code"]), str(entry["message"])) for entry in raw["suggested_actions"]
            ),
            credits_used=int(raw["credits_used"]),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class JobTicket:
    """The answer of ``/transform``: the job is accepted and paid."""

    job_id: str
    status: JobStatus
    credits_used: int
    estimated_seconds: int
    poll_url: str
    raw: Json = field(repr=False)

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(
            job_id=str(raw["job_id"]),
            status=JobStatus(raw["status"]),
            credits_used=int(raw["credits_used"]),
            estimated_seconds=int(raw["estimated_seconds"]),
            poll_url=str(raw["poll_url"]),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Output:
    """URLs of the artifacts; they open without an API key until they expire. ``extra``: what was asked for beside."""

    mp4_url: str
    glb_url: str
    scene_url: str
    removed_bg_url: str
    extra: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, raw: Json) -> Self:
        four = {name: str(raw[name]) for name in ("mp4_url", "glb_url", "scene_url", "removed_bg_url")}
        extra = {name: url for name, url in raw.items() if name not in four and isinstance(url, str)}
        return cls(**four, extra=extra)

    def urls(self) -> dict[str, str]:
        """Every file by its name without ``_url``: ``mp4``, ``glb``, ``scene``, ``removed_bg``, and the extra ones."""
        four = {
            "mp4": self.mp4_url,
            "glb": self.glb_url,
            "scene": self.scene_url,
            "removed_bg": self.removed_bg_url,
        }
        return four | {name.removesuffix("_url"): url for name, url in self.extra.items()}


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage of a job: ``status`` is pending, running, done or reused; ``ms`` is the time it took, once done."""

    name: str
    status: str
    started_at: str | None
    ms: int | None


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """Why a job failed, for programs."""

    code: str
    stage: str | None
    retryable: bool


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of the poll. Fields that do not apply to the status are None."""

    job_id: str
    status: JobStatus
    progress: int
    step: str | None
    scene_url: str | None
    removed_bg_url: str | None
    output: Output | None
    error: str | None
    error_detail: ErrorDetail | None
    queue_position: int | None
    eta_seconds: int | None
    stages: tuple[StageReport, ...]
    credits_refunded: int
    raw: Json = field(repr=False)

    @property
    def terminal(self) -> bool:
        """True when the job will not change any more."""
        return self.status.terminal

    @classmethod
    def parse(cls, raw: Json) -> Self:
        detail, output = raw.get("error_detail"), raw.get("output")
        return cls(
            job_id=str(raw["job_id"]),
            status=JobStatus(raw["status"]),
            progress=int(raw["progress"]),
            step=raw.get("step"),
            scene_url=raw.get("scene_url"),
            removed_bg_url=raw.get("removed_bg_url"),
            output=Output.parse(output) if output else None,
            error=raw.get("error"),
            error_detail=(
                ErrorDetail(str(detail["code"]), detail.get("stage"), bool(detail["retryable"])) if detail else None
            ),
            queue_position=raw.get("queue_position"),
            eta_seconds=raw.get("eta_seconds"),
            stages=tuple(
                StageReport(str(stage["name"]), str(stage["status"]), stage.get("started_at"), stage.get("ms"))
                for stage in raw.get("stages", ())
            ),
            credits_refunded=int(raw.get("credits_refunded", 0)),
            raw=raw,
        )


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The answer of a cancel: ``already_terminal`` when the job had ended before."""

    job_id: str
    status: JobStatus
    already_terminal: bool
    credits_refunded: int

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(
            str(raw["job_id"]), JobStatus(raw["status"]), bool(raw["already_terminal"]), int(raw["credits_refunded"])
        )


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, newest first; ``next_cursor`` is None on the last page."""

    jobs: tuple[Result, ...]
    next_cursor: str | None

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(tuple(Result.parse(job) for job in raw["jobs"]), raw.get("next_cursor"))


@dataclass(frozen=True, slots=True)
class Account:
    """The account behind the key: its balance in credits, whether it is frozen, and its limits."""

    balance: int
    frozen: bool
    limits: Mapping[str, int]

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(int(raw["balance"]), bool(raw["frozen"]), dict(raw["limits"]))


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One movement of credits: ``amount`` is negative for a charge; ``balance`` is what was left after it."""

    entry_id: str
    at: str
    kind: str
    amount: int
    balance: int
    reference: str
    memo: str

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(
            entry_id=str(raw["id"]),
            at=str(raw["at"]),
            kind=str(raw["kind"]),
            amount=int(raw["amount"]),
            balance=int(raw["balance"]),
            reference=str(raw.get("reference", "")),
            memo=str(raw.get("memo", "")),
        )


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some movements, newest first; ``next_cursor`` is None on the last page."""

    entries: tuple[LedgerEntry, ...]
    next_cursor: str | None

    @classmethod
    def parse(cls, raw: Json) -> Self:
        return cls(tuple(LedgerEntry.parse(entry) for entry in raw["entries"]), raw.get("next_cursor"))
