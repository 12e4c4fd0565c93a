"""What is wrong with a body, in one sentence: the field, what it takes, and what it has."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from lensora.contract.backgrounds import ColorBackground, ImageBackground, PromptBackground, RemoveBackground
from lensora.contract.wording import plainly, shown
from lensora.core.words import BackgroundType

BACKGROUND = "background"
"""The field, wherever it stands, whose errors have a code of their own."""


def sentence(path: list[str], error: ErrorDetails, model: type[BaseModel]) -> str:
    """One sentence: the field, what it takes, what it has.

    Args:
        path: of the field, within the body.
        error: pydantic's.
        model: of the body.
    """
    kind, context, given = error["type"], error.get("ctx", {}), error["input"]
    name = ".".join(path)
    numbers = _takes(model, path) if kind in _NUMBER_ERRORS else None
    if numbers is not None:
        return f"{name} must be {numbers}, not {shown(given)}."
    if kind == "extra_forbidden":
        return _unknown(path, error["loc"], model)
    length = len(given) if isinstance(given, str) else 0
    tag = given.get("type") if isinstance(given, dict) else context.get("tag")
    about = {
        "missing": " is required",
        "no_picture": ".url is required, or backplate_id in its place",
        "union_tag_not_found": f".type is required: it must be one of {', '.join(BackgroundType)}",
        "union_tag_invalid": f".type must be one of {', '.join(BackgroundType)}, not {shown(tag)}",
        "literal_error": f" must be {str(context.get('expected')).replace(chr(39), '')}, not {shown(given)}",
        "enum": f" must be one of {str(context.get('expected')).replace(chr(39), '')}, not {shown(given)}",
        "string_too_long": f" must have at most {context.get('max_length', 0):,} characters, not {length:,}",
        "string_too_short": " must not be empty",
        "value_error": f" {context.get('error')}",
    }.get(kind)
    if about is None:
        takes = {
            "bool_type": "must be true or false",
            "string_type": "must be a string",
            "list_type": "must be a list",
            "model_type": "must be an object",
            "model_attributes_type": "must be an object",
            "dict_type": "must be an object",
            "too_long": f"must have at most {_entries(context.get('max_length', 0))}",
            "too_short": f"must have at least {_entries(context.get('min_length', 0))}",
        }.get(kind, f"is not valid ({error['msg']}): it must be something else")
        about = f" {takes}, not {shown(given)}"
    return f"{name}{about}.".strip()


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


_BACKGROUNDS: dict[str, type[BaseModel]] = {
    BackgroundType.REMOVE: RemoveBackground,
    BackgroundType.IMAGE: ImageBackground,
    BackgroundType.PROMPT: PromptBackground,
    BackgroundType.COLOR: ColorBackground,
}

_NUMBER_ERRORS = frozenset(
    {
        "int_type",
        "int_from_float",
        "int_parsing",
        "float_type",
        "float_parsing",
        "finite_number",
        "greater_than_equal",
        "less_than_equal",
        "multiple_of",
    }
)


def _unknown(path: list[str], place: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """The sentence for a field that is not known: what the object that it lies in takes instead.

    Args:
        path: of the field, within the body.
        place: the same as pydantic tells it, the chosen member of a union included.
        model: of the body.
    """
    name = ".".join(path)
    if BACKGROUND in place[:-2]:
        kind = str(place[place.index(BACKGROUND) + 1])
        takes = ", ".join(_BACKGROUNDS[kind].model_fields)
        return f"{name} must not be given with type {kind}, which takes {takes}."
    takes = ", ".join(_rules(model, path[:-1]).get("properties", {}))
    holder = next(part for part in reversed(path[:-1]) if not part.isdigit())
    return f"{name} is not a field that is known here; {holder} takes {takes}."


def _takes(model: type[BaseModel], path: list[str]) -> str | None:
    """What a field that is a number takes, with both limits: ``an even integer from 256 to 2160``; None for others."""
    node = _rules(model, path)
    kind = node.get("type")
    if kind not in ("integer", "number"):
        return None
    even = "even " if node.get("multipleOf") == 2 else ""
    article = "an" if (even or kind == "integer") else "a"
    limits = f" from {plainly(node['minimum'])} to {plainly(node['maximum'])}" if "minimum" in node else ""
    return f"{article} {even}{kind}{limits}"


def _rules(model: type[BaseModel], path: list[str]) -> dict[str, Any]:
    """The JSON Schema of a field; empty for one that is not known."""
    document = _schema(model)
    node: dict[str, Any] = document
    for part in path:
        within = node.get("items", {}) if part.isdigit() else node.get("properties", {}).get(part, {})
        node = _plain(within, document)
    return node


def _plain(node: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """A schema behind its reference, without the null that an optional field may be."""
    for choice in node.get("anyOf", ()):
        if choice.get("type") != "null":
            node = choice
            break
    reference = node.get("$ref", "")
    return document["$defs"][reference.rsplit("/", 1)[-1]] if reference else node


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()
