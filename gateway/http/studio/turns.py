"""``/sessions/{id}/turn``: a film of a session's thing turning, in place of photos of its sides."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from statistics import median

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.calls import FILM_OF_SESSION, SESSION_ID, Form, call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.identifiers import session_id_of
from gateway.http.plumbing.purse import Purse
from gateway.http.studio import upload
from gateway.http.studio.detection import Detection, Filmed
from gateway.http.studio.further import MAX_OBJECTS, found_in, reference_of, view_answer
from gateway.http.studio.keeping import Held
from gateway.http.studio.matching import FILM_ADVICE, RULES
from gateway.http.studio.photos import Photo, Photos
from gateway.http.studio.receiving import OBJECT_INDEX, VIDEO
from gateway.http.studio.room import require_room
from gateway.jobs import ports
from gateway.jobs.photos import KeptFilm, KeptFrame, KeptView
from gateway.jobs.records import TURN_CREDITS, ApiKey, Session
from gateway.links import FileLinks
from lensora.contract import views as contract
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.errors import (
    CropTooSmall,
    DetectionUnavailable,
    InvalidRequest,
    InvalidVideo,
    ObjectIndexOutOfRange,
    Overloaded,
    SessionNotFound,
    SubjectUnlike,
    TooManyViews,
    Unavailable,
)

LEAST_FRAMES = 4
"""Pictures of a film in which the subject must be found: fewer say little of a turn."""

AT_ONCE = 2
"""Pictures of one film that are looked at at a time."""


@dataclass(frozen=True, slots=True)
class TurnCall:
    """The handler."""

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
        "/v1/studio/sessions/{session_id}/turn",
        name="add_turn",
        summary="Add a film of the subject turning",
        description="Of one full turn that begins with the first photo's side, of the subject on a plate or of the "
        "camera going round it. Up to 8 of its pictures are kept. It is one of the session's views, and a session has "
        "one such film at most. Charged once it is added, whether or not a model can use it.",
        price=TURN_CREDITS,
        parameters=(SESSION_ID,),
        form=Form(
            {
                "video": VIDEO,
                "object_index": OBJECT_INDEX,
            },
            required=("video",),
        ),
        answer=contract.View,
        errors=(
            InvalidVideo,
            InvalidRequest,
            ObjectIndexOutOfRange,
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
        """POST /v1/studio/sessions/{session_id}/turn."""
        key = await self.gate.admit(request)
        session = await self.sessions.get(key.key_id, session_id_of(request.path_params["session_id"]))

        async def require() -> None:
            await self._require_room(key, session)

        async with self.photos.arrived(request, key, contract.TURN_FIELDS, require, upload.VIDEO) as film:
            index = contract.parse_turn_form(film.fields)
            digest = await self.photos.receiving.digest(self.photos.receiving.video(film.form))

            async def work(keep: Keep) -> bytes:
                await require()
                return await self._add(request, key, session, film, index, keep)

            return await self.once.answer(request, key, f"{digest} {index}".encode(), work)

    async def _require_room(self, key: ApiKey, session: Session) -> None:
        """See ``room``; and that there is no film yet. Raises InsufficientCredits, TooManyViews."""
        kept = await require_room(self.views, self.purse, key, session, TURN_CREDITS, "/turn")
        if any(view.film is not None for view in kept):
            raise TooManyViews("This session has a film of a turn, the most that it may have; delete it first.")

    async def _add(
        self, request: Request, key: ApiKey, session: Session, film: Photo, index: int | None, keep: Keep
    ) -> bytes:
        """Choose the film's pictures, find the thing in each, and keep them."""
        said = contract.ViewForm(index, contract.ViewBody())
        reference_of(session, said)
        view_id, request_id = str(uuid.uuid4()), exchange_of(request).request_id
        prefix = f"sessions/{session.session_id}/views/{view_id}/"
        async with self._stored(film, prefix) as video:
            filmed = await self.detection.frames(video, prefix, request_id=request_id)
        held = Held(filmed.frames[0][0])
        try:
            view = await self._seen(view_id, key, session, filmed, said, request_id)
            body = view_answer(view, session, self.files, key.owes(TURN_CREDITS)).encoded()
            await held.by(self.views.add(view, price=key.owes(TURN_CREDITS), kept=keep(body)))
            return body
        finally:
            if not held.stays:
                await self._dropped([picture for picture, _second, _share in filmed.frames])

    @asynccontextmanager
    async def _stored(self, film: Photo, prefix: str) -> AsyncIterator[Artifact]:
        """The film, stored for as long as its pictures are chosen."""
        receiving, artifacts = self.photos.receiving, self.photos.keeping.artifacts
        data = receiving.video(film.form)
        artifact = await receiving.stored(artifacts, f"{prefix}film.mp4", data, MediaType.MP4)
        film.form.file = None
        del data
        film.arrival.leave()
        async with self.photos.keeping.until_held(artifact):
            yield artifact

    async def _seen(
        self,
        view_id: str,
        key: ApiKey,
        session: Session,
        filmed: Filmed,
        said: contract.ViewForm,
        request_id: str,
    ) -> KeptView:
        """The film's pictures with the thing in each, without those that show none like it. Raises SubjectUnlike."""
        room = asyncio.Semaphore(AT_ONCE)
        reference = reference_of(session, said)

        async def one(picture: Artifact) -> KeptView | None:
            async with room:
                found = await self.detection.detect(picture, MAX_OBJECTS, request_id=request_id, reference=reference)
            try:
                return found_in(view_id, key, session, picture, found, said)
            except (SubjectUnlike, CropTooSmall):
                return None

        tasks = [asyncio.ensure_future(one(picture)) for picture, _second, _share in filmed.frames]
        try:
            views = [await task for task in tasks]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        seen = [
            (view, KeptFrame(view.photo, view.width, view.height, view.box, second, share))
            for view, (_picture, second, share) in zip(views, filmed.frames, strict=True)
            if view is not None
        ]
        if len(seen) < LEAST_FRAMES:
            raise SubjectUnlike(
                f"video must show the session's subject: {len(seen)} of its {len(views)} chosen pictures do, and at "
                f"least {LEAST_FRAMES} must.",
                field="video",
            )
        first, _frame = seen[0]
        known = [view.likeness for view, _frame in seen if view.likeness is not None]
        likeness = round(median(known), 3) if known else None
        return replace(
            first,
            likeness=likeness,
            suggested_actions=(FILM_ADVICE,) if likeness is not None and likeness < RULES.doubtful else (),
            models=tuple(dict.fromkeys((*filmed.models, *first.models))),
            film=KeptFilm(tuple(frame for _view, frame in seen), filmed.direction),
        )

    async def _dropped(self, pictures: list[Artifact]) -> None:
        """Delete pictures that nothing holds; where the store is away they go with their session."""
        artifacts = self.photos.keeping.artifacts
        try:
            await artifacts.delete_async([artifacts.key_of(picture.uri) for picture in pictures])
        except Unavailable:
            return
