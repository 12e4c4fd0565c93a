"""A real server for all tests of the store: Valkey and each that this machine has. Each test has its own prefix."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.jobs.store import Store, open_store
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer, ServerProgram, installed_programs
from lensora.testing.valkey import valkey_program

PROGRAMS = (valkey_program(), *installed_programs())


@pytest.fixture(scope="session", params=PROGRAMS, ids=lambda program: f"{program.product}-{program.version[0]}")
def program(request: pytest.FixtureRequest) -> ServerProgram:
    """Each server that is installed: the chart's Valkey, the system's Valkey or Redis, and the wheel's."""
    found: ServerProgram = request.param
    return found


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory, program: ServerProgram) -> Iterator[RedisServer]:
    """A server that lives as long as the tests with it."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder, appendfsync="no", executable=program.path) as server:
        yield server


@pytest.fixture
def redis_settings(redis_server: RedisServer) -> RedisSettings:
    """Settings of an installation of its own on the shared server."""
    return RedisSettings(
        redis_url=SecretStr(redis_server.url),
        redis_prefix=f"t{uuid.uuid4().hex[:12]}",
        # On a machine that others keep busy a hundred writes at once take longer than the usual two seconds.
        redis_timeout_seconds=20.0,
    )


@pytest.fixture
async def store(redis_settings: RedisSettings) -> AsyncIterator[Store]:
    """An empty store."""
    async with open_store(redis_settings) as opened:
        yield opened
