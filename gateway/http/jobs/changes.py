"""What is done to a job that is there: it is canceled, or its model is filmed again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.orders.output import events_of, film_of
from gateway.http.orders.outside import Outside
from gateway.http.orders.submission import Submission
from gateway.http.plumbing.answers import API_HEADERS, json_answer, read_body
from gateway.http.plumbing.calls import JOB_ID, call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.identifiers import job_id_of
from gateway.jobs import ports, pricing
from gateway.jobs.records import RENDER_CREDITS, NewJob
from lensora.contract import answers, examples
from lensora.contract import requests as schemas
from lensora.core.errors import Conflict, InvalidBackground, InvalidRequest, JobNotFound, TooManyJobs
from lensora.core.steps import JobStatus, Step
from lensora.observability import traces


@dataclass(frozen=True, slots=True)
class JobChanges:
    """Handlers."""

    gate: Gate
    once: Once
    jobs: ports.Jobs
    outside: Outside
    submission: Submission

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
        key = await self.gate.admit(request)
        job_id = job_id_of(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.RenderBody, raw)
            parent = await self.jobs.get(key.key_id, job_id)
            if parent.status is not JobStatus.COMPLETED:
                raise Conflict(f"Only a completed job can be rendered again; job {job_id} is {parent.status.value}.")
            order = parent.order
            again: tuple[Step, ...] = (Step.RENDERING_VIDEO,)
            if body.background is not None:
                order = replace(order, background=await self.outside.background(key, body.background))
                again = (Step.GENERATING_BG, Step.COMPOSITING, Step.RENDERING_VIDEO)
            if body.camera_preset is not None:
                order = replace(order, camera=body.camera_preset)
            output = film_of(parent.order.output, body.output)
            if output.frame != parent.order.output.frame:
                # The still has the film's shape; the scene's seed is the session's, so it is the same scene.
                again = (Step.GENERATING_BG, Step.COMPOSITING, Step.RENDERING_VIDEO)
            order = replace(
                order,
                output=output,
                webhook_url=await self.outside.webhook(key, body.webhook_url),
                webhook_events=events_of(body.webhook_url, body.webhook_events),
                deliver_to=await self.outside.delivery(key, body.deliver_to),
                request_id=exchange_of(request).request_id,
                traceparent=traces.carrier().get("traceparent", ""),
            )
            new = NewJob(
                str(uuid.uuid4()), key, order, key.owes(pricing.render_price(output)), parent_id=job_id, again=again
            )
            return await self.submission.submit(new, keep)

        return await self.once.answer(request, key, schemas.content(schemas.RenderBody, raw), work)

    @call(
        "DELETE",
        "/v1/studio/jobs/{job_id}",
        name="delete_job",
        tag="jobs",
        summary="Delete a job that has ended",
        description="It is in no list any more, and its files are deleted. Nothing is paid back.",
        parameters=(JOB_ID,),
        errors=(JobNotFound, Conflict),
        responses={"204": {"description": "It is deleted."}},
    )
    async def delete(self, request: Request) -> Response:
        """DELETE /v1/studio/jobs/{job_id}."""
        key = await self.gate.admit(request)
        await self.jobs.delete(key.key_id, job_id_of(request))
        return Response(status_code=204, headers=API_HEADERS)

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
        key = await self.gate.admit(request)
        job_id = job_id_of(request)
        canceled = await self.jobs.cancel(key.key_id, job_id)
        return json_answer(
            answers.Cancellation(
                job_id=canceled.job_id,
                status=canceled.status,
                already_terminal=canceled.already_terminal,
                credits_refunded=canceled.credits_refunded,
            )
        )
