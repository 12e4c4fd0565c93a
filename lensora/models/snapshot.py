"""Models of many files, pulled from a public model hub at one revision, and the lock that says what was pulled.

The hub's revisions are git commits: they cannot change. (Where the manifest names no commit, the first pull asks for it
and the lock keeps it.) What this project cannot do is to know the digests of files
that it never had in hand, so trust works like this:

- Files whose digest the manifest knows are held to it, always.
- For the others, the first pull asks the hub for the list of the revision's files with their digests, checks every
  download against it, and writes what it has into a lock file, ``<name>.lock.json``.
- Later pulls, on this machine or on any other that was given the lock file first, are held to the lock.
- A model is never loaded without a lock, nor when one file differs from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lensora.core.errors import ArtifactCorrupted, ConfigurationError, Unavailable
from lensora.models.download import READ_BYTES, file_sha256
from lensora.models.manifest import PinnedFile, SnapshotEntry

HUB = "https://huggingface.co"
"""The public hub that the manifest's repositories lie on."""

LOCK_VERSION = 1


@dataclass(frozen=True, slots=True)
class Lock:
    """What was pulled: the revision, and every file with its digest."""

    repository: str
    revision: str
    files: tuple[PinnedFile, ...]

    @property
    def digest(self) -> str:
        """One sha256 for the whole: of the lines ``<sha256>  <path>`` in the order of the paths."""
        lines = "".join(f"{f.sha256}  {f.path}\n" for f in sorted(self.files, key=lambda f: f.path))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files."""
        return sum(f.size_bytes for f in self.files)


OnBytes = Callable[[int, int], None]
"""Told the bytes that are there so far, and how many there will be."""


def folder_of(entry: SnapshotEntry, models_dir: Path) -> Path:
    """The folder that holds the model's files."""
    return models_dir / entry.name


def lock_path(entry: SnapshotEntry, models_dir: Path) -> Path:
    """The lock file, beside the folder."""
    return models_dir / f"{entry.name}.lock.json"


def read_lock(entry: SnapshotEntry, models_dir: Path) -> Lock | None:
    """The lock of a model; None where none was recorded.

    Raises:
        ArtifactCorrupted: the file is no lock, or it is of another revision than the manifest's.
    """
    path = lock_path(entry, models_dir)
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text("utf-8"))
        lock = Lock(
            repository=str(data["repository"]),
            revision=str(data["revision"]),
            files=tuple(_pinned(item) for item in data["files"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactCorrupted(f"{path} is not a lock file: {error!r}") from error
    if lock.repository != entry.repository or (entry.pinned and lock.revision != entry.revision):
        raise ArtifactCorrupted(
            f"{path} is for {lock.repository} at {lock.revision}, and the manifest has {entry.repository} at "
            f"{entry.revision}; remove it to record the new revision: rm {path} && lensora models pull {entry.name}"
        )
    _check_known(entry, {f.path: f for f in lock.files}, str(path))
    return lock


def verified(entry: SnapshotEntry, models_dir: Path) -> Lock:
    """The lock, after every file was compared with it.

    Raises:
        ConfigurationError: never pulled; the message says what to run.
        ArtifactCorrupted: a file is missing or is not what the lock says.
    """
    lock = read_lock(entry, models_dir)
    if lock is None:
        raise ConfigurationError(
            f"model {entry.name!r} has no lock in {models_dir}, and is not loaded without one; "
            f"run: lensora models pull {entry.name}"
        )
    folder = folder_of(entry, models_dir)
    for item in lock.files:
        path = folder / item.path
        if not path.is_file() or path.stat().st_size != item.size_bytes or file_sha256(path) != item.sha256:
            raise ArtifactCorrupted(
                f"{path} is not the file that was locked for {entry.name!r}; run: lensora models pull {entry.name}"
            )
    return lock


@dataclass(frozen=True, slots=True)
class Hub:
    """A public model hub: a client that follows redirects, its address, and the account's token for gated models."""

    client: httpx.Client
    address: str = HUB
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries; httpx keeps the token from other hosts when it follows a redirect."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}


def pull_snapshot(entry: SnapshotEntry, models_dir: Path, on_bytes: OnBytes, hub: Hub) -> Lock:
    """Bring the model's files into the folder and record the lock; files that are there and right are kept.

    Args:
        entry: what to pull.
        models_dir: the models folder; it exists.
        on_bytes: told how far it is.
        hub: where the files come from.

    Raises:
        Unavailable: the hub does not answer.
        ConfigurationError: gated, and the token is missing or not accepted.
        ArtifactCorrupted: a file is not what the manifest, the lock or the hub says.
    """
    lock = read_lock(entry, models_dir)
    if lock is None:
        revision = entry.revision if entry.pinned else _commit(entry, hub)
        wanted = list(_listed(entry, revision, hub))
    else:
        revision = lock.revision
        wanted = [_Wanted(item.path, item.size_bytes, sha256=item.sha256) for item in lock.files]
    folder = folder_of(entry, models_dir)
    total = sum(item.size_bytes for item in wanted)
    done = 0
    pinned = []
    for item in wanted:
        path = folder / item.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if not item.matches(path):
            part = path.with_name(f"{path.name}.part")
            for have in _download(entry, revision, item, part, hub):
                on_bytes(done + have, total)
            if not item.matches(part):
                size = part.stat().st_size
                # Kept bytes that are wrong would be resumed for ever.
                part.unlink()
                raise ArtifactCorrupted(
                    f"{hub.address} gave {size} bytes for {item.path} of {entry.repository}, which are not that file"
                )
            part.replace(path)
        done += item.size_bytes
        on_bytes(done, total)
        pinned.append(PinnedFile(item.path, item.sha256 or file_sha256(path), item.size_bytes))
    if not pinned:
        raise ArtifactCorrupted(f"{entry.repository} at {revision} has no file that matches {entry.include}")
    _check_known(entry, {f.path: f for f in pinned}, f"{hub.address}/{entry.repository}")
    recorded = Lock(entry.repository, revision, tuple(pinned))
    if lock is None:
        _write_lock(lock_path(entry, models_dir), recorded)
    return recorded


def record(entry: SnapshotEntry, models_dir: Path, revision: str = "") -> Lock:
    """Lock a model whose files were put into their folder by hand, as on a machine that reaches no hub.

    Whoever calls this vouches for the files.

    Args:
        entry: whose files they are.
        models_dir: the models folder.
        revision: the commit that they are of; empty means the manifest's.

    Raises:
        ConfigurationError: there are none.
        ArtifactCorrupted: one has another digest than the manifest knows.
    """
    folder = folder_of(entry, models_dir)
    here = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    files = tuple(
        PinnedFile(path, file_sha256(folder / path), (folder / path).stat().st_size)
        for path in here
        if entry.wants(path)
    )
    if not files:
        raise ConfigurationError(f"{folder} has no file that matches {', '.join(entry.include)}")
    _check_known(entry, {f.path: f for f in files}, str(folder))
    lock = Lock(entry.repository, revision or entry.revision, files)
    _write_lock(lock_path(entry, models_dir), lock)
    return lock


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A file to have: its sha256 where it is known, else its git blob id (SHA-1 of a header and the bytes)."""

    path: str
    size_bytes: int
    sha256: str = ""
    blob: str = ""

    def matches(self, path: Path) -> bool:
        if not path.is_file() or path.stat().st_size != self.size_bytes:
            return False
        if self.sha256:
            return file_sha256(path) == self.sha256
        # SHA-1 is what git has; the bytes come over TLS from the same place, and the lock keeps their sha256 from here.
        digest = hashlib.sha1(f"blob {self.size_bytes}\0".encode(), usedforsecurity=False)
        digest.update(path.read_bytes())
        return digest.hexdigest() == self.blob


def _commit(entry: SnapshotEntry, hub: Hub) -> str:
    """The commit that the entry's branch is at now."""
    with _answered(entry):
        address = f"{hub.address}/api/models/{entry.repository}/revision/{entry.revision}"
        response = hub.client.get(address, headers=hub.headers)
        response.raise_for_status()
        return str(response.json()["sha"])


def _listed(entry: SnapshotEntry, revision: str, hub: Hub) -> Iterator[_Wanted]:
    """The revision's files as the hub lists them: large ones with a sha256 (``lfs.oid``), small ones with a blob id."""
    address: str | None = f"{hub.address}/api/models/{entry.repository}/tree/{revision}?recursive=true"
    while address:
        with _answered(entry):
            response = hub.client.get(address, headers=hub.headers)
            response.raise_for_status()
            rows = response.json()
        for row in rows:
            if row.get("type") == "file" and entry.wants(str(row.get("path", ""))):
                large = row.get("lfs") or {}
                yield _Wanted(
                    path=str(row["path"]),
                    size_bytes=int(large.get("size", row["size"])),
                    sha256=str(large.get("oid", "")).removeprefix("sha256:"),
                    blob="" if large else str(row["oid"]),
                )
        address = response.links.get("next", {}).get("url")


def _download(entry: SnapshotEntry, revision: str, item: _Wanted, part: Path, hub: Hub) -> Iterator[int]:
    """Fetch into ``part``, going on where an earlier try stopped; gives the bytes that are there so far."""
    have = part.stat().st_size if part.is_file() else 0
    if have >= item.size_bytes > 0:
        return
    address = f"{hub.address}/{entry.repository}/resolve/{revision}/{item.path}"
    headers = hub.headers | {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with _answered(entry), hub.client.stream("GET", address, headers=headers) as response:
        response.raise_for_status()
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for piece in response.iter_bytes(READ_BYTES):
                file.write(piece)
                have += len(piece)
                yield have
                if have > item.size_bytes:
                    break


class _answered:  # noqa: N801  # reads as a phrase in a with statement
    """Translates httpx's errors."""

    def __init__(self, entry: SnapshotEntry) -> None:
        self._entry = entry

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        name = self._entry.name
        if isinstance(error, httpx.HTTPStatusError) and error.response.status_code in (401, 403):
            raise ConfigurationError(
                f"model {name!r} is gated: accept its terms at {HUB}/{self._entry.repository} and set HF_TOKEN"
            ) from error
        if isinstance(error, httpx.HTTPError | ValueError | KeyError):
            raise Unavailable(f"the hub does not answer for model {name!r}: {error}", retry_after_s=10.0) from error


def _check_known(entry: SnapshotEntry, have: dict[str, PinnedFile], where: str) -> None:
    for item in entry.known:
        found = have.get(item.path)
        if found is None or found.sha256 != item.sha256:
            digest = found.sha256 if found is not None else "no such file"
            raise ArtifactCorrupted(f"{where}: {item.path} has {digest}, and the manifest has {item.sha256}")


def _write_lock(path: Path, lock: Lock) -> None:
    data = {
        "lock_version": LOCK_VERSION,
        "repository": lock.repository,
        "revision": lock.revision,
        "files": [{"path": f.path, "sha256": f.sha256, "size_bytes": f.size_bytes} for f in lock.files],
    }
    staged = path.with_name(f"{path.name}.part")
    staged.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
    staged.replace(path)


def _pinned(item: Any) -> PinnedFile:
    return PinnedFile(path=str(item["path"]), sha256=str(item["sha256"]), size_bytes=int(item["size_bytes"]))
