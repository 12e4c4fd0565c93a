"""Backgrounds as bodies name them."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, field_validator, model_validator
from pydantic_core import PydanticCustomError

from lensora.contract.exclusions import NO_PICTURE, TWO_PICTURES, never
from lensora.contract.wording import shown
from lensora.core.colours import PATTERN, colour_of, written
from lensora.core.words import BackgroundType

MAX_PROMPT_CHARACTERS = 1_000
MAX_URL_CHARACTERS = 2_048

WEB = r"^[Hh][Tt][Tt][Pp][Ss]?://"
"""How the address of something outside begins; a JSON Schema's pattern."""


class Choices(BaseModel):
    """An object within a body that says what is made for the price: a field that is not known is an error, because
    a choice that somebody pays for is not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


Identifier = Annotated[StrictStr, AfterValidator(lambda text: text.strip().lower())]
"""An id of ours: its case, and spaces around it from copying, do not count."""

Url = Annotated[StrictStr, Field(min_length=1, max_length=MAX_URL_CHARACTERS, json_schema_extra={"pattern": WEB})]
"""Its scheme and host are judged where it is looked up, with sentences of their own."""


class RemoveBackground(Choices):
    """Transparent cutout; the film is rendered on a clean white plate."""

    type: Literal[BackgroundType.REMOVE]


class ImageBackground(Choices):
    """Your own backplate: by its address, or uploaded with /v1/studio/backplates."""

    model_config = ConfigDict(json_schema_extra=never(TWO_PICTURES, NO_PICTURE))

    type: Literal[BackgroundType.IMAGE]
    url: Url | None = None
    """Public http or https URL of a JPEG, PNG or WebP of at most 20 MB."""
    backplate_id: Identifier | None = None
    """From /backplates, in place of url."""

    @model_validator(mode="after")
    def _one_picture(self) -> ImageBackground:
        if self.url is None and self.backplate_id is None:
            raise PydanticCustomError("no_picture", "a picture is required")
        if self.url is not None and self.backplate_id is not None:
            raise ValueError("must have url or backplate_id, not both")
        return self


class PromptBackground(Choices):
    """A scene made from words."""

    type: Literal[BackgroundType.PROMPT]
    prompt: Annotated[StrictStr, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    """What the scene shows, such as "on a marble countertop with soft natural light"."""

    @field_validator("prompt")
    @classmethod
    def _not_blank(cls, value: str) -> str:
        # Letters, digits, signs and pictures can be read; control characters and spaces of any width cannot.
        if not any(unicodedata.category(character)[0] in "LNPS" for character in value):
            raise ValueError("must not be empty")
        return value


def _colour(value: str) -> str:
    """The colour in lower case. Raises ValueError."""
    try:
        return written(colour_of(value))
    except ValueError as error:
        raise ValueError(f"{error}, not {shown(value)}") from error


HexColour = Annotated[StrictStr, AfterValidator(_colour), Field(json_schema_extra={"pattern": PATTERN})]


class ColorBackground(Choices):
    """A clean plate of one colour, with a soft shadow."""

    type: Literal[BackgroundType.COLOR]
    value: HexColour
    """The colour, sRGB, as #rrggbb."""


AnyBackground = Annotated[
    RemoveBackground | ImageBackground | PromptBackground | ColorBackground, Field(discriminator="type")
]
