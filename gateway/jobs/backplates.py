"""Pictures that customers upload to film in front of, in Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime

from gateway.jobs.codec import dump
from gateway.jobs.records import KeptBackplate
from gateway.jobs.retention import Retention
from gateway.jobs.scripts import Scripts
from lensora.core.artifacts import Artifact
from lensora.core.errors import InvalidBackground, RateLimited

MOST_KEPT = 100
"""Pictures of one account at a time: they are free, and 2 GB of storage at their largest."""

_ID = re.compile(r"[a-f0-9-]{36}")


class RedisBackplates:
    """The port ``Backplates``."""

    def __init__(self, scripts: Scripts, retention: Retention) -> None:
        self._scripts = scripts
        self._retention = retention

    async def keep(self, backplate: KeptBackplate) -> KeptBackplate:
        outcome, at_ms = await self._scripts.repeat(
            "keep_backplate",
            backplate.backplate_id,
            backplate.key_id,
            backplate.account_id,
            dump(asdict(backplate)),
            self._retention.session_ms,
            MOST_KEPT,
        )
        if outcome == "too_many":
            left_s = max(1.0, int(at_ms) / 1000 - datetime.now(UTC).timestamp())
            raise RateLimited(
                f"An account may keep {MOST_KEPT} pictures at a time, each for as long as a session; "
                f"the oldest goes in {left_s / 60:.0f} minutes.",
                retry_after_s=left_s,
            )
        return replace(backplate, expires_ms=int(at_ms))

    async def get(self, key_id: str, backplate_id: str) -> KeptBackplate:
        fields: Mapping[str, str] = {}
        if _ID.fullmatch(backplate_id):
            fields = await self._scripts.read_hash(f"backplate:{backplate_id}")
        if fields.get("key") != key_id:
            raise InvalidBackground(
                f"background.backplate_id {backplate_id[:40]!r} is no picture that is kept: upload it with "
                "/v1/studio/backplates.",
                field="background.backplate_id",
            )
        document = json.loads(fields["document"])
        return KeptBackplate(
            backplate_id=backplate_id,
            key_id=key_id,
            account_id=fields["account"],
            picture=Artifact(**document["picture"]),
            width=document["width"],
            height=document["height"],
            expires_ms=int(fields["expires"]),
        )
