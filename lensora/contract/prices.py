"""The query of ``/prices``: the film that is asked about."""

from __future__ import annotations

import re
from collections.abc import Mapping

from lensora.contract.requests import FilmLength, FilmRate, FilmSide, RequestBody, checked
from lensora.core.words import Aspect

_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?")


class PricesQuery(RequestBody):
    """A film, as in ``output`` of /transform."""

    size: FilmSide = 768
    """Longer side, pixels, even."""
    aspect: Aspect = Aspect.SQUARE
    """Width to height."""
    fps: FilmRate = 24
    """Frames per second."""
    seconds: FilmLength = 4.0
    """Length of the film."""


def parse_prices(query: Mapping[str, str]) -> PricesQuery:
    """The query's film. Raises InvalidRequest, which names the field, the limit and the value."""
    return checked(
        PricesQuery, {name: _value(text) for name, text in query.items() if name in PricesQuery.model_fields}
    )


def _value(text: str) -> str | int | float:
    """A number where the text is one as JSON writes it; Python would also read 4_0, and digits of other scripts."""
    match = _NUMBER.fullmatch(text.strip(" "))
    if match is None:
        return text
    return float(match[0]) if match[1] or match[2] else int(match[0])
