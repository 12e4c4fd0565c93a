"""Settings of the HTTP process."""

from __future__ import annotations

import pytest

from gateway.http.settings import HttpSettings
from gateway.pipeline.settings import WorkerSettings
from lensora.core.errors import ConfigurationError
from lensora.settings import load


def test_lists_are_read_from_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ports, hosts and secrets; brackets and spaces do not matter."""
    monkeypatch.setenv("LENSORA_EGRESS_PORTS", "80, 443,8080")
    monkeypatch.setenv("LENSORA_EGRESS_ALLOW_PRIVATE_HOSTS", "Plates.internal, [::1],10.0.0.5")
    monkeypatch.setenv("LENSORA_URL_SIGNING_KEYS", f"{'a' * 32}, {'b' * 32}")
    monkeypatch.setenv("LENSORA_PUBLIC_URL", "https://studio.example/")
    settings = load(HttpSettings)
    policy = settings.policy()
    assert policy.ports == {80, 443, 8080}
    assert policy.private_hosts == {"plates.internal", "::1", "10.0.0.5"}
    assert policy.max_bytes == 20_000_000
    assert settings.signing_secrets() == ["a" * 32, "b" * 32]
    assert settings.public_url == "https://studio.example"


def test_nothing_private_is_reached_by_default() -> None:
    """The guard is closed unless it is opened on purpose."""
    policy = HttpSettings().policy()
    assert policy.private_hosts == frozenset()
    assert policy.ports == {80, 443}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LENSORA_PORT", "eighty"),
        ("LENSORA_PORT", "70000"),
        ("LENSORA_PUBLIC_URL", "studio.example"),
        ("LENSORA_PUBLIC_URL", "https://studio.example/?a=1"),
        ("LENSORA_EGRESS_PORTS", "80,x"),
        ("LENSORA_EGRESS_PORTS", ""),
        ("LENSORA_EGRESS_ALLOW_PRIVATE_HOSTS", "http://plates.internal/"),
        ("LENSORA_EGRESS_ALLOW_PRIVATE_HOSTS", "plates.internal:8080"),
        ("LENSORA_EGRESS_NAME_SERVERS", "dns.internal"),
        ("LENSORA_EGRESS_NAME_SERVERS", "10.0.0.10, 10.0.0.11:dns"),
        ("LENSORA_HOST", ""),
        ("LENSORA_METRICS_HOST", ""),
        ("LENSORA_DETECT_TARGET", ""),
        ("LENSORA_UPLOADS", "0"),
        ("LENSORA_DETECT_SECONDS", "0"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """And what it takes."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load(HttpSettings)


def test_an_address_that_links_cannot_begin_with_stops_the_worker_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its webhooks' bodies hold such links. A slash at the end is taken off, as in the HTTP process."""
    monkeypatch.setenv("LENSORA_PUBLIC_URL", "https://studio.example/")
    assert load(WorkerSettings).public_url == "https://studio.example"
    monkeypatch.setenv("LENSORA_PUBLIC_URL", "studio.example")
    with pytest.raises(ConfigurationError, match="LENSORA_PUBLIC_URL"):
        load(WorkerSettings)


@pytest.mark.parametrize("variable", ["LENSORA_RPC_TLS_DIR", "LENSORA_WORKER_ALIVE_FILE"])
def test_an_empty_path_is_none(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """Not the folder that the process stands in."""
    monkeypatch.setenv(variable, "")
    settings = load(WorkerSettings)
    assert (settings.rpc_tls_dir, settings.worker_alive_file) == (None, None)


@pytest.mark.parametrize("servers", ["", "10.0.0.10", "10.0.0.10:5353,::1", "[::1], [2001:db8::1]:53"])
def test_name_servers_are_addresses_with_or_without_ports(monkeypatch: pytest.MonkeyPatch, servers: str) -> None:
    """Of either family."""
    monkeypatch.setenv("LENSORA_EGRESS_NAME_SERVERS", servers)
    assert load(HttpSettings).egress_name_servers == servers
