"""What Redis says of its own durability and memory, as metrics: the money lies there."""

from __future__ import annotations

from typing import Any

import redis.asyncio as aioredis
from prometheus_client import Gauge

from gateway.jobs.redis_client import translated

WATCH_S = 15.0
"""About one scrape."""

AOF_ENABLED = Gauge("lensora_redis_aof_enabled", "1 when Redis keeps an append-only file; the same in every worker.")
AOF_WRITE_OK = Gauge("lensora_redis_aof_last_write_ok", "1 when the last write of the append-only file went well.")
AOF_REWRITE_OK = Gauge(
    "lensora_redis_aof_last_rewrite_ok", "1 when the last rewrite of the append-only file went well."
)
for _gauge in (AOF_ENABLED, AOF_WRITE_OK, AOF_REWRITE_OK):
    # Not known yet. 0 would page where a worker starts while Redis is away.
    _gauge.set(float("nan"))
MEMORY_USED = Gauge("lensora_redis_memory_used_bytes", "Memory that Redis's data takes.")
MEMORY_LIMIT = Gauge("lensora_redis_memory_limit_bytes", "What Redis may take: maxmemory, else the machine's memory.")


class RedisWatch:
    """Asks INFO, and sets the gauges."""

    def __init__(self, client: aioredis.Redis) -> None:
        self._client = client

    async def look(self) -> None:
        """Ask once. Raises Unavailable when Redis is away."""
        with translated():
            persistence: dict[str, Any] = await self._client.info("persistence")
            memory: dict[str, Any] = await self._client.info("memory")
        AOF_ENABLED.set(int(persistence.get("aof_enabled", 0)))
        # Without an append-only file these say nothing; they stay at "ok", and the gauge above tells.
        AOF_WRITE_OK.set(persistence.get("aof_last_write_status", "ok") == "ok")
        AOF_REWRITE_OK.set(persistence.get("aof_last_bgrewrite_status", "ok") == "ok")
        MEMORY_USED.set(int(memory.get("used_memory", 0)))
        MEMORY_LIMIT.set(int(memory.get("maxmemory", 0)) or int(memory.get("total_system_memory", 0)))
