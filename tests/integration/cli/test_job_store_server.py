"""Which server the embedded mode runs for its jobs: the system's where it is new enough, else the wheel's."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from lensora.adapters.redis_server import (
    MULTIPART_LOG,
    RedisServer,
    ServerProgram,
    best_program,
    bundled_executable,
    free_port,
    installed_programs,
    require_readable,
)
from lensora.core.errors import ConfigurationError

FIND = "from lensora.adapters.redis_server import installed_programs as f; print(*f(), sep='\\n')"


def programs(path: Path) -> list[str]:
    """What a process with this PATH finds in its own folders, best first."""
    done = subprocess.run(
        [sys.executable, "-c", FIND], env={"PATH": str(path)}, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def fake(path: Path, says: str) -> None:
    """A program that only tells a version."""
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def test_the_system_comes_before_the_wheel() -> None:
    """The wheel's server is there and last; whatever stands before it is Redis 7, Valkey, or newer."""
    found = installed_programs()
    assert best_program() == found[0]
    assert found[-1].bundled and found[-1].path == bundled_executable()
    assert all(program.version >= (7, 0) and not program.bundled for program in found[:-1])


def test_valkey_first_and_nothing_old(tmp_path: Path) -> None:
    """Valkey is preferred to Redis; a Redis of the system under 7, or a broken program, is passed over."""
    fake(tmp_path / "valkey-server", "Valkey server v=8.1.8 sha=0 malloc=jemalloc bits=64 build=0")
    fake(tmp_path / "redis-server", "Redis server v=6.0.16 sha=0 malloc=jemalloc bits=64 build=0")
    found = programs(tmp_path)
    assert found[0] == f"Valkey 8.1.8 ({tmp_path / 'valkey-server'})"
    assert not any(str(tmp_path / "redis-server") in line for line in found)
    assert found[-1].endswith("(the wheel's own)")
    fake(tmp_path / "valkey-server", "what?")
    assert not any(str(tmp_path) in line for line in programs(tmp_path))


def test_an_old_server_does_not_start_on_new_data(tmp_path: Path) -> None:
    """The wheel's Redis would not see what Redis 7 wrote, and start empty: it is refused, with what to install."""
    wheel = installed_programs()[-1]
    require_readable(tmp_path, wheel)
    (tmp_path / MULTIPART_LOG).mkdir()
    with pytest.raises(ConfigurationError, match="apt-get install redis-server"):
        require_readable(tmp_path, wheel)
    require_readable(tmp_path, ServerProgram(Path("/x"), "Valkey", (8, 1), bundled=False))


def test_a_newer_server_takes_over_the_old_ones_data(tmp_path: Path) -> None:
    """What the wheel's Redis acknowledged is there when a later start finds a better server."""
    for program in reversed(installed_programs()):
        with RedisServer(tmp_path, executable=program.path) as server:
            import redis

            with redis.Redis.from_url(server.url) as client:
                client.rpush("seen", str(program))
                seen = client.lrange("seen", 0, -1)
    assert [one.decode() for one in seen] == [str(program) for program in reversed(installed_programs())]


def test_a_free_port_is_another_each_time_and_none_that_is_taken() -> None:
    """Whoever looks for several at once gets several, and what somebody listens on is passed over."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port() + 1))
        ports = [free_port() for _ in range(20)]
        assert len(set(ports)) == 20
        assert taken.getsockname()[1] not in ports
