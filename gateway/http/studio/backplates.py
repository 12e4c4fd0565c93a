"""``/backplates``: a picture of the customer's own to film in front of."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import json_answer
from gateway.http.plumbing.calls import Form, call
from gateway.http.plumbing.gate import Gate
from gateway.http.studio import upload
from gateway.http.studio.keeping import Keeping
from gateway.http.studio.receiving import IMAGE, Receiving
from gateway.jobs import ports
from gateway.jobs.records import ApiKey, KeptBackplate
from gateway.links import FileLinks
from lensora.contract import answers
from lensora.contract.shapes import moment
from lensora.core.artifacts import SUFFIX
from lensora.core.errors import InvalidImage, InvalidRequest, Overloaded


@dataclass(frozen=True, slots=True)
class BackplateCalls:
    """Handlers."""

    gate: Gate
    backplates: ports.Backplates
    keeping: Keeping
    files: FileLinks
    receiving: Receiving

    @call(
        "POST",
        "/v1/studio/backplates",
        name="backplate",
        summary="Upload a background picture",
        description="Free. Kept as long as a session; name it in background.backplate_id.",
        form=Form(
            {"image": IMAGE},
            required=("image",),
        ),
        answer=answers.Backplate,
        errors=(InvalidImage, InvalidRequest, Overloaded),
    )
    async def keep(self, request: Request) -> Response:
        """POST /v1/studio/backplates."""
        key = await self.gate.admit(request)
        upload.check_length(request.headers.get("content-length"))
        async with self.receiving.place(key.account_id) as arrival:
            form = await self.receiving.form(request, arrival)
            async with self.receiving.work(key.account_id):
                return json_answer(self._answer(await self._keep(key, form)))

    async def _keep(self, key: ApiKey, form: upload.Form) -> KeptBackplate:
        data = self.receiving.picture(form)
        # The segment service decodes it, and a film of a broken picture is refunded.
        header = await self.receiving.header(data)
        backplate_id = str(uuid.uuid4())
        name = f"backplates/{backplate_id}/picture{SUFFIX[header.media_type]}"
        picture = await self.receiving.stored(self.keeping.artifacts, name, data, header.media_type)
        width, height = header.upright_size
        given = KeptBackplate(backplate_id, key.key_id, key.account_id, picture, width, height)
        async with self.keeping.until_held(picture) as held:
            return await held.by(self.backplates.keep(given))

    def _answer(self, kept: KeptBackplate) -> answers.Backplate:
        name = f"background.{kept.picture.uri.rsplit('.', 1)[-1]}"
        return answers.Backplate(
            backplate_id=kept.backplate_id,
            picture_url=self.files.of(kept.picture, name, kept.expires_ms // 1000),
            width=kept.width,
            height=kept.height,
            expires_at=moment(kept.expires_ms),
        )
