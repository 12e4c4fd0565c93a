"""The calls that cost credits: ``/init``, ``/transform`` and ``/render``; and ``/cancel``, which gives them back."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.egress import EgressRefused, HostUnresolved
from gateway.http import upload, views
from gateway.http.answers import json_answer, read_body, require_unpacked
from gateway.http.auth import admit
from gateway.http.calls import JOB_ID, Form, call
from gateway.http.choices import choice_of
from gateway.http.edge import exchange_of
from gateway.http.idempotency import is_repeat, once
from gateway.http.identifiers import job_id_of, session_id_of
from gateway.http.intake import Arrival
from gateway.http.problems import encode
from gateway.http.surface import Surface
from gateway.jobs import pricing
from gateway.jobs.records import (
    INIT_CREDITS,
    RENDER_CREDITS,
    TRANSFORM_CREDITS,
    ApiKey,
    Background,
    KeptAnswer,
    KeptCutout,
    NewJob,
    Order,
    OutputChoices,
    Session,
)
from lensora.contract import answers, examples
from lensora.contract import requests as schemas
from lensora.core.artifacts import SUFFIX, Artifact, MediaType
from lensora.core.errors import (
    Conflict,
    CropTooSmall,
    CutoutNotFound,
    DetectionUnavailable,
    InsufficientCredits,
    InvalidBackground,
    InvalidImage,
    InvalidRequest,
    JobNotFound,
    LensoraError,
    ObjectIndexOutOfRange,
    SessionNotFound,
    TooManyJobs,
    Unavailable,
)
from lensora.core.steps import JobStatus, Step
from lensora.core.words import BackgroundType, OutputFormat, WebhookEvent
from lensora.imaging.header import read_header
from lensora.observability import logs, traces

Keep = Callable[[bytes], KeptAnswer | None]

_log = logs.get(__name__)

LOOK_UP_RETRY_S = 10.0
"""A name server that is silent is asked again later."""

FILM_FORMATS = (
    OutputFormat.MP4,
    OutputFormat.GLB,
    OutputFormat.WEBM_ALPHA,
    OutputFormat.GIF,
    OutputFormat.POSTER,
)
"""What a second film of a kept mesh can have; the mesh's own further formats were made with the mesh."""


@dataclass(frozen=True, slots=True)
class Studio:
    """Handlers."""

    surface: Surface

    @call(
        "POST",
        "/v1/studio/init",
        name="init",
        summary="Upload a photo and find the objects in it",
        description="Charged on success only.",
        price=INIT_CREDITS,
        form=Form(
            {
                "image": {
                    "type": "string",
                    "contentMediaType": "application/octet-stream",
                    "description": "JPEG, PNG or WebP, at most 20 MB and 52 megapixels, each side at least 64 px.",
                },
                "max_objects": {
                    "type": "integer",
                    "minimum": 2,
                    "maximum": 8,
                    "default": 6,
                    "description": "Most proposals, the entire image included.",
                },
            },
            required=("image",),
        ),
        answer=answers.Session,
        errors=(InvalidImage, InvalidRequest, DetectionUnavailable),
        idempotent=True,
        links={
            "transform": {"operationId": "transform", "requestBody": {"session_id": "$response.body#/session_id"}},
            "cutout": {"operationId": "cutout", "requestBody": {"session_id": "$response.body#/session_id"}},
        },
    )
    async def init(self, request: Request) -> Response:
        """POST /v1/studio/init."""
        surface = self.surface
        key = await admit(request, surface)
        upload.check_length(request.headers.get("content-length"))
        if not await is_repeat(request, surface, key):
            await self._require_credits(key)
        async with surface.intake.place(key.account_id) as arrival:
            form = await self._read_form(request, arrival)
            async with surface.intake.work():
                return await self._look(request, key, form)

    async def _look(self, request: Request, key: ApiKey, form: upload.Form) -> Response:
        """The answer to an upload that has arrived."""
        surface = self.surface
        max_objects = schemas.parse_max_objects(form.fields.get("max_objects"))
        data = form.file
        if data is None:
            raise upload.missing(form, "image")
        if not data:
            raise InvalidImage("image must be a JPEG, PNG or WebP file, not an empty one.", field="image")
        loop = asyncio.get_running_loop()
        digest = await loop.run_in_executor(surface.executor, _digest, data)

        async def work(keep: Keep) -> bytes:
            return await self._open(request, key, data, max_objects, keep)

        return await once(request, surface, key, f"{digest} {max_objects}".encode(), work)

    async def _require_credits(self, key: ApiKey) -> None:
        """Raises InsufficientCredits. The charge itself is atomic; this look spares work that could not be paid."""
        price = key.owes(INIT_CREDITS)
        balance = await self.surface.credits.balance(key.account_id)
        if balance < price:
            raise InsufficientCredits(f"The balance is {balance} credits; /init needs {price}.")

    async def _read_form(self, request: Request, arrival: Arrival) -> upload.Form:
        """The upload, if it arrives in time. Raises InvalidRequest, InvalidImage or Overloaded."""
        content_type = request.headers.get("content-type", "")
        require_unpacked(request)
        try:
            async with asyncio.timeout(self.surface.upload_s):
                return await upload.read_form(content_type, arrival.counted(request.stream()), file_field="image")
        except TimeoutError as error:
            raise InvalidRequest(
                f"The upload must arrive within {self.surface.upload_s:g} seconds.", field="image"
            ) from error

    async def _open(self, request: Request, key: ApiKey, data: bytes, max_objects: int, keep: Keep) -> bytes:
        """Check the photo, find what is in it, and open a session."""
        surface = self.surface
        loop = asyncio.get_running_loop()
        media_type: MediaType = await loop.run_in_executor(surface.executor, _format_of, data)
        await self._require_credits(key)
        session_id = str(uuid.uuid4())
        name = f"sessions/{session_id}/photo{SUFFIX[media_type]}"
        photo: Artifact = await loop.run_in_executor(
            surface.executor, surface.artifacts.put, name, data, media_type.value
        )
        needed = False
        try:
            found = await surface.detection.detect(photo, max_objects, request_id=exchange_of(request).request_id)
            session = Session(
                session_id=session_id,
                key_id=key.key_id,
                account_id=key.account_id,
                photo=photo,
                width=found.width,
                height=found.height,
                proposals=found.proposals,
                suggested_actions=found.actions,
                models=found.models,
                detection_ms=found.elapsed_ms,
            )
            # The answer is kept with the charge, so it must be known before: the link's end is set by our own clock.
            session = replace(session, expires_ms=round((surface.clock() + surface.session_s) * 1000))
            body = encode(views.session_view(session, surface.files, key.owes(INIT_CREDITS)))
            # From here on the session may stand even when its answer is lost: then the sweeper, which looks at what no
            # session holds, decides about the photo.
            needed = True
            try:
                await surface.sessions.open(session, price=key.owes(INIT_CREDITS), kept=keep(body))
            except LensoraError as error:
                needed = isinstance(error, Unavailable)
                raise
            return body
        finally:
            if not needed:
                await self._drop(name)

    async def _drop(self, name: str) -> None:
        """Delete a photo that no session holds; the sweeper finds it where the store is away."""
        try:
            await self.surface.artifacts.delete_async([name])
        except Unavailable as error:
            _log.warning("photo_not_deleted", key=name, error=error.message)

    @call(
        "POST",
        "/v1/studio/transform",
        name="transform",
        summary="Start a job",
        description="The whole price comes back if the job does not complete. A film of more frames x pixels than the "
        "default one costs more, in proportion (docs/API.md, Prices).",
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
        key = await admit(request, self.surface)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.TransformBody, raw)
            order = await self._order(request, key, body)
            return await self._submit(
                NewJob(str(uuid.uuid4()), key, order, key.owes(pricing.transform_price(order.output))), keep
            )

        return await once(request, self.surface, key, schemas.content(schemas.TransformBody, raw), work)

    async def _order(self, request: Request, key: ApiKey, body: schemas.TransformBody) -> Order:
        """What the body asks for, all of it checked."""
        session = await self.surface.sessions.get(key.key_id, session_id_of(body.session_id))
        cutout = await self._cutout(key, session, body)
        choice = cutout.choice if cutout is not None else choice_of(session, body)
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
            background=await self._background(key, body.background),
            camera=body.camera_preset,
            output=_output(body.output),
            webhook_url=await self._webhook(key, body.webhook_url),
            webhook_events=_events(body.webhook_url, body.webhook_events),
            deliver_to=await self._delivery(key, body.deliver_to),
            session_models=session.models,
            test=key.test,
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
        key = await admit(request, self.surface)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)
        order = await self._order(request, key, schemas.parse_body(schemas.TransformBody, raw))
        pricing.require_bounded(order.output)
        price = key.owes(pricing.transform_price(order.output))
        estimated = await self.surface.jobs.estimated_seconds(key.account_id)
        balance = await self.surface.credits.balance(key.account_id)
        return json_answer(views.quote_view(price, estimated, balance))

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
        return await self.surface.cutouts.get(key.key_id, session.session_id, body.cutout_id)

    @call(
        "POST",
        "/v1/studio/jobs/{job_id}/render",
        name="render",
        tag="jobs",
        summary="Film a finished job's model again",
        description="With another camera or background. What is not given stays as it was.",
        price=RENDER_CREDITS,
        parameters=(JOB_ID,),
        body=schemas.RenderBody,
        example=examples.RENDER_BODY,
        answer=answers.JobTicket,
        errors=(InvalidRequest, InvalidBackground, JobNotFound, Conflict, TooManyJobs),
        idempotent=True,
    )
    async def render(self, request: Request) -> Response:
        """POST /v1/studio/jobs/{job_id}/render."""
        key = await admit(request, self.surface)
        job_id = job_id_of(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.RenderBody, raw)
            parent = await self.surface.jobs.get(key.key_id, job_id)
            if parent.status is not JobStatus.COMPLETED:
                raise Conflict(f"Only a completed job can be rendered again; job {job_id} is {parent.status.value}.")
            order = parent.order
            again: tuple[Step, ...] = (Step.RENDERING_VIDEO,)
            if body.background is not None:
                order = replace(order, background=await self._background(key, body.background))
                again = (Step.GENERATING_BG, Step.COMPOSITING, Step.RENDERING_VIDEO)
            if body.camera_preset is not None:
                order = replace(order, camera=body.camera_preset)
            output = _film(parent.order.output, body.output)
            if output.size != parent.order.output.size:
                # The scene is painted at the film's size; its seed is the session's, so it is the same scene.
                again = (Step.GENERATING_BG, Step.COMPOSITING, Step.RENDERING_VIDEO)
            order = replace(
                order,
                output=output,
                webhook_url=await self._webhook(key, body.webhook_url),
                webhook_events=_events(body.webhook_url, body.webhook_events),
                deliver_to=await self._delivery(key, body.deliver_to),
                request_id=exchange_of(request).request_id,
                traceparent=traces.carrier().get("traceparent", ""),
            )
            new = NewJob(
                str(uuid.uuid4()), key, order, key.owes(pricing.render_price(output)), parent_id=job_id, again=again
            )
            return await self._submit(new, keep)

        return await once(request, self.surface, key, schemas.content(schemas.RenderBody, raw), work)

    @call(
        "POST",
        "/v1/studio/jobs/{job_id}/cancel",
        name="cancel",
        tag="jobs",
        summary="Stop a job and get its credits back",
        description="A job that has ended stays as it is.",
        parameters=(JOB_ID,),
        answer=answers.Cancellation,
        errors=(JobNotFound,),
    )
    async def cancel(self, request: Request) -> Response:
        """POST /v1/studio/jobs/{job_id}/cancel."""
        key = await admit(request, self.surface)
        job_id = job_id_of(request)
        return json_answer(views.cancel_view(await self.surface.jobs.cancel(key.key_id, job_id)))

    async def _submit(self, new: NewJob, keep: Keep) -> bytes:
        pricing.require_bounded(new.order.output)
        estimated = await self.surface.jobs.estimated_seconds(new.key.account_id)
        body = encode(views.ticket_view(new.job_id, new.price, estimated))
        await self.surface.jobs.submit(new, kept=keep(body))
        return body

    async def _background(
        self, key: ApiKey, given: schemas.RemoveBackground | schemas.ImageBackground | schemas.PromptBackground
    ) -> Background:
        if isinstance(given, schemas.ImageBackground):
            try:
                await self.surface.egress.check(given.url, account_id=key.account_id)
            except HostUnresolved as error:
                raise Unavailable(f"background.{error}.", retry_after_s=LOOK_UP_RETRY_S) from error
            except EgressRefused as error:
                raise InvalidBackground(f"background.{error}.", field="background.url") from error
            return Background(BackgroundType.IMAGE, url=given.url)
        if isinstance(given, schemas.PromptBackground):
            return Background(BackgroundType.PROMPT, prompt=given.prompt)
        return Background(BackgroundType.REMOVE)

    async def _webhook(self, key: ApiKey, url: str | None) -> str:
        if url is None:
            return ""
        try:
            await self.surface.egress.check(url, account_id=key.account_id)
        except HostUnresolved as error:
            raise Unavailable(f"webhook_{error}.", retry_after_s=LOOK_UP_RETRY_S) from error
        except EgressRefused as error:
            raise InvalidRequest(f"webhook_{error}.", field="webhook_url") from error
        return url

    async def _delivery(self, key: ApiKey, given: schemas.DeliveryBody | None) -> Mapping[str, str]:
        """Where each file is put; each host is looked up once."""
        if given is None:
            return {}
        checked: set[str] = set()
        for name, url in given.presigned.items():
            start = url.split("?", 1)[0].rsplit("/", 1)[0]
            if start in checked:
                continue
            try:
                await self.surface.egress.check(url, account_id=key.account_id)
            except HostUnresolved as error:
                raise Unavailable(f"deliver_to.presigned.{name}: {error}.", retry_after_s=LOOK_UP_RETRY_S) from error
            except EgressRefused as error:
                raise InvalidRequest(
                    f"deliver_to.presigned.{name}: {error}.", field=f"deliver_to.presigned.{name}"
                ) from error
            checked.add(start)
        return given.presigned


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _format_of(data: bytes) -> MediaType:
    """The format of a picture whose structure is sound and within every limit.

    Nothing is decoded in this process: the detection service does that in any case, in the memory that is set aside for
    it, and finds what is broken inside.

    Raises:
        InvalidImage: not a JPEG, PNG or WebP, over a limit, or truncated.
    """
    return read_header(data).media_type


def _output(body: schemas.OutputBody) -> OutputChoices:
    formats = dict.fromkeys([OutputFormat.MP4, OutputFormat.GLB, *body.formats])
    return OutputChoices(body.size, body.fps, body.seconds, tuple(formats), body.max_glb_bytes or 0)


def _film(before: OutputChoices, body: schemas.OutputBody | None) -> OutputChoices:
    """Choices of a second film: those given, the model's own from before."""
    if body is None:
        return before
    for place, name in enumerate(body.formats):
        if name not in FILM_FORMATS and name not in before.formats:
            raise InvalidRequest(
                f"output.formats.{place} must be one of {', '.join(FILM_FORMATS)}, not {name.value!r}: "
                "the model is kept.",
                field="output.formats",
            )
    return replace(_output(body), max_glb_bytes=before.max_glb_bytes)


def _events(url: str | None, names: list[WebhookEvent] | None) -> tuple[WebhookEvent, ...]:
    if url is None:
        if names is not None:
            raise InvalidRequest("webhook_events needs webhook_url.", field="webhook_events")
        return ()
    return tuple(WebhookEvent) if names is None else tuple(dict.fromkeys(names))
