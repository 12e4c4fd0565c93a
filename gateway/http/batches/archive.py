"""``archive.zip``: every film of a batch in one file, made while it is read, in the memory of one piece."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.batch_results import ARCHIVE, archive_key
from gateway.http.batches.names import folders
from gateway.http.plumbing.answers import API_HEADERS
from gateway.http.plumbing.calls import BATCH_ID, Parameter, call
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.identifiers import batch_id_of
from gateway.jobs import ports
from gateway.jobs.batch_records import Batch, ItemState
from gateway.jobs.records import OutputFile
from gateway.links import FileLinks, UrlSigner
from lensora.adapters.artifacts import ArtifactStore
from lensora.core.artifacts import MediaType
from lensora.core.errors import BatchNotFound, FileNotFound, JobNotFound
from lensora.core.steps import JobStatus

TABLE = "films.csv"
"""The archive's first file: every item, with its state and why it has no film."""


class Pipe(io.RawIOBase):
    """Takes what ``zipfile`` writes, which finds that it cannot go back, and hands it on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        return len(part)

    def taken(self) -> bytes:
        """What was written since the last call."""
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


@dataclass(frozen=True, slots=True)
class ArchiveCalls:
    """Handlers.

    Attributes:
        clock: Unix seconds.
    """

    gate: Gate
    jobs: ports.Jobs
    batch_store: ports.Batches
    artifacts: ArtifactStore
    signer: UrlSigner
    files: FileLinks
    clock: Callable[[], float] = time.time

    @call(
        "GET",
        "/v1/studio/batches/{batch_id}/archive.zip",
        name="batch_archive",
        tag="batches",
        summary="Every film of a batch that is ready, in one ZIP",
        description="A folder for each item, and a table of all of them. The link in archive_url needs no API key.",
        parameters=(BATCH_ID, Parameter("token", "query", {"type": "string"}, "Of archive_url, in place of a key.")),
        errors=(BatchNotFound, FileNotFound),
        responses={
            "200": {
                "description": "The archive: application/zip.",
                # As for files: generators of clients know this one, and save what it holds.
                "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def take(self, request: Request) -> Response:
        """GET and HEAD of /v1/studio/batches/{batch_id}/archive.zip."""
        batch_id = batch_id_of(request)
        token = request.query_params.get("token")
        if token is None:
            key = await self.gate.admit(request)
            batch = await self.batch_store.get(key.key_id, batch_id)
        else:
            self.signer.verify(token, f"{archive_key(batch_id)}/{ARCHIVE}", self.clock())
            batch = await self.batch_store.shown(batch_id)
        headers = {
            **API_HEADERS,
            "Content-Disposition": f'attachment; filename="batch-{batch_id[:8]}.zip"',
            "X-Content-Type-Options": "nosniff",
        }
        if request.method == "HEAD":
            return Response(headers=headers, media_type=MediaType.ZIP)
        return StreamingResponse(self._archive(batch), headers=headers, media_type=MediaType.ZIP)

    async def _archive(self, batch: Batch) -> AsyncIterator[bytes]:
        """The archive's bytes. Nothing is packed: films and pictures are as small as they get."""
        pipe = Pipe()
        at = datetime.fromtimestamp((batch.ended_ms or batch.created_ms) / 1000, UTC)
        places = folders([state.item.name for state in batch.items], taken=(TABLE,))
        with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            archive.writestr(_entry(TABLE, at), _table(batch, places))
            yield pipe.taken()
            for state, folder in zip(batch.items, places, strict=True):
                for file in await self._outputs(batch, state):
                    async for piece in self._file(archive, pipe, _entry(f"{folder}/{file.name}", at), file):
                        yield piece
        yield pipe.taken()

    async def _outputs(self, batch: Batch, state: ItemState) -> list[OutputFile]:
        """The files of an item's film; none where it is not ready, or was deleted meanwhile."""
        if state.status is not JobStatus.COMPLETED:
            return []
        try:
            job = await self.jobs.get(batch.key_id, state.item.job_id)
        except JobNotFound:
            return []
        return list(job.outputs.values())

    async def _file(
        self, archive: zipfile.ZipFile, pipe: Pipe, entry: zipfile.ZipInfo, file: OutputFile
    ) -> AsyncIterator[bytes]:
        key = self.files.key_of(file.artifact)
        try:
            stored = await self.artifacts.stat_async(key)
        except FileNotFound:
            return
        # Known before, so that a file of more than 4 GB gets the longer header.
        entry.file_size = stored.size_bytes
        with archive.open(entry, "w") as into:
            async for piece in self.artifacts.stream_async(key, 0, stored.size_bytes):
                into.write(piece)
                yield pipe.taken()
        yield pipe.taken()


def _entry(name: str, at: datetime) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, at.timetuple()[:6])
    # An ordinary file that its owner may write and all may read.
    entry.external_attr = 0o644 << 16
    return entry


def _table(batch: Batch, places: list[str]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["name", "folder", "status", "error", "session_id", "job_id", "credits_refunded"])
    for state, folder in zip(batch.items, places, strict=True):
        item = state.item
        error = item.error or (state.error.message if state.error else "")
        made = folder if state.status is JobStatus.COMPLETED else ""
        cells = (item.name, made, state.status.value, error, item.session_id, item.job_id, state.credits_refunded)
        writer.writerow([_plain_cell(str(cell)) for cell in cells])
    # With the mark by which spreadsheets know UTF-8.
    return out.getvalue().encode("utf-8-sig")


def _plain_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") else text
