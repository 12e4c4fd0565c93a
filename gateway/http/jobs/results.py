"""Reading jobs: the poll, held or not, the stream of events, and the list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.http.plumbing.answers import API_HEADERS, json_answer, page_limit
from gateway.http.plumbing.calls import CURSOR, JOB_ID, PREFER, Parameter, call, page_size
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.identifiers import job_id_of
from gateway.http.plumbing.waiting import Waiting, preferred_wait
from gateway.jobs import ports
from gateway.jobs.records import ENDED, Job, Outlook
from gateway.links import FileLinks
from gateway.results import result_of
from lensora.contract import answers
from lensora.core.bounds import whole
from lensora.core.errors import InvalidRequest, JobNotFound, Unavailable
from lensora.core.steps import JobStatus

HEARTBEAT_S = 15.0
MAX_PAGE = 100
MAX_VERSION = 10**15
EVENTS = "text/event-stream"

EVENT = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["id", "data"],
    "properties": {
        "id": {"type": "string", "description": "For Last-Event-ID."},
        "data": {
            "type": "string",
            "contentMediaType": "application/json",
            "contentSchema": {"$ref": "#/components/schemas/Result"},
            "description": "The job as the poll answers it.",
        },
    },
}
"""JSON Schema. OpenAPI 3.1 has no word for the events of a stream: tools take its schema for that of each event."""


@dataclass(frozen=True, slots=True)
class Results:
    """Handlers."""

    gate: Gate
    jobs: ports.Jobs
    waiting: Waiting
    files: FileLinks

    @call(
        "GET",
        "/v1/studio/result/{job_id}",
        name="result",
        summary="A job's state",
        description=(
            "Poll it every few seconds until status is completed, failed or canceled; or hold it: Prefer: wait=N."
        ),
        parameters=(
            JOB_ID,
            PREFER,
        ),
        answer=answers.Result,
        errors=(JobNotFound,),
    )
    async def poll(self, request: Request) -> Response:
        """GET /v1/studio/result/{job_id}."""
        key = await self.gate.admit(request)
        job_id = job_id_of(request)
        wait_s = preferred_wait(request)
        if wait_s is None:
            return json_answer(await self._result(await self.jobs.get(key.key_id, job_id)))
        job = await self.waiting.changed(
            job_id, lambda: self.jobs.get(key.key_id, job_id), lambda one: one.status.terminal, wait_s
        )
        return json_answer(await self._result(job), headers={"Preference-Applied": f"wait={wait_s}"})

    @call(
        "GET",
        "/v1/studio/result/{job_id}/stream",
        name="stream",
        summary="A job's states as they change",
        description=(
            "Server-sent events: data is the poll's JSON, id resumes with Last-Event-ID, a comment comes every 15 s."
        ),
        parameters=(
            JOB_ID,
            Parameter("Last-Event-ID", "header", {"type": "string"}, "id of the last event that you have."),
        ),
        errors=(JobNotFound,),
        responses={
            "200": {
                "description": "The stream; it ends with the job.",
                "content": {EVENTS: {"schema": EVENT}},
            },
            "204": {"description": "The job has ended, and you have its last event."},
        },
    )
    async def stream(self, request: Request) -> Response:
        """GET /v1/studio/result/{job_id}/stream."""
        key = await self.gate.admit(request)
        job_id = job_id_of(request)
        seen = _last_event(request)
        job = await self.jobs.get(key.key_id, job_id)
        if job.status.terminal and seen == job.version:
            # A browser's EventSource comes back after the end; 204 tells it to stay away.
            return Response(status_code=204, headers=API_HEADERS)
        headers = {**API_HEADERS, "X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            # Its end would come with the job's, and the connection's next request would wait for that.
            return Response(headers=headers, media_type=EVENTS)
        return StreamingResponse(self._events(key.key_id, job_id, seen), headers=headers, media_type=EVENTS)

    @call(
        "GET",
        "/v1/studio/jobs",
        name="list_jobs",
        tag="jobs",
        summary="Jobs of this key, newest first",
        parameters=(
            Parameter("status", "query", {"type": "string", "enum": [word.value for word in JobStatus]}, "Only these."),
            CURSOR,
            page_size(20, MAX_PAGE),
        ),
        answer=answers.JobPage,
        errors=(InvalidRequest,),
    )
    async def list(self, request: Request) -> Response:
        """GET /v1/studio/jobs."""
        key = await self.gate.admit(request)
        status = request.query_params.get("status")
        words = [word.value for word in JobStatus]
        if status is not None and status not in words:
            raise InvalidRequest(f"status must be one of {', '.join(words)}, not {status[:40]!r}.", field="status")
        page = await self.jobs.list(
            key.key_id,
            status=None if status is None else JobStatus(status),
            cursor=request.query_params.get("cursor", ""),
            limit=page_limit(request, default=20, most=MAX_PAGE),
        )
        outlooks = await asyncio.gather(*(self._outlook(job) for job in page.jobs))
        jobs = tuple(result_of(job, outlook, self.files) for job, outlook in zip(page.jobs, outlooks, strict=True))
        return json_answer(answers.JobPage(jobs=jobs, next_cursor=page.next_cursor or None))

    async def _result(self, job: Job) -> answers.Result:
        return result_of(job, await self._outlook(job), self.files)

    async def _outlook(self, job: Job) -> Outlook:
        return ENDED if job.status.terminal else await self.jobs.outlook(job)

    async def _events(self, key_id: str, job_id: str, seen: int) -> AsyncIterator[bytes]:
        """Each state of the job once, a comment where nothing happens, up to its end or this process's."""
        draining = self.waiting.lifecycle.draining
        try:
            async with self.waiting.changes.subscribe(job_id) as subscription:
                while True:
                    job = await self.jobs.get(key_id, job_id)
                    if job.version != seen:
                        seen = job.version
                        yield b"id: %d\ndata: %b\n\n" % (seen, (await self._result(job)).encoded())
                    if job.status.terminal:
                        return
                    while not await self.waiting.next_change(subscription, HEARTBEAT_S):
                        if draining.is_set():
                            return
                        yield b": still here\n\n"
        except (Unavailable, JobNotFound):
            # The client resumes with Last-Event-ID and is then told by a status what is wrong.
            return


def _last_event(request: Request) -> int:
    """The version of the last event that the client has; -1 for none."""
    version = whole(request.headers.get("last-event-id", ""), 0, MAX_VERSION)
    return -1 if version is None else version
