"""Reading JSON that strangers send: stricter than Python's reader, and with a sentence for what is wrong."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import Any

from lensora.contract.wording import short, shown
from lensora.core.errors import InvalidRequest


def json_value(raw: bytes, field: str = "") -> Any:
    """The value of a JSON text. Raises InvalidRequest, which says where and why it is none.

    Args:
        raw: the text.
        field: of a form, where it comes from one; else it is a whole body.
    """
    name = field or "The body"
    if not raw.strip():
        raise InvalidRequest(f"{name} is empty; it must be a JSON object.", field=field)
    try:
        value = json.loads(raw, parse_float=_finite, parse_constant=_no_constant, object_pairs_hook=_no_repeats)
        # A lone surrogate is legal in JSON's escapes, but no text: it cannot be stored, logged or answered.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{name} must be a JSON object in UTF-8: {_why(error)}.", field=field) from error
    return value


def _why(error: Exception) -> str:
    """What is wrong with what should be JSON."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg[:1].lower()}{error.msg[1:]} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"the byte at {error.start:,} is not {error.encoding.upper()}"
    if isinstance(error, UnicodeEncodeError):
        return "half of a surrogate pair is no character"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return str(error) if isinstance(error, _NotJson) else "a number has too many digits"


class _NotJson(ValueError):
    """What Python's reader takes and JSON has not, or leaves open."""


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotJson(f"the number {short(text)} is too large")
    return number


def _no_constant(name: str) -> None:
    raise _NotJson(f"{name} is no number of JSON")


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in found if times[name] > 1)
        raise _NotJson(f"{shown(twice)} is given twice")
    return found
