"""Photos that are paid for, a session's own and further ones: how one comes in, and how it is stored."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request

from gateway.http.plumbing.idempotency import Once
from gateway.http.plumbing.intake import Arrival
from gateway.http.studio import upload
from gateway.http.studio.keeping import Held, Keeping
from gateway.http.studio.receiving import Receiving
from gateway.jobs.records import ApiKey
from lensora.core.artifacts import SUFFIX


@dataclass(frozen=True, slots=True)
class Photo:
    """One that has arrived whole, with the form's short fields."""

    form: upload.Form
    arrival: Arrival

    @property
    def fields(self) -> Mapping[str, str]:
        """The form's short fields, by name."""
        return self.form.fields


@dataclass(frozen=True, slots=True)
class Photos:
    """What both calls do with one."""

    once: Once
    receiving: Receiving
    keeping: Keeping

    @asynccontextmanager
    async def arrived(
        self,
        request: Request,
        key: ApiKey,
        fields: Collection[str],
        require: Callable[[], Awaitable[None]],
        file: upload.FileField = upload.PICTURE,
    ) -> AsyncIterator[Photo]:
        """Read the upload; within, its account has a place for the work on it.

        Args:
            fields: names of short fields beside it.
            require: raises where nothing could come of it. It is asked before anything is read, but not for a repeat,
                whose answer may be there and cost nothing to give again.
            file: what is uploaded.

        Raises:
            InvalidImage, InvalidRequest, Overloaded, RateLimited: as ``Receiving``.
        """
        upload.check_length(request.headers.get("content-length"), file)
        if not await self.once.is_repeat(request, key):
            await require()
        async with self.receiving.place(key.account_id) as arrival:
            form = await self.receiving.form(request, arrival, fields, file)
            async with self.receiving.work(key.account_id):
                yield Photo(form, arrival)

    async def digest(self, photo: Photo) -> str:
        """SHA-256 of its bytes. Raises InvalidRequest, InvalidImage where there are none."""
        return await self.receiving.digest(self.receiving.picture(photo.form))

    @asynccontextmanager
    async def stored(self, photo: Photo, stem: str) -> AsyncIterator[Held]:
        """The photo, checked and stored; deleted again unless something holds it.

        Args:
            stem: its key in the artifacts' store, without the suffix.

        Raises:
            InvalidImage: as ``Receiving.header``.
        """
        data = self.receiving.picture(photo.form)
        media_type = (await self.receiving.header(data)).media_type
        artifact = await self.receiving.stored(self.keeping.artifacts, f"{stem}{SUFFIX[media_type]}", data, media_type)
        # While the services look at the stored photo, the account's next upload may come.
        photo.form.file = None
        del data
        photo.arrival.leave()
        async with self.keeping.until_held(artifact) as held:
            yield held
