"""What an order names beside its photo: addresses outside, each public, and pictures that were uploaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.egress import Egress, EgressRefused, HostUnresolved
from gateway.jobs import ports
from gateway.jobs.records import ApiKey, Background
from lensora.contract import backgrounds
from lensora.contract import requests as schemas
from lensora.core.errors import InvalidBackground, InvalidRequest, Unavailable
from lensora.core.words import BackgroundType

LOOK_UP_RETRY_S = 10.0
"""A name server that is silent is asked again later."""


@dataclass(frozen=True, slots=True)
class Outside:
    """Checks it before anything is charged."""

    egress: Egress
    backplates: ports.Backplates

    async def background(self, key: ApiKey, given: backgrounds.AnyBackground) -> Background:
        """The backplate. Raises InvalidBackground; Unavailable where its host could not be looked up."""
        if isinstance(given, backgrounds.ImageBackground) and given.backplate_id is not None:
            kept = await self.backplates.get(key.key_id, given.backplate_id)
            return Background(BackgroundType.IMAGE, backplate_id=kept.backplate_id, picture=kept.picture)
        if isinstance(given, backgrounds.ImageBackground):
            assert given.url is not None
            await self.require_public(key, given.url)
            return Background(BackgroundType.IMAGE, url=given.url)
        if isinstance(given, backgrounds.PromptBackground):
            return Background(BackgroundType.PROMPT, prompt=given.prompt)
        if isinstance(given, backgrounds.ColorBackground):
            return Background(BackgroundType.COLOR, color=given.value)
        return Background(BackgroundType.REMOVE)

    async def require_public(self, key: ApiKey, url: str) -> None:
        """Raises InvalidBackground for a background that we may not fetch; Unavailable as ``background`` does."""
        try:
            await self.egress.check(url, account_id=key.account_id)
        except HostUnresolved as error:
            raise Unavailable(f"background.{error}.", retry_after_s=LOOK_UP_RETRY_S) from error
        except EgressRefused as error:
            raise InvalidBackground(f"background.{error}.", field="background.url") from error

    async def webhook(self, key: ApiKey, url: str | None) -> str:
        """Who is told of the end; empty for nobody. Raises InvalidRequest, Unavailable."""
        if url is None:
            return ""
        try:
            await self.egress.check(url, account_id=key.account_id)
        except HostUnresolved as error:
            raise Unavailable(f"webhook_{error}.", retry_after_s=LOOK_UP_RETRY_S) from error
        except EgressRefused as error:
            raise InvalidRequest(f"webhook_{error}.", field="webhook_url") from error
        return url

    async def delivery(
        self, key: ApiKey, given: schemas.DeliveryBody | None, known: set[str] | None = None
    ) -> Mapping[str, str]:
        """Where each file is put. Raises InvalidRequest, Unavailable.

        Args:
            known: hosts that were looked up for the same request; gets those of this delivery.
        """
        if given is None:
            return {}
        known = set() if known is None else known
        for name, url in given.urls.items():
            field = f"deliver_to.presigned.{name}"
            try:
                host = self.egress.parsed(url).host
                if host not in known:
                    await self.egress.check(url, account_id=key.account_id)
                    known.add(host)
            except HostUnresolved as error:
                raise Unavailable(f"{field}: {error}.", retry_after_s=LOOK_UP_RETRY_S) from error
            except EgressRefused as error:
                raise InvalidRequest(f"{field}: {error}.", field=field) from error
        return given.urls
