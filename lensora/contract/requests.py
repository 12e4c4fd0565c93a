"""Request bodies: their fields and limits, and how they are read."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from lensora.contract.backgrounds import AnyBackground, Choices, Identifier, Url
from lensora.contract.exclusions import BOX_AND_INDEX, CUTOUT_AND_CHOICE, NOWHERE, TWO_SIZES, never
from lensora.contract.json_text import json_value
from lensora.contract.sentences import BACKGROUND, sentence
from lensora.contract.wording import shown
from lensora.core.bounds import whole
from lensora.core.boxes import MAX_POINTS
from lensora.core.errors import InvalidBackground, InvalidInput, InvalidRequest
from lensora.core.size import LARGEST_M, SMALLEST_M, Extent, RealSize
from lensora.core.words import Aspect, BackgroundType, CameraMove, JobPicture, OutputFormat, WebhookEvent

MAX_JSON_BYTES = 64 * 1024
"""A prompt of 1,000 characters takes 12 KB at its worst; nothing that we take needs more."""
MAX_IDEMPOTENCY_KEY_CHARACTERS = 255
"""Of the header Idempotency-Key."""
MAX_PRESIGNED_CHARACTERS = 4_096
"""A presigned URL with a session token takes about 1,500; no URL that is requested has more."""


class RequestBody(BaseModel):
    """A whole body: fields that are not known are passed over, so that newer clients work with older servers."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


Fraction = Annotated[float, Field(ge=0.0, le=1.0, strict=True, allow_inf_nan=False)]


FilmSide = Annotated[StrictInt, Field(ge=256, le=2160, multiple_of=2)]
FilmRate = Annotated[StrictInt, Field(ge=12, le=60)]
FilmLength = Annotated[float, Field(ge=1.0, le=20.0, strict=True)]


class OutputBody(Choices):
    """What the finished job holds, beside the four artifacts."""

    size: FilmSide = 768
    """Longer side of the film, pixels, even."""
    aspect: Aspect = Aspect.SQUARE
    """Width to height of the film and the still; the whole subject stays in it."""
    fps: FilmRate = 24
    """Frames per second."""
    seconds: FilmLength = 4.0
    """Length of the film."""
    formats: Annotated[list[OutputFormat], Field(max_length=9)] = [OutputFormat.MP4, OutputFormat.GLB]  # noqa: RUF012 - pydantic copies it
    """mp4 and glb are always made."""
    max_glb_bytes: Annotated[StrictInt, Field(ge=100_000, le=100_000_000)] | None = None
    """Most bytes of the GLB; the default is 3,000,000."""


DELIVERABLE = (*OutputFormat, *JobPicture)
"""The names of a job's files, as in ``output``, without ``_url``."""

PresignedUrl = Annotated[StrictStr, Field(min_length=1, max_length=MAX_PRESIGNED_CHARACTERS)]


class DeliveryBody(Choices):
    """Your own storage, which gets the files as soon as they are made. No credentials of yours are ever held: each
    file has a URL that you have signed for one PUT."""

    type: Literal["s3"]
    """s3: any storage that takes presigned PUT requests as S3 does."""
    url: Url | None = None
    """Where in your storage the files go, such as https://shop.s3.amazonaws.com/renders/42/. With it, presigned may
    hold just what comes after, and everything must lie under it."""
    presigned: Annotated[
        dict[str, PresignedUrl],
        Field(min_length=1, max_length=len(DELIVERABLE), json_schema_extra={"propertyNames": {"enum": [*DELIVERABLE]}}),
    ]
    """Name of a file to its presigned PUT URL: public http or https, valid for as long as the job may take."""

    @property
    def urls(self) -> dict[str, str]:
        """Name of a file to the whole URL that it is put to."""
        return {name: self._whole(place) for name, place in self.presigned.items()}

    def _whole(self, place: str) -> str:
        return place if self.url is None or "://" in place.split("?", 1)[0] else f"{self.url}{place}"

    @field_validator("presigned")
    @classmethod
    def _known_names(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            if name not in DELIVERABLE:
                raise ValueError(f"must have names of {', '.join(DELIVERABLE)}, not {shown(name)}")
        return value

    @model_validator(mode="after")
    def _under_url(self) -> Self:
        for name, place in self.urls.items():
            if len(place) > MAX_PRESIGNED_CHARACTERS:
                raise ValueError(f"makes a URL of more than {MAX_PRESIGNED_CHARACTERS:,} characters for {name}")
            if self.url is not None and not place.startswith(self.url):
                raise ValueError(f"has an address for {name} that does not lie under url, {shown(self.url)}")
        return self


Centimetres = Annotated[float, Field(ge=SMALLEST_M * 100, le=LARGEST_M * 100, strict=True, allow_inf_nan=False)]


class PointBody(Choices):
    """What you say of one place of the photo."""

    x: Fraction
    """Fraction of the upright image's width, from the left."""
    y: Fraction
    """Fraction of the upright image's height, from the top."""
    keep: StrictBool
    """True where the place belongs to the subject, false where it does not."""


def _in_order(corners: list[float]) -> list[float]:
    if not (corners[0] < corners[2] and corners[1] < corners[3]):
        raise ValueError(f"must be [x1, y1, x2, y2] with x1 < x2 and y1 < y2, not {shown(corners)}")
    return corners


DrawnBox = Annotated[list[Fraction], Field(min_length=4, max_length=4), AfterValidator(_in_order)]
Points = Annotated[list[PointBody], Field(max_length=MAX_POINTS)]


class ChoiceBody(RequestBody):
    """Which thing of the photo is meant."""

    session_id: Identifier
    """From /init. Sessions live 24 h."""
    object_index: StrictInt = 0
    """Index into the session's objects."""
    bbox: DrawnBox | None = None
    """A box of your own, [x1, y1, x2, y2] as in objects, in place of object_index."""
    points: Points | None = None
    """Places that belong to the subject, and places that do not; the box grows to those that belong."""


class CutoutBody(ChoiceBody):
    """Body of POST /v1/studio/cutout."""

    model_config = ConfigDict(json_schema_extra=never(BOX_AND_INDEX))


class TransformBody(ChoiceBody):
    """Body of POST /v1/studio/transform."""

    model_config = ConfigDict(json_schema_extra=never(BOX_AND_INDEX, *CUTOUT_AND_CHOICE, *TWO_SIZES, NOWHERE))

    cutout_id: Identifier | None = None
    """A cutout of this session, from /cutout, that is used as it is: in place of object_index, bbox and points."""
    brand: Identifier | None = None
    """Name of a brand, from /brands, whose choices hold where this body has none."""
    background: Annotated[AnyBackground | None, Field(validate_default=True)] = None
    """Where the subject is put; required unless the brand has a background."""
    camera_preset: CameraMove = CameraMove.TURNTABLE
    """The camera's move."""
    output: OutputBody = OutputBody()
    """Choices beside the four artifacts."""
    webhook_url: Url | None = None
    """Public http or https URL that is told of the job's end."""
    webhook_events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=3)] | None = None
    """Which ends to tell of; all when not given."""
    deliver_to: DeliveryBody | None = None
    """Your own storage, which gets the files before the job is told to have completed."""
    real_height_cm: Centimetres | None = None
    """The thing's true height, centimetres: the GLB, USDZ and OBJ are made at this size in metres, the STL in
    millimetres. Without a size the longest side is taken for 30 cm."""
    real_width_cm: Centimetres | None = None
    """Its true width, seen from the front, in place of real_height_cm."""
    real_depth_cm: Centimetres | None = None
    """Its true depth, from front to back, in place of real_height_cm."""

    @field_validator("background")
    @classmethod
    def _somewhere(cls, value: AnyBackground | None, info: ValidationInfo) -> AnyBackground | None:
        if value is None and info.data.get("brand") is None:
            raise PydanticCustomError("missing", "a background is required")
        return value

    @field_validator("real_width_cm", "real_depth_cm")
    @classmethod
    def _one_size(cls, value: float | None, info: ValidationInfo) -> float | None:
        for name in ("real_height_cm", "real_width_cm"):
            if value is not None and name != info.field_name and info.data.get(name) is not None:
                raise ValueError(f"must not be given beside {name}: the other measures follow from one")
        return value

    @property
    def real_size(self) -> RealSize | None:
        """How large the thing is, where the body says it."""
        for extent in Extent:
            measure: float | None = getattr(self, f"real_{extent}_cm")
            if measure is not None:
                return RealSize(extent, measure / 100.0)
        return None


class ShareBody(RequestBody):
    """Body of POST /v1/studio/jobs/{job_id}/share."""

    hours: Annotated[float, Field(ge=0.1, le=8_760.0, strict=True, allow_inf_nan=False)] = 168.0
    """How long the link works; never longer than the job is kept."""
    downloads: StrictBool = True
    """Whether every file may be taken; the film and the model are seen in any case."""
    listed: StrictBool = False
    """Whether search engines may list the page."""


class RenderBody(RequestBody):
    """Body of POST /v1/studio/jobs/{job_id}/render: what is not given stays as it was."""

    background: AnyBackground | None = None
    """Another background."""
    camera_preset: CameraMove | None = None
    """Another move."""
    output: OutputBody | None = None
    """Other choices for the film, all of them: what is left out has its default. The model's own formats stay."""
    webhook_url: Url | None = None
    """Public http or https URL that is told of the job's end."""
    webhook_events: Annotated[list[WebhookEvent], Field(min_length=1, max_length=3)] | None = None
    """Which ends to tell of; all when not given."""
    deliver_to: DeliveryBody | None = None
    """Your own storage, which gets the files before the job is told to have completed."""


B = TypeVar("B", bound=RequestBody)


def parse_body(model: type[B], raw: bytes) -> B:
    """Read and check a JSON body.

    Raises:
        InvalidBackground: what is wrong lies in ``background``.
        InvalidRequest: anything else; both name the field, the limit and the value.
    """
    value = json_value(raw)
    if not isinstance(value, dict):
        raise InvalidRequest(f"The body must be a JSON object, not {shown(value)}.")
    return checked(model, value)


def checked(model: type[B], value: dict[str, Any]) -> B:
    """The body that JSON's values make; raises what ``parse_body`` raises."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for place, part in enumerate(first["loc"]) if not _is_tag(place, first["loc"])]
        said = sentence(path, first, model)
        if _within_background(path, value):
            raise InvalidBackground(said, field=".".join(path)) from error
        raise InvalidRequest(said, field=".".join(path)) from error


def content(model: type[RequestBody], raw: bytes) -> bytes:
    """What a body says, the same for every way to spell it: spacing, order, escapes, 4 or 4.0, unknown fields.

    A body that is not valid is compared by its JSON, and what is no JSON by its bytes. Fields that are not given do not
    count, so a default that changes with an upgrade does not turn a repeat into another request.
    """
    try:
        return parse_body(model, raw).model_dump_json(exclude_unset=True).encode()
    except InvalidInput:
        pass
    try:
        return json.dumps(json_value(raw), sort_keys=True, separators=(",", ":")).encode()
    except InvalidRequest:
        return raw


def parse_max_objects(text: str | None) -> int:
    """The form's ``max_objects``: 2 to 8, 6 when not given. Raises InvalidRequest."""
    if text is None:
        return 6
    number = whole(text, 2, 8)
    if number is None:
        raise InvalidRequest(f"max_objects must be an integer from 2 to 8, not {shown(text)}.", field="max_objects")
    return number


def _is_tag(place: int, path: tuple[str | int, ...]) -> bool:
    """pydantic puts the chosen member of the union into an error's path, after the field that holds the union."""
    return place > 0 and path[place - 1] == BACKGROUND and path[place] in tuple(BackgroundType)


def _within_background(path: list[str], value: Any) -> bool:
    """Whether what is wrong lies in a background that is an object: the body's own, or that of an item."""
    if path[:1] not in ([BACKGROUND], ["items"]) or BACKGROUND not in path:
        return False
    for part in path[: path.index(BACKGROUND) + 1]:
        value = value[int(part)] if isinstance(value, list) else value.get(part)
    return isinstance(value, dict)
