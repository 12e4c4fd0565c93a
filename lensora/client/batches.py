"""``client.batches``: films of many photos ordered at once, followed to their end, and taken as one archive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from lensora.client import exchange, requests
from lensora.client.requests import Background, Request
from lensora.client.watch import Watch
from lensora.contract.batches import (
    Batch,
    BatchBody,
    BatchCancellation,
    BatchPage,
    BatchQuote,
    BatchQuoteBody,
    BatchTicket,
)
from lensora.core.errors import LensoraError
from lensora.core.words import CameraMove

Item = Mapping[str, Any] | str
"""A photo of a batch: its session's id, or the fields of an item: ``session_id``, ``name``, ``object_index``, ..."""

AnyBatch = Batch | BatchTicket | str
"""A batch, by its ticket, by one of its states or by its id."""


class Batches:
    """The calls of batches; every method raises the errors of ``lensora.core.errors``."""

    def __init__(self, send: Callable[[Request], Mapping[str, Any]], save: Callable[[str, Path], None]) -> None:
        """
        Args:
            send: a request; its answer's JSON.
            save: the file of a link, to a path.
        """
        self._send = send
        self._save = save

    def create(
        self,
        items: Sequence[Item],
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchTicket:
        """Order a film of each item, at most 200. All are charged at once; each price comes back if its film fails.

        Args:
            items: sessions by their ids, or fields of an item, such as ``{"session_id": ..., "name": "red mug"}``.
            background: ``remove()``, ``image(url)`` or ``prompt(text)``; or words: ``remove``, a colour, a URL, a
                description. May be left out where the brand has one.
            brand: name of a brand whose choices hold where this call makes none.
            camera_preset: turntable, dolly or cinematic; turntable when neither this call nor the brand says.
            output: further choices of size, length and formats.
            webhook_url: is called once, when the last film has ended.
            idempotency_key: a key of the caller's, so that a repeat of this call gives the same batch.
        """
        body = _chosen(background, brand, camera_preset, output, items=_items(items), webhook_url=webhook_url)
        return exchange.read(BatchTicket, self._send(_create(body, idempotency_key)))

    def quote(
        self,
        items: Sequence[Item] | int,
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
    ) -> BatchQuote:
        """What a batch would cost; of so many photos that are not uploaded yet, with their ``init``. Free."""
        which: dict[str, Any] = {"photos": items} if isinstance(items, int) else {"items": _items(items)}
        body = _chosen(background, brand, camera_preset, output, **which)
        return exchange.read(BatchQuote, self._send(_quote(body)))

    def get(self, batch: AnyBatch, *, wait: int | None = None) -> Batch:
        """Its state; with ``wait`` (1-60 seconds) the server answers when a film has ended or the time is over."""
        return exchange.read(Batch, self._send(_get(batch_id_of(batch), wait)))

    def list(self, *, cursor: str | None = None, limit: int | None = None) -> BatchPage:
        """The batches of this key, newest first, without their items."""
        return exchange.read(BatchPage, self._send(_list(cursor, limit)))

    def wait(
        self,
        batch: AnyBatch,
        on_progress: Callable[[Batch], None] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Batch:
        """Wait until every film has ended, and return the last state. A server that is away for a minute is waited for.

        Raises:
            DeadlineExceeded: a film still lives after ``timeout_s``.
        """
        name = batch_id_of(batch)
        watch = Watch[Batch](f"Batch {name}", timeout_s)
        while True:
            try:
                state = exchange.read(Batch, self._send(watch.bounded(_get(name, watch.hold_s()))))
            except LensoraError as error:
                watch.failed(error)
                time.sleep(requests.WATCH_PAUSE_S)
                continue
            if watch.is_new(state) and on_progress is not None:
                on_progress(state)
            if state.terminal:
                return state
            watch.check(state)

    def cancel(self, batch: AnyBatch) -> BatchCancellation:
        """Stop every film that has not ended, and get their credits back."""
        return exchange.read(BatchCancellation, self._send(_cancel(batch_id_of(batch))))

    def delete(self, batch: AnyBatch) -> None:
        """Delete a batch that has ended, with all its films. Raises Conflict for one that lives: cancel it first."""
        self._send(_delete(batch_id_of(batch)))

    def archive(self, batch: AnyBatch, path: str | Path) -> Path:
        """Save every film that is ready as one ZIP: a folder for each item, and a table of all of them."""
        target = Path(path)
        self._save(self.get(batch).archive_url, target)
        return target


class _Save(Protocol):
    def __call__(self, url: str, path: Path) -> Awaitable[None]: ...


class AsyncBatches:
    """The same, to be awaited."""

    def __init__(self, send: Callable[[Request], Awaitable[Mapping[str, Any]]], save: _Save) -> None:
        """
        Args:
            send: a request; its answer's JSON.
            save: the file of a link, to a path.
        """
        self._send = send
        self._save = save

    async def create(
        self,
        items: Sequence[Item],
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
        webhook_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> BatchTicket:
        """As ``Batches.create``."""
        body = _chosen(background, brand, camera_preset, output, items=_items(items), webhook_url=webhook_url)
        return exchange.read(BatchTicket, await self._send(_create(body, idempotency_key)))

    async def quote(
        self,
        items: Sequence[Item] | int,
        background: Background | str | None = None,
        *,
        brand: str | None = None,
        camera_preset: CameraMove | str | None = None,
        output: Mapping[str, Any] | None = None,
    ) -> BatchQuote:
        """As ``Batches.quote``."""
        which: dict[str, Any] = {"photos": items} if isinstance(items, int) else {"items": _items(items)}
        body = _chosen(background, brand, camera_preset, output, **which)
        return exchange.read(BatchQuote, await self._send(_quote(body)))

    async def get(self, batch: AnyBatch, *, wait: int | None = None) -> Batch:
        """As ``Batches.get``."""
        return exchange.read(Batch, await self._send(_get(batch_id_of(batch), wait)))

    async def list(self, *, cursor: str | None = None, limit: int | None = None) -> BatchPage:
        """As ``Batches.list``."""
        return exchange.read(BatchPage, await self._send(_list(cursor, limit)))

    async def wait(
        self,
        batch: AnyBatch,
        on_progress: Callable[[Batch], None] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Batch:
        """As ``Batches.wait``."""
        name = batch_id_of(batch)
        watch = Watch[Batch](f"Batch {name}", timeout_s)
        while True:
            try:
                state = exchange.read(Batch, await self._send(watch.bounded(_get(name, watch.hold_s()))))
            except LensoraError as error:
                watch.failed(error)
                await asyncio.sleep(requests.WATCH_PAUSE_S)
                continue
            if watch.is_new(state) and on_progress is not None:
                on_progress(state)
            if state.terminal:
                return state
            watch.check(state)

    async def cancel(self, batch: AnyBatch) -> BatchCancellation:
        """As ``Batches.cancel``."""
        return exchange.read(BatchCancellation, await self._send(_cancel(batch_id_of(batch))))

    async def delete(self, batch: AnyBatch) -> None:
        """As ``Batches.delete``."""
        await self._send(_delete(batch_id_of(batch)))

    async def archive(self, batch: AnyBatch, path: str | Path) -> Path:
        """As ``Batches.archive``."""
        target = Path(path)
        await self._save((await self.get(batch)).archive_url, target)
        return target


def batch_id_of(batch: AnyBatch) -> str:
    """The id of a batch that is given by id, by its ticket or by a state."""
    return batch if isinstance(batch, str) else batch.batch_id


def _items(items: Sequence[Item]) -> Sequence[Mapping[str, Any]]:
    return [{"session_id": item} if isinstance(item, str) else _fields(item) for item in items]


def _fields(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """An item's fields as the API takes them: background in words and delivery by URLs alone, as in ``transform``."""
    fields = dict(item)
    if isinstance(fields.get("background"), str):
        fields["background"] = requests.background_of(fields["background"])
    if fields.get("deliver_to") is not None:
        fields["deliver_to"] = requests.delivery(fields["deliver_to"])
    return fields


def _chosen(
    background: Background | str | None,
    brand: str | None,
    camera_preset: str | None,
    output: Mapping[str, Any] | None,
    **more: Any,
) -> dict[str, Any]:
    """A body; what is None is left out."""
    if isinstance(background, str):
        background = requests.background_of(background)
    named = {
        **more,
        "background": background and dict(background),
        "brand": brand,
        "camera_preset": camera_preset,
        "output": output,
    }
    return {name: value for name, value in named.items() if value is not None}


def _create(body: Mapping[str, Any], idempotency_key: str | None) -> Request:
    return Request(
        "POST",
        "/v1/studio/batches",
        headers=requests.once(idempotency_key),
        json=requests.checked_body(BatchBody, body),
    )


def _quote(body: Mapping[str, Any]) -> Request:
    return Request("POST", "/v1/studio/quote/batch", json=requests.checked_body(BatchQuoteBody, body))


def _get(batch_id: str, wait_s: int | None) -> Request:
    return Request("GET", _path(batch_id), headers=requests.preference(wait_s))


def _list(cursor: str | None, limit: int | None) -> Request:
    params = {"cursor": cursor, "limit": None if limit is None else str(limit)}
    given = {name: text for name, text in params.items() if text is not None}
    return Request("GET", "/v1/studio/batches", params=given)


def _cancel(batch_id: str) -> Request:
    return Request("POST", f"{_path(batch_id)}/cancel")


def _delete(batch_id: str) -> Request:
    return Request("DELETE", _path(batch_id))


def _path(batch_id: str) -> str:
    return f"/v1/studio/batches/{requests.segment('batch_id', batch_id)}"
