"""A session as it is answered: when it is opened, and when it is looked at again."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import json_answer
from gateway.http.plumbing.calls import SESSION_ID, call
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.identifiers import session_id_of
from gateway.http.studio.corners import corners
from gateway.jobs import ports
from gateway.jobs.records import Session
from gateway.links import FileLinks
from lensora.contract import answers
from lensora.core.artifacts import SUFFIX, MediaType
from lensora.core.boxes import Category
from lensora.core.errors import SessionNotFound


@dataclass(frozen=True, slots=True)
class SessionCalls:
    """Handlers."""

    gate: Gate
    sessions: ports.Sessions
    files: FileLinks

    @call(
        "GET",
        "/v1/studio/sessions/{session_id}",
        name="session",
        summary="A session as /init answered it",
        description="Free: credits_used is 0. Sessions live 24 h.",
        parameters=(SESSION_ID,),
        answer=answers.Session,
        errors=(SessionNotFound,),
    )
    async def show(self, request: Request) -> Response:
        """GET /v1/studio/sessions/{session_id}."""
        key = await self.gate.admit(request)
        session = await self.sessions.get(key.key_id, session_id_of(request.path_params["session_id"]))
        return json_answer(session_answer(session, self.files, 0))


def session_answer(session: Session, files: FileLinks, price: int) -> answers.Session:
    """The session as the public contract tells it.

    Args:
        session: as the store has it.
        files: makes the links.
        price: credits that this call cost.
    """
    photo = session.photo
    name = f"photo{SUFFIX[MediaType(photo.media_type)]}"
    return answers.Session(
        session_id=session.session_id,
        source_url=files.of(photo, name, session.expires_ms // 1000),
        objects=tuple(
            answers.DetectedObject(
                label=proposal.label, category=Category(proposal.category), bbox=corners(proposal.box)
            )
            for proposal in session.proposals
        ),
        suggested_actions=tuple(
            answers.SuggestedAction(code=action.code, message=action.message) for action in session.suggested_actions
        ),
        credits_used=price,
        vlm_elapsed_ms=session.detection_ms,
    )
