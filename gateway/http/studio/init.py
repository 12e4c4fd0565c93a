"""``/init``: a photo comes in, what is in it is found, and a session is opened."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.calls import Form, call
from gateway.http.plumbing.edge import exchange_of
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.studio import upload
from gateway.http.studio.detection import Detection
from gateway.http.studio.intake import Arrival
from gateway.http.studio.receiving import IMAGE, Receiving
from gateway.http.studio.sessions import session_answer
from gateway.jobs import ports
from gateway.jobs.records import INIT_CREDITS, ApiKey, Session
from gateway.links import FileLinks
from lensora.adapters.artifacts import ArtifactStore
from lensora.contract import answers
from lensora.contract import requests as schemas
from lensora.core.artifacts import SUFFIX
from lensora.core.errors import (
    DetectionUnavailable,
    InsufficientCredits,
    InvalidImage,
    InvalidRequest,
    LensoraError,
    Overloaded,
    Unavailable,
)
from lensora.observability import logs

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class InitCall:
    """Handlers.

    Attributes:
        session_s: seconds that a session is kept.
        clock: Unix seconds.
    """

    gate: Gate
    once: Once
    credits: ports.Credits
    sessions: ports.Sessions
    detection: Detection
    artifacts: ArtifactStore
    files: FileLinks
    receiving: Receiving
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
            "transform": {"operationId": "transform", "requestBody": {"session_id": "$response.body#/session_id"}},
            "cutout": {"operationId": "cutout", "requestBody": {"session_id": "$response.body#/session_id"}},
        },
    )
    async def init(self, request: Request) -> Response:
        """POST /v1/studio/init."""
        key = await self.gate.admit(request)
        upload.check_length(request.headers.get("content-length"))
        if not await self.once.is_repeat(request, key):
            await self._require_credits(key)
        async with self.receiving.place(key.account_id) as arrival:
            form = await self.receiving.form(request, arrival, ("max_objects",))
            async with self.receiving.work(key.account_id):
                return await self._look(request, key, form, arrival)

    async def _look(self, request: Request, key: ApiKey, form: upload.Form, arrival: Arrival) -> Response:
        """The answer to an upload that has arrived."""
        max_objects = schemas.parse_max_objects(form.fields.get("max_objects"))
        digest = await self.receiving.digest(self.receiving.picture(form))

        async def work(keep: Keep) -> bytes:
            return await self._open(request, key, form, arrival, max_objects, keep)

        return await self.once.answer(request, key, f"{digest} {max_objects}".encode(), work)

    async def _require_credits(self, key: ApiKey) -> None:
        """Raises InsufficientCredits. The charge itself is atomic; this look spares work that could not be paid."""
        price = key.owes(INIT_CREDITS)
        balance = await self.credits.balance(key.account_id)
        if balance < price:
            raise InsufficientCredits(f"The balance is {balance} credits; /init needs {price}.")

    async def _open(
        self, request: Request, key: ApiKey, form: upload.Form, arrival: Arrival, max_objects: int, keep: Keep
    ) -> bytes:
        """Check the photo, find what is in it, and open a session."""
        data = self.receiving.picture(form)
        media_type = (await self.receiving.header(data)).media_type
        await self._require_credits(key)
        session_id = str(uuid.uuid4())
        name = f"sessions/{session_id}/photo{SUFFIX[media_type]}"
        photo = await self.receiving.stored(self.artifacts, name, data, media_type)
        needed = False
        # While the services look at the stored photo, the account's next upload may come.
        form.file = None
        del data
        arrival.leave()
        try:
            found = await self.detection.detect(photo, max_objects, request_id=exchange_of(request).request_id)
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
            session = replace(session, expires_ms=round((self.clock() + self.session_s) * 1000))
            body = session_answer(session, self.files, key.owes(INIT_CREDITS)).encoded()
            # From here on the session may stand even when its answer is lost: then the sweeper, which looks at what no
            # session holds, decides about the photo.
            needed = True
            try:
                await self.sessions.open(session, price=key.owes(INIT_CREDITS), kept=keep(body))
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
            await self.artifacts.delete_async([name])
        except Unavailable as error:
            _log.warning("photo_not_deleted", key=name, error=error.message)
