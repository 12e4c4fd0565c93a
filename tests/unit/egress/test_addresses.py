"""Which addresses are public."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.addresses import is_public, literal

NOT_PUBLIC = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::169.254.169.254",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2600::5efe:7f00:1",
    "2600::200:5efe:7f00:1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_special_addresses_are_not_public(text: str) -> None:
    """Loopback, private, link-local, metadata, multicast and every form that hides an IPv4 address are refused."""
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "8.8.8.8", "172.32.0.1", "192.0.1.1", "2606:4700::1111", "2a00::1", "64:ff9b::808:808"]
)
def test_ordinary_addresses_are_public(text: str) -> None:
    """What the Internet routes is allowed, also behind NAT64."""
    assert is_public(ipaddress.ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_every_address_that_python_calls_private_is_refused(number: int) -> None:
    """Our list is at least as strict as the standard library's, over the whole of IPv4."""
    address = ipaddress.IPv4Address(number)
    assert not (is_public(address) and not address.is_global)


@given(st.integers(0, 2**128 - 1))
def test_only_global_unicast_is_public_in_ipv6(number: int) -> None:
    """Outside 2000::/3 only NAT64 of a public address passes."""
    address = ipaddress.IPv6Address(number)
    if is_public(address):
        assert address in ipaddress.ip_network("2000::/3") or address in ipaddress.ip_network("64:ff9b::/96")


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "1.2.3.4.5",
    ],
)
def test_a_host_with_two_readings_is_refused(host: str) -> None:
    """Decimal, octal, hexadecimal and short forms are neither a name nor a plain address."""
    with pytest.raises(ValueError, match="neither a name nor a plain IP address"):
        literal(host)


def test_a_name_is_no_address() -> None:
    """Names are left to the resolver, plain addresses are read."""
    assert literal("example.com") is None
    assert literal("0x7f.example") is None
    assert literal("::1") == ipaddress.ip_address("::1")
    assert literal("127.0.0.1") == ipaddress.ip_address("127.0.0.1")
