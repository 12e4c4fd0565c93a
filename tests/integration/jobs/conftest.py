"""One real redis-server for all tests of the store; each test has a prefix of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.jobs.store import Store, open_store
from gateway.settings import RedisSettings
from lensora.adapters.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A redis-server that lives as long as the test run."""
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder, appendfsync="no") as server:
        yield server


@pytest.fixture
def redis_settings(redis_server: RedisServer) -> RedisSettings:
    """Settings of an installation of its own on the shared server."""
    return RedisSettings(redis_url=SecretStr(redis_server.url), redis_prefix=f"t{uuid.uuid4().hex[:12]}")


@pytest.fixture
async def store(redis_settings: RedisSettings) -> AsyncIterator[Store]:
    """An empty store."""
    async with open_store(redis_settings) as opened:
        yield opened
