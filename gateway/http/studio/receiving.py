"""Taking a picture that is uploaded: its form within time and memory, its format by its header, its digest."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.requests import Request

from gateway.http.plumbing.answers import require_unpacked
from gateway.http.plumbing.intake import Arrival, Intake
from gateway.http.studio import upload
from lensora.adapters.artifacts import ArtifactStore
from lensora.contract.views import MAX_INDEX
from lensora.core.artifacts import Artifact, MediaType
from lensora.core.errors import InvalidImage, InvalidRequest, InvalidVideo
from lensora.imaging.header import Header, read_header

IMAGE = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/octet-stream",
    "description": "JPEG, PNG or WebP, at most 20 MB and 52 megapixels, each side at least 64 px.",
}
"""JSON Schema of the form's field ``image``."""

VIDEO = {
    "type": "string",
    "format": "binary",
    "contentMediaType": "application/octet-stream",
    "description": "MP4 or MOV with H.264 or HEVC, at most 20 MB, 3 to 15 seconds, each side 64 to 4,096 px.",
}
"""JSON Schema of the form's field ``video``."""

OBJECT_INDEX = {
    "type": "integer",
    "minimum": 0,
    "maximum": MAX_INDEX,
    "description": "Which of the session's objects it shows; any of them where it is not given.",
}
"""JSON Schema of the field ``object_index`` of forms that add a photo or a film to a session."""


@dataclass(frozen=True, slots=True)
class Receiving:
    """One way for every picture that comes in.

    Attributes:
        pictures: threads for work on pictures, which must not block the event loop.
        intake: whose upload is read and worked on; bounds memory.
        upload_s: seconds that one upload may take to arrive.
    """

    pictures: ThreadPoolExecutor
    intake: Intake
    upload_s: float

    def place(self, account_id: str) -> AbstractAsyncContextManager[Arrival]:
        """A place for an upload that arrives. Raises RateLimited."""
        return self.intake.place(account_id)

    def work(self, account_id: str) -> AbstractAsyncContextManager[None]:
        """A place for one that has arrived whole."""
        return self.intake.work(account_id)

    async def form(
        self, request: Request, arrival: Arrival, fields: Collection[str] = (), file: upload.FileField = upload.PICTURE
    ) -> upload.Form:
        """The form with its file and the short fields of these names, if it arrives in time.

        Raises:
            InvalidRequest, InvalidImage, Overloaded: as ``upload.read_form`` and ``Arrival.counted``.
        """
        require_unpacked(request)
        content_type = request.headers.get("content-type", "")
        chunks: AsyncIterator[bytes] = arrival.counted(request.stream())
        try:
            async with asyncio.timeout(self.upload_s):
                return await upload.read_form(content_type, chunks, file=file, fields=fields)
        except TimeoutError as error:
            raise InvalidRequest(
                f"The upload must arrive within {self.upload_s:g} seconds.", field=file.name
            ) from error

    def video(self, form: upload.Form) -> bytes:
        """The form's film. Raises InvalidRequest where there is none, InvalidVideo where it is no MP4 or MOV."""
        if form.file is None:
            raise upload.missing(form, upload.VIDEO)
        if form.file[4:8] != b"ftyp":
            raise InvalidVideo("video must be an MP4 or MOV file.", field="video")
        return form.file

    def picture(self, form: upload.Form) -> bytes:
        """The form's picture. Raises InvalidRequest where there is none, InvalidImage where it is empty."""
        if form.file is None:
            raise upload.missing(form)
        if not form.file:
            raise InvalidImage("image must be a JPEG, PNG or WebP file, not an empty one.", field="image")
        return form.file

    async def digest(self, data: bytes) -> str:
        """SHA-256 of a picture's bytes."""
        return await asyncio.get_running_loop().run_in_executor(self.pictures, _digest, data)

    async def header(self, data: bytes) -> Header:
        """Format and size of a picture whose structure is sound and within every limit.

        Nothing is decoded in this process: the services do that in any case, in the memory that is set aside for it,
        and find what is broken inside.

        Raises:
            InvalidImage: not a JPEG, PNG or WebP, over a limit, or truncated.
        """
        return await asyncio.get_running_loop().run_in_executor(self.pictures, read_header, data)

    async def stored(self, artifacts: ArtifactStore, name: str, data: bytes, media_type: MediaType) -> Artifact:
        """The picture, kept; its checksum is made off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(
            self.pictures, artifacts.put, name, data, media_type.value
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
