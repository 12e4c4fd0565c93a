"""The artifact store: bytes under keys, in a local folder or an S3-compatible bucket (obstore)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from lensora.core.artifacts import Artifact
from lensora.core.errors import ArtifactCorrupted, ConfigurationError, FileNotFound, InvalidRequest, Unavailable

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
"""Keys are plain path segments: no dot files, no parent folders, nothing to escape in a URL."""

READ_CHUNK_BYTES = 256 * 1024
"""Bytes per piece of a streamed read: enough for throughput, small against memory under many downloads."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the store knows of a key: its size in bytes, and when it was last written (UTC)."""

    key: str
    size_bytes: int
    modified: datetime


class ArtifactStore(Protocol):
    """Bytes under keys. Sync methods are for the services' threads, the ``_async`` ones for the gateway's loop.

    Every method raises Unavailable when the store does not answer.
    """

    def put(self, key: str, data: bytes, media_type: str) -> Artifact:
        """Write, replacing what is there, all or nothing. Raises InvalidRequest for a key that is not plain."""
        ...

    def get(self, artifact: Artifact) -> bytes:
        """Read and verify. Raises FileNotFound, ArtifactCorrupted, or InvalidRequest for a URI of another store."""
        ...

    async def put_async(self, key: str, data: bytes, media_type: str) -> Artifact:
        """As ``put``."""
        ...

    async def get_async(self, artifact: Artifact) -> bytes:
        """As ``get``."""
        ...

    async def stat_async(self, key: str) -> Stored:
        """Size and time of a key. Raises FileNotFound."""
        ...

    def stream_async(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes ``start`` (inclusive) to ``end`` (exclusive), in pieces. Raises FileNotFound."""
        ...

    def list_async(self, prefix: str) -> AsyncIterator[Stored]:
        """Every key under a prefix of whole segments, in no order; the empty prefix lists all.

        A file whose name is no key, such as a file system's own, is not listed.
        """
        ...

    async def delete_async(self, keys: list[str]) -> None:
        """Delete; a key that is not there is no error."""
        ...

    def key_of(self, uri: str) -> str:
        """The key that a URI of this store names. Raises InvalidRequest for any other URI."""
        ...


class ObjectArtifacts:
    """ArtifactStore on any obstore store."""

    def __init__(self, store: ObjectStore, base_uri: str, *, keeps_media_type: bool, folder: str = "") -> None:
        """
        Args:
            store: an obstore store, already rooted at the base.
            base_uri: what every URI starts with, without a slash at its end.
            keeps_media_type: True when the store can keep a Content-Type beside the bytes (a folder cannot).
            folder: name of the folder that it is, where it may be moved to another place with all its files.
        """
        self._store = store
        self._base = base_uri
        self._keeps_media_type = keeps_media_type
        self._folder = folder

    def put(self, key: str, data: bytes, media_type: str) -> Artifact:
        artifact = self._describe(key, data, media_type)
        with _translated(key):
            obstore.put(self._store, key, data, **self._attributes(media_type))
        return artifact

    def get(self, artifact: Artifact) -> bytes:
        key = self.key_of(artifact.uri)
        with _translated(key):
            data = obstore.get(self._store, key).bytes().to_bytes()
        return _verified(artifact, data)

    async def put_async(self, key: str, data: bytes, media_type: str) -> Artifact:
        artifact = self._describe(key, data, media_type)
        with _translated(key):
            await obstore.put_async(self._store, key, data, **self._attributes(media_type))
        return artifact

    async def get_async(self, artifact: Artifact) -> bytes:
        key = self.key_of(artifact.uri)
        with _translated(key):
            result = await obstore.get_async(self._store, key)
            data = (await result.bytes_async()).to_bytes()
        return _verified(artifact, data)

    async def stat_async(self, key: str) -> Stored:
        with _translated(_plain(key)):
            meta = await obstore.head_async(self._store, key)
        return Stored(key=key, size_bytes=meta["size"], modified=meta["last_modified"])

    async def stream_async(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        _plain(key)
        for offset in range(start, end, READ_CHUNK_BYTES):
            with _translated(key):
                piece = await obstore.get_range_async(
                    self._store, key, start=offset, end=min(end, offset + READ_CHUNK_BYTES)
                )
            yield piece.to_bytes()

    async def list_async(self, prefix: str) -> AsyncIterator[Stored]:
        with _translated(prefix):
            stream = obstore.list(self._store, prefix=prefix.rstrip("/") or None)
            async for batch in stream:
                for meta in batch:
                    if not _KEY.fullmatch(meta["path"]):
                        continue
                    yield Stored(key=meta["path"], size_bytes=meta["size"], modified=meta["last_modified"])

    async def delete_async(self, keys: list[str]) -> None:
        for key in keys:
            try:
                with _translated(_plain(key)):
                    await obstore.delete_async(self._store, key)
            except FileNotFound:
                continue

    def key_of(self, uri: str) -> str:
        if uri.startswith(f"{self._base}/"):
            return _plain(uri[len(self._base) + 1 :])
        place, _, key = uri.rpartition(f"/{self._folder}/")
        if self._folder and place.startswith("file://"):
            # The folder was elsewhere when this was kept. Its files moved with it, and no key leads out of it.
            return _plain(key)
        raise InvalidRequest(f"uri must lie under {self._base}/, not {uri[:200]!r}", field="uri")

    def _describe(self, key: str, data: bytes, media_type: str) -> Artifact:
        return Artifact(
            uri=f"{self._base}/{_plain(key)}",
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            media_type=media_type,
        )

    def _attributes(self, media_type: str) -> dict[str, Any]:
        return {"attributes": {"Content-Type": media_type}} if self._keeps_media_type else {}


def open_artifacts(url: str) -> ObjectArtifacts:
    """The store behind ``file:///folder`` (made where missing) or ``s3://bucket/prefix`` (credentials from AWS_*).

    Raises:
        ConfigurationError: another scheme, or a folder that cannot be made.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        # A folder may have "#", "?" and "%" in its name: it is written as it is, and nothing of it is cut off.
        folder = Path(url[len("file:") :].removeprefix("//")).expanduser().resolve()
        try:
            # A folder goes with its last file: there is one for every job and every session.
            store = LocalStore(prefix=folder, mkdir=True, automatic_cleanup=True)
        except (BaseError, OSError) as error:
            raise ConfigurationError(f"LENSORA_ARTIFACTS_URL={url!r}: cannot use the folder: {error}") from error
        return ObjectArtifacts(store, f"file://{folder}", keeps_media_type=False, folder=folder.name)
    if parts.scheme == "s3" and parts.netloc and not (parts.query or parts.fragment):
        prefix = parts.path.strip("/")
        store_s3 = S3Store(
            parts.netloc, prefix=prefix or None, client_options={"allow_http": True, "connect_timeout": "5s"}
        )
        base = f"s3://{parts.netloc}/{prefix}".rstrip("/")
        return ObjectArtifacts(store_s3, base, keeps_media_type=True)
    raise ConfigurationError(f"LENSORA_ARTIFACTS_URL={url!r}: takes file:///folder or s3://bucket/prefix")


def memory_artifacts() -> ObjectArtifacts:
    """A store that lives and dies with the process; for tests and for trying a stage by hand."""
    return ObjectArtifacts(MemoryStore(), "memory://artifacts", keeps_media_type=True)


def _plain(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise InvalidRequest(f"key must be plain path segments, not {key[:200]!r}", field="key")
    return key


def _verified(artifact: Artifact, data: bytes) -> bytes:
    digest = hashlib.sha256(data).hexdigest()
    if digest != artifact.sha256:
        raise ArtifactCorrupted(f"{artifact.uri} has sha256 {digest}, not {artifact.sha256}")
    return data


@contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFound(f"there is no artifact {key!r}") from error
    except (BaseError, OSError) as error:
        raise Unavailable("The artifact store is not available.", retry_after_s=2.0) from error
