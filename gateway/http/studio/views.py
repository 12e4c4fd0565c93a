"""``/sessions/{id}/views``: further photos of a session's thing, so that the model is true on more sides than one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import API_HEADERS, json_answer, read_body
from gateway.http.plumbing.calls import FILM_OF_SESSION, SESSION_ID, VIEW_ID, Form, call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.identifiers import session_id_of, view_id_of
from gateway.http.plumbing.purse import Purse
from gateway.http.studio.detection import Detection
from gateway.http.studio.further import MAX_OBJECTS, advised, corrected, reference_of, view_answer, view_of
from gateway.http.studio.photos import Photo, Photos
from gateway.http.studio.receiving import IMAGE, OBJECT_INDEX
from gateway.http.studio.room import require_room
from gateway.jobs import ports
from gateway.jobs.records import VIEW_CREDITS, ApiKey, Session
from gateway.links import FileLinks
from lensora.contract import examples
from lensora.contract import requests as schemas
from lensora.contract import views as contract
from lensora.core.errors import (
    CropTooSmall,
    DetectionUnavailable,
    InvalidImage,
    InvalidRequest,
    ObjectIndexOutOfRange,
    Overloaded,
    SessionNotFound,
    SubjectUnlike,
    TooManyViews,
    ViewNotFound,
)
from lensora.core.words import MOST_VIEWS, ViewSide


@dataclass(frozen=True, slots=True)
class ViewCalls:
    """Handlers."""

    gate: Gate
    once: Once
    purse: Purse
    sessions: ports.Sessions
    views: ports.Views
    detection: Detection
    photos: Photos
    files: FileLinks

    @call(
        "POST",
        "/v1/studio/sessions/{session_id}/views",
        name="add_view",
        summary="Add a further photo of the subject",
        description=f"A session has {MOST_VIEWS} at most. Charged once it is added, whether or not a model can use it: "
        "the job's quality.views says of each whether it was used, and why not.",
        price=VIEW_CREDITS,
        parameters=(SESSION_ID,),
        form=Form(
            {
                "image": IMAGE,
                "view": {
                    "type": "string",
                    "enum": [*(side.value for side in ViewSide), ""],
                    "description": "The side that it shows, the first photo's being the front. Where it is empty or "
                    "not given, the photo is used only where its side is clear, which is seldom.",
                },
                "object_index": OBJECT_INDEX,
                "bbox": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": "A box of your own around the subject in this photo, [x1, y1, x2, y2].",
                },
                "points": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": "Places of this photo that belong to the subject and places that do not, as in "
                    "/transform.",
                },
            },
            required=("image",),
        ),
        answer=contract.View,
        errors=(
            InvalidImage,
            InvalidRequest,
            ObjectIndexOutOfRange,
            CropTooSmall,
            SubjectUnlike,
            SessionNotFound,
            TooManyViews,
            DetectionUnavailable,
            Overloaded,
        ),
        idempotent=True,
        links={"transform": FILM_OF_SESSION},
    )
    async def add(self, request: Request) -> Response:
        """POST /v1/studio/sessions/{session_id}/views."""
        key = await self.gate.admit(request)
        session = await self._session(request, key)

        async def require() -> None:
            await require_room(self.views, self.purse, key, session, VIEW_CREDITS, "/views")

        async with self.photos.arrived(request, key, contract.VIEW_FIELDS, require) as photo:
            said = contract.parse_view_form(photo.fields)
            digest = await self.photos.digest(photo)

            async def work(keep: Keep) -> bytes:
                await require()
                return await self._add(request, key, session, photo, said, keep)

            return await self.once.answer(request, key, digest.encode() + said.content, work)

    @call(
        "GET",
        "/v1/studio/sessions/{session_id}/views",
        name="views",
        summary="The further photos of a session",
        description="Free: credits_used is 0.",
        parameters=(SESSION_ID,),
        answer=contract.ViewList,
        errors=(SessionNotFound,),
    )
    async def list(self, request: Request) -> Response:
        """GET /v1/studio/sessions/{session_id}/views."""
        key = await self.gate.admit(request)
        session = await self._session(request, key)
        views = await self.views.list(key.key_id, session.session_id)
        return json_answer(contract.ViewList(views=tuple(view_answer(view, session, self.files, 0) for view in views)))

    @call(
        "PATCH",
        "/v1/studio/sessions/{session_id}/views/{view_id}",
        name="change_view",
        summary="Correct a further photo's side, box or points",
        description="Free: credits_used is 0. Jobs that are ordered already stay as they are.",
        parameters=(SESSION_ID, VIEW_ID),
        body=contract.ViewBody,
        example=examples.VIEW_BODY,
        answer=contract.View,
        errors=(InvalidRequest, CropTooSmall, SubjectUnlike, SessionNotFound, ViewNotFound),
    )
    async def change(self, request: Request) -> Response:
        """PATCH /v1/studio/sessions/{session_id}/views/{view_id}."""
        key = await self.gate.admit(request)
        body = schemas.parse_body(contract.ViewBody, await read_body(request, schemas.MAX_JSON_BYTES))
        session = await self._session(request, key)
        view = await self.views.get(key.key_id, session.session_id, view_id_of(request))
        if view.film is not None:
            raise InvalidRequest(
                "view_id must be a photo's; a film of a turn cannot be corrected: delete it, and add another.",
                field="view_id",
            )
        view = replace(
            view,
            side=body.view if "view" in body.model_fields_set else view.side,
            choice=corrected(view, body),
            likeness=view.likeness if body.bbox is None else None,
        )
        view = advised(view, session)
        await self.views.change(view)
        return json_answer(view_answer(view, session, self.files, 0))

    @call(
        "DELETE",
        "/v1/studio/sessions/{session_id}/views/{view_id}",
        name="delete_view",
        summary="Take a further photo out of the session",
        description="Later jobs are made without it. Nothing is paid back; its file goes with the session's.",
        parameters=(SESSION_ID, VIEW_ID),
        errors=(SessionNotFound, ViewNotFound),
        responses={"204": {"description": "It is taken out."}},
    )
    async def delete(self, request: Request) -> Response:
        """DELETE /v1/studio/sessions/{session_id}/views/{view_id}."""
        key = await self.gate.admit(request)
        session = await self._session(request, key)
        await self.views.remove(key.key_id, session.session_id, view_id_of(request))
        return Response(status_code=204, headers=API_HEADERS)

    async def _session(self, request: Request, key: ApiKey) -> Session:
        """The path's session. Raises SessionNotFound."""
        return await self.sessions.get(key.key_id, session_id_of(request.path_params["session_id"]))

    async def _add(
        self,
        request: Request,
        key: ApiKey,
        session: Session,
        photo: Photo,
        said: contract.ViewForm,
        keep: Keep,
    ) -> bytes:
        """Check the photo, find the thing in it, and keep it."""
        reference = reference_of(session, said)
        view_id = str(uuid.uuid4())
        async with self.photos.stored(photo, f"sessions/{session.session_id}/views/{view_id}") as held:
            found = await self.detection.detect(
                held.artifact, MAX_OBJECTS, request_id=exchange_of(request).request_id, reference=reference
            )
            view = view_of(view_id, key, session, held.artifact, found, said)
            body = view_answer(view, session, self.files, key.owes(VIEW_CREDITS)).encoded()
            await held.by(self.views.add(view, price=key.owes(VIEW_CREDITS), kept=keep(body)))
            return body
