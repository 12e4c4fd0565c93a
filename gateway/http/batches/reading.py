"""A batch that is there: its state, the list, cancel and delete."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.batch_results import batch_of
from gateway.http.plumbing.answers import API_HEADERS, json_answer, page_limit
from gateway.http.plumbing.calls import BATCH_ID, CURSOR, PREFER, call, page_size
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.identifiers import batch_id_of
from gateway.http.plumbing.waiting import Waiting, preferred_wait
from gateway.jobs import ports
from gateway.jobs.batch_records import Batch
from gateway.links import FileLinks
from lensora.contract import batches
from lensora.core.errors import BatchNotFound, Conflict, InvalidRequest, JobNotFound

MAX_PAGE = 50


@dataclass(frozen=True, slots=True)
class BatchCalls:
    """Handlers."""

    gate: Gate
    jobs: ports.Jobs
    batch_store: ports.Batches
    waiting: Waiting
    files: FileLinks

    @call(
        "GET",
        "/v1/studio/batches/{batch_id}",
        name="batch",
        tag="batches",
        summary="A batch's state, with each of its items",
        description="Poll it every few seconds, or hold it: with Prefer: wait=N it answers when a film has ended.",
        parameters=(BATCH_ID, PREFER),
        answer=batches.Batch,
        errors=(BatchNotFound,),
    )
    async def show(self, request: Request) -> Response:
        """GET /v1/studio/batches/{batch_id}."""
        key = await self.gate.admit(request)
        batch_id = batch_id_of(request)
        wait_s = preferred_wait(request)
        if wait_s is None:
            batch = await self.batch_store.get(key.key_id, batch_id)
            return json_answer(await self._answer(batch))
        batch = await self.waiting.changed(
            batch_id, lambda: self.batch_store.get(key.key_id, batch_id), lambda one: bool(one.ended_ms), wait_s
        )
        return json_answer(await self._answer(batch), headers={"Preference-Applied": f"wait={wait_s}"})

    @call(
        "GET",
        "/v1/studio/batches",
        name="list_batches",
        tag="batches",
        summary="Batches of this key, newest first",
        parameters=(CURSOR, page_size(10, MAX_PAGE)),
        answer=batches.BatchPage,
        errors=(InvalidRequest,),
    )
    async def list(self, request: Request) -> Response:
        """GET /v1/studio/batches."""
        key = await self.gate.admit(request)
        page = await self.batch_store.list(
            key.key_id,
            cursor=request.query_params.get("cursor", ""),
            limit=page_limit(request, default=10, most=MAX_PAGE),
        )
        found = tuple(batch_of(batch, self.files, items=False) for batch in page.batches)
        return json_answer(batches.BatchPage(batches=found, next_cursor=page.next_cursor or None))

    @call(
        "POST",
        "/v1/studio/batches/{batch_id}/cancel",
        name="cancel_batch",
        tag="batches",
        summary="Stop every film of a batch that has not ended, and get their credits back",
        description="Films that have ended stay as they are, and stay paid.",
        parameters=(BATCH_ID,),
        answer=batches.BatchCancellation,
        errors=(BatchNotFound,),
    )
    async def cancel(self, request: Request) -> Response:
        """POST /v1/studio/batches/{batch_id}/cancel."""
        key = await self.gate.admit(request)
        batch_id = batch_id_of(request)
        stop = await self.batch_store.cancel(key.key_id, batch_id)
        batch = await self.batch_store.get(key.key_id, batch_id)
        return json_answer(
            batches.BatchCancellation(
                batch_id=batch_id,
                status=batch.status,
                already_terminal=stop.already_ended,
                canceled=len(stop.canceled),
                credits_refunded=batch.credits_refunded,
            )
        )

    @call(
        "DELETE",
        "/v1/studio/batches/{batch_id}",
        name="delete_batch",
        tag="batches",
        summary="Delete a batch that has ended, with all its films",
        description="They are in no list any more, and their files are deleted. Nothing is paid back.",
        parameters=(BATCH_ID,),
        errors=(BatchNotFound, Conflict),
        responses={"204": {"description": "It is deleted."}},
    )
    async def delete(self, request: Request) -> Response:
        """DELETE /v1/studio/batches/{batch_id}."""
        key = await self.gate.admit(request)
        await self.batch_store.delete(key.key_id, batch_id_of(request))
        return Response(status_code=204, headers=API_HEADERS)

    async def _answer(self, batch: Batch) -> batches.Batch:
        return batch_of(batch, self.files, eta_seconds=await self._eta(batch))

    async def _eta(self, batch: Batch) -> int | None:
        """Seconds to the end of the film that is last in the queue."""
        live = [state for state in batch.items if not state.status.terminal]
        if not live:
            return None
        try:
            job = await self.jobs.get(batch.key_id, live[-1].item.job_id)
        except JobNotFound:
            return None
        return (await self.jobs.outlook(job)).eta_seconds
