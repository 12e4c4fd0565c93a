"""Settings of ``python -m gateway http``."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from gateway.settings import EgressSettings, PublicSettings, RedisSettings
from lensora.settings import Address, ArtifactSettings, RpcSettings, SigningSettings

MIN_TOKEN_CHARACTERS = 32
"""Random ones hold 128 bits even in hexadecimal."""


class HttpSettings(PublicSettings, RedisSettings, ArtifactSettings, SigningSettings, EgressSettings, RpcSettings):
    """What the HTTP process needs."""

    host: Address = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    detect_target: Address = "127.0.0.1:50051"
    """gRPC address of the detect service: ``host:port``, ``dns:///name:port`` or ``unix:/path``."""
    segment_target: Address = "127.0.0.1:50052"
    """gRPC address of the segment service; for readiness."""
    mesh_target: Address = "127.0.0.1:50053"
    """gRPC address of the mesh service; for readiness."""
    render_target: Address = "127.0.0.1:50054"
    """gRPC address of the render service; for readiness."""
    detect_seconds: float = Field(default=10.0, gt=0.0, le=300.0)
    """Seconds that detection may take; then 503 detection_unavailable, and nothing is charged."""
    turn_seconds: float = Field(default=40.0, gt=0.0, le=300.0)
    """Seconds that the choice of a film's pictures may take; then 503 detection_unavailable, and nothing is charged."""
    cutout_seconds: float = Field(default=30.0, gt=0.0, le=300.0)
    """Seconds that /cutout may take, with its wait for other cutouts; then 503 unavailable, and nothing is charged."""
    uploads: int = Field(default=8, ge=1, le=1_000)
    """Uploads that have arrived and are checked and looked at, at the same time; further ones wait."""
    uploads_per_account: int = Field(default=2, ge=1, le=1_000)
    """Uploads of one account that are read or looked at, at the same time; its further ones wait unread."""
    upload_seconds: float = Field(default=120.0, gt=0.0, le=3600.0)
    """Seconds that one upload may take to arrive: 20 MB over 1.4 Mbit/s; a stalled one gives its place back."""
    picture_threads: int = Field(default=2, ge=1, le=64)
    """Threads that check and store uploaded pictures."""
    connections: int = Field(default=8_192, ge=1, le=1_000_000)
    """Open connections of this process; a further one is answered 503 and closed."""
    connections_per_address: int = Field(default=512, ge=1, le=1_000_000)
    """Open connections of one client address. A proxy's address stands for all its clients: behind one, set it as high
    as ``connections``."""
    admin_token: SecretStr = SecretStr("")
    """Opens the operator's page at /admin: at least 32 characters without spaces. Empty: there is no such page."""
    drain_seconds: float = Field(default=20.0, ge=0.0, le=3600.0)
    """Seconds that running requests have to finish after SIGTERM."""
    drain_notice_seconds: float = Field(default=0.0, ge=0.0, le=300.0)
    """Seconds after SIGTERM in which new requests are still taken while /readyz says 503, so that balancers notice."""

    @field_validator("admin_token")
    @classmethod
    def _admin_token(cls, value: SecretStr) -> SecretStr:
        token = value.get_secret_value()
        if token and (
            len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or not token.isprintable() or " " in token
        ):
            raise ValueError(f"takes at least {MIN_TOKEN_CHARACTERS} ASCII characters without spaces, or nothing")
        return value
