"""Links to artifacts that open without an API key: the path holds an expiry and a signature (HMAC-SHA256). Pure.

``/v1/files/<expiry>.<signature>/<key>/<name>``: ``expiry`` is Unix seconds in hex, ``key`` is the artifact's key in the
store, ``name`` is what the file is called when it is saved. All three are signed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lensora.core.artifacts import Artifact
from lensora.core.errors import ConfigurationError, FileNotFound

FILES_PATH = "/v1/files"
SIGNATURE_BYTES = 24
"""192 bits of the HMAC: 32 characters of base64url without padding; out of reach of guessing."""
MIN_SECRET_CHARACTERS = 32

_TOKEN = re.compile(r"([0-9a-f]{1,12})\.([A-Za-z0-9_-]{32})")


@dataclass(frozen=True, slots=True)
class SignedFile:
    """What a verified link names: the artifact's key, the file's name, and when the link ends (Unix seconds)."""

    key: str
    name: str
    expires_at: int


class UrlSigner:
    """Signs links with the first secret and takes those of every secret, so that secrets can be rotated."""

    def __init__(self, secrets: Sequence[str], public_url: str) -> None:
        """
        Args:
            secrets: at least one, each of at least 32 characters.
            public_url: what every link starts with, without a slash at its end.

        Raises:
            ConfigurationError: no secret, or one that is too short.
        """
        if not secrets:
            raise ConfigurationError("LENSORA_URL_SIGNING_KEYS is not set: it takes secrets of at least 32 characters")
        for secret in secrets:
            if len(secret) < MIN_SECRET_CHARACTERS:
                raise ConfigurationError(
                    f"LENSORA_URL_SIGNING_KEYS: each secret must have at least {MIN_SECRET_CHARACTERS} characters, "
                    f"one has {len(secret)}"
                )
        self._secrets = [secret.encode() for secret in secrets]
        self.public_url = public_url
        self._base = f"{public_url}{FILES_PATH}"

    def link(self, key: str, name: str, expires_at: int) -> str:
        """The URL of an artifact.

        Args:
            key: plain path segments, as the artifact store takes them.
            name: the file's name for people, such as ``turntable.mp4``: a plain path segment.
            expires_at: Unix seconds.
        """
        return f"{self._base}/{self.token(key, name, expires_at)}/{key}/{name}"

    def token(self, key: str, name: str, expires_at: int) -> str:
        """What stands for the right to read something under these names: when it ends, and the signature."""
        return f"{expires_at:x}.{_signature(self._secrets[0], key, name, expires_at)}"

    def verify(self, token: str, rest: str, now: float) -> SignedFile:
        """What the path of a link names.

        Args:
            token: the path's segment after ``/v1/files/``.
            rest: what follows it, ``<key>/<name>``.
            now: Unix seconds.

        Raises:
            FileNotFound: forged, malformed or expired: one answer for all.
        """
        match = _TOKEN.fullmatch(token)
        key, _, name = rest.rpartition("/")
        if match is None or not key or not name:
            raise _not_found()
        expires_at, given = int(match[1], 16), match[2]
        genuine = False
        for secret in self._secrets:
            genuine |= hmac.compare_digest(_signature(secret, key, name, expires_at), given)
        if not genuine or expires_at <= now:
            raise _not_found()
        return SignedFile(key, name, expires_at)


class FileLinks:
    """Links to artifacts of one store."""

    def __init__(self, signer: UrlSigner, key_of: Callable[[str], str]) -> None:
        """
        Args:
            signer: signs.
            key_of: from an artifact's URI to its key in the store.
        """
        self._signer = signer
        self._key_of = key_of

    @property
    def public_url(self) -> str:
        """What every link starts with, without a slash at its end."""
        return self._signer.public_url

    def key_of(self, artifact: Artifact) -> str:
        """The key of an artifact in the store."""
        return self._key_of(artifact.uri)

    def of(self, artifact: Artifact, name: str, expires_at: int) -> str:
        """The URL of an artifact under a name for people, until ``expires_at`` (Unix seconds)."""
        return self._signer.link(self._key_of(artifact.uri), name, expires_at)

    def made(self, path: str, key: str, name: str, expires_at: int) -> str:
        """The URL of a file that is made when it is asked for.

        Args:
            path: of the call that makes it.
            key: what the signature is about, beside the file's name.
            name: the last segment of the call's path.
            expires_at: Unix seconds.
        """
        return f"{self._signer.public_url}{path}/{name}?token={self._signer.token(key, name, expires_at)}"


def _signature(secret: bytes, key: str, name: str, expires_at: int) -> str:
    message = "\n".join(("lensora-file-v1", f"{expires_at:x}", key, name)).encode()
    digest = hmac.new(secret, message, hashlib.sha256).digest()[:SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(digest).decode()


def _not_found() -> FileNotFound:
    return FileNotFound("There is no such file, or its link has expired.")
