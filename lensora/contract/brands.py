"""Brands: the choices that are saved under a name, and how the API tells of them."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from lensora.contract.answers import OrderedBackground
from lensora.contract.backgrounds import AnyBackground, HexColour
from lensora.contract.json_text import json_value
from lensora.contract.requests import RequestBody, checked
from lensora.contract.shapes import Moment, PublicAnswer
from lensora.contract.wording import shown
from lensora.core.branding import LOGO_SHARE, USUAL_LOGO_SHARE
from lensora.core.errors import InvalidRequest
from lensora.core.words import Aspect, CameraMove, Corner

NAME_PATTERN = "^[a-z0-9][a-z0-9_-]{0,39}$"
"""What a brand is called."""

WRITTEN_NAME_PATTERN = "^ *[A-Za-z0-9][A-Za-z0-9_-]{0,39} *$"
"""How its name may be written: capital letters are taken for small ones, spaces around it do not count."""

MAX_BRAND_BYTES = 16 * 1024
"""A prompt of 1,000 characters takes 12 KB at its worst."""


class _Part(BaseModel):
    """A part of a brand: a field that is not known is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class LogoBody(_Part):
    """Where the logo lies in still and film. Its picture comes as a file beside the brand."""

    corner: Corner = Corner.BOTTOM_RIGHT
    """Which corner; in 9:16 it keeps clear of what the apps for stories cover."""
    size: Annotated[float, Field(ge=LOGO_SHARE[0], le=LOGO_SHARE[1], strict=True)] = USUAL_LOGO_SHARE
    """Its longer side, as a share of the frame's shorter side."""


class BrandBody(_Part):
    """What a brand says; what it does not say is left to each job."""

    background: AnyBackground | None = None
    """Where the subject is put. An uploaded picture is copied, and lives as long as the brand."""
    aspect: Aspect | None = None
    """Width to height of film and still."""
    camera_preset: CameraMove | None = None
    """The camera's move."""
    logo: LogoBody | None = None
    """A logo over still and film."""
    end_color: HexColour | None = None
    """The colour, #rrggbb, that the film's last second fades to."""


class SaveBrandBody(RequestBody):
    """The form of POST /v1/studio/brands, without its file."""

    brand: BrandBody = BrandBody()
    """The choices."""


class BrandLogo(PublicAnswer):
    """The logo of a brand."""

    logo_url: str
    """PNG; opens without an API key for an hour."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    corner: Corner
    """Where it lies."""
    size: float
    """Its longer side, as a share of the frame's shorter side."""


class Brand(PublicAnswer):
    """Choices that are saved under a name."""

    name: str
    """For brand of /transform."""
    saved_at: Moment
    """When it was saved last."""
    background: OrderedBackground | None = None
    """Where the subject is put."""
    picture_url: str | None = None
    """The brand's own copy of an uploaded background; opens without an API key for an hour."""
    aspect: Aspect | None = None
    """Width to height of film and still."""
    camera_preset: CameraMove | None = None
    """The camera's move."""
    logo: BrandLogo | None = None
    """A logo over still and film."""
    end_color: str | None = None
    """The colour that the film ends in."""


class BrandList(PublicAnswer):
    """The brands of a key."""

    brands: tuple[Brand, ...]
    """By name."""


def parse_name(text: str | None) -> str:
    """A brand's name. Raises InvalidRequest."""
    if text is None:
        raise InvalidRequest("name is required: what the brand is called.", field="name")
    name = text.strip(" ").lower()
    if not re.fullmatch(NAME_PATTERN.strip("^$"), name):
        raise InvalidRequest(
            "name must be 1 to 40 small letters, digits, dashes and underscores, and begin with a letter or a digit, "
            f"not {shown(text)}.",
            field="name",
        )
    return name


def parse_brand(text: str | None) -> BrandBody:
    """The form's ``brand``: a JSON object; an empty brand where it is not given. Raises InvalidRequest."""
    return checked(SaveBrandBody, {"brand": json_value((text or "{}").encode(), "brand")}).brand
