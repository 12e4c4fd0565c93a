"""Further photos of a session's thing, in Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gateway.jobs import metrics
from gateway.jobs.charges import Till, Work, raise_refusal
from gateway.jobs.codec import Hash, choice_from, dump, models_from, proposals_from, side_from
from gateway.jobs.photos import KeptFilm, KeptFrame, KeptView
from gateway.jobs.records import VIEW_CREDITS, KeptAnswer
from gateway.jobs.redis_client import translated
from lensora.core.artifacts import Artifact
from lensora.core.boxes import Box, SuggestedAction
from lensora.core.errors import ViewNotFound
from lensora.core.words import MOST_VIEWS

_ID = re.compile(r"[a-f0-9-]{36}")


class RedisViews:
    """The port ``Views``."""

    def __init__(self, till: Till) -> None:
        self._till = till
        self._scripts = till.scripts

    async def add(self, view: KeptView, *, price: int = VIEW_CREDITS, kept: KeptAnswer | None = None) -> None:
        work = Work("keep_view", "view", view.view_id, view.key_id, view.account_id, price)
        film = int(view.film is not None)
        reply = await self._till.charge(work, view.session_id, _to_json(view), MOST_VIEWS, film, kept=kept)
        raise_refusal(reply, price)
        metrics.CREDITS_CHARGED.labels(kind="view").inc(price)

    async def list(self, key_id: str, session_id: str) -> tuple[KeptView, ...]:
        client = self._scripts.client
        with translated():
            names: Any = await client.zrange(self._scripts.key(f"views:{session_id}"), 0, -1)
            if not names:
                return ()
            async with client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hgetall(self._scripts.key(f"view:{name}"))
                hashes = await pipe.execute()
        return tuple(
            _from_hash(name, fields) for name, fields in zip(names, hashes, strict=True) if fields.get("key") == key_id
        )

    async def get(self, key_id: str, session_id: str, view_id: str) -> KeptView:
        fields: Mapping[str, str] = {}
        if _ID.fullmatch(view_id):
            fields = await self._scripts.read_hash(f"view:{view_id}")
        if fields.get("key") != key_id or fields.get("session") != session_id:
            raise _not_found()
        return _from_hash(view_id, fields)

    async def change(self, view: KeptView) -> None:
        if not await self._scripts.repeat("change_view", view.view_id, view.key_id, view.session_id, _to_json(view)):
            raise _not_found()

    async def remove(self, key_id: str, session_id: str, view_id: str) -> None:
        # Not repeated: after a lost answer a second one would say that there is none.
        if not _ID.fullmatch(view_id) or not await self._scripts.call("drop_view", view_id, key_id, session_id):
            raise _not_found()


def _not_found() -> ViewNotFound:
    return ViewNotFound("There is no such photo among this session's views, or it has expired.")


def _to_json(view: KeptView) -> str:
    """What of a view is not a field of its hash."""
    return dump(
        {
            "side": view.side,
            "photo": asdict(view.photo),
            "width": view.width,
            "height": view.height,
            "choice": asdict(view.choice),
            "proposals": [asdict(proposal) for proposal in view.proposals],
            "suggested_actions": [asdict(action) for action in view.suggested_actions],
            "likeness": view.likeness,
            "subject_index": view.subject_index,
            "models": [asdict(use) for use in view.models],
            **({} if view.film is None else {"film": asdict(view.film)}),
        }
    )


def _film(document: Mapping[str, Any] | None) -> KeptFilm | None:
    if document is None:
        return None
    frames = tuple(
        KeptFrame(**{**row, "photo": Artifact(**row["photo"]), "box": Box(**row["box"])}) for row in document["frames"]
    )
    return KeptFilm(frames, document["direction"])


def _from_hash(view_id: str, fields: Hash) -> KeptView:
    document = json.loads(fields["document"])
    return KeptView(
        view_id=view_id,
        session_id=fields["session"],
        key_id=fields["key"],
        account_id=fields["account"],
        side=side_from(document["side"]),
        photo=Artifact(**document["photo"]),
        width=document["width"],
        height=document["height"],
        choice=choice_from(document["choice"]),
        proposals=proposals_from(document["proposals"]),
        suggested_actions=tuple(SuggestedAction(**row) for row in document["suggested_actions"]),
        likeness=document["likeness"],
        subject_index=document["subject_index"],
        models=models_from(document["models"]),
        film=_film(document.get("film")),
    )
