"""Every listener answers on IPv6 and on IPv4, and on IPv4 alone where a machine has no IPv6."""

from __future__ import annotations

import socket

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from lensora.core.errors import ConfigurationError
from lensora.listeners import authority, effective_host, has_ipv6, open_listener
from lensora.observability import metrics
from lensora.rpc.server import Server
from lensora.settings import ServiceSettings

LOOPBACKS = ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",)


def free_port() -> int:
    """A port that is free for both families now."""
    with open_listener("::", 0) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("ipv6", [True, False])
def test_a_listener_takes_what_the_machine_has(ipv6: bool) -> None:
    """With IPv6 one socket answers both families; without, the same setting listens on IPv4."""
    ipv6 = ipv6 and has_ipv6()
    with open_listener("::", 0, ipv6=ipv6) as listener:
        listener.listen()
        port = listener.getsockname()[1]
        assert listener.family is (socket.AF_INET6 if ipv6 else socket.AF_INET)
        for loopback in LOOPBACKS if ipv6 else LOOPBACKS[:1]:
            with socket.create_connection((loopback, port), timeout=5):
                listener.accept()[0].close()


def test_other_addresses_stay_as_they_are() -> None:
    """Only the address for all is looked at; a wrong one is refused with the setting's name."""
    assert effective_host("127.0.0.1", ipv6=True) == "127.0.0.1"
    assert effective_host("::1", ipv6=False) == "::1"
    assert authority("::", 8000) == "[::]:8000"
    with pytest.raises(ConfigurationError, match="LENSORA_PORT=0: cannot listen on"):
        open_listener("203.0.113.7", 0)


def test_grpc_answers_on_both() -> None:
    """The stages' runner, told to listen on ``::``, answers health on each family."""
    server = Server("detect", ServiceSettings(host="::", port=0), lambda _server: None, [])
    server.start()
    server.serve()
    try:
        for loopback in LOOPBACKS:
            with grpc.insecure_channel(authority(loopback, server.port)) as channel:
                answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
    finally:
        server.stop()


def test_metrics_answer_on_both() -> None:
    """The metrics port, told to listen on ``::``, answers each family."""
    port = free_port()
    metrics.serve("listeners", "0", "::", port)
    for loopback in LOOPBACKS:
        assert httpx.get(f"http://{authority(loopback, port)}/metrics", trust_env=False).is_success


def test_a_metrics_port_that_is_taken_is_named() -> None:
    """A process has several ports: the sentence says which setting is at fault."""
    with open_listener("127.0.0.1", 0) as taken:
        taken.listen()
        port = int(taken.getsockname()[1])
        with pytest.raises(ConfigurationError, match=rf"LENSORA_METRICS_PORT={port}: cannot listen on 127\.0\.0\.1"):
            metrics.serve("listeners", "0", "127.0.0.1", port)
