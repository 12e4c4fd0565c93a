"""What the API answers. The gateway makes its answers of these models, and the SDK reads them into the same."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lensora.contract.quality import QualityReport
from lensora.contract.shapes import Corners, Moment, PublicAnswer
from lensora.core.boxes import Box, Category
from lensora.core.steps import JobStatus, StageStatus, Step
from lensora.core.words import (
    Aspect,
    BackgroundType,
    CameraMove,
    DeliveryStatus,
    LedgerKind,
    OutputFormat,
    ViewSide,
)


class DetectedObject(PublicAnswer):
    """One thing in the photo that can be picked."""

    label: str
    """Plain words, such as "vintage twin-lens reflex camera"."""
    category: Category
    """What kind of thing it is."""
    bbox: Corners
    """[x1, y1, x2, y2], fractions of the upright image, origin top left."""

    @property
    def box(self) -> Box:
        """``bbox`` with names for its sides."""
        return Box(*self.bbox)


class SuggestedAction(PublicAnswer):
    """A problem of the photo that you can act on."""

    code: str
    """Stable, such as "subject_cropped"."""
    message: str
    """One sentence for a person."""


class Session(PublicAnswer):
    """A photo with what was found in it; kept 24 h."""

    session_id: str
    """For /transform."""
    source_url: str
    """The photo; opens without an API key."""
    objects: tuple[DetectedObject, ...]
    """Best first; the last is always the entire image."""
    suggested_actions: tuple[SuggestedAction, ...]
    """Empty unless the photo has a problem that you can act on."""
    credits_used: int
    """What this call cost."""
    vlm_elapsed_ms: int
    """Measured time of the detection, milliseconds."""


class Cutout(PublicAnswer):
    """A cutout to look at; it lives as long as its session."""

    cutout_id: str
    """For /transform."""
    session_id: str
    """The session that it belongs to."""
    cutout_url: str
    """PNG with alpha, the extent of ``crop``; opens without an API key until the session ends."""
    bbox: Corners
    """The box that was cut out of, grown to the points that belong."""
    crop: Corners
    """That box with air around it: where the cutout lies in the photo."""
    confidence: Annotated[float, Field(ge=0.0, le=1.0)]
    """How likely the cutout is right, as measured on photos with known truth."""
    suggested_actions: tuple[SuggestedAction, ...]
    """``cutout_uncertain`` when you should look at it."""
    credits_used: int
    """What this call cost."""

    @property
    def box(self) -> Box:
        """``bbox`` with names for its sides."""
        return Box(*self.bbox)


class Backplate(PublicAnswer):
    """A background picture that is kept for a while."""

    backplate_id: str
    """For background.backplate_id."""
    picture_url: str
    """The picture; opens without an API key."""
    width: int
    """Upright, pixels."""
    height: int
    """Upright, pixels."""
    expires_at: Moment
    """Until when it can be ordered with."""


class Quote(PublicAnswer):
    """What a job would cost, and how long it would take, now."""

    credits: int
    """Its price. It comes back if the job does not complete."""
    estimated_seconds: int
    """Until its end: the median of recent jobs, and the queue's wait."""
    balance: int
    """What the account has."""


class OutputPrice(PublicAnswer):
    """What one file of a job adds to its price, and how large it is likely to be."""

    name: str
    """As in output.formats, or scene or removed_bg."""
    credits: int
    """What it adds at most; 0 where the job's price pays for it."""
    expected_bytes: int
    """Usual size; a busy scene has more, a plain one less."""


class Prices(PublicAnswer):
    """Prices of calls and files, for a film of the size, shape and length that was asked about."""

    init: int
    """Of a session."""
    view: int
    """Of a further photo of a session."""
    turn: int
    """Of a film of the subject turning."""
    cutout: int
    """Of a cutout to look at."""
    transform: int
    """Of a job with film and model."""
    render: int
    """Of filming a kept model again."""
    outputs: tuple[OutputPrice, ...]
    """Every file that a job can have."""


class JobTicket(PublicAnswer):
    """The job is accepted and paid."""

    job_id: str
    """For the poll."""
    status: Literal[JobStatus.QUEUED]
    """A job waits for a worker first."""
    credits_used: int
    """What the job cost; it comes back if the job does not complete."""
    estimated_seconds: int
    """Until its end: the median of recent jobs, and the queue's wait."""
    poll_url: str
    """A path: poll it until the job has ended."""


class Output(PublicAnswer):
    """Links to the artifacts; they open without an API key until they expire."""

    mp4_url: str
    """The film: H.264, by default 24 fps, 4 s, 768 x 768."""
    glb_url: str
    """The textured 3D model."""
    scene_url: str
    """The composited still."""
    removed_bg_url: str
    """The cutout: PNG with alpha."""
    webm_alpha_url: str | None = None
    """The film without its background: VP9 with alpha."""
    gif_url: str | None = None
    """The film as an animated GIF."""
    webp_url: str | None = None
    """The film as an animated WebP."""
    poster_url: str | None = None
    """One frame of the film that shows the front."""
    usdz_url: str | None = None
    """The model for augmented reality on Apple's devices."""
    obj_url: str | None = None
    """A ZIP with the model as OBJ, its material and its texture."""
    stl_url: str | None = None
    """The model's shape for a 3D printer: millimetres, +Z up."""
    stl_frame: str | None = None
    """Unit and axes of the STL file, which has no place for them: ``millimetres, +Z up``."""

    def urls(self) -> dict[str, str]:
        """Every file by its name without ``_url``: ``mp4``, ``glb``, ``scene``, ``removed_bg``, and those asked for."""
        return {name.removesuffix("_url"): url for name, url in self if url is not None and name.endswith("_url")}


class StageReport(PublicAnswer):
    """One stage of a job."""

    name: Step
    """Its public step word."""
    status: StageStatus
    """How far it is."""
    started_at: Moment | None
    """When it started."""
    ms: int | None
    """The time it took, milliseconds, once done."""


class ErrorDetail(PublicAnswer):
    """Why a job failed, for programs."""

    code: str
    """Stable; programs branch on it."""
    stage: str | None
    """The step that it failed in."""
    retryable: bool
    """True when the same order may succeed later."""


class BilledModel(PublicAnswer):
    """One neural network or method that helped make the job."""

    name: str
    """Its name in the manifest."""
    version: str
    """Its version there."""
    sha256: str
    """Digest of its weights; empty for a method without weights."""
    license: str
    """SPDX identifier, or the licence's own name."""
    stage: str
    """The service that used it."""
    views: tuple[str, ...] | None = None
    """Ids of the further photos that it worked on, where there are any."""


class OrderedBackground(PublicAnswer):
    """Where the subject is put, as it was ordered."""

    type: BackgroundType
    """remove, image, prompt or color."""
    prompt: str | None = None
    """Of type prompt."""
    url: str | None = None
    """Of type image, where it was given by its address."""
    backplate_id: str | None = None
    """Of type image, where it was uploaded."""
    value: str | None = None
    """Of type color: #rrggbb."""


class OrderedView(PublicAnswer):
    """A further photo that the job is made with."""

    view_id: str
    """Its id."""
    side: ViewSide | None = None
    """The side that it was said to show."""


class OrderedOutput(PublicAnswer):
    """What the job holds, as it was ordered."""

    aspect: Aspect
    """Width to height of the film and the still."""
    size: int
    """Longer side of the film, pixels."""
    fps: int
    """Frames per second."""
    seconds: float
    """Length of the film."""
    formats: tuple[OutputFormat, ...]
    """Files beside the still and the cutout."""


class Ordered(PublicAnswer):
    """What was ordered, as far as it shows the job. Box, points, true size and max_glb_bytes are not repeated."""

    session_id: str
    """The photo's session; it may have expired."""
    label: str
    """What the subject is."""
    background: OrderedBackground
    """Where it is put."""
    camera_preset: CameraMove
    """The camera's move."""
    output: OrderedOutput
    """What the job holds."""
    views: tuple[OrderedView, ...] | None = None
    """Further photos of the subject, where there are any."""
    brand: str | None = None
    """Name of the brand that it was ordered with."""
    rendered_from: str | None = None
    """The job whose model is filmed again."""


class Share(PublicAnswer):
    """How a job is shown to whoever has its link."""

    share_url: str
    """The page: film, turning model, files where they may be taken."""
    embed_url: str
    """The same for an <iframe>, without heading and files."""
    expires_at: Moment
    """Until when; never longer than the job is kept."""
    downloads: bool
    """Whether every file may be taken."""
    listed: bool
    """Whether search engines may list the page."""


class Result(PublicAnswer):
    """A job as it is now. Fields that do not apply to its status are left out."""

    job_id: str
    """The job's id."""
    status: JobStatus
    """completed, failed and canceled are ends."""
    step: Step | None = None
    """Where a job is that runs or has completed."""
    error: str | None = None
    """Why it failed: a short sentence for a person."""
    progress: Annotated[int, Field(ge=0, le=100)]
    """Never goes down while the job lives; 100 exactly when completed, 0 when failed."""
    scene_url: str | None = None
    """As soon as it exists."""
    removed_bg_url: str | None = None
    """As soon as it exists."""
    output: Output | None = None
    """The files of a completed job."""
    error_detail: ErrorDetail | None = None
    """Why it failed, for programs."""
    queue_position: int | None = None
    """Jobs that will be taken before it, while it is queued."""
    eta_seconds: int | None = None
    """Until its end, while it lives."""
    stages: tuple[StageReport, ...]
    """Every stage, in the public order."""
    credits_refunded: int
    """What came back: the job's whole price, or nothing."""
    created_at: Moment
    """When it was accepted."""
    credits_used: int | None = None
    """What it cost when it was accepted."""
    order: Ordered | None = None
    """What was ordered."""
    batch_id: str | None = None
    """Of the batch that it was ordered in."""
    quality: QualityReport | None = None
    """Of a completed job."""
    delivery: dict[str, DeliveryStatus] | None = None
    """Where the order had deliver_to: what became of each file of it. The links in output hold in any case."""
    share: Share | None = None
    """How a completed job is shown to others, where it is."""
    models: tuple[BilledModel, ...] | None = None
    """What helped make a completed job."""

    @property
    def terminal(self) -> bool:
        """True when the job will not change any more."""
        return self.status.terminal


class Cancellation(PublicAnswer):
    """What the cancel did."""

    job_id: str
    """The job's id."""
    status: JobStatus
    """As it is now."""
    already_terminal: bool
    """True when there was nothing left to cancel."""
    credits_refunded: int
    """What came back with this cancel, or before."""


class JobPage(PublicAnswer):
    """Jobs of this key, newest first."""

    jobs: tuple[Result, ...]
    """The jobs of this page."""
    next_cursor: str | None
    """``cursor`` of the next page; null on the last."""


class AccountLimits(PublicAnswer):
    """What the account may do."""

    live_jobs: int
    """Jobs that may be queued or running at a time."""
    requests_per_minute: int
    """Requests of all its keys."""
    running_jobs: int | None = None
    """Jobs that may run at a time; further ones wait."""
    weight: float | None = None
    """Turns in the queue beside other accounts: one of 2 gets twice the work done of one of 1."""


class Account(PublicAnswer):
    """The account behind the key."""

    balance: int
    """Credits."""
    frozen: bool
    """True while the account may not spend."""
    limits: AccountLimits
    """What it may do."""


class LedgerEntry(PublicAnswer):
    """One movement of credits."""

    id: str
    """Its place in the ledger."""
    at: Moment
    """When."""
    kind: LedgerKind
    """Why."""
    amount: int
    """Negative for a charge."""
    balance: int
    """After this movement."""
    reference: str
    """The session or job it is about."""
    memo: str
    """A few words for a person."""


class LedgerPage(PublicAnswer):
    """Movements, newest first."""

    entries: tuple[LedgerEntry, ...]
    """The movements of this page."""
    next_cursor: str | None
    """``cursor`` of the next page; null on the last."""


class WebhookSecret(PublicAnswer):
    """The secret that signs the account's webhooks (Standard Webhooks)."""

    secret: str
    """Starts with whsec_."""


class Problem(PublicAnswer):
    """An error (RFC 9457)."""

    type: str
    """A link to what the code means."""
    title: str
    """The code in words."""
    status: int
    """The HTTP status."""
    detail: str
    """A sentence that names the field, the limit and the value given."""
    code: str
    """Stable; programs branch on it."""
    request_id: str
    """Also in X-Request-Id; name it when you ask for help."""


class Health(PublicAnswer):
    """This process lives."""

    status: Literal["ok"]
    """Always ok."""
    version: str
    """Of the gateway."""


class Readiness(PublicAnswer):
    """What this process needs, and whether it answers."""

    status: Literal["ready", "unready", "draining"]
    """draining: it ends, and takes no new work."""
    checks: dict[str, str]
    """By what is needed."""
