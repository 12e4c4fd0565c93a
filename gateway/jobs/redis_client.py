"""Connections to Redis: timeouts set on purpose, no retries behind our back, and errors of our own tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis.asyncio as aioredis
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from gateway.jobs import metrics, sentinel
from lensora.core.errors import ConfigurationError, Unavailable

RETRY_AFTER_S = 2.0
"""What a client is told to wait: a restart of Redis with its log takes about a second."""

SENTINEL_TIMEOUT_S = 1.0
"""Sentinels are asked one after another: one that is away must not keep the others waiting."""

POOL_WAIT_S = 5.0
"""How long a command may wait for a free connection: longer than any burst that the gateway can serve."""

AWAY = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.TryAgainError,
    exceptions.NoPermissionError,
    exceptions.InvalidResponse,
)
"""Redis cannot do the work now: gone, loading, silent, a replica since a failover, full, or not for this user. The last
stands for an address where something else than Redis listens."""

_AWAY_REPLIES = ("MISCONF", "LOADING", "NOREPLICAS", "MASTERDOWN", "BUSY ", "UNBLOCKED", "DB index is out of range")
"""Starts of error replies that also mean this, and have no class of their own in every version of the client.
``UNBLOCKED`` is said to a worker that waits at a primary which becomes a replica, the last to a URL's database that the
server does not have."""

_AWAY_IN_SCRIPT = re.compile(r": -(OOM|MISCONF|NOREPLICAS|READONLY) ")
"""Redis 6 says so of a script's first write, behind words of its own. Later writes go on: no script stops half-way."""


def connect(url: str, *, timeout_s: float, connections: int) -> aioredis.Redis:
    """A client with a bounded pool. The client's own retries are off: it cannot know what may be repeated.

    Raises:
        ConfigurationError: the URL is not one of Redis.
    """
    options: dict[str, Any] = {
        "max_connections": connections,
        "timeout": POOL_WAIT_S,
        "socket_timeout": timeout_s,
        # As long as any other answer: a hundred connections that a burst opens at once are made in turn.
        "socket_connect_timeout": timeout_s,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "decode_responses": True,
        # RESP2: replies have the shapes that 6.2 documents, whatever the client's newest default is.
        "protocol": 2,
        "driver_info": None,
    }
    try:
        pool: aioredis.BlockingConnectionPool
        if url.partition("://")[0] in sentinel.SCHEMES:
            patience_s = min(SENTINEL_TIMEOUT_S, timeout_s)
            pool = sentinel.PrimaryPool(sentinel.parse(url), connect_timeout_s=patience_s, **options)
        else:
            pool = aioredis.BlockingConnectionPool.from_url(url, **options)
    except ValueError as error:
        raise ConfigurationError(f"LENSORA_REDIS_URL: {error}") from error
    client: aioredis.Redis = aioredis.Redis.from_pool(pool)
    return client


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into Unavailable where Redis is away; a fault of a script stays what it is."""
    try:
        yield
    except AWAY as error:
        metrics.STORE_AWAY.inc()
        raise Unavailable("The job store is not available.", retry_after_s=RETRY_AFTER_S) from error
    except exceptions.ResponseError as error:
        if str(error).startswith(_AWAY_REPLIES) or _AWAY_IN_SCRIPT.search(str(error)):
            metrics.STORE_AWAY.inc()
            raise Unavailable("The job store is not available.", retry_after_s=RETRY_AFTER_S) from error
        raise
