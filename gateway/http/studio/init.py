"""``/init``: a photo comes in, what is in it is found, and a session is opened."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.calls import FILM_OF_SESSION, OF_SESSION, PLAIN, Form, call, links_to
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.purse import Purse
from gateway.http.studio.detection import Detection
from gateway.http.studio.photos import Photo, Photos
from gateway.http.studio.receiving import IMAGE
from gateway.http.studio.sessions import session_answer
from gateway.jobs import ports
from gateway.jobs.records import INIT_CREDITS, ApiKey, Session
from gateway.links import FileLinks
from lensora.contract import answers
from lensora.contract import requests as schemas
from lensora.core.errors import DetectionUnavailable, InvalidImage, InvalidRequest, Overloaded


@dataclass(frozen=True, slots=True)
class InitCall:
    """Handlers.

    Attributes:
        session_s: seconds that a session is kept.
        clock: Unix seconds.
    """

    gate: Gate
    once: Once
    purse: Purse
    sessions: ports.Sessions
    detection: Detection
    photos: Photos
    files: FileLinks
    session_s: float
    clock: Callable[[], float] = time.time

    @call(
        "POST",
        "/v1/studio/init",
        name="init",
        summary="Upload a photo and find the objects in it",
        description="Charged on success only.",
        price=INIT_CREDITS,
        form=Form(
            {
                "image": IMAGE,
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
        errors=(InvalidImage, InvalidRequest, DetectionUnavailable, Overloaded),
        idempotent=True,
        links={
            "transform": FILM_OF_SESSION,
            "cutout": {"operationId": "cutout", "requestBody": {"session_id": OF_SESSION}},
            "batch": {"operationId": "create_batch", "requestBody": {"items": [{"session_id": OF_SESSION}], **PLAIN}},
            **links_to("session_id", "session", "add_view", "add_turn", "views"),
        },
    )
    async def init(self, request: Request) -> Response:
        """POST /v1/studio/init."""
        key = await self.gate.admit(request)

        async def require() -> None:
            await self.purse.require(key, INIT_CREDITS, "/init")

        async with self.photos.arrived(request, key, ("max_objects",), require) as photo:
            max_objects = schemas.parse_max_objects(photo.fields.get("max_objects"))
            digest = await self.photos.digest(photo)

            async def work(keep: Keep) -> bytes:
                await require()
                return await self._open(request, key, photo, max_objects, keep)

            return await self.once.answer(request, key, f"{digest} {max_objects}".encode(), work)

    async def _open(self, request: Request, key: ApiKey, photo: Photo, max_objects: int, keep: Keep) -> bytes:
        """Check the photo, find what is in it, and open a session."""
        session_id = str(uuid.uuid4())
        async with self.photos.stored(photo, f"sessions/{session_id}/photo") as held:
            found = await self.detection.detect(held.artifact, max_objects, request_id=exchange_of(request).request_id)
            session = Session(
                session_id=session_id,
                key_id=key.key_id,
                account_id=key.account_id,
                photo=held.artifact,
                width=found.width,
                height=found.height,
                proposals=found.proposals,
                suggested_actions=found.actions,
                models=found.models,
                detection_ms=found.elapsed_ms,
            )
            # The answer is kept with the charge, so it must be known before: the link's end is set by our own clock.
            session = replace(session, expires_ms=round((self.clock() + self.session_s) * 1000))
            body = session_answer(session, self.files, key.owes(INIT_CREDITS)).encoded()
            await held.by(self.sessions.open(session, price=key.owes(INIT_CREDITS), kept=keep(body)))
            return body
