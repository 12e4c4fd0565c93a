"""Channels to the services, for callers that wait (grpc.aio)."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, cast

import grpc.aio

from lensora.core.errors import ConfigurationError
from lensora.rpc.trust import TLS_NAME, Trust

KEEPALIVE_MS = 20_000
"""A dead peer (kill -9 of its machine) is noticed within this and the timeout below."""
KEEPALIVE_TIMEOUT_MS = 5_000

SERVICE_CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
"""Spread calls over every address of a headless Service. Retries are the caller's: it knows the job's deadline."""


RESOLVE_AGAIN_MS = 1_000
"""A name may be looked up again after this (gRPC: 30 s): two rolling restarts in a row change every address."""

LOOK_S = 10.0
"""Seconds between two looks at the certificates' files."""
RETIRED_S = 3_600.0
"""Seconds that running calls of a channel with old certificates have to end: longer than any job."""

OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.service_config", SERVICE_CONFIG),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.dns_min_time_between_resolutions_ms", RESOLVE_AGAIN_MS),
    # A proxy of the environment is for what lies outside, such as a bucket; it would stand for every pod of a service.
    ("grpc.enable_http_proxy", 0),
)


def open_channel(target: str, trust: Trust | None = None) -> grpc.aio.Channel:
    """A lazy channel; it reconnects by itself, within a second of a restart.

    Args:
        target: ``host:port``, ``dns:///name:port`` or ``unix:/path``.
        trust: what each call bears; None for nothing.
    """
    if trust is None or trust == Trust():
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    return cast(grpc.aio.Channel, TrustedChannel(target, trust))


class TrustedChannel:
    """What stubs use of a channel. Its calls bear the token, and it is opened anew when certificates have changed."""

    def __init__(self, target: str, trust: Trust, *, look_s: float = LOOK_S) -> None:
        """
        Args:
            target: as of ``open_channel``.
            trust: what each call bears.
            look_s: seconds between two looks at the certificates' files.
        """
        self._look_s = look_s
        self._target = target
        self._trust = trust
        self._version = trust.version()
        self._looked_at = time.monotonic()
        self._retired: set[asyncio.Task[None]] = set()
        self._channel = self._open()

    def unary_unary(self, *arguments: Any, **options: Any) -> _Method:
        """As of a channel."""
        return _Method(self, "unary_unary", arguments, options)

    def unary_stream(self, *arguments: Any, **options: Any) -> _Method:
        """As of a channel."""
        return _Method(self, "unary_stream", arguments, options)

    async def close(self, grace: float | None = None) -> None:
        """As of a channel."""
        for task in self._retired:
            task.cancel()
        await self._channel.close(grace)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of every call."""
        return self._trust.metadata

    def current(self) -> grpc.aio.Channel:
        """The channel with the certificates of now."""
        now = time.monotonic()
        if now - self._looked_at >= self._look_s:
            self._looked_at = now
            version = self._trust.version()
            if version not in (self._version, ()):
                try:
                    opened = self._open()
                except ConfigurationError:
                    # Between two versions of a mounted Secret; the next look finds the whole.
                    return self._channel
                old, self._channel, self._version = self._channel, opened, version
                task = asyncio.get_running_loop().create_task(old.close(RETIRED_S))
                self._retired.add(task)
                task.add_done_callback(self._retired.discard)
        return self._channel

    def _open(self) -> grpc.aio.Channel:
        if self._trust.folder is None:
            return grpc.aio.insecure_channel(self._target, options=OPTIONS)
        options = (*OPTIONS, ("grpc.ssl_target_name_override", TLS_NAME))
        return grpc.aio.secure_channel(self._target, self._trust.channel_credentials(), options=options)


class _Method:
    """A method of a stub, bound to whichever channel is the present one."""

    def __init__(self, owner: TrustedChannel, kind: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
        self._owner = owner
        self._kind = kind
        self._arguments = arguments
        self._options = options
        self._channel: grpc.aio.Channel | None = None
        self._bound: Any = None

    def __call__(self, request: Any, *, metadata: tuple[tuple[str, str], ...] | None = None, **more: Any) -> Any:
        channel = self._owner.current()
        if channel is not self._channel:
            self._channel, self._bound = channel, getattr(channel, self._kind)(*self._arguments, **self._options)
        return self._bound(request, metadata=(*(metadata or ()), *self._owner.metadata), **more)
