"""Models of many files: pulled from a hub over real HTTP, locked at the first pull, held to the lock for ever."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lensora.core.errors import ArtifactCorrupted, ConfigurationError
from lensora.models import Manifest, load_manifest, parse_manifest, path_of, pull
from lensora.models.manifest import SnapshotEntry
from lensora.models.snapshot import read_lock, record
from lensora.models.store import installed, weights_sha256

COMMIT = "c" * 40
ENTRY = """
[[snapshot]]
name = "tiny"
version = "1"
purpose = "a test"
repository = "someone/tiny"
revision = "{revision}"
include = ["*.json", "part/*.safetensors"]
license = "MIT"
license_url = "https://example.org/licence"
commercial_use = true
memory_bytes = 10
stages = ["mesh"]
profiles = ["gpu-small"]
"""
KNOWN = """
[[snapshot.file]]
path = "part/weights.safetensors"
sha256 = "{digest}"
size_bytes = 3000000
"""


class Hub(ThreadingHTTPServer):
    """The part of the public hub's interface that a pull uses, on a port of this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HubHandler)
        self.files = {
            "config.json": b'{"tiny": true}',
            "part/weights.safetensors": bytes(range(250)) * 12_000,
            "run.py": b"print('never pulled')",
            "big.bin": b"not asked for",
        }
        self.served: list[tuple[str, str]] = []
        self.cut_after = 0
        self.token = ""

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(BaseHTTPRequestHandler):
    """Answers the list of a revision, the commit of a branch, and files with ranges."""

    server: Hub

    def do_GET(self) -> None:
        hub = self.server
        if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
            self.send_error(401)
        elif self.path == "/api/models/someone/tiny/revision/main":
            self.answer(json.dumps({"sha": COMMIT}).encode())
        elif self.path.startswith(f"/api/models/someone/tiny/tree/{COMMIT}"):
            self.answer(json.dumps([self.row(path) for path in hub.files]).encode())
        elif self.path.startswith(f"/someone/tiny/resolve/{COMMIT}/"):
            self.send_part(self.path.split(f"{COMMIT}/")[1])
        else:
            self.send_error(404)

    def row(self, path: str) -> dict[str, object]:
        data = self.server.files[path]
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        row: dict[str, object] = {"type": "file", "path": path, "oid": blob, "size": len(data)}
        if path.endswith(".safetensors"):
            row["lfs"] = {"oid": hashlib.sha256(data).hexdigest(), "size": len(data)}
        return row

    def send_part(self, path: str) -> None:
        data = self.server.files[path]
        asked = self.headers.get("Range", "")
        self.server.served.append((path, asked))
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut, self.server.cut_after = self.server.cut_after, 0
        self.wfile.write(data[start : cut or None])

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's own name)
        return


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that serves one small model."""
    with Hub() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def manifest(revision: str = COMMIT, known: str = "") -> Manifest:
    """A manifest with the one model."""
    return parse_manifest(ENTRY.format(revision=revision) + known)


def entry_of(known: Manifest) -> SnapshotEntry:
    """Its entry."""
    entry = known.entry("tiny")
    assert isinstance(entry, SnapshotEntry)
    return entry


def test_a_first_pull_records_what_it_got(hub: Hub, tmp_path: Path) -> None:
    """The wanted files come, code does not, and the lock has every file's own sha256."""
    known = manifest()
    (folder,) = pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    assert sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()) == [
        "config.json",
        "part/weights.safetensors",
    ]
    lock = read_lock(entry_of(known), tmp_path)
    assert lock is not None
    assert {f.path: f.sha256 for f in lock.files} == {
        path: hashlib.sha256(hub.files[path]).hexdigest() for path in ("config.json", "part/weights.safetensors")
    }
    assert path_of("tiny", tmp_path, manifest=known) == folder
    assert weights_sha256(entry_of(known), tmp_path) == lock.digest
    assert [entry.name for entry in installed(tmp_path, manifest=known)] == ["tiny"]


def test_nothing_is_loaded_without_a_lock(hub: Hub, tmp_path: Path) -> None:
    """Files alone, however they came, are not a model: the refusal says what to run."""
    known = manifest()
    pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    (tmp_path / "tiny.lock.json").unlink()
    with pytest.raises(ConfigurationError, match=r"not loaded without one; run: lensora models pull tiny"):
        path_of("tiny", tmp_path, manifest=known)


def test_a_changed_file_is_refused_and_mended(hub: Hub, tmp_path: Path) -> None:
    """One flipped byte stops the load; the next pull fetches that file alone."""
    known = manifest()
    (folder,) = pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    weights = folder / "part" / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[1000] ^= 1
    weights.write_bytes(data)
    with pytest.raises(ArtifactCorrupted, match=r"weights\.safetensors is not the file that was locked"):
        path_of("tiny", tmp_path, manifest=known)
    hub.served.clear()
    pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    assert hub.served == [("part/weights.safetensors", "")]
    path_of("tiny", tmp_path, manifest=known)


def test_a_lock_binds_other_machines(hub: Hub, tmp_path: Path) -> None:
    """Given the lock first, a machine refuses a hub that serves other bytes."""
    known = manifest()
    pull(["tiny"], tmp_path / "first", manifest=known, hub=hub.address)
    second = tmp_path / "second"
    second.mkdir()
    (second / "tiny.lock.json").write_bytes((tmp_path / "first" / "tiny.lock.json").read_bytes())
    hub.files["config.json"] = b'{"tiny": 1234}'
    with pytest.raises(ArtifactCorrupted, match=r"config\.json of someone/tiny, which are not that file"):
        pull(["tiny"], second, manifest=known, hub=hub.address)


def test_a_digest_of_the_manifest_goes_before_the_hub_s(hub: Hub, tmp_path: Path) -> None:
    """Where the manifest knows a digest, a hub that says otherwise is refused and no lock is written."""
    known = manifest(known=KNOWN.format(digest="d" * 64))
    with pytest.raises(ArtifactCorrupted, match="the manifest has dddd"):
        pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    assert not (tmp_path / "tiny.lock.json").exists()


def test_a_cut_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    """The second pull asks for the rest only."""
    known = manifest()
    hub.files.pop("config.json")
    hub.cut_after = 2_500_000
    with pytest.raises(Exception, match="hub does not answer"):
        pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    (path, asked) = hub.served[-1]
    assert path == "part/weights.safetensors"
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 1_000_000
    path_of("tiny", tmp_path, manifest=known)


def test_a_branch_is_resolved_once(hub: Hub, tmp_path: Path) -> None:
    """Where no commit is known the first pull finds it, and the lock keeps it."""
    known = manifest(revision="main")
    pull(["tiny"], tmp_path, manifest=known, hub=hub.address)
    lock = read_lock(entry_of(known), tmp_path)
    assert lock is not None
    assert lock.revision == COMMIT


def test_a_new_revision_in_the_manifest_asks_for_a_new_lock(hub: Hub, tmp_path: Path) -> None:
    """An old lock is not quietly used for a new revision."""
    pull(["tiny"], tmp_path, manifest=manifest(), hub=hub.address)
    with pytest.raises(ArtifactCorrupted, match="remove it to record the new revision"):
        path_of("tiny", tmp_path, manifest=manifest(revision="e" * 40))


def test_a_gated_model_says_what_to_do(hub: Hub, tmp_path: Path) -> None:
    """Without a token the refusal says where to accept the terms; with it the pull works."""
    hub.token = "secret"
    with pytest.raises(ConfigurationError, match=r"gated: accept its terms.*HF_TOKEN"):
        pull(["tiny"], tmp_path, manifest=manifest(), hub=hub.address)
    pull(["tiny"], tmp_path, manifest=manifest(), hub=hub.address, hub_token="secret")


def test_files_brought_by_hand_are_locked_by_who_vouches_for_them(tmp_path: Path) -> None:
    """Without a hub, the files in the folder are recorded; what a pull would leave out is left out here too."""
    known = manifest()
    folder = tmp_path / "tiny"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="has no file that matches"):
        record(entry_of(known), tmp_path)
    (folder / "config.json").write_text("{}")
    (folder / "run.py").write_text("print()")
    assert [f.path for f in record(entry_of(known), tmp_path).files] == ["config.json"]
    assert path_of("tiny", tmp_path, manifest=known) == folder


def test_the_shipped_snapshots_are_pinned_and_free_of_code() -> None:
    """Every shipped model of many files names a commit or asks for one, and never includes code or pickles by name."""
    snapshots = [entry for entry in load_manifest().entries if isinstance(entry, SnapshotEntry)]
    assert {"florence-2-large", "z-image-turbo", "triposr", "trellis-image-large"} <= {s.name for s in snapshots}
    for entry in snapshots:
        assert entry.pinned or entry.revision == "main"
        assert not any(entry.wants(path) for path in ("model.py", "a/b.pkl", "../up.json", "/etc/x.json"))
