"""Brand presets that customers save under a key, in Redis."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.jobs.branding import Logo
from gateway.jobs.codec import background_from, dump, logo_from
from gateway.jobs.records import ApiKey, Background
from gateway.jobs.redis_client import translated
from gateway.jobs.scripts import Scripts
from lensora.core.errors import Conflict, NotFound, RateLimited
from lensora.core.words import Aspect, CameraMove

MOST_BRANDS = 50
"""Brands of one key at a time: they are free."""

MOST_VERSIONS = 200
"""Saved versions of one account whose files are kept, those that were replaced or deleted lately among them: each may
have a logo of 2 MB and a picture of 20 MB."""


@dataclass(frozen=True, slots=True)
class Brand:
    """Choices that jobs are given by one name; readable only with the key that saved them.

    Attributes:
        name: lower case.
        version: a new one with each save: its files lie in the artifact store under ``brands/<version>/``.
        background: None where a job says its own; an uploaded picture is a copy that lives as long as the brand.
        aspect: None likewise, as ``camera``.
        end_color: ``#rrggbb``; empty for none.
        saved_ms: set by the store.
    """

    name: str
    version: str
    background: Background | None = None
    aspect: Aspect | None = None
    camera: CameraMove | None = None
    logo: Logo | None = None
    end_color: str = ""
    saved_ms: int = 0


class RedisBrands:
    """The port ``Brands``."""

    def __init__(self, scripts: Scripts, *, files_kept_ms: int) -> None:
        """
        Args:
            scripts: the store's scripts.
            files_kept_ms: how long the files of a brand outlive it: jobs that were ordered with it, and films that are
                made of those again, may still need them.
        """
        self._scripts = scripts
        self._files_kept_ms = files_kept_ms

    async def save(self, key: ApiKey, brand: Brand) -> Brand:
        document = asdict(brand)
        del document["name"], document["version"], document["saved_ms"]
        outcome = await self._scripts.repeat(
            "save_brand",
            key.key_id,
            brand.name,
            brand.version,
            dump(document),
            MOST_BRANDS,
            self._files_kept_ms,
            key.account_id,
            MOST_VERSIONS,
        )
        if outcome[0] == "too_many":
            raise Conflict(
                f"A key may keep at most {MOST_BRANDS} brands: delete one, or save under a name that is there."
            )
        if outcome[0] == "too_often":
            left_s = max(1.0, float(outcome[1]) / 1000 - datetime.now(UTC).timestamp())
            if math.isinf(left_s):
                raise Conflict(f"An account may keep at most {MOST_VERSIONS} brands under all its keys: delete one.")
            raise RateLimited(
                f"An account may keep the files of {MOST_VERSIONS} saved brands, replaced ones among them; "
                f"the next one goes in {left_s / 3600:.0f} hours.",
                retry_after_s=left_s,
            )
        return await self.get(key.key_id, brand.name)

    async def get(self, key_id: str, name: str) -> Brand:
        with translated():
            found: Any = await self._scripts.client.hget(self._scripts.key(f"brands:{key_id}"), name)
        if found is None:
            raise NotFound(f"There is no brand {name[:40]!r} under this key.")
        return _brand(name, found)

    async def list(self, key_id: str) -> list[Brand]:
        found = await self._scripts.read_hash(f"brands:{key_id}")
        return [_brand(name, found[name]) for name in sorted(found)]

    async def delete(self, key: ApiKey, name: str) -> None:
        if not await self._scripts.repeat("delete_brand", key.key_id, name, self._files_kept_ms, key.account_id):
            raise NotFound(f"There is no brand {name[:40]!r} under this key.")


def _brand(name: str, text: str) -> Brand:
    kept = json.loads(text)
    document = kept["brand"]
    return Brand(
        name=name,
        version=kept["version"],
        background=None if document.get("background") is None else background_from(document["background"]),
        aspect=None if document.get("aspect") is None else Aspect(document["aspect"]),
        camera=None if document.get("camera") is None else CameraMove(document["camera"]),
        logo=logo_from(document.get("logo")),
        end_color=document.get("end_color", ""),
        saved_ms=int(kept["saved"]),
    )
