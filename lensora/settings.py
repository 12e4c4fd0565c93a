"""Settings: frozen, typed, read from the environment once per process, by its composition root.

Every field of a settings class ``X`` is read from ``LENSORA_<FIELD>`` in upper case. A bad value stops the process with
the variable's name and what it takes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from lensora.core.errors import ConfigurationError

ENV_PREFIX = "LENSORA_"

VARIABLES_FILE = Path(__file__).with_name("variables.txt")
"""Every variable that some process or command reads; ``python -m tools.variables`` writes it, a test compares it."""

_SERVICE_LINK = re.compile(r"LENSORA_(.*_)?(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_(TCP|UDP)(_\w+)?)")
"""What Kubernetes adds for a Service whose name begins with ours."""


def _unset_where_empty(value: object) -> object:
    return None if value == "" else value


PathOrNone = Annotated[Path | None, BeforeValidator(_unset_where_empty)]
"""An empty variable is none: as a path it would be the folder that the process stands in."""

Address = Annotated[str, Field(min_length=1)]
"""Where to listen or whom to call. Empty, it would be every address of the machine."""


class Settings(BaseSettings):
    """Base of every process's settings."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, extra="ignore", use_attribute_docstrings=True)

    log_format: Literal["auto", "json", "console"] = "auto"
    """``json``: one object a line; ``console``: for people; ``auto``: console on a terminal, else JSON."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is written."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """TCP port of this process's Prometheus metrics; 0 turns them off."""
    metrics_host: Address = "127.0.0.1"
    """Address that the metrics port listens on; ``::`` is every one, IPv6 and IPv4."""
    otlp_endpoint: str = ""
    """OTLP/gRPC endpoint for traces, such as http://collector:4317; empty turns tracing off."""


class ArtifactSettings(Settings):
    """What a process needs to reach the artifact store."""

    artifacts_url: str = "file://./.lensora/artifacts"
    """Base of the store: ``file:///folder`` or ``s3://bucket/prefix``. S3 credentials come from the AWS_* variables."""


class RpcSettings(Settings):
    """What calls between processes bear, in callers and in services."""

    rpc_tokens: SecretStr = SecretStr("")
    """Comma-separated secrets of at least 32 characters: calls bear the first, each is taken. Empty: none is asked
    for."""
    rpc_tls_dir: PathOrNone = None
    """Folder with ca.crt, tls.crt and tls.key: calls are encrypted, and both sides show a certificate of that authority
    for the name lensora-internal. The files are read again when they change. Not set: neither."""


class ServiceSettings(ArtifactSettings, RpcSettings):
    """What every gRPC service needs."""

    host: Address = "127.0.0.1"
    """Address to listen on; ``::`` is every one, IPv6 and IPv4, or IPv4 alone where there is no IPv6."""
    port: int = Field(ge=0, le=65535)
    """TCP port to listen on; 0 takes a free one."""
    listen_socket: PathOrNone = None
    """A Unix socket to listen on in place of host and port: only who may enter its folder can call."""
    health_port: int = Field(default=0, ge=0, le=65535)
    """TCP port that answers health alone, without TLS, for probes that have no certificate; 0: none."""
    workers: int = Field(default=2, ge=1, le=256)
    """Calls that run at the same time; further ones wait."""
    max_waiting: int = Field(default=8, ge=0, le=10_000)
    """Calls that may wait for a worker; more are answered RESOURCE_EXHAUSTED, so that the caller backs off."""
    drain_seconds: float = Field(default=20.0, ge=0.0, le=3600.0)
    """Seconds that running calls have to finish after SIGTERM."""


class PictureSettings(Settings):
    """What a process that decodes clients' pictures needs."""

    picture_megabytes: int = Field(default=512, ge=512, le=1_000_000)
    """Memory for pictures that are being decoded, in MB (10^6 bytes): the largest takes 512, further ones wait."""


class ModelSettings(Settings):
    """What a process that runs neural nets needs."""

    models_dir: Path = Path("~/.cache/lensora/models")
    """Folder that ``lensora models pull`` fills."""
    inference: Literal["auto", "onnxruntime", "openvino", "triton"] = "auto"
    """Where neural nets run: in this process on the engine that suits each net and CPU (``auto``) or on one for all, or
    on a Triton Inference Server."""
    triton_target: Address = "127.0.0.1:8001"
    """Triton's gRPC endpoint, for ``inference=triton``: host:port, or dns:///name:port for every pod of a Service."""
    triton_shared_memory: bool = False
    """Hand large tensors to Triton in shared memory: it sees the same /dev/shm and runs as the same user."""
    triton_timeout_seconds: float = Field(default=120.0, gt=0, le=3600)
    """Seconds that one call to Triton may take where the job's own deadline is later."""
    device: Literal["cpu", "cuda"] = "cpu"
    """Device of onnxruntime; ``cuda`` is onnxruntime's alone."""
    inference_threads: int = Field(default=0, ge=0, le=256)
    """Threads of one inference; 0 means one for each core that the process may use."""
    license_policy: Literal["permissive", "any"] = "permissive"
    """``permissive`` refuses models whose licence does not allow commercial use."""


class SigningSettings(Settings):
    """Keys that sign artifact URLs."""

    url_signing_keys: SecretStr = SecretStr("")
    """Comma-separated secrets of at least 32 characters; the first signs, all verify, so that keys can be rotated."""

    def signing_secrets(self) -> list[str]:
        """The secrets that sign artifact URLs, the signing one first."""
        return [part.strip() for part in self.url_signing_keys.get_secret_value().split(",") if part.strip()]


S = TypeVar("S", bound=Settings)


def load(settings_class: type[S]) -> S:
    """Read the settings from the environment.

    Raises:
        ConfigurationError: names each variable that is wrong, what it takes and what it has.
    """
    try:
        return settings_class()
    except ValidationError as error:
        raise ConfigurationError("; ".join(_sentences(settings_class, error))) from error


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables with our prefix that nothing of ours reads: each name, and the known one that is most like it, or ''.

    A setting that is misspelt would be passed over in silence otherwise. Each process takes what it needs from an
    environment that many share, so a variable counts as known when any of them reads it.
    """
    known = VARIABLES_FILE.read_text("utf-8").split()
    return {
        name: next(iter(difflib.get_close_matches(name, known, 1)), "")
        for name in sorted(environment)
        if name.startswith(ENV_PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name)
    }


def _sentences(settings_class: type[Settings], error: ValidationError) -> list[str]:
    sentences = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else ""
        variable = f"{ENV_PREFIX}{name.upper()}" if name else ENV_PREFIX
        field = settings_class.model_fields.get(name)
        about = f" ({' '.join((field.description or '').split())})" if field is not None else ""
        if problem["type"] == "missing":
            sentences.append(f"{variable} is not set{about}")
        else:
            secret = field is not None and field.annotation is SecretStr
            given = "" if secret else f"={problem['input']!r}"
            sentences.append(f"{variable}{given}: {problem['msg']}{about}")
    return sentences
