"""Redis or Valkey behind Sentinel: every new connection goes to the primary that the sentinels name."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import redis.asyncio as aioredis
from redis.asyncio.sentinel import Sentinel, SentinelManagedConnection, SentinelManagedSSLConnection

SCHEMES = ("redis+sentinel", "rediss+sentinel")
DEFAULT_PORT = 26379


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """What ``redis+sentinel://user:password@host:port,host:port/SERVICE/0`` says.

    ``rediss+sentinel`` is TLS to the servers and the sentinels alike. The query may hold ``sentinel_username``,
    ``sentinel_password`` and ``ssl_ca_certs``.
    """

    sentinels: tuple[tuple[str, int], ...]
    service: str
    database: int
    credentials: dict[str, str]
    sentinel_credentials: dict[str, str]
    tls: dict[str, str] | None


def parse(url: str) -> SentinelAddress:
    """Read the URL. Raises ValueError: it has no sentinel or names no service."""
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not hosts or not service:
        raise ValueError("it must be redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/DATABASE")
    user, _, password = credentials.partition(":")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    known = {"sentinel_username", "sentinel_password", "ssl_ca_certs"}
    if unknown := sorted(set(query) - known):
        raise ValueError(f"unknown in the query: {', '.join(unknown)}")
    tls = {"ssl_ca_certs": query["ssl_ca_certs"]} if "ssl_ca_certs" in query else {}
    return SentinelAddress(
        sentinels=tuple(_host(one) for one in hosts.split(",")),
        service=service,
        database=int(database or 0),
        credentials=_filled(username=unquote(user), password=unquote(password)),
        sentinel_credentials=_filled(
            username=query.get("sentinel_username", ""), password=query.get("sentinel_password", "")
        ),
        tls=tls if parts.scheme == "rediss+sentinel" else None,
    )


class PrimaryPool(aioredis.BlockingConnectionPool):
    """A bounded pool of connections to the present primary.

    The library's own pool for Sentinel raises where it is full; this one waits, as the plain one of ours does. A
    connection that finds itself at a demoted primary is closed, and the next one asks the sentinels again.
    """

    is_master = True
    check_connection = False

    def __init__(self, address: SentinelAddress, *, connect_timeout_s: float, **options: Any) -> None:
        """
        Args:
            address: from ``parse``.
            connect_timeout_s: how long one sentinel may take to answer before the next one is asked.
            options: as for the plain pool.
        """
        secure = {"ssl": True, **address.tls} if address.tls is not None else {}
        self._service = address.service
        self._known: tuple[str, int] | None = None
        self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
            list(address.sentinels),
            sentinel_kwargs={
                "socket_timeout": connect_timeout_s,
                "socket_connect_timeout": connect_timeout_s,
                **address.sentinel_credentials,
                **secure,
            },
        )
        managed = SentinelManagedConnection if address.tls is None else SentinelManagedSSLConnection
        options |= {"connection_class": managed, "db": address.database, **address.credentials, **(address.tls or {})}
        super().__init__(**options)
        # Connections ask their pool where to go; a plain reference would be a circle.
        self.connection_kwargs["connection_pool"] = weakref.proxy(self)

    async def get_master_address(self) -> tuple[str, int]:
        """``(host, port)`` of the primary; idle connections to another one are closed.

        Raises:
            redis.exceptions.ConnectionError: no sentinel knows one now.
        """
        found: tuple[str, int] = await self._sentinel.discover_master(self._service)
        if found != self._known:
            self._known = found
            await self.disconnect(inuse_connections=False)
        return found

    async def aclose(self) -> None:
        """Close the pool and the connections to the sentinels."""
        await super().aclose()
        for sentinel in self._sentinel.sentinels:
            await sentinel.aclose()


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":") if ":" in text.rpartition("]")[2] else (text, "", "")
    return host.strip("[]"), int(port or DEFAULT_PORT)


def _filled(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}
