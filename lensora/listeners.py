"""Addresses to listen on: ``::`` is every address, IPv6 and IPv4, or IPv4 alone where there is no IPv6."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from urllib.parse import quote

from lensora.core.errors import ConfigurationError

EVERYWHERE = "::"
EVERYWHERE_IPV4 = "0.0.0.0"  # noqa: S104 - it is what the operator asked for


def has_ipv6() -> bool:
    """Whether this machine can listen on IPv6 and IPv4 with one socket."""
    if not socket.has_dualstack_ipv6():
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind((EVERYWHERE, 0))
    except OSError:
        return False
    return True


def socket_address(path: Path) -> str:
    """A Unix socket's address for gRPC, which reads it as a URI: ``#``, ``?`` and ``%`` of its path are escaped."""
    return f"unix:{quote(str(path))}"


def effective_host(host: str, *, ipv6: bool | None = None) -> str:
    """The address to bind for the one that was set.

    Args:
        host: an address; ``::`` for every one.
        ipv6: whether the machine has IPv6; None looks.
    """
    if host != EVERYWHERE:
        return host
    return EVERYWHERE if (has_ipv6() if ipv6 is None else ipv6) else EVERYWHERE_IPV4


def authority(host: str, port: int) -> str:
    """``host:port`` as gRPC and URLs write it: IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def open_listener(host: str, port: int, *, ipv6: bool | None = None) -> socket.socket:
    """A bound TCP socket; 0 takes a free port.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    address = effective_host(host, ipv6=ipv6)
    with contextlib.ExitStack() as undone:
        try:
            # A kernel without IPv6 refuses the socket itself.
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            listener = undone.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if address == EVERYWHERE:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind((address, port))
        except OSError as error:
            raise ConfigurationError(f"LENSORA_PORT={port}: cannot listen on {address}: {error}") from error
        undone.pop_all()
    listener.set_inheritable(False)
    return listener
