"""Names to addresses by c-ares: on the event loop, without a thread for each name, and with an end."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Protocol

import aiodns
from aiodns import error as ares

TRY_S = 1.5
TRIES = 2

UNANSWERED = frozenset(
    {ares.ARES_ETIMEOUT, ares.ARES_ECONNREFUSED, ares.ARES_ESERVFAIL, ares.ARES_EREFUSED, ares.ARES_ECANCELLED}
)
"""Nobody knows at the moment; the others say that the name has no address."""


class Resolver(Protocol):
    """Names to addresses."""

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Every address of the name, as text. Raises OSError when it has none, TimeoutError when nobody answers."""
        ...


class CaresResolver:
    """The names of ``/etc/hosts`` and of the name servers of ``/etc/resolv.conf``, with its search domains.

    The system's own resolver takes a thread for each name, for as long as its name servers are silent: sixteen dead
    names of one customer stop every other look-up of the process. Here a look-up is a few packets and a timer.
    """

    def __init__(self, nameservers: Sequence[str] | None = None, *, try_s: float = TRY_S) -> None:
        """
        Args:
            nameservers: ``address`` or ``address:port``; None takes those of the system.
            try_s: seconds for the first answer of a name server; c-ares doubles it for the second try.
        """
        self._nameservers = nameservers
        self._try_s = try_s
        self._channel: aiodns.DNSResolver | None = None

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if self._channel is None:
            # It belongs to the running loop, which is not there yet when a process is put together.
            self._channel = aiodns.DNSResolver(self._nameservers, timeout=self._try_s, tries=TRIES)
        try:
            found = await self._channel.getaddrinfo(host, port=port, type=socket.SOCK_STREAM, family=socket.AF_UNSPEC)
        except aiodns.error.DNSError as error:
            if error.args[0] in UNANSWERED:
                raise TimeoutError(f"no name server answers for {host}") from error
            raise OSError(f"{host} has no address") from error
        return list(dict.fromkeys(bytes(node.addr[0]).decode("ascii") for node in found.nodes))

    async def close(self) -> None:
        """Let go of the name servers."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
