"""URLs that name sentinels instead of a server."""

from __future__ import annotations

import pytest

from gateway.jobs.redis_client import connect
from gateway.jobs.sentinel import PrimaryPool, parse
from lensora.core.errors import ConfigurationError


def test_a_url_names_sentinels_service_and_database() -> None:
    """Hosts with and without port, IPv6 too, credentials with escapes, and those of the sentinels."""
    address = parse("redis+sentinel://lensora:p%40ss@a:1,b,[fd00::7]:2/jobs/3?sentinel_password=s")
    assert address.sentinels == (("a", 1), ("b", 26379), ("fd00::7", 2))
    assert (address.service, address.database) == ("jobs", 3)
    assert address.credentials == {"username": "lensora", "password": "p@ss"}
    assert address.sentinel_credentials == {"password": "s"}
    assert address.tls is None
    secure = parse("rediss+sentinel://a/jobs?ssl_ca_certs=/etc/ca.crt")
    assert secure.tls == {"ssl_ca_certs": "/etc/ca.crt"}
    assert secure.database == 0


@pytest.mark.parametrize("url", ["redis+sentinel://a:1", "redis+sentinel:///jobs", "redis+sentinel://a/jobs?nodes=3"])
def test_a_url_that_is_incomplete_is_refused(url: str) -> None:
    """Without hosts or a service, or with words that mean nothing, the process stops with the setting's name."""
    with pytest.raises(ConfigurationError, match="LENSORA_REDIS_URL"):
        connect(url, timeout_s=1.0, connections=2)


def test_a_sentinel_url_makes_a_pool_that_asks() -> None:
    """The pool is bounded as the plain one is, and opens no connection before its first use."""
    client = connect("redis+sentinel://a:1/jobs/0", timeout_s=1.0, connections=5)
    pool = client.connection_pool
    assert isinstance(pool, PrimaryPool)
    assert pool.max_connections == 5
