"""``/transform`` starts a job, ``/quote`` says what one would cost."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.orders.ordering import Ordering
from gateway.http.orders.submission import Submission
from gateway.http.plumbing.answers import json_answer, read_body
from gateway.http.plumbing.calls import call, links_to
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.jobs import ports, pricing
from gateway.jobs.records import TRANSFORM_CREDITS, NewJob
from lensora.contract import answers, examples
from lensora.contract import requests as schemas
from lensora.core.errors import (
    CropTooSmall,
    CutoutNotFound,
    InvalidBackground,
    InvalidRequest,
    ObjectIndexOutOfRange,
    SessionNotFound,
    TooManyJobs,
)


@dataclass(frozen=True, slots=True)
class TransformCalls:
    """Handlers."""

    gate: Gate
    once: Once
    credits: ports.Credits
    jobs: ports.Jobs
    ordering: Ordering
    submission: Submission

    @call(
        "POST",
        "/v1/studio/transform",
        name="transform",
        summary="Start a job",
        description="The whole price comes back if the job does not complete. A film of more frames x pixels than the "
        "default one costs more, in proportion (docs/guides/prices.md).",
        price=TRANSFORM_CREDITS,
        body=schemas.TransformBody,
        example=examples.TRANSFORM_BODY,
        answer=answers.JobTicket,
        errors=(
            InvalidRequest,
            InvalidBackground,
            ObjectIndexOutOfRange,
            CropTooSmall,
            SessionNotFound,
            CutoutNotFound,
            TooManyJobs,
        ),
        idempotent=True,
        links=links_to("job_id", "result", "stream", "cancel", "render", "share", "unshare", "delete_job"),
    )
    async def transform(self, request: Request) -> Response:
        """POST /v1/studio/transform."""
        key = await self.gate.admit(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.TransformBody, raw)
            order = await self.ordering.order(request, key, body)
            return await self.submission.submit(
                NewJob(str(uuid.uuid4()), key, order, key.owes(pricing.transform_price(order.output))), keep
            )

        return await self.once.answer(request, key, schemas.content(schemas.TransformBody, raw), work)

    @call(
        "POST",
        "/v1/studio/quote",
        name="quote",
        summary="What a job would cost",
        description="Free. The same body as /transform, checked in the same way; nothing is started.",
        body=schemas.TransformBody,
        example=examples.TRANSFORM_BODY,
        answer=answers.Quote,
        errors=(
            InvalidRequest,
            InvalidBackground,
            ObjectIndexOutOfRange,
            CropTooSmall,
            SessionNotFound,
            CutoutNotFound,
        ),
    )
    async def quote(self, request: Request) -> Response:
        """POST /v1/studio/quote."""
        key = await self.gate.admit(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)
        order = await self.ordering.order(request, key, schemas.parse_body(schemas.TransformBody, raw))
        pricing.require_bounded(order.output)
        price = key.owes(pricing.transform_price(order.output))
        estimated = await self.jobs.estimated_seconds(key.account_id, order.output)
        balance = await self.credits.balance(key.account_id)
        return json_answer(answers.Quote(credits=price, estimated_seconds=estimated, balance=balance))
