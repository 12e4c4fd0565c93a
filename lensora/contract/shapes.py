"""What every answer is made of: the base of its models, times, corners of boxes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
"""RFC 3339 in UTC with milliseconds, such as ``2026-11-29T09:30:00.000Z``."""


def moment(unix_ms: int) -> Moment:
    """A time as answers write it."""
    at = datetime.fromtimestamp(unix_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class PublicAnswer(BaseModel):
    """Base of every answer. Fields that a newer server adds are passed over by an older client.

    A field with the default None is left out where it does not apply, and is never null.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler(core_schema)
        for field in handler.resolve_ref_schema(schema).get("properties", {}).values():
            if field.get("default", 0) is None:
                del field["default"]
                (present,) = (choice for choice in field.pop("anyOf") if choice.get("type") != "null")
                field.update(present)
        return schema

    def as_json(self) -> dict[str, Any]:
        """As JSON's values: the fields that were given."""
        return self.model_dump(mode="json", exclude_unset=True)

    def encoded(self) -> bytes:
        """As JSON: the fields that were given, in the public page's order."""
        return self.__pydantic_serializer__.to_json(self, exclude_unset=True)


Corners = Annotated[tuple[float, ...], Field(min_length=4, max_length=4)]
"""[x1, y1, x2, y2], fractions of the upright image, origin top left."""
