"""How values and limits are written in sentences about requests."""

from __future__ import annotations

import json
from typing import Any

SHOWN_CHARACTERS = 60
"""As much of a wrong value as a sentence repeats."""


def plainly(limit: float) -> str:
    """A limit as a sentence has it: 256, 0.1."""
    return str(int(limit)) if limit == int(limit) else f"{limit:g}"


def shown(value: Any) -> str:
    """A value as a sentence shows it: words of JSON, not of Python."""
    if value is None or isinstance(value, bool | dict | list):
        try:
            text = json.dumps(value, ensure_ascii=False, default=repr)
        except RecursionError:  # it was just shallow enough to be read, from fewer frames
            text = "a value that is nested too deeply"
    else:
        text = repr(value)
    return short(text)


def short(text: str) -> str:
    """As much of a text as a sentence repeats."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."
