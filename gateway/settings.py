"""Settings that every process of the gateway has: of the job store, and of the way out."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from gateway.egress import EgressPolicy
from lensora.imaging.limits import MAX_BYTES
from lensora.settings import Settings


class RedisSettings(Settings):
    """What every process of the gateway needs to reach the job store."""

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379/0")
    """``redis://``, ``rediss://`` (TLS) or ``unix://``, with user and password where Redis asks for them. Behind
    Sentinel ``redis+sentinel://user:password@host:port,host:port/SERVICE/0``, ``rediss+sentinel`` with TLS."""
    redis_prefix: str = Field(default="lensora", pattern=r"^[A-Za-z0-9_-]{1,64}$")
    """Installations that share a Redis take different prefixes."""
    redis_timeout_seconds: float = Field(default=2.0, gt=0.0, le=60.0)
    """Seconds that one command may take before Redis counts as away."""
    redis_connections: int = Field(default=64, ge=2, le=10_000)
    """Most connections of one process to Redis; further commands wait for one."""
    session_hours: float = Field(default=24.0, gt=0.0, le=8760.0)
    """Hours that a session and its photo are kept."""
    job_hours: float = Field(default=168.0, gt=0.0, le=8760.0)
    """Hours that a finished job and its artifacts are kept."""
    idempotency_hours: float = Field(default=24.0, gt=0.0, le=168.0)
    """Hours that the answer under an Idempotency-Key is kept."""
    job_deadline_seconds: float = Field(default=900.0, gt=0.0, le=86_400.0)
    """Seconds from the first claim to the end of an ordinary job, more for a film that is more work; one that is not
    done by then fails and is refunded."""
    job_wait_hours: float = Field(default=6.0, gt=0.0, le=168.0)
    """Hours from submit to the first claim; a job that no worker has taken by then fails and is refunded."""
    running_jobs: int = Field(default=100, ge=1, le=10_000_000)
    """Jobs of one account that run at a time, where the account has no number of its own; its further ones wait."""
    heavy_share: float = Field(default=0.5, ge=0.0, le=1.0)
    """Share of all workers' slots that films of more than four ordinary ones' work may hold, at least one slot."""
    live_jobs: int = Field(default=1_000, ge=1, le=10_000_000)
    """Jobs of one account that may be queued or running, where the account has no number of its own."""
    requests_per_minute: int = Field(default=6_000, ge=1, le=10_000_000)
    """Requests of one account per minute, where the account has no number of its own."""


class PublicSettings(Settings):
    """How customers reach the installation; shared by the HTTP process and the worker."""

    public_url: str = "http://127.0.0.1:8000"
    """What every URL in an answer, or in a webhook's body, starts with; no slash at its end."""

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("takes an http or https URL without query or fragment")
        return value.rstrip("/")


class EgressSettings(Settings):
    """What may be requested on behalf of clients (backplates, webhooks); shared by the HTTP process and the worker."""

    egress_ports: Annotated[frozenset[int], NoDecode] = frozenset({80, 443})
    """Comma-separated TCP ports that a client's URL may name."""
    egress_allow_private_hosts: Annotated[frozenset[str], NoDecode] = frozenset()
    """Comma-separated host names and addresses that are reached although they are not public; empty in production."""
    egress_seconds: float = Field(default=15.0, gt=0.0, le=300.0)
    """Seconds for the whole download of a backplate, redirects included."""
    egress_name_servers: str = ""
    """Comma-separated addresses (``10.0.0.10`` or ``10.0.0.10:5353``) of the name servers that look up clients' hosts;
    empty for the system's."""

    @field_validator("egress_ports", mode="before")
    @classmethod
    def _ports(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        ports = [part.strip() for part in value.split(",") if part.strip()]
        if not ports or not all(part.isdigit() and 1 <= int(part) <= 65535 for part in ports):
            raise ValueError("takes port numbers from 1 to 65535, separated by commas")
        return frozenset(int(part) for part in ports)

    @field_validator("egress_allow_private_hosts", mode="before")
    @classmethod
    def _hosts(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        hosts = frozenset(part.strip().lower().strip("[]") for part in value.split(",") if part.strip())
        if any("/" in host or (":" in host and not _is_address(host)) for host in hosts):
            raise ValueError("takes host names and addresses without scheme, port or path, separated by commas")
        return hosts

    @field_validator("egress_name_servers")
    @classmethod
    def _name_servers(cls, value: str) -> str:
        for server in filter(None, map(str.strip, value.split(","))):
            host, port = _host_and_port(server)
            if not _is_address(host) or not (port.isdigit() and 1 <= int(port) <= 65535):
                raise ValueError("takes addresses, each with or without a port, separated by commas; no names")
        return value

    def name_servers(self) -> list[str] | None:
        """Who looks up a client's hosts; None for the system's."""
        return [part.strip() for part in self.egress_name_servers.split(",") if part.strip()] or None

    def policy(self) -> EgressPolicy:
        """The guard's rules."""
        return EgressPolicy(
            ports=self.egress_ports,
            private_hosts=self.egress_allow_private_hosts,
            max_bytes=MAX_BYTES,
            timeout_s=self.egress_seconds,
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host_and_port(server: str) -> tuple[str, str]:
    """An address and its port, that of DNS where none is given: ``10.0.0.10``, ``10.0.0.10:5353``, ``[::1]:53``."""
    host, _, port = server.rpartition(":")
    if _is_address(server) or server.endswith("]"):
        host, port = server, "53"
    return host.removeprefix("[").removesuffix("]"), port
