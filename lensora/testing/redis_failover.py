"""A primary, two replicas and three sentinels on loopback, all real processes: for tests and benches of a failover."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from lensora.adapters.redis_server import RedisServer, best_program
from lensora.core.errors import Unavailable

SERVICE = "jobs"
SERVERS = 3
SENTINELS = 3
QUORUM = 2
DOWN_AFTER_MS = 700
"""A primary that is silent for this long is down; 5,000 or more in production."""
MAX_LAG_S = 3
"""The primary takes no write while every replica is this far behind: the longest that a failover can lose."""
SETTLE_S = 60.0
ANSWER_S = 5.0
"""Longest wait for one answer: on a machine that others use too, a server may not run for a while."""
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
        # Each port is held until the moment before its process takes it: seconds lie between the first and the last.
        self._held = [socket.socket() for _ in range(SERVERS + SENTINELS)]
        for held in self._held:
            held.bind(("127.0.0.1", 0))
        ports = [int(held.getsockname()[1]) for held in self._held]
        self.servers = [
            RedisServer(
                folder / f"server-{number}", port=port, appendfsync=appendfsync, config=folder / f"server-{number}.conf"
            )
            for number, port in enumerate(ports[:SERVERS])
        ]
        self._sentinel_ports = ports[SERVERS:]
        self._sentinels: list[subprocess.Popen[bytes]] = []
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._sentinel_ports)
        self.url = f"redis+sentinel://{hosts}/{SERVICE}/0"

    def start(self) -> None:
        """Start all, and wait until the replicas follow and the sentinels know each other.

        Raises:
            Unavailable: one ended, or not within a minute; the ends of the logs are in the message.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        first = self.servers[0]
        for number, server in enumerate(self.servers):
            lines = ["min-replicas-to-write 1", f"min-replicas-max-lag {MAX_LAG_S}", "repl-diskless-sync-delay 0"]
            if number:
                lines.append(f"replicaof 127.0.0.1 {first.port}")
            (self._folder / f"server-{number}.conf").write_text("\n".join(lines) + "\n")
            self._held[number].close()
            server.start()
            self._until(partial(_is, server), f"server {number} answers on its own port")
        self._until(lambda: _online(first.port) == SERVERS - 1, "the replicas follow")
        for held, port in zip(self._held[SERVERS:], self._sentinel_ports, strict=True):
            held.close()
            self._sentinels.append(self._sentinel(port, first.port))
        for port in self._sentinel_ports:
            self._until(partial(_knows_all, port), "the sentinels know each other and the replicas")

    def primary(self) -> RedisServer:
        """The server that the sentinels name now. Raises Unavailable: they name none."""
        with _client(self._sentinel_ports[-1]) as sentinel:
            address = sentinel.sentinel_get_master_addr_by_name(SERVICE)
        for server in self.servers:
            if address is not None and server.port == int(address[1]):
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
        for held in self._held:
            held.close()

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

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end and not self._ended():
            with contextlib.suppress(OSError, RedisError):
                if condition():
                    return
            time.sleep(0.05)
        self.stop()
        paths = sorted(self._folder.rglob("*.log"))
        logs = [f"{path}: {path.read_bytes()[-LOG_TAIL_BYTES:].decode()}" for path in paths]
        raise Unavailable("\n".join([f"not within {SETTLE_S:g} s, or one ended: {what}", *logs]))

    def _ended(self) -> bool:
        """Whether a process that was started is no more."""
        started = [server for server, held in zip(self.servers, self._held, strict=False) if held.fileno() < 0]
        return any(server.pid is None for server in started) or any(one.poll() is not None for one in self._sentinels)


def _client(port: int) -> Redis:
    return Redis(host="127.0.0.1", port=port, socket_timeout=ANSWER_S, retry=Retry(NoBackoff(), 0))


def _is(server: RedisServer) -> bool:
    """Whether the process that answers on a server's port is that server."""
    with _client(server.port) as peer:
        return bool(peer.info("server")["process_id"] == server.pid)


def _online(port: int) -> int:
    """How many replicas have a primary's data; ``connected_slaves`` counts those that have only connected, too."""
    with _client(port) as peer:
        return sum(
            isinstance(value, dict) and value.get("state") == "online" for value in peer.info("replication").values()
        )


def _knows_all(port: int) -> bool:
    """Whether a sentinel knows the others and the replicas."""
    with _client(port) as sentinel:
        known = sentinel.sentinel_master(SERVICE)
    return (known["num-other-sentinels"], known["num-slaves"]) == (SENTINELS - 1, SERVERS - 1)
