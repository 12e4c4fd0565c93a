"""Further photos of a session's subject, as the API takes and answers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from lensora.contract.answers import DetectedObject, SuggestedAction
from lensora.contract.json_text import json_value
from lensora.contract.requests import DrawnBox, Points, RequestBody, checked
from lensora.contract.shapes import Corners, PublicAnswer
from lensora.contract.wording import shown
from lensora.core.bounds import whole
from lensora.core.boxes import Box
from lensora.core.errors import InvalidRequest
from lensora.core.words import ViewSide


class ViewBody(RequestBody):
    """Body of PATCH /v1/studio/sessions/{session_id}/views/{view_id}: what is not given stays as it was."""

    view: ViewSide | None = None
    """The side that the photo shows; null where nobody knows: it is then used only where its side is clear."""
    bbox: DrawnBox | None = None
    """Where the subject is in this photo, [x1, y1, x2, y2] as in its objects."""
    points: Points | None = None
    """Places of this photo that belong to the subject, and places that do not, in place of those before."""


@dataclass(frozen=True, slots=True)
class ViewForm:
    """The fields beside the photo of POST /v1/studio/sessions/{session_id}/views.

    Attributes:
        object_index: of the session's objects, where one was named.
        body: side, box and points.
    """

    object_index: int | None
    body: ViewBody

    @property
    def content(self) -> bytes:
        """What the fields say, the same for every way to spell it."""
        return f"{self.object_index} {self.body.model_dump_json()}".encode()


def parse_turn_form(fields: Mapping[str, str]) -> int | None:
    """The form's ``object_index``, where it is given. Raises InvalidRequest."""
    return parse_view_form({name: value for name, value in fields.items() if name in TURN_FIELDS}).object_index


TURN_FIELDS = frozenset({"object_index"})
"""Names of the fields beside a film."""
VIEW_FIELDS = frozenset({"view", "object_index", "bbox", "points"})
"""Names of those fields."""
MAX_INDEX = 10**9


def parse_view_form(fields: Mapping[str, str]) -> ViewForm:
    """Read and check a form's fields; ``bbox`` and ``points`` are JSON, as in other bodies. Raises InvalidRequest."""
    values: dict[str, Any] = {"view": fields["view"]} if fields.get("view") else {}
    for name in ("bbox", "points"):
        if fields.get(name):
            try:
                values[name] = json_value(fields[name].encode())
            except InvalidRequest as error:
                raise InvalidRequest(
                    f"{name} must be JSON, such as {_SAMPLES[name]}, not {shown(fields[name])}.", field=name
                ) from error
    index: int | None = None
    if "object_index" in fields:
        index = whole(fields["object_index"], 0, MAX_INDEX)
        if index is None:
            raise InvalidRequest(
                f"object_index must be an integer from 0, not {shown(fields['object_index'])}.", field="object_index"
            )
    return ViewForm(index, checked(ViewBody, values))


_SAMPLES = {"bbox": "[0.2, 0.1, 0.8, 0.9]", "points": '[{"x": 0.5, "y": 0.5, "keep": true}]'}


class Mark(PublicAnswer):
    """What was said of one place of a photo."""

    x: float
    """Fraction of the upright image's width, from the left."""
    y: float
    """Fraction of the upright image's height, from the top."""
    keep: bool
    """True where the place belongs to the subject, false where it does not."""


class Frame(PublicAnswer):
    """A picture of a film of the subject turning."""

    source_url: str
    """The picture; opens without an API key until the session ends."""
    bbox: Corners
    """Where the subject is taken to be in it."""
    second: float
    """When the film shows it."""


class View(PublicAnswer):
    """A further photo of a session's subject; it lives as long as its session."""

    view_id: str
    """For a correction, or to delete it."""
    session_id: str
    """The session that it belongs to."""
    source_url: str
    """The photo, or a film's first picture; opens without an API key until the session ends."""
    side: ViewSide | None = None
    """The side that it shows; left out where nobody said: such a photo is used only where its side is clear."""
    objects: tuple[DetectedObject, ...]
    """What was found in this photo, best first; the last is always the entire image."""
    bbox: Corners
    """Where the subject is taken to be in this photo; correct it with bbox and points."""
    points: tuple[Mark, ...]
    """What you have said of single places."""
    likeness: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """How like the session's subject it looks; left out where you drew the box, or it was not measured."""
    suggested_actions: tuple[SuggestedAction, ...]
    """Empty unless the photo has a problem that you can act on."""
    frames: tuple[Frame, ...] | None = None
    """Of a film of the subject turning: the pictures of it that are used; left out for a photo."""
    credits_used: int
    """What this call cost."""

    @property
    def box(self) -> Box:
        """``bbox`` with names for its sides."""
        return Box(*self.bbox)


class ViewList(PublicAnswer):
    """The further photos of a session."""

    views: tuple[View, ...]
    """In the order in which they were added."""
