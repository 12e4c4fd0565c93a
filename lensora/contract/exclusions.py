"""What fields of a body rule out together, as JSON Schema: the models check the same, with sentences of their own.

All of it stands under ``not``, so that generators of clients, which take the plain fields, pass it over.
"""

from __future__ import annotations

from typing import Any

from lensora.core.size import Extent

Json = dict[str, Any]


def given(**kinds: str) -> Json:
    """The object has each of these fields with a value of this JSON type."""
    return {"required": [*kinds], "properties": {name: {"type": kind} for name, kind in kinds.items()}}


def never(*rules: Json) -> Json:
    """None of these holds."""
    return {"not": {"anyOf": [*rules]}}


BOX_AND_INDEX: Json = {"required": ["bbox", "object_index"], "properties": {"bbox": {"type": "array"}}}
"""A box stands in place of an index."""

CUTOUT_AND_CHOICE: tuple[Json, ...] = tuple(
    {"required": ["cutout_id", name], "properties": {"cutout_id": {"type": "string"}}}
    for name in ("object_index", "bbox", "points")
)
"""A cutout is used as it is."""

_SIZES = [f"real_{extent}_cm" for extent in Extent]
TWO_SIZES: tuple[Json, ...] = tuple(
    given(**{first: "number", second: "number"}) for place, first in enumerate(_SIZES) for second in _SIZES[place + 1 :]
)
"""The other measures follow from one."""

NOWHERE = never(given(background="object"), given(brand="string"))
"""Neither a background nor a brand, which may have one."""

TWO_PICTURES = given(url="string", backplate_id="string")
NO_PICTURE = never(given(url="string"), given(backplate_id="string"))

ITEMS_AND_PHOTOS = given(items="array", photos="integer")
NO_PHOTOS = never(given(items="array"), given(photos="integer"))
