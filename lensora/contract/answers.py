"""What the API answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from lensora.core.boxes import Category
from lensora.core.steps import JobStatus, StageStatus, Step
from lensora.core.words import LedgerKind


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, use_attribute_docstrings=True)


class DetectedObject(_Answer):
    """One thing in the photo that can be picked."""

    label: str
    category: Category
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    """[x1, y1, x2, y2], fractions of the upright image, origin top left."""


class SuggestedAction(_Answer):
    """A problem of the photo that you can act on."""

    code: str
    message: str


class SessionAnswer(_Answer):
    """A photo with what was found in it; kept 24 h."""

    session_id: str
    source_url: str
    objects: list[DetectedObject]
    """Best first; the last is always the entire image."""
    suggested_actions: list[SuggestedAction]
    credits_used: int
    vlm_elapsed_ms: int


class CutoutAnswer(_Answer):
    """A cutout to look at; it lives as long as its session."""

    cutout_id: str
    session_id: str
    cutout_url: str
    """PNG with alpha, the extent of ``crop``."""
    bbox: Annotated[list[float], Field(min_length=4, max_length=4)]
    """The box that was cut out of, grown to the points that belong."""
    crop: Annotated[list[float], Field(min_length=4, max_length=4)]
    """That box with air around it: where the cutout lies in the photo."""
    confidence: Annotated[float, Field(ge=0.0, le=1.0)]
    """How likely the cutout is right, as measured on photos with known truth."""
    suggested_actions: list[SuggestedAction]
    """``cutout_uncertain`` when you should look at it."""
    credits_used: int


class TicketAnswer(_Answer):
    """The job is accepted and paid."""

    job_id: str
    status: Literal[JobStatus.QUEUED]
    credits_used: int
    estimated_seconds: int
    poll_url: str
    """A path: poll it until the job has ended."""


class OutputAnswer(_Answer):
    """Links to the artifacts; they open without an API key until they expire."""

    mp4_url: str
    """The film: H.264, 24 fps, 4 s, 768 x 768."""
    glb_url: str
    """The textured 3D model."""
    scene_url: str
    """The composited still."""
    removed_bg_url: str
    """The cutout: PNG with alpha."""
    webm_alpha_url: str | None = None
    gif_url: str | None = None
    poster_url: str | None = None
    usdz_url: str | None = None
    obj_url: str | None = None
    stl_url: str | None = None


class StageAnswer(_Answer):
    """One stage of a job; ``ms`` is its time, once done."""

    name: Step
    status: StageStatus
    started_at: str | None
    ms: int | None


class ErrorDetailAnswer(_Answer):
    """Why a job failed, for programs."""

    code: str
    stage: str | None
    retryable: bool


class QualityAnswer(_Answer):
    """How well the model, seen from the photo's own view, agrees with the photo."""

    silhouette_iou: float
    image_similarity: float


class ModelAnswer(_Answer):
    """One net or method that helped make the job."""

    name: str
    version: str
    sha256: str
    license: str
    stage: str


class JobAnswer(_Answer):
    """A job as it is now. Fields that do not apply to its status are left out."""

    job_id: str
    status: JobStatus
    step: Step | None = None
    progress: Annotated[int, Field(ge=0, le=100)]
    """Never goes down while the job lives; 100 exactly when completed, 0 when failed."""
    error: str | None = None
    """A short sentence for a person."""
    error_detail: ErrorDetailAnswer | None = None
    scene_url: str | None = None
    """As soon as it exists."""
    removed_bg_url: str | None = None
    """As soon as it exists."""
    output: OutputAnswer | None = None
    queue_position: int | None = None
    eta_seconds: int | None = None
    stages: list[StageAnswer]
    credits_refunded: int
    created_at: str
    quality: QualityAnswer | None = None
    models: list[ModelAnswer] | None = None


class CancelAnswer(_Answer):
    """What the cancel did."""

    job_id: str
    status: JobStatus
    already_terminal: bool
    credits_refunded: int


class JobPageAnswer(_Answer):
    """Jobs of this key, newest first."""

    jobs: list[JobAnswer]
    next_cursor: str | None


class LimitsAnswer(_Answer):
    """What the account may do."""

    live_jobs: int
    requests_per_minute: int


class AccountAnswer(_Answer):
    """The account behind the key."""

    balance: int
    """Credits."""
    frozen: bool
    """True while the account may not spend."""
    limits: LimitsAnswer


class LedgerEntryAnswer(_Answer):
    """One movement of credits."""

    id: str
    at: str
    kind: LedgerKind
    amount: int
    """Negative for a charge."""
    balance: int
    """After this movement."""
    reference: str
    """The session or job it is about."""
    memo: str


class LedgerAnswer(_Answer):
    """Movements, newest first."""

    entries: list[LedgerEntryAnswer]
    next_cursor: str | None


class WebhookSecretAnswer(_Answer):
    """The secret that signs the account's webhooks (Standard Webhooks)."""

    secret: str


class ProblemAnswer(_Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    """A sentence that names the field, the limit and the value given."""
    code: str
    """Stable; programs branch on it."""
    request_id: str


class HealthAnswer(_Answer):
    """This process lives."""

    status: Literal["ok"]
    version: str


class ReadinessAnswer(_Answer):
    """What this process needs, and whether it answers."""

    status: Literal["ready", "unready", "draining"]
    checks: dict[str, str]
