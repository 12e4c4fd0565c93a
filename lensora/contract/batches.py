"""Batches: many photos ordered at once with one set of choices. Their bodies, answers, and what their webhook says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StrictInt, StrictStr, model_validator

from lensora.contract.answers import (
    ErrorDetail,
    OrderedBackground,
    OrderedOutput,
)
from lensora.contract.backgrounds import AnyBackground, Identifier, Url
from lensora.contract.exclusions import ITEMS_AND_PHOTOS, NO_PHOTOS, NOWHERE, never
from lensora.contract.requests import (
    Centimetres,
    ChoiceBody,
    DeliveryBody,
    OutputBody,
    RequestBody,
    TransformBody,
    checked,
)
from lensora.contract.shapes import Moment, PublicAnswer
from lensora.core.steps import JobStatus
from lensora.core.words import BatchEvent, CameraMove, DeliveryStatus

MOST_ITEMS = 200
"""Items of one batch: its jobs are written by one script, in which the store does nothing else."""

MAX_JSON_BYTES = 2 * 1024 * 1024
"""200 items with four presigned URLs of 1,500 characters each take 1.2 MB."""

MOST_HOSTS = 5
"""Different hosts to which the items of one batch are delivered: each is looked up before the answer."""

MAX_NAME_CHARACTERS = 120


def readable(text: str) -> str:
    """A name as it is kept: what cannot be printed is a space, and none is around it."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def _readable(text: str) -> str:
    name = readable(text)
    if not name:
        raise ValueError("must not be blank")
    return name


class BatchItemBody(ChoiceBody):
    """One photo of the batch: which thing of it is meant, and what differs from the others."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: Annotated[StrictStr, Field(max_length=MAX_NAME_CHARACTERS), AfterValidator(_readable)] | None = None
    """For people, and the name of its folder in the archive; its number when not given."""
    cutout_id: Identifier | None = None
    """A cutout of this session, in place of object_index, bbox and points."""
    background: AnyBackground | None = None
    """A background of its own, in place of the batch's."""
    real_height_cm: Centimetres | None = None
    """The thing's true height, as in /transform."""
    real_width_cm: Centimetres | None = None
    """Its true width, in place of real_height_cm."""
    real_depth_cm: Centimetres | None = None
    """Its true depth, in place of real_height_cm."""
    deliver_to: DeliveryBody | None = None
    """Your own storage, which gets this item's files, as in /transform."""


Items = Annotated[list[BatchItemBody], Field(min_length=1, max_length=MOST_ITEMS)]


class _BatchChoices(RequestBody):
    """What is chosen for all films of a batch."""

    model_config = ConfigDict(json_schema_extra=never(NOWHERE))

    brand: Identifier | None = None
    """Name of a brand, from /brands, whose choices hold where this body has none."""
    background: AnyBackground | None = None
    """Where the subjects are put; required unless the brand has a background."""
    camera_preset: CameraMove = CameraMove.TURNTABLE
    """The camera's move."""
    output: OutputBody = OutputBody()
    """Choices beside the four artifacts."""
    webhook_url: Url | None = None
    """Public http or https URL that is told once, when the last film has ended."""

    def film(self, item: BatchItemBody | None = None) -> TransformBody:
        """What /transform would be sent for one item, or for none in particular: what holds for all of them.

        Raises:
            InvalidRequest: the item says too much, or there is neither a background nor a brand.
        """
        chosen: dict[str, Any] = {
            name: value
            for name, value in self.model_dump(mode="json", exclude_unset=True).items()
            if name in TransformBody.model_fields and name != "webhook_url"
        }
        own = {} if item is None else item.model_dump(mode="json", exclude_unset=True, exclude_none=True)
        own = {"session_id": "", **own}
        own.pop("name", None)
        return checked(TransformBody, chosen | own)


class BatchBody(_BatchChoices):
    """Body of POST /v1/studio/batches."""

    items: Items
    """The photos, each by its session."""


class BatchQuoteBody(_BatchChoices):
    """Body of POST /v1/studio/quote/batch: that of /batches, or a number of photos that are not uploaded yet."""

    model_config = ConfigDict(json_schema_extra=never(NOWHERE, ITEMS_AND_PHOTOS, NO_PHOTOS))

    items: Items | None = None
    """The photos, each by its session."""
    photos: Annotated[StrictInt, Field(ge=1, le=MOST_ITEMS)] | None = None
    """How many photos there will be, in place of items: the price then holds their /init."""

    @model_validator(mode="after")
    def _one_of_both(self) -> BatchQuoteBody:
        if (self.items is None) == (self.photos is None):
            raise ValueError("The body must have items or photos, and not both")
        return self


class BatchRefusal(PublicAnswer):
    """An item that cannot be ordered as it is. It costs nothing, and the others are not held up."""

    index: int
    """Its place in items, from 0."""
    name: str
    """Its name."""
    code: str
    """Of the error that /transform would have answered."""
    error: str
    """That error's sentence."""


class BatchQuote(PublicAnswer):
    """What a batch would cost, and how long it would take, now."""

    credits: int
    """The price of all its films; with photos, of their /init too."""
    jobs: int
    """Films that would be made."""
    refused: tuple[BatchRefusal, ...]
    """Items that could not be ordered; they are not in the price."""
    estimated_seconds: int
    """Until the last film's end."""
    balance: int
    """What the account has."""


class BatchTicket(PublicAnswer):
    """The batch is accepted and paid."""

    batch_id: str
    """For the poll."""
    status: Literal[JobStatus.QUEUED]
    """Its films wait for workers first."""
    jobs: int
    """Films that will be made."""
    refused: tuple[BatchRefusal, ...]
    """Items that could not be ordered; nothing was charged for them."""
    credits_used: int
    """What all films cost; each film's price comes back if it does not complete."""
    estimated_seconds: int
    """Until the last film's end."""
    poll_url: str
    """A path: poll it until the batch has ended."""


class BatchCounts(PublicAnswer):
    """How many items are in each status."""

    total: int
    """All that are in the batch."""
    queued: int
    """Waiting for a worker."""
    processing: int
    """In the making."""
    completed: int
    """Ready."""
    failed: int
    """Not made, those that could not be ordered too."""
    canceled: int
    """Stopped."""


class BatchItem(PublicAnswer):
    """One photo of the batch as it is now."""

    index: int
    """Its place in the request, from 0."""
    name: str
    """For people, and its folder's name in the archive."""
    session_id: str
    """The photo's session; it may have expired."""
    job_id: str | None = None
    """Its film's job, which every call for jobs takes; left out where it could not be ordered."""
    status: JobStatus
    """As a job's; failed where it could not be ordered."""
    progress: Annotated[int, Field(ge=0, le=100)]
    """As a job's."""
    scene_url: str | None = None
    """Its still, as soon as that exists."""
    error: str | None = None
    """Why it failed: a sentence for a person."""
    error_detail: ErrorDetail | None = None
    """Why it failed, for programs."""
    credits_refunded: int
    """What came back of its film's price."""
    delivery: dict[str, DeliveryStatus] | None = None
    """Of a completed film, where the item had deliver_to: what became of each file of it."""


class BatchOrder(PublicAnswer):
    """What was ordered for all items; an item may have had a background of its own."""

    background: OrderedBackground
    """Where the subjects are put."""
    camera_preset: CameraMove
    """The camera's move."""
    output: OrderedOutput
    """What each job holds."""
    brand: str | None = None
    """Name of the brand that they were ordered with."""


class Batch(PublicAnswer):
    """A batch as it is now. Fields that do not apply to its status are left out."""

    batch_id: str
    """The batch's id."""
    status: JobStatus
    """completed: every film has ended, and one was made at least; failed: none was; canceled: it was stopped."""
    progress: Annotated[int, Field(ge=0, le=100)]
    """The mean of its items; 100 exactly when all have ended."""
    counts: BatchCounts
    """Items by their status."""
    credits_used: int
    """What all films cost when it was accepted."""
    credits_refunded: int
    """What came back."""
    created_at: Moment
    """When it was accepted."""
    ended_at: Moment | None = None
    """When its last film ended."""
    expires_at: Moment
    """When it is deleted, with its films."""
    eta_seconds: int | None = None
    """Until its end, while it lives."""
    archive_url: str
    """A ZIP with every film that is ready, streamed; opens without an API key."""
    order: BatchOrder
    """What was ordered."""
    items: tuple[BatchItem, ...] | None = None
    """In the order of the request; left out in lists. A film that was deleted by itself is no longer here."""

    @property
    def terminal(self) -> bool:
        """True when the batch will not change any more."""
        return self.status.terminal


class BatchPage(PublicAnswer):
    """Batches of this key, newest first."""

    batches: tuple[Batch, ...]
    """The batches of this page, without their items."""
    next_cursor: str | None
    """``cursor`` of the next page; null on the last."""


class BatchCancellation(PublicAnswer):
    """What the cancel of a batch did."""

    batch_id: str
    """The batch's id."""
    status: JobStatus
    """As it is now."""
    already_terminal: bool
    """True when there was nothing left to cancel."""
    canceled: int
    """Films that were canceled by this call."""
    credits_refunded: int
    """What came back of the batch's price, with this cancel and before."""


class BatchEnded(PublicAnswer):
    """The last film of a batch has ended. Sent once, as the webhooks of jobs are."""

    type: Literal[BatchEvent.ENDED]
    """Always this."""
    timestamp: Moment
    """When it ended."""
    data: Batch
    """The batch, as the poll answers it."""
