"""``/backplates``: a picture of the customer's own to film in front of."""

from __future__ import annotations

import asyncio
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import json_answer, require_unpacked
from gateway.http.plumbing.calls import Form, call
from gateway.http.plumbing.gate import Gate
from gateway.http.studio import upload
from gateway.http.studio.intake import Intake
from gateway.jobs import ports
from gateway.jobs.records import ApiKey, KeptBackplate
from gateway.links import FileLinks
from lensora.adapters.artifacts import ArtifactStore
from lensora.contract import answers
from lensora.contract.answers import moment
from lensora.core.artifacts import SUFFIX
from lensora.core.errors import InvalidImage, InvalidRequest, LensoraError, Unavailable
from lensora.imaging.header import read_header
from lensora.observability import logs

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class BackplateCalls:
    """Handlers.

    Attributes:
        pictures: threads for work on pictures, which must not block the event loop.
        intake: whose upload is read and worked on; bounds memory.
        upload_s: seconds that one upload may take to arrive.
    """

    gate: Gate
    backplates: ports.Backplates
    artifacts: ArtifactStore
    files: FileLinks
    pictures: ThreadPoolExecutor
    intake: Intake
    upload_s: float

    @call(
        "POST",
        "/v1/studio/backplates",
        name="backplate",
        summary="Upload a background picture",
        description="Free. Kept as long as a session; name it in background.backplate_id.",
        form=Form(
            {
                "image": {
                    "type": "string",
                    "contentMediaType": "application/octet-stream",
                    "description": "JPEG, PNG or WebP, at most 20 MB and 52 megapixels, each side at least 64 px.",
                }
            },
            required=("image",),
        ),
        answer=answers.Backplate,
        errors=(InvalidImage, InvalidRequest),
    )
    async def keep(self, request: Request) -> Response:
        """POST /v1/studio/backplates."""
        key = await self.gate.admit(request)
        upload.check_length(request.headers.get("content-length"))
        require_unpacked(request)
        async with self.intake.place(key.account_id) as arrival:
            try:
                async with asyncio.timeout(self.upload_s):
                    content_type = request.headers.get("content-type", "")
                    form = await upload.read_form(content_type, arrival.counted(request.stream()), file_field="image")
            except TimeoutError as error:
                raise InvalidRequest(
                    f"The upload must arrive within {self.upload_s:g} seconds.", field="image"
                ) from error
            async with self.intake.work(key.account_id):
                return json_answer(self._answer(await self._keep(key, form)))

    async def _keep(self, key: ApiKey, form: upload.Form) -> KeptBackplate:
        if form.file is None:
            raise upload.missing(form, "image")
        if not form.file:
            raise InvalidImage("image must be a JPEG, PNG or WebP file, not an empty one.", field="image")
        loop = asyncio.get_running_loop()
        # Nothing is decoded in this process: the segment service does that, and refunds a film of a broken picture.
        header = await loop.run_in_executor(self.pictures, read_header, form.file)
        backplate_id = str(uuid.uuid4())
        name = f"backplates/{backplate_id}/picture{SUFFIX[header.media_type]}"
        picture = await self.artifacts.put_async(name, form.file, header.media_type)
        width, height = header.upright_size
        given = KeptBackplate(backplate_id, key.key_id, key.account_id, picture, width, height)
        try:
            return await self.backplates.keep(given)
        except LensoraError as error:
            # It may be kept even when the answer is lost: then it goes when its time is over.
            if not isinstance(error, Unavailable):
                await self.artifacts.delete_async([name])
            raise

    def _answer(self, kept: KeptBackplate) -> answers.Backplate:
        name = f"background.{kept.picture.uri.rsplit('.', 1)[-1]}"
        return answers.Backplate(
            backplate_id=kept.backplate_id,
            picture_url=self.files.of(kept.picture, name, kept.expires_ms // 1000),
            width=kept.width,
            height=kept.height,
            expires_at=moment(kept.expires_ms),
        )
