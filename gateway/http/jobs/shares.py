"""Sharing a job: its owner switches a public page on and off."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import API_HEADERS, json_answer, read_body
from gateway.http.plumbing.calls import JOB_ID, call
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.identifiers import job_id_of
from gateway.jobs import ports
from gateway.results import share_of
from lensora.contract import answers, examples
from lensora.contract import requests as schemas
from lensora.core.errors import Conflict, InvalidRequest, JobNotFound


@dataclass(frozen=True, slots=True)
class ShareCalls:
    """Handlers.

    Attributes:
        public_url: what links to the page start with.
    """

    gate: Gate
    shares: ports.Shares
    public_url: str

    @call(
        "POST",
        "/v1/studio/jobs/{job_id}/share",
        name="share",
        tag="jobs",
        summary="Show a film to whoever has its link",
        description="A page with the film and the turning model. Calling it again changes how; the link stays.",
        parameters=(JOB_ID,),
        body=schemas.ShareBody,
        example=examples.SHARE_BODY,
        answer=answers.Share,
        errors=(InvalidRequest, JobNotFound, Conflict),
    )
    async def share(self, request: Request) -> Response:
        """POST /v1/studio/jobs/{job_id}/share."""
        key = await self.gate.admit(request)
        job_id = job_id_of(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)
        body = schemas.parse_body(schemas.ShareBody, raw or b"{}")
        share = await self.shares.share(
            key.key_id, job_id, hours=body.hours, downloads=body.downloads, listed=body.listed
        )
        return json_answer(share_of(share, self.public_url))

    @call(
        "DELETE",
        "/v1/studio/jobs/{job_id}/share",
        name="unshare",
        tag="jobs",
        summary="Take the link back",
        description="Files that were opened by it can be read for another hour at most.",
        parameters=(JOB_ID,),
        errors=(JobNotFound,),
        responses={"204": {"description": "The link shows nothing any more."}},
    )
    async def unshare(self, request: Request) -> Response:
        """DELETE /v1/studio/jobs/{job_id}/share."""
        key = await self.gate.admit(request)
        await self.shares.unshare(key.key_id, job_id_of(request))
        return Response(status_code=204, headers=API_HEADERS)
