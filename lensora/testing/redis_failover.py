"""A primary, two replicas and three sentinels on loopback, all real processes: for tests and benches of a failover."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from pathlib import Path

from lensora.adapters.redis_server import RedisServer, best_program, free_port
from lensora.core.errors import Unavailable

SERVICE = "jobs"
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MS = 700
"""A primary that is silent for this long is down; 5,000 or more in production."""
MAX_LAG_S = 3
"""The primary takes no write while every replica is this far behind: the longest that a failover can lose."""
SETTLE_S = 60.0
LOG_TAIL_BYTES = 1_500


class RedisFailover:
    """What ``RedisServer`` is for one server, for six: ``url`` names the sentinels."""

    def __init__(self, folder: Path, *, appendfsync: str = "always") -> None:
        """
        Args:
            folder: for each server's append-only file, configuration and log.
            appendfsync: as in redis.conf.
        """
        self._folder = folder
        self.servers = [
            RedisServer(folder / f"server-{number}", appendfsync=appendfsync, config=folder / f"server-{number}.conf")
            for number in range(3)
        ]
        self._sentinel_ports = [free_port() for _ in range(SENTINELS)]
        self._sentinels: list[subprocess.Popen[bytes]] = []
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        self.url = f"redis+sentinel://{hosts}/{SERVICE}/0"

    def start(self) -> None:
        """Start all, and wait until the replicas follow and the sentinels know each other.

        Raises:
            Unavailable: not within a minute; the ends of the logs are in the message.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        first = self.servers[0]
        for number, server in enumerate(self.servers):
            lines = ["min-replicas-to-write 1", f"min-replicas-max-lag {MAX_LAG_S}", "repl-diskless-sync-delay 0"]
            if number:
                lines.append(f"replicaof 127.0.0.1 {first.port}")
            (self._folder / f"server-{number}.conf").write_text("\n".join(lines) + "\n")
            server.start()
        self._until(lambda: b"connected_slaves:2" in _ask(first.port, "info", "replication"), "the replicas follow")
        for port in self._sentinel_ports:
            self._sentinels.append(self._sentinel(port, first.port))
        others = f"num-other-sentinels\r\n$1\r\n{SENTINELS - 1}\r\n".encode()
        for port in self._sentinel_ports:
            self._until(lambda port=port: _knows(port, others), "the sentinels know each other")

    def primary(self) -> RedisServer:
        """The server that the sentinels name now. Raises Unavailable: they name none."""
        reply = _ask(self._sentinel_ports[-1], "sentinel", "get-master-addr-by-name", SERVICE)
        for server in self.servers:
            if f"\r\n{server.port}\r\n".encode() in reply:
                return server
        raise Unavailable("the sentinels name no primary")

    def kill_primary(self) -> RedisServer:
        """SIGKILL the primary, which stays dead; the one killed."""
        killed = self.primary()
        killed.kill()
        return killed

    def kill(self) -> None:
        """As ``kill_primary``: what a crash of the job store is here."""
        self.kill_primary()

    def stop(self) -> None:
        """End all."""
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        self._sentinels.clear()
        for server in self.servers:
            server.stop()

    def _sentinel(self, port: int, primary: int) -> subprocess.Popen[bytes]:
        config = self._folder / f"sentinel-{port}.conf"
        config.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._folder}\nprotected-mode no\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {primary} {QUORUM}\n"
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {SERVICE} 5000\n"
        )
        with (self._folder / "sentinels.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own command line
                [best_program().path, config, "--sentinel"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _until(self, condition: object, what: str) -> None:
        assert callable(condition)
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                if condition():
                    return
            time.sleep(0.05)
        self.stop()
        paths = sorted(self._folder.rglob("*.log"))
        logs = [f"{path}: {path.read_bytes()[-LOG_TAIL_BYTES:].decode()}" for path in paths]
        raise Unavailable("\n".join([f"not within {SETTLE_S:g} s: {what}", *logs]))


def _knows(port: int, others: bytes) -> bool:
    reply = _ask(port, "sentinel", "master", SERVICE)
    return others in reply and b"num-slaves\r\n$1\r\n2\r\n" in reply


def _ask(port: int, *command: str) -> bytes:
    """The raw reply to a command; short enough to come in one second."""
    request = f"*{len(command)}\r\n" + "".join(f"${len(part)}\r\n{part}\r\n" for part in command)
    with socket.create_connection(("127.0.0.1", port), timeout=1.0) as peer:
        peer.sendall(request.encode())
        peer.settimeout(0.2)
        reply = b""
        with contextlib.suppress(TimeoutError):
            while chunk := peer.recv(65_536):
                reply += chunk
        return reply
