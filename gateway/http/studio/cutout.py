"""``/cutout``: a look at the cutout before the film is paid for."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.orders.choices import choice_of
from gateway.http.plumbing.answers import read_body
from gateway.http.plumbing.calls import OF_SESSION, PLAIN, call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.identifiers import session_id_of
from gateway.http.plumbing.purse import Purse
from gateway.http.studio.corners import corners
from gateway.http.studio.cutting import Cutting
from gateway.http.studio.keeping import Keeping
from gateway.jobs import ports
from gateway.jobs.records import CUTOUT_CREDITS, ApiKey, KeptCutout, Session
from gateway.links import FileLinks
from lensora.contract import answers, examples
from lensora.contract import requests as schemas
from lensora.core.boxes import CUTOUT_UNCERTAIN, Box
from lensora.core.errors import (
    CropTooSmall,
    InvalidRequest,
    ObjectIndexOutOfRange,
    SessionNotFound,
    SubjectNotFound,
)

CONFIDENCE_DECIMALS = 3

_UNCERTAIN = answers.SuggestedAction(code=CUTOUT_UNCERTAIN.code, message=CUTOUT_UNCERTAIN.message)


@dataclass(frozen=True, slots=True)
class CutoutCalls:
    """Handlers."""

    gate: Gate
    once: Once
    purse: Purse
    sessions: ports.Sessions
    cutouts: ports.Cutouts
    cutting: Cutting
    keeping: Keeping
    files: FileLinks

    @call(
        "POST",
        "/v1/studio/cutout",
        name="cutout",
        summary="Look at the cutout before the film",
        description="Charged on success only. Correct it with bbox and points; /transform takes its id.",
        price=CUTOUT_CREDITS,
        body=schemas.CutoutBody,
        example=examples.CUTOUT_BODY,
        answer=answers.Cutout,
        errors=(InvalidRequest, ObjectIndexOutOfRange, CropTooSmall, SubjectNotFound, SessionNotFound),
        idempotent=True,
        links={
            "transform": {
                "operationId": "transform",
                "requestBody": {"session_id": OF_SESSION, "cutout_id": "$response.body#/cutout_id", **PLAIN},
            }
        },
    )
    async def cutout(self, request: Request) -> Response:
        """POST /v1/studio/cutout."""
        key = await self.gate.admit(request)
        raw = await read_body(request, schemas.MAX_JSON_BYTES)

        async def work(keep: Keep) -> bytes:
            body = schemas.parse_body(schemas.CutoutBody, raw)
            return await self._cut(key, body, exchange_of(request).request_id, keep)

        return await self.once.answer(request, key, schemas.content(schemas.CutoutBody, raw), work)

    async def _cut(self, key: ApiKey, body: schemas.CutoutBody, request_id: str, keep: Keep) -> bytes:
        session = await self.sessions.get(key.key_id, session_id_of(body.session_id))
        choice = choice_of(session, body)
        await self.purse.require(key, CUTOUT_CREDITS, "/cutout")
        price = key.owes(CUTOUT_CREDITS)
        cutout_id = str(uuid.uuid4())
        crop = choice.box.padded(session.width, session.height)
        cut = await self.cutting.cut(
            session.photo,
            choice.box,
            crop,
            choice.points,
            prefix=f"sessions/{session.session_id}/{cutout_id}/",
            request_id=request_id,
            marked=key.test,
        )
        async with self.keeping.until_held(cut.artifact) as held:
            kept = KeptCutout(
                cutout_id=cutout_id,
                session_id=session.session_id,
                key_id=key.key_id,
                account_id=key.account_id,
                choice=choice,
                artifact=cut.artifact,
                confidence=cut.confidence,
                uncertain=cut.uncertain,
                models=cut.models,
            )
            answer = self._answer(kept, crop, session, price).encoded()
            await held.by(self.cutouts.keep(kept, price=price, kept=keep(answer)))
            return answer

    def _answer(self, cutout: KeptCutout, crop: Box, session: Session, price: int) -> answers.Cutout:
        return answers.Cutout(
            cutout_id=cutout.cutout_id,
            session_id=cutout.session_id,
            cutout_url=self.files.of(cutout.artifact, "cutout.png", session.expires_ms // 1000),
            bbox=corners(cutout.choice.box),
            crop=corners(crop),
            confidence=round(cutout.confidence, CONFIDENCE_DECIMALS),
            suggested_actions=(_UNCERTAIN,) if cutout.uncertain else (),
            credits_used=price,
        )
