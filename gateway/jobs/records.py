"""What the gateway remembers: accounts, keys, sessions, jobs and money. Frozen values without behaviour of their own.

Times are Unix milliseconds (``*_ms``) from Redis's clock, so that every process agrees on them. Credits are whole
numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.jobs.branding import Branding
from gateway.jobs.photos import Choice, OrderedView, ViewCutout, ViewQuality
from lensora.core.artifacts import Artifact, ModelUse
from lensora.core.boxes import Box, Point, Proposal, SuggestedAction
from lensora.core.size import RealSize
from lensora.core.steps import JobStatus, StageStatus, Step
from lensora.core.words import (
    Aspect,
    BackgroundType,
    CameraMove,
    DeliveryStatus,
    OutputFormat,
    StillSubject,
    WebhookEvent,
)

INIT_CREDITS = 5
"""Price of a session (the public page's price table)."""
CUTOUT_CREDITS = 5
"""Price of a cutout that a person can look at before the film."""
VIEW_CREDITS = 2
"""Price of a further photo of a session."""
TURN_CREDITS = 10
"""Price of a film of the thing turning: that of five further photos. Eight of its pictures are looked at."""
TRANSFORM_CREDITS = 75
"""Price of a job (the public page's price table)."""
RENDER_CREDITS = 25
"""Price of filming a kept mesh again: the cutout and the mesh, about two thirds of the work, are not done again."""

DEFAULT_LIVE_JOBS = 1_000
"""Jobs of one account that may be queued or running; an account may have its own number."""
DEFAULT_RUNNING_JOBS = 100
"""Jobs of one account that run at a time; an account may have its own number."""
DEFAULT_REQUESTS_PER_MINUTE = 6_000
"""Requests of one account per minute; an account may have its own number."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one account may do.

    Attributes:
        live_jobs: jobs that may be queued or running at a time.
        requests_per_minute: refill rate and size of the account's token bucket.
        running_jobs: jobs that may run at a time; further ones wait.
        weight: turns in the queue beside other accounts: one of 2 gets twice the work done of one of 1.
    """

    live_jobs: int = DEFAULT_LIVE_JOBS
    requests_per_minute: int = DEFAULT_REQUESTS_PER_MINUTE
    running_jobs: int = DEFAULT_RUNNING_JOBS
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Account:
    """Who pays. ``frozen`` is True while the account may not spend."""

    account_id: str
    name: str
    balance: int
    frozen: bool
    limits: Limits
    created_ms: int


TEST_PREFIX = "lsk_test_"
"""What the secret of a test key starts with, and so its hint: nothing is charged, and what is made bears a mark."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret: only the secret's SHA-256 is kept. ``revoked_ms`` is 0 while the key works."""

    key_id: str
    account_id: str
    name: str
    hint: str
    created_ms: int
    revoked_ms: int = 0

    @property
    def test(self) -> bool:
        """True for a test key. Hints of others are shorter than its prefix, so none can look like one."""
        return self.hint.startswith(TEST_PREFIX)

    def owes(self, price: int) -> int:
        """Credits that a call with this price costs whoever has this key."""
        return 0 if self.test else price


@dataclass(frozen=True, slots=True)
class Session:
    """A photo with what was found in it; readable only with the key that made it.

    Attributes:
        photo: the photo as it was uploaded, in the artifact store under ``sessions/<session_id>/``.
        width: of the upright photo, pixels.
        height: of the upright photo, pixels.
        proposals: best first, the full frame last.
        models: what made the proposals.
    """

    session_id: str
    key_id: str
    account_id: str
    photo: Artifact
    width: int
    height: int
    proposals: tuple[Proposal, ...]
    suggested_actions: tuple[SuggestedAction, ...] = ()
    models: tuple[ModelUse, ...] = ()
    detection_ms: int = 0
    created_ms: int = 0
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class KeptCutout:
    """A cutout that was made to be looked at; lives as long as its session, readable only with the key that made it.

    Attributes:
        artifact: RGBA PNG, in the artifact store under ``sessions/<session_id>/``.
        confidence: how likely it is right, 0..1.
        uncertain: True when a person should look at it.
        models: what made it.
    """

    cutout_id: str
    session_id: str
    key_id: str
    account_id: str
    choice: Choice
    artifact: Artifact
    confidence: float
    uncertain: bool
    models: tuple[ModelUse, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptBackplate:
    """A picture that was uploaded to film in front of; kept as long as a session, readable only with its key.

    Attributes:
        picture: in the artifact store under ``backplates/<backplate_id>/``.
        width: of the upright picture, pixels.
        height: of the upright picture, pixels.
    """

    backplate_id: str
    key_id: str
    account_id: str
    picture: Artifact
    width: int
    height: int
    expires_ms: int = 0


@dataclass(frozen=True, slots=True)
class Background:
    """Where the subject is put.

    Attributes:
        url: of ``image``, where the picture lies outside.
        prompt: of ``prompt``.
        backplate_id: of ``image``, where the picture was uploaded.
        picture: that picture, as it was uploaded.
        color: of ``color``, as ``#rrggbb``.
    """

    type: BackgroundType
    url: str = ""
    prompt: str = ""
    backplate_id: str = ""
    picture: Artifact | None = None
    color: str = ""


@dataclass(frozen=True, slots=True)
class OutputChoices:
    """What the finished job holds; the defaults are the public page's.

    Attributes:
        size: longer side of the film, even pixels.
        fps: frames per second.
        seconds: length of the film.
        formats: words of ``OutputFormat``; mp4 and glb are always made.
        max_glb_bytes: most bytes of the GLB; 0 means the mesh service's default.
        aspect: width to height of film and still.
    """

    size: int = 768
    fps: int = 24
    seconds: float = 4.0
    formats: tuple[str, ...] = (OutputFormat.MP4, OutputFormat.GLB)
    max_glb_bytes: int = 0
    aspect: Aspect = Aspect.SQUARE

    @property
    def frame(self) -> tuple[int, int]:
        """Width and height of the film, even pixels."""
        return self.aspect.pixels(self.size)


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that a worker must know to do a job; it never changes.

    Attributes:
        photo: the session's photo.
        photo_width: of the upright photo, pixels.
        photo_height: of the upright photo, pixels.
        box: the chosen object's own box, not padded.
        label: the chosen object's label; names the model inside the GLB.
        session_models: what made the session's proposals; first rows of the bill of models.
        request_id: of the request that ordered it; goes with every call to a service.
        traceparent: the request's span (W3C Trace Context); empty while tracing is off.
        category: the chosen object's category; tells the mesh stage what its far side looks like.
        deliver_to: name of a file to the presigned URL that it is put to.
        test: ordered with a test key: the cutout, and so all that is made of it, bears a mark.
        points: what a person said of single places of the photo.
        cutout: RGBA PNG that was made before and is used as it is; None means that the job makes its own.
        cutout_models: what made it.
        real_size: of the thing; None where the customer does not say.
        views: further photos of the thing, in the order in which they were added.
        branding: what a brand adds; None where none was named.
    """

    session_id: str
    object_index: int
    label: str
    photo: Artifact
    photo_width: int
    photo_height: int
    box: Box
    background: Background
    camera: CameraMove = CameraMove.TURNTABLE
    output: OutputChoices = field(default_factory=OutputChoices)
    webhook_url: str = ""
    webhook_events: tuple[WebhookEvent, ...] = ()
    session_models: tuple[ModelUse, ...] = ()
    request_id: str = ""
    traceparent: str = ""
    category: str = ""
    points: tuple[Point, ...] = ()
    cutout: Artifact | None = None
    cutout_models: tuple[ModelUse, ...] = ()
    deliver_to: Mapping[str, str] = field(default_factory=dict)
    test: bool = False
    real_size: RealSize | None = None
    views: tuple[OrderedView, ...] = ()
    branding: Branding | None = None


@dataclass(frozen=True, slots=True)
class StageTiming:
    """One stage of a job; times are 0 while unknown. ``ms`` is the time of the run that finished."""

    step: Step
    status: StageStatus
    started_ms: int = 0
    ms: int = 0


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A finished artifact of a job, and the name under which it is downloaded, such as ``turntable.mp4``."""

    artifact: Artifact
    name: str


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed.

    Attributes:
        message: a short sentence for a person, such as ``3D generation timeout``.
        code: a code of ``lensora.core.errors``.
        stage: the step it failed in.
        retryable: True when the same order may succeed later.
    """

    message: str
    code: str
    stage: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """Agreement of the model, seen from the photo's own view, with the photo.

    Attributes:
        silhouette_iou: 0..1.
        image_similarity: -1..1, 1 is equal.
        confidence: how likely the shape is about right, what the photo does not show included, 0..1; None where the
            backend cannot tell.
        views: what became of each further photo, in the order's order.
        still: what became of the still on a picture whose camera is not the photo's; None where they agree.
    """

    silhouette_iou: float
    image_similarity: float
    confidence: float | None = None
    views: tuple[ViewQuality, ...] = ()
    still: StillQuality | None = None


@dataclass(frozen=True, slots=True)
class StillQuality:
    """The still scene on a picture that was taken from another height than the photo.

    Attributes:
        pitch_gap_deg: how much farther down the photo's camera looked than the picture's; negative: less far.
        shows: what stands in the scene.
    """

    pitch_gap_deg: float
    shows: StillSubject


@dataclass(frozen=True, slots=True)
class Share:
    """How a job is shown to whoever has its link.

    Attributes:
        token: of the link; unguessable.
        downloads: whether every file may be taken.
        listed: whether search engines may list the page.
    """

    token: str
    expires_ms: int
    downloads: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is now; readable only with the key that made it.

    Attributes:
        version: grows by one with each change; the id of stream events.
        sequence: grows with each accepted job of this installation; orders lists.
        outputs: by public name: ``mp4``, ``glb``, ``scene``, ``removed_bg``, and ``poster``, ``webm_alpha``, ``gif``,
            ``webp``, ``usdz``, ``obj``, ``stl`` where they were asked for. Entries appear as soon as they exist.
        stages: every stage of the pipeline, in the public order.
        attempts: how often a worker has taken it.
        expires_ms: when it and its artifacts are deleted; 0 while it lives.
        delivery: what became of each file that was to be sent to the customer's storage.
        view_cutouts: of the further photos that are cut out already, by the view's id. A worker that takes the job
            over goes on from these.
        batch_id: of the batch that it was ordered in; empty for one that was ordered alone.
    """

    job_id: str
    key_id: str
    account_id: str
    order: Order
    status: JobStatus
    step: Step
    progress: int
    version: int
    sequence: int
    price: int
    credits_refunded: int
    attempts: int
    created_ms: int
    started_ms: int
    ended_ms: int
    deadline_ms: int
    expires_ms: int
    parent_id: str = ""
    outputs: Mapping[str, OutputFile] = field(default_factory=dict)
    stages: tuple[StageTiming, ...] = ()
    error: JobError | None = None
    quality: Quality | None = None
    models: tuple[ModelUse, ...] = ()
    delivery: Mapping[str, DeliveryStatus] = field(default_factory=dict)
    share: Share | None = None
    view_cutouts: Mapping[str, ViewCutout] = field(default_factory=dict)
    batch_id: str = ""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job to be accepted.

    Attributes:
        job_id: made by the caller (a UUID), so that a repeat of the same submit is the same job.
        price: credits charged at once, and returned once if it does not complete.
        parent_id: the job whose mesh is filmed again; its finished stages before the first of ``again`` are taken over.
        again: stages that run again; empty for an ordinary job.
    """

    job_id: str
    key: ApiKey
    order: Order
    price: int = TRANSFORM_CREDITS
    parent_id: str = ""
    again: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list of jobs, newest first; ``next_cursor`` is empty on the last one."""

    jobs: tuple[Job, ...]
    next_cursor: str


@dataclass(frozen=True, slots=True)
class Canceled:
    """What a cancel did: ``already_terminal`` when there was nothing left to cancel."""

    job_id: str
    status: JobStatus
    already_terminal: bool
    credits_refunded: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What to expect of a live job.

    Attributes:
        queue_position: jobs that will be taken before it; None unless it is queued.
        eta_seconds: until its end, at least 1; None for a terminal job.
    """

    queue_position: int | None
    eta_seconds: int | None


ENDED = Outlook(None, None)
"""Of a job that has ended."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One request's place in the account's token bucket, for the RateLimit headers.

    Attributes:
        allowed: False when the request must be answered 429.
        limit: requests per window.
        window_s: the window, seconds.
        remaining: whole requests left now.
        reset_s: seconds until the bucket is full again, rounded up.
        retry_after_s: seconds until the next request is allowed, rounded up; 0 when allowed.
    """

    allowed: bool
    limit: int
    window_s: int
    remaining: int
    reset_s: int
    retry_after_s: int


@dataclass(frozen=True, slots=True)
class IdempotencySlot:
    """The right to answer the first request with this Idempotency-Key; writes that use it are fenced by ``token``."""

    key_id: str
    digest: str
    token: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that is kept for replays: status and body, byte for byte."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer to be kept under a slot in the same transaction as the work that it reports."""

    slot: IdempotencySlot
    answer: Answer
