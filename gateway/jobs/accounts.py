"""Accounts, API keys and webhook secrets in Redis."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from typing import Any

from gateway.jobs.codec import account_from_hash, key_from_hash, pairs
from gateway.jobs.records import TEST_PREFIX, Account, ApiKey, Limits
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import InvalidRequest, NotFound, Unauthorized

SECRET_PREFIX = "lsk_"  # noqa: S105
"""Lets secret scanners and people recognise a key."""
SECRET_BYTES = 32
HINT_CHARACTERS = 4
"""Random characters at the start of a secret, kept so that a person can tell keys apart: 24 bits."""

WEBHOOK_SECRET_PREFIX = "whsec_"  # noqa: S105
WEBHOOK_SECRET_BYTES = 32
"""Standard Webhooks asks for 24 to 64 bytes."""
ROTATION_MS = 24 * 3600 * 1000
"""How long the webhook secret before the current one goes on signing."""

MAX_ID_CHARACTERS = 64


class RedisAccounts:
    """The port ``Accounts``."""

    def __init__(self, scripts: Scripts, defaults: Limits) -> None:
        self._scripts = scripts
        self._defaults = defaults

    async def create(self, account_id: str, name: str = "", limits: Limits | None = None) -> Account:
        if not account_id or len(account_id) > MAX_ID_CHARACTERS or not account_id.replace("-", "").isalnum():
            raise InvalidRequest(
                f"account_id must be 1 to {MAX_ID_CHARACTERS} letters, digits and dashes, not {account_id[:80]!r}",
                field="account_id",
            )
        own: tuple[str | int | float, ...] = ("", "", "", "")
        if limits:
            own = (limits.live_jobs, limits.requests_per_minute, limits.running_jobs, limits.weight)
        fields = pairs(await self._scripts.repeat("create_account", account_id, name, *own))
        return account_from_hash(account_id, fields, self._defaults)

    async def get(self, account_id: str) -> Account:
        fields = await self._scripts.read_hash(f"account:{account_id}")
        if not fields:
            raise NotFound(f"There is no account {account_id!r}.")
        return account_from_hash(account_id, fields, self._defaults)

    async def limit(
        self,
        account_id: str,
        *,
        live_jobs: int | None = None,
        requests_per_minute: int | None = None,
        running_jobs: int | None = None,
        weight: float | None = None,
    ) -> Account:
        await self.get(account_id)
        own = ("" if one is None else one for one in (live_jobs, requests_per_minute, running_jobs, weight))
        fields = pairs(await self._scripts.repeat("create_account", account_id, "", *own))
        return account_from_hash(account_id, fields, self._defaults)

    async def freeze(self, account_id: str, *, frozen: bool) -> Account:
        await self.get(account_id)
        with translated():
            await self._scripts.client.hset(
                self._scripts.key(f"account:{account_id}"), "frozen", "1" if frozen else "0"
            )
        return await self.get(account_id)

    async def list(self) -> list[Account]:
        return [await self.get(name) for name in await self._scripts.read_set("accounts")]


class RedisKeys:
    """The port ``Keys``."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def authenticate(self, secret: str) -> ApiKey:
        fields = await self._scripts.read_hash(f"secret:{_digest(secret)}")
        if not fields:
            raise Unauthorized("The API key is unknown or revoked.")
        return key_from_hash(fields["id"], fields)

    async def create(self, account_id: str, name: str = "", *, test: bool = False) -> tuple[ApiKey, str]:
        prefix = TEST_PREFIX if test else SECRET_PREFIX
        secret = prefix + secrets.token_urlsafe(SECRET_BYTES)
        key_id = f"key_{uuid.uuid4().hex}"
        hint = secret[: len(prefix) + HINT_CHARACTERS]
        created = await self._scripts.call("create_key", key_id, account_id, name, _digest(secret), hint)
        if not created:
            raise NotFound(f"There is no account {account_id!r}.")
        return ApiKey(key_id, account_id, name, hint, int(created)), secret

    async def revoke(self, key_id: str) -> ApiKey:
        fields = pairs(await self._scripts.repeat("revoke_key", key_id))
        if not fields:
            raise NotFound(f"There is no key {key_id!r}.")
        return key_from_hash(key_id, fields)

    async def list(self, account_id: str) -> list[ApiKey]:
        with translated():
            names: Any = await self._scripts.client.lrange(self._scripts.key(f"keys:{account_id}"), 0, -1)
        return [key_from_hash(name, await self._scripts.read_hash(f"key:{name}")) for name in names]


class RedisWebhookSecrets:
    """The port ``WebhookSecrets``: one hash per account with the current secret, the one before, and its end."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    async def current(self, account_id: str) -> str:
        return (await self.valid(account_id))[0]

    async def rotate(self, account_id: str) -> str:
        found = await self._scripts.call("webhook_secret", account_id, _webhook_secret(), 1, ROTATION_MS)
        return str(found[0])

    async def valid(self, account_id: str) -> list[str]:
        found: Any = await self._scripts.repeat("webhook_secret", account_id, _webhook_secret(), 0, ROTATION_MS)
        return [str(secret) for secret in found]


def _digest(secret: str) -> str:
    """A plain hash is enough: a secret holds 256 random bits, so that there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _webhook_secret() -> str:
    return WEBHOOK_SECRET_PREFIX + base64.b64encode(secrets.token_bytes(WEBHOOK_SECRET_BYTES)).decode()
