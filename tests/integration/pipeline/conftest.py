"""A worker's surroundings: a real redis-server, real gRPC servers of cheap stages, a real artifact folder."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from gateway.egress import Egress, EgressPolicy
from gateway.jobs.store import Store, open_store
from gateway.pipeline.attempt import BEAT_S
from gateway.pipeline.handover import Handover
from gateway.pipeline.stages import Stages
from gateway.pipeline.worker import Worker
from gateway.settings import RedisSettings
from lensora.adapters.artifacts import ObjectArtifacts, open_artifacts
from lensora.adapters.redis_server import RedisServer, free_port
from lensora.rpc.channels import open_channel
from lensora.rpc.server import Server
from lensora.testing.stages import Behaviour, cheap_server

LEASE_S = 1.0


@dataclass
class House:
    """Everything that a job needs, and a way to make workers."""

    store: Store
    settings: RedisSettings
    artifacts: ObjectArtifacts
    behaviour: Behaviour
    stages: Stages
    handover: Handover
    server: Server

    def worker(self, *, slots: int = 4, lease_s: float = LEASE_S, beat_s: float = BEAT_S) -> Worker:
        """A worker of this house, not yet running."""
        work = self.store.work(f"w-{uuid.uuid4().hex[:6]}", lease_s=lease_s, attempts=3, block_ms=100)
        return Worker(
            work, self.stages, self.handover, self.store.ended, slots=slots, lease_s=lease_s, tries=3, beat_s=beat_s
        )


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A redis-server that lives as long as the test run."""
    with RedisServer(tmp_path_factory.mktemp("redis"), appendfsync="no") as server:
        yield server


@pytest.fixture
async def house(redis_server: RedisServer, tmp_path: Path) -> AsyncIterator[House]:
    """A house with all services up."""
    settings = RedisSettings(redis_url=SecretStr(redis_server.url), redis_prefix=f"t{uuid.uuid4().hex[:12]}")
    artifacts = open_artifacts(f"file://{tmp_path}/artifacts")
    behaviour = Behaviour()
    server = cheap_server(artifacts, behaviour, port=free_port())
    channels = [open_channel(f"127.0.0.1:{server.port}") for _ in range(3)]
    egress = Egress(EgressPolicy(private_hosts=frozenset({"127.0.0.1"}), ports=frozenset(range(1, 65536))))
    stages = Stages(*channels, artifacts=artifacts, egress=egress)
    async with open_store(settings) as store:
        yield House(store, settings, artifacts, behaviour, stages, Handover(artifacts, egress), server)
    for channel in channels:
        await channel.close(None)
    server.stop()
