"""Text from outside as numbers, cursors and dates: one reader for each, with bounds, that never raises. And how a
measure that is over its bound is said."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

WHOLE_CHARACTERS = 19
"""Digits that always fit 64 bits; Python itself refuses to read more than 4,300."""

HTTP_DATE_CHARACTERS = 64
"""The longest form of a date in HTTP has 33."""

_WHOLE = re.compile(rf"[0-9]{{1,{WHOLE_CHARACTERS}}}")
_STREAM_ENTRY = re.compile(r"([0-9]{1,15})-([0-9]{1,10})")

DATE_FORMATS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The three forms that RFC 9110, section 5.6.7, has a recipient take; all are UTC."""


def whole(text: str, least: int, most: int) -> int | None:
    """The number that ASCII digits spell, spaces around them allowed; None for anything else or out of bounds.

    Args:
        text: from a query, a form or a header.
        least: smallest number that is taken, at least 0.
        most: largest.
    """
    digits = text.strip(" \t")
    if not _WHOLE.fullmatch(digits):
        return None
    number = int(digits)
    return number if least <= number <= most else None


def tenths_over(measure: float) -> str:
    """A measure that is over its limit, to a tenth and rounded up: 52.01 over 52 is not said to be 52.0."""
    return f"{math.ceil(measure * 10) / 10:.1f}"


def stream_entry(text: str) -> str | None:
    """The id of a Redis stream's entry, ``<ms>-<n>`` and not the first of all; None for anything else."""
    found = _STREAM_ENTRY.fullmatch(text)
    if found is None or not (int(found[1]) or int(found[2])):
        return None
    return text


def http_date(text: str | None) -> datetime | None:
    """A date of HTTP, in UTC; None where there is none or it is not one (RFC 9110: such a header is passed over)."""
    if text is None or len(text) > HTTP_DATE_CHARACTERS or not text.isascii():
        return None
    for form in DATE_FORMATS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None
