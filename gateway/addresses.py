"""Which network addresses are public: the rule behind every URL that a client gives us. Pure, no I/O."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

IPAddress = IPv4Address | IPv6Address

NOT_PUBLIC_V4: tuple[IPv4Network, ...] = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # "this network"; 0.0.0.0 reaches the host itself
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; 100.100.100.200 is a metadata service there
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's own host agent behind a public-looking address
        "169.254.0.0/16",  # link-local; 169.254.169.254 is the metadata service of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocol assignments; 192.0.0.192 is a metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
"""IANA's IPv4 special-purpose registry, and what clouds hide behind other addresses."""

PUBLIC_V6 = IPv6Network("2000::/3")
"""The only IPv6 space that is handed out as global unicast."""

NOT_PUBLIC_V6: tuple[IPv6Network, ...] = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments, with Teredo (2001::/32): an IPv4 address lies inside
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, deprecated: an IPv4 address lies inside
        "3fff::/20",  # documentation
    )
)
"""Parts of 2000::/3 that are not public (IANA's IPv6 special-purpose registry)."""

NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known NAT64 prefix: it is as public as the IPv4 address in its last 32 bits (RFC 6052)."""

ISATAP_INTERFACE = (0x00005EFE, 0x02005EFE)
"""Bits 64 to 96 of an ISATAP address, whose last 32 bits are an IPv4 address (RFC 5214)."""

_NUMERIC_LABEL = re.compile(r"(0[xX][0-9a-fA-F]*|[0-9]+)")


def is_public(address: IPAddress) -> bool:
    """True for an address that anyone on the Internet may be asked to reach.

    Forms that carry an IPv4 address inside an IPv6 one: NAT64 is judged by that address; mapped, compatible, 6to4,
    Teredo and ISATAP are never public.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    if address in NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    if address.scope_id is not None or address not in PUBLIC_V6:
        return False
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP_INTERFACE:
        return False
    return not any(address in network for network in NOT_PUBLIC_V6)


def literal(host: str) -> IPAddress | None:
    """The address that a URL's host spells out plainly; None for a name.

    Args:
        host: without brackets, lower case, ASCII.

    Raises:
        ValueError: a host that some programs read as an address and others as a name: decimal, octal, hexadecimal or
            short IPv4 forms, or a broken IPv6 address. One reading could pass a check and another be connected to.
    """
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        last_label = host.rstrip(".").rsplit(".", 1)[-1]
        if ":" in host or _NUMERIC_LABEL.fullmatch(last_label):
            raise ValueError(f"host {host!r} is neither a name nor a plain IP address") from None
        return None
