"""Who may call a service: whoever has the installation's token, a certificate of its authority, or both.

A token tells callers apart; certificates encrypt as well, and tell servers apart too. Neither is asked for where a
folder decides, as of Unix sockets on one machine.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import grpc

from lensora.core.errors import ConfigurationError, Unauthorized
from lensora.rpc.status import rpc_status_of
from lensora.settings import RpcSettings

TLS_NAME = "lensora-internal"
"""The name in every certificate: who has one of the authority is one of us, wherever it runs."""

HEADER = "authorization"
LEAST_TOKEN_CHARACTERS = 32
OPEN_PREFIX = "/grpc.health."
"""Kubelets ask for health, and have neither token nor certificate; it says nothing but SERVING or not."""

CERTIFICATE_FILES = ("ca.crt", "tls.crt", "tls.key")
"""Names in a Secret of type kubernetes.io/tls, as cert-manager fills it."""


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM texts."""

    authority: bytes
    chain: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Trust:
    """What calls between our processes bear.

    Attributes:
        tokens: the first is sent, each is taken; none: no token is asked for.
        folder: of the certificates; None: neither encryption nor certificates.
    """

    tokens: tuple[str, ...] = ()
    folder: Path | None = None

    @classmethod
    def of(cls, settings: RpcSettings) -> Trust:
        """Raises ConfigurationError for a token that could be guessed or not be sent, and certificates that cannot be
        read."""
        text = settings.rpc_tokens.get_secret_value()
        tokens = tuple(part.strip() for part in text.split(",") if part.strip())
        if any(len(token) < LEAST_TOKEN_CHARACTERS for token in tokens):
            raise ConfigurationError(f"LENSORA_RPC_TOKENS: each takes at least {LEAST_TOKEN_CHARACTERS} characters")
        if not all(token.isascii() and token.isprintable() for token in tokens):
            raise ConfigurationError(
                "LENSORA_RPC_TOKENS: takes printable ASCII characters alone, and commas between tokens, no line ends"
            )
        trust = cls(tokens, settings.rpc_tls_dir)
        if trust.folder is not None:
            trust.certificates()
        return trust

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Of every call."""
        return ((HEADER, f"Bearer {self.tokens[0]}"),) if self.tokens else ()

    def certificates(self) -> Certificates:
        """As they are now. Raises ConfigurationError."""
        assert self.folder is not None
        try:
            return Certificates(*((self.folder / name).read_bytes() for name in CERTIFICATE_FILES))
        except OSError as error:
            raise ConfigurationError(
                f"LENSORA_RPC_TLS_DIR={self.folder}: {error.strerror}: {error.filename}"
            ) from error

    def version(self) -> tuple[int, ...]:
        """Changes whenever a certificate's file does; empty where there is none to be read."""
        if self.folder is None:
            return ()
        try:
            return tuple((self.folder / name).stat().st_mtime_ns for name in CERTIFICATE_FILES)
        except OSError:
            return ()

    def channel_credentials(self) -> grpc.ChannelCredentials:
        """A caller's, with the certificates of now."""
        now = self.certificates()
        return grpc.ssl_channel_credentials(now.authority, now.key, now.chain)

    def server_credentials(self) -> grpc.ServerCredentials:
        """A server's, which asks for the caller's certificate and reads its own again when they have changed."""
        reader = _Renewal(self)
        return grpc.dynamic_ssl_server_credentials(reader.first, reader, require_client_authentication=True)


class _Renewal:
    """The server's certificates: gRPC asks at each handshake whether there are new ones."""

    def __init__(self, trust: Trust) -> None:
        self._trust = trust
        self._version = trust.version()
        self._lock = threading.Lock()
        self.first = self._configuration()

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        with self._lock:
            version = self._trust.version()
            if version in (self._version, ()):
                return None
            try:
                configuration = self._configuration()
            except ConfigurationError:
                # Between two versions of a mounted Secret; the next handshake finds the whole.
                return None
            self._version = version
            return configuration

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        now = self._trust.certificates()
        return grpc.ssl_server_certificate_configuration([(now.key, now.chain)], now.authority)


class TokenInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Turns calls away that bear none of the tokens."""

    def __init__(self, trust: Trust) -> None:
        self._expected = [f"Bearer {token}".encode() for token in trust.tokens]

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        if not self._expected or details.method.startswith(OPEN_PREFIX):
            return continuation(details)
        given = next((value for key, value in details.invocation_metadata or () if key == HEADER), "")
        text = given if isinstance(given, bytes) else given.encode()
        if any(hmac.compare_digest(text, token) for token in self._expected):
            return continuation(details)
        return grpc.unary_unary_rpc_method_handler(_refuse)


def _refuse(_request: object, context: grpc.ServicerContext) -> None:
    context.abort_with_status(rpc_status_of(Unauthorized("The call does not bear this installation's token.")))
