"""``/transform`` starts a job, ``/quote`` says what one would cost."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.orders.brands import Brands
from gateway.http.orders.output import events_of
from gateway.http.orders.outside import Outside
from gateway.http.orders.submission import Submission
from gateway.http.plumbing.answers import json_answer, read_body
from gateway.http.plumbing.calls import call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.identifiers import session_id_of
from gateway.http.studio.choices import choice_of
from gateway.jobs import ports, pricing
from gateway.jobs.photos import OrderedView
from gateway.jobs.records import TRANSFORM_CREDITS, ApiKey, KeptCutout, NewJob, Order, Session
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
from lensora.observability import traces


@dataclass(frozen=True, slots=True)
class TransformCalls:
    """Handlers."""

    gate: Gate
    once: Once
    credits: ports.Credits
    sessions: ports.Sessions
    cutouts: ports.Cutouts
    views: ports.Views
    jobs: ports.Jobs
    outside: Outside
    brands: Brands
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
        links={
            name: {"operationId": name, "parameters": {"job_id": "$response.body#/job_id"}}
            for name in ("result", "stream", "cancel")
        },
    )
    async def transform(self, request: Request) -> Response:
        """POST /v1/studio/transform."""
        key = await self.gate.admit(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.TransformBody, raw)
            order = await self._order(request, key, body)
            return await self.submission.submit(
                NewJob(str(uuid.uuid4()), key, order, key.owes(pricing.transform_price(order.output))), keep
            )

        return await self.once.answer(request, key, schemas.content(schemas.TransformBody, raw), work)

    async def _order(self, request: Request, key: ApiKey, body: schemas.TransformBody) -> Order:
        """What the body asks for, all of it checked."""
        session = await self.sessions.get(key.key_id, session_id_of(body.session_id))
        cutout = await self._cutout(key, session, body)
        choice = cutout.choice if cutout is not None else choice_of(session, body)
        look = await self.brands.look(key, body)
        return Order(
            session_id=session.session_id,
            object_index=choice.object_index,
            label=choice.label,
            category=choice.category,
            photo=session.photo,
            photo_width=session.width,
            photo_height=session.height,
            box=choice.box,
            points=choice.points,
            cutout=cutout.artifact if cutout is not None else None,
            cutout_models=cutout.models if cutout is not None else (),
            background=look.background,
            camera=look.camera,
            output=look.output,
            branding=look.branding,
            webhook_url=await self.outside.webhook(key, body.webhook_url),
            webhook_events=events_of(body.webhook_url, body.webhook_events),
            deliver_to=await self.outside.delivery(key, body.deliver_to),
            session_models=session.models,
            test=key.test,
            real_size=body.real_size,
            views=await self._views(key, session),
            request_id=exchange_of(request).request_id,
            traceparent=traces.carrier().get("traceparent", ""),
        )

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
        order = await self._order(request, key, schemas.parse_body(schemas.TransformBody, raw))
        pricing.require_bounded(order.output)
        price = key.owes(pricing.transform_price(order.output))
        estimated = await self.jobs.estimated_seconds(key.account_id)
        balance = await self.credits.balance(key.account_id)
        return json_answer(answers.Quote(credits=price, estimated_seconds=estimated, balance=balance))

    async def _views(self, key: ApiKey, session: Session) -> tuple[OrderedView, ...]:
        """Every further photo of the session, as it is now."""
        return tuple(
            OrderedView(
                view_id=view.view_id,
                side=view.side,
                photo=view.photo,
                photo_width=view.width,
                photo_height=view.height,
                box=view.choice.box,
                points=view.choice.points,
                models=view.models,
            )
            for view in await self.views.list(key.key_id, session.session_id)
        )

    async def _cutout(self, key: ApiKey, session: Session, body: schemas.TransformBody) -> KeptCutout | None:
        """The cutout that the body names. Raises CutoutNotFound; InvalidRequest where it names a thing beside it."""
        if body.cutout_id is None:
            return None
        for name in ("object_index", "bbox", "points"):
            if name in body.model_fields_set:
                raise InvalidRequest(
                    f"{name} must not be given with cutout_id {body.cutout_id[:40]!r}, which is used as it is.",
                    field=name,
                )
        return await self.cutouts.get(key.key_id, session.session_id, body.cutout_id)
