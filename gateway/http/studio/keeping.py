"""Files that something in the store is about to hold: they are deleted again where nothing comes to hold them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from lensora.adapters.artifacts import ArtifactStore
from lensora.core.artifacts import Artifact
from lensora.core.errors import LensoraError, Unavailable
from lensora.observability import logs

T = TypeVar("T")

_log = logs.get(__name__)


@dataclass(slots=True)
class Held:
    """A file, and whether it must stay."""

    artifact: Artifact
    stays: bool = False

    async def by(self, writing: Awaitable[T]) -> T:
        """Write what holds it; answers what that answers."""
        # From here on that may stand even when its answer is lost: then the sweeper, which looks at what nothing holds,
        # decides about the file.
        self.stays = True
        try:
            return await writing
        except LensoraError as error:
            self.stays = isinstance(error, Unavailable)
            raise


@dataclass(frozen=True, slots=True)
class Keeping:
    """The artifacts' store, for files of sessions."""

    artifacts: ArtifactStore

    @asynccontextmanager
    async def until_held(self, artifact: Artifact) -> AsyncIterator[Held]:
        """A file that is deleted at the end unless ``Held.by`` has come through."""
        held = Held(artifact)
        try:
            yield held
        finally:
            if not held.stays:
                await self._drop(self.artifacts.key_of(artifact.uri))

    async def _drop(self, name: str) -> None:
        """Delete it; where the store is away it goes with its session, or the sweeper finds it."""
        try:
            await self.artifacts.delete_async([name])
        except Unavailable as error:
            _log.warning("file_not_deleted", key=name, error=error.message)
