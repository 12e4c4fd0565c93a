"""``/prices``: what calls and files cost, and how large files are likely to be."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import json_answer
from gateway.http.plumbing.calls import Parameter, call
from gateway.http.plumbing.gate import Gate
from gateway.jobs import pricing
from gateway.jobs.records import CUTOUT_CREDITS, INIT_CREDITS, TURN_CREDITS, VIEW_CREDITS, OutputChoices
from gateway.jobs.sizes import SIZES
from lensora.contract import answers
from lensora.contract.prices import PricesQuery, parse_prices
from lensora.core.errors import InvalidRequest
from lensora.core.words import Aspect


@dataclass(frozen=True, slots=True)
class PriceCalls:
    """Handlers."""

    gate: Gate

    @call(
        "GET",
        "/v1/studio/prices",
        name="prices",
        summary="What calls and files cost, and how large files are",
        description="Free. For a film of the size, shape, rate and length that the query says; without one, the usual "
        "film.",
        parameters=tuple(
            Parameter(name, "query", schema, PricesQuery.model_fields[name].description or "")
            for name, schema in (
                ("size", {"type": "integer", "minimum": 256, "maximum": 2160, "multipleOf": 2, "default": 768}),
                (
                    "aspect",
                    {"type": "string", "enum": [shape.value for shape in Aspect], "default": Aspect.SQUARE.value},
                ),
                ("fps", {"type": "integer", "minimum": 12, "maximum": 60, "default": 24}),
                ("seconds", {"type": "number", "minimum": 1, "maximum": 20, "default": 4}),
            )
        ),
        answer=answers.Prices,
        errors=(InvalidRequest,),
    )
    async def prices(self, request: Request) -> Response:
        """GET /v1/studio/prices."""
        await self.gate.admit(request)
        asked = parse_prices(request.query_params)
        output = OutputChoices(size=asked.size, aspect=asked.aspect, fps=asked.fps, seconds=asked.seconds)
        pricing.require_bounded(output)
        return json_answer(
            answers.Prices(
                init=INIT_CREDITS,
                view=VIEW_CREDITS,
                turn=TURN_CREDITS,
                cutout=CUTOUT_CREDITS,
                transform=pricing.transform_price(output),
                render=pricing.render_price(output),
                outputs=tuple(
                    answers.OutputPrice(name=name, credits=_credits(name, output), expected_bytes=size.of(output))
                    for name, size in SIZES.items()
                ),
            )
        )


def _credits(name: str, output: OutputChoices) -> int:
    """What a file adds; the film that every job has is in the job's own price."""
    further = name in pricing.FILMS and name != pricing.FILMS[0]
    return pricing.film_price(output) if further else 0
