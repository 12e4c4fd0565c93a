"""The models folder: pull weights into it, verified and all or nothing, and find them there.

Layout: the weights files under their manifest names, a folder and a lock file for each model of many files,
``.downloads/`` with what is being fetched, ``.lock`` held while pulling. A file under its own name is always whole.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import httpx

from lensora.core.errors import ArtifactCorrupted, ConfigurationError, LensoraError, Unavailable
from lensora.models import recipes, snapshot
from lensora.models.download import HTTP_TIMEOUT, fetch, file_sha256
from lensora.models.manifest import Entry, Manifest, ModelEntry, SnapshotEntry, Source, load_manifest
from lensora.models.policy import LicensePolicy, check

_DOWNLOADS = ".downloads"

SHIPPED = Path(__file__).parent / "shipped"
"""Weights that come with this package: those that were trained in this repository."""


class Phase(StrEnum):
    """What a pull is doing for a model."""

    PRESENT = "present"
    DOWNLOAD = "download"
    BUILD = "build"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull is.

    Attributes:
        model: the model's name.
        phase: what is being done.
        done_bytes: bytes that are there, of the download or (``present``, ``done``) of the weights file.
        total_bytes: bytes that there will be.
        source: where the bytes come from; empty for ``present``.
    """

    model: str
    phase: Phase
    done_bytes: int
    total_bytes: int
    source: str = ""


OnProgress = Callable[[PullProgress], None]


def _silent(_progress: PullProgress) -> None:
    return


def pull(
    names: Iterable[str],
    models_dir: Path,
    on_progress: OnProgress = _silent,
    *,
    policy: LicensePolicy = LicensePolicy.PERMISSIVE,
    manifest: Manifest | None = None,
    client: httpx.Client | None = None,
    hub: str = snapshot.HUB,
    hub_token: str = "",
) -> list[Path]:
    """Bring models into the folder; what is there and whole is left as it is.

    Args:
        names: models of the manifest, each once or more.
        models_dir: the models folder, made where missing.
        on_progress: told what is being done, from this thread.
        policy: licences that are allowed; checked for every name before the first download.
        manifest: None takes the one that ships with Lensora.
        client: HTTP client for https sources and the hub; None makes one where needed.
        hub: address of the public model hub.
        hub_token: the account's token, for gated models of the hub.

    Returns:
        The path of each model's weights file or folder, in the order of ``names``.

    Raises:
        ConfigurationError: an unknown name, a folder that cannot be written, or a package client that is missing.
        LicenseRefused: the policy does not allow a model.
        Unavailable: no source of a model could be fetched.
        ArtifactCorrupted: a source gave other bytes than the manifest says.
    """
    known = manifest or load_manifest()
    entries = [known.entry(name) for name in dict.fromkeys(names)]
    for entry in entries:
        check(entry, policy)
    folder = models_dir.expanduser()
    try:
        (folder / _DOWNLOADS).mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            return [
                _pull_snapshot(entry, folder, on_progress, client, (hub, hub_token))
                if isinstance(entry, SnapshotEntry)
                else _pull_one(entry, folder, on_progress, client)
                for entry in entries
            ]
    except OSError as error:
        raise ConfigurationError(f"cannot write to the models folder {folder}: {error}") from error


def path_of(
    name: str,
    models_dir: Path,
    *,
    policy: LicensePolicy = LicensePolicy.PERMISSIVE,
    manifest: Manifest | None = None,
) -> Path:
    """The weights file, or the folder, of a model that was pulled, every checksum verified.

    Raises:
        ConfigurationError: unknown, or not pulled yet; the message says what to run.
        LicenseRefused: the policy does not allow it.
        ArtifactCorrupted: a file is not what the manifest, or the lock of the first pull, says.
    """
    entry = (manifest or load_manifest()).entry(name)
    check(entry, policy)
    if isinstance(entry, SnapshotEntry):
        snapshot.verified(entry, models_dir.expanduser())
        return snapshot.folder_of(entry, models_dir.expanduser())
    path = place_of(entry, models_dir)
    remedy = "install lensora again" if entry.shipped else f"run: lensora models pull {name}"
    if not path.is_file():
        raise ConfigurationError(f"model {name!r} is not in {path.parent}; {remedy}")
    if not _whole(entry, path):
        raise ArtifactCorrupted(f"{path} is not the {name!r} of the manifest; {remedy}")
    return path


def place_of(entry: ModelEntry, models_dir: Path) -> Path:
    """Where the weights file belongs: in the models folder, or in this package if it is shipped."""
    return (SHIPPED if entry.shipped else models_dir.expanduser()) / entry.file


def weights_sha256(entry: Entry, models_dir: Path) -> str:
    """The digest that stands for a pulled model: of its file, or of the list of its files' digests.

    Raises:
        ConfigurationError: a model of many files that was never pulled.
    """
    if isinstance(entry, ModelEntry):
        return entry.sha256
    lock = snapshot.read_lock(entry, models_dir.expanduser())
    if lock is None:
        raise ConfigurationError(f"model {entry.name!r} has no lock; run: lensora models pull {entry.name}")
    return lock.digest


def installed(models_dir: Path, *, manifest: Manifest | None = None) -> list[Entry]:
    """The models of the manifest that lie whole in the folder (every checksum is verified)."""
    folder = models_dir.expanduser()
    return [entry for entry in (manifest or load_manifest()).entries if _present(entry, folder)]


def _present(entry: Entry, folder: Path) -> bool:
    if isinstance(entry, ModelEntry):
        return _whole(entry, place_of(entry, folder))
    try:
        snapshot.verified(entry, folder)
    except (ConfigurationError, ArtifactCorrupted):
        return False
    return True


def _whole(entry: ModelEntry, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == entry.size_bytes and file_sha256(path) == entry.sha256


def _pull_one(entry: ModelEntry, folder: Path, on_progress: OnProgress, client: httpx.Client | None) -> Path:
    path = place_of(entry, folder)
    if _whole(entry, path):
        on_progress(PullProgress(entry.name, Phase.PRESENT, entry.size_bytes, entry.size_bytes))
        return path
    if entry.shipped:
        raise ArtifactCorrupted(f"{path} is not the {entry.name!r} of the manifest; install lensora again")
    failures: list[LensoraError] = []
    for source in entry.sources:
        try:
            _from_source(entry, source, folder, on_progress, client)
        except (Unavailable, ArtifactCorrupted, ConfigurationError) as error:
            failures.append(error)
        else:
            on_progress(PullProgress(entry.name, Phase.DONE, entry.size_bytes, entry.size_bytes, str(source)))
            return path
    if len(failures) == 1:
        raise failures[0]
    tried = "; ".join(str(error) for error in failures)
    raise Unavailable(f"no source of model {entry.name!r} could be used: {tried}") from failures[-1]


def _pull_snapshot(
    entry: SnapshotEntry, folder: Path, on_progress: OnProgress, client: httpx.Client | None, hub: tuple[str, str]
) -> Path:
    source = f"{entry.repository} at {entry.revision[:12]}"

    def on_bytes(done: int, total: int) -> None:
        on_progress(PullProgress(entry.name, Phase.DOWNLOAD, done, total, source))

    session = client or httpx.Client(follow_redirects=True, timeout=HTTP_TIMEOUT)
    try:
        lock = snapshot.pull_snapshot(entry, folder, on_bytes, snapshot.Hub(session, *hub))
    finally:
        if client is None:
            session.close()
    on_progress(PullProgress(entry.name, Phase.DONE, lock.size_bytes, lock.size_bytes, source))
    return snapshot.folder_of(entry, folder)


def _from_source(
    entry: ModelEntry, source: Source, folder: Path, on_progress: OnProgress, client: httpx.Client | None
) -> None:
    def on_bytes(done: int) -> None:
        on_progress(PullProgress(entry.name, Phase.DOWNLOAD, done, source.size_bytes, str(source)))

    on_bytes(0)
    download = fetch(source, folder / _DOWNLOADS, on_bytes, client)
    on_progress(PullProgress(entry.name, Phase.BUILD, 0, entry.size_bytes, str(source)))
    staged = folder / _DOWNLOADS / entry.file
    with staged.open("wb") as file:
        file.write(recipes.cook(download, source))
        file.flush()
        os.fsync(file.fileno())
    if not _whole(entry, staged):
        size, digest = staged.stat().st_size, file_sha256(staged)
        staged.unlink()
        raise ArtifactCorrupted(
            f"model {entry.name!r} made from {source} has {size} bytes with sha256 {digest}, "
            f"not {entry.size_bytes} bytes with {entry.sha256}"
        )
    staged.replace(folder / entry.file)
    download.unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One pull at a time in a folder; a second one waits, then finds the models there."""
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
