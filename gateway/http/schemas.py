"""Request bodies: their fields, limits, and the sentences for what is wrong. The OpenAPI document is made of these."""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError, field_validator
from pydantic_core import ErrorDetails

from lensora.core.errors import InvalidBackground, InvalidRequest

MAX_JSON_BYTES = 64 * 1024
"""A prompt of 1,000 characters takes 12 KB at its worst; nothing that we take needs more."""
MAX_PROMPT_CHARACTERS = 1_000
MAX_URL_CHARACTERS = 2_048
SHOWN_CHARACTERS = 60
"""As much of a wrong value as a sentence repeats."""

CameraName = Literal["turntable", "dolly", "cinematic"]
FormatName = Literal["mp4", "webm_alpha", "gif", "poster", "glb", "usdz", "obj", "stl"]
EventName = Literal["job.completed", "job.failed", "job.canceled"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class RemoveBackground(_Body):
    """Transparent cutout; the film is rendered on a clean white plate."""

    type: Literal["remove"]


class ImageBackground(_Body):
    """Your own backplate."""

    type: Literal["image"]
    url: Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)]
    """Public http or https URL of a JPEG, PNG or WebP of at most 20 MB."""


class PromptBackground(_Body):
    """A scene made from words."""

    type: Literal["prompt"]
    prompt: Annotated[StrictStr, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    """What the scene shows, such as "on a marble countertop with soft natural light"."""

    @field_validator("prompt")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        # Letters, digits, signs and pictures can be read; control characters and spaces of any width cannot.
        if not any(unicodedata.category(character)[0] in "LNPS" for character in value):
            raise ValueError("must not be empty")
        return value


AnyBackground = Annotated[RemoveBackground | ImageBackground | PromptBackground, Field(discriminator="type")]


class OutputBody(_Body):
    """What the finished job holds, beside the four artifacts."""

    size: Annotated[StrictInt, Field(ge=256, le=2160, multiple_of=2)] = 768
    """Width and height of the film, pixels, even."""
    fps: Annotated[StrictInt, Field(ge=12, le=60)] = 24
    """Frames per second."""
    seconds: Annotated[float, Field(ge=1.0, le=20.0, strict=True)] = 4.0
    """Length of the film."""
    formats: Annotated[list[FormatName], Field(max_length=8)] = ["mp4", "glb"]
    """mp4 and glb are always made."""
    max_glb_bytes: Annotated[StrictInt, Field(ge=100_000, le=100_000_000)] | None = None
    """Most bytes of the GLB; the default is 3,000,000."""


class TransformBody(_Body):
    """Body of POST /v1/studio/transform."""

    session_id: StrictStr
    """From /init. Sessions live 24 h."""
    object_index: StrictInt = 0
    """Index into the session's objects."""
    background: AnyBackground
    """Where the subject is put."""
    camera_preset: CameraName = "turntable"
    """The camera's move."""
    output: OutputBody = OutputBody()
    """Choices beside the four artifacts."""
    webhook_url: Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = None
    """Public http or https URL that is told of the job's end."""
    webhook_events: Annotated[list[EventName], Field(min_length=1, max_length=3)] | None = None
    """Which ends to tell of; all when not given."""


class RenderBody(_Body):
    """Body of POST /v1/studio/jobs/{job_id}/render: what is not given stays as it was."""

    background: AnyBackground | None = None
    """Another background."""
    camera_preset: CameraName | None = None
    """Another move."""
    output: OutputBody | None = None
    """Other choices for the film; the model's own formats stay."""
    webhook_url: Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS)] | None = None
    """Public http or https URL that is told of the job's end."""
    webhook_events: Annotated[list[EventName], Field(min_length=1, max_length=3)] | None = None
    """Which ends to tell of; all when not given."""


B = TypeVar("B", bound=_Body)


def parse_body(model: type[B], raw: bytes) -> B:
    """Read and check a JSON body.

    Raises:
        InvalidBackground: what is wrong lies in ``background``.
        InvalidRequest: anything else; both name the field, the limit and the value.
    """
    try:
        value = json.loads(raw, parse_constant=_no_constant)
        # A lone surrogate is legal in JSON's escapes, but no text: it cannot be stored, logged or answered.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body must be a JSON object in UTF-8.") from error
    if not isinstance(value, dict):
        raise InvalidRequest(f"The body must be a JSON object, not {_shown(value)}.")
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = [str(part) for place, part in enumerate(first["loc"]) if not _is_tag(place, first["loc"])]
        sentence = _sentence(".".join(path), first)
        if path[:1] == ["background"] and isinstance(value.get("background"), dict):
            raise InvalidBackground(sentence, field=".".join(path)) from error
        raise InvalidRequest(sentence, field=".".join(path)) from error


def parse_max_objects(text: str | None) -> int:
    """The form's ``max_objects``: 2 to 8, 6 when not given. Raises InvalidRequest."""
    if text is None:
        return 6
    if not text.strip().isascii() or not text.strip().isdigit() or not 2 <= int(text.strip()[:9]) <= 8:
        raise InvalidRequest(f"max_objects must be an integer from 2 to 8, not {_shown(text)}.", field="max_objects")
    return int(text)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _is_tag(place: int, path: tuple[str | int, ...]) -> bool:
    """pydantic puts the chosen member of the union into an error's path, after the field that holds the union."""
    return place == 1 and path[0] == "background"


def _sentence(name: str, error: ErrorDetails) -> str:
    """One sentence: the field, what it takes, what it has."""
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    length = len(given) if isinstance(given, str) else 0
    about = {
        "missing": " is required",
        "union_tag_not_found": ".type is required: it must be one of remove, image, prompt",
        "union_tag_invalid": f".type must be one of remove, image, prompt, not {_shown(context.get('tag'))}",
        "literal_error": f" must be one of {str(context.get('expected')).replace(chr(39), '')}, not {_shown(given)}",
        "string_too_long": f" must have at most {context.get('max_length', 0):,} characters, not {length:,}",
        "string_too_short": " must not be empty",
        "value_error": f" {context.get('error')}",
    }.get(kind)
    if about is None:
        takes = {
            "int_type": "must be an integer",
            "int_from_float": "must be an integer",
            "float_type": "must be a number",
            "finite_number": "must be a number",
            "string_type": "must be a string",
            "list_type": "must be a list",
            "model_type": "must be an object",
            "model_attributes_type": "must be an object",
            "dict_type": "must be an object",
            "greater_than_equal": f"must be at least {context.get('ge')}",
            "less_than_equal": f"must be at most {context.get('le')}",
            "multiple_of": "must be even",
            "too_long": f"must have at most {context.get('max_length')} entries",
            "too_short": f"must have at least {context.get('min_length')} entry",
        }.get(kind, f"is not valid ({error['msg']}): it must be something else")
        about = f" {takes}, not {_shown(given)}"
    return f"{name}{about}."


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
