"""Settings of the HTTP process."""

from __future__ import annotations

import pytest

from gateway.http.settings import HttpSettings
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
        ("LENSORA_UPLOADS", "0"),
        ("LENSORA_DETECT_SECONDS", "0"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """And what it takes."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=name):
        load(HttpSettings)
