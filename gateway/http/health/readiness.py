"""Whether everything that a job needs answers: Redis, and the health of each service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gateway.jobs import ports
from lensora.core.errors import LensoraError

PROBE_TIMEOUT_S = 2.0
FRESH_S = 1.0
"""An answer serves every probe of the next second: many probers cost no more than one."""


class Readiness:
    """Asks all dependencies at once."""

    def __init__(self, store: ports.Health, channels: Mapping[str, grpc.aio.Channel]) -> None:
        """
        Args:
            store: Redis.
            channels: services by name.
        """
        self._store = store
        self._stubs = {name: health_pb2_grpc.HealthStub(channel) for name, channel in channels.items()}
        self._lock = asyncio.Lock()
        self._known: dict[str, str] = {}
        self._known_at = -FRESH_S

    async def check(self) -> dict[str, str]:
        """``ok`` or a word for what is wrong, by dependency."""
        async with self._lock:
            if time.monotonic() - self._known_at >= FRESH_S:
                names = ["redis", *self._stubs]
                states = await asyncio.gather(self._redis(), *(self._service(name) for name in self._stubs))
                self._known = dict(zip(names, states, strict=True))
                self._known_at = time.monotonic()
            return dict(self._known)

    async def _redis(self) -> str:
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                await self._store.ping()
        except (LensoraError, TimeoutError):
            return "unavailable"
        return "ok"

    async def _service(self, name: str) -> str:
        try:
            answer = await self._stubs[name].Check(health_pb2.HealthCheckRequest(), timeout=PROBE_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return "unavailable"
        return "ok" if answer.status == health_pb2.HealthCheckResponse.SERVING else "not serving"
