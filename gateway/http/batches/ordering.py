"""``/batches`` orders many films at once, ``/quote/batch`` says what they would cost."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from gateway.batch_results import refusal_of
from gateway.http.batches.names import distinct
from gateway.http.orders.brands import Brands, Look
from gateway.http.orders.ordering import Ordering
from gateway.http.orders.outside import Outside
from gateway.http.plumbing.answers import json_answer, read_body
from gateway.http.plumbing.calls import call, links_to
from gateway.http.plumbing.gate import Gate
from gateway.http.plumbing.idempotency import Keep, Once
from gateway.http.plumbing.intake import Intake, IntakeLimits
from gateway.jobs import ports, pricing
from gateway.jobs.batch_records import BatchItem, NewBatch
from gateway.jobs.records import INIT_CREDITS, ApiKey, Order
from gateway.results import background_of, ordered_output
from lensora.contract import backgrounds, batches, examples
from lensora.contract import requests as schemas
from lensora.core.errors import (
    CropTooSmall,
    CutoutNotFound,
    InsufficientCredits,
    InvalidBackground,
    InvalidInput,
    InvalidRequest,
    NotFound,
    ObjectIndexOutOfRange,
    Overloaded,
    SessionNotFound,
    TooManyJobs,
)
from lensora.core.steps import JobStatus

ITEM_ERRORS = (CropTooSmall, CutoutNotFound, InvalidBackground, InvalidRequest, ObjectIndexOutOfRange, SessionNotFound)
"""What may be wrong with one item; where it is so with all of them, the batch is answered with the first one's."""

MOST_ADDRESSES = 20
"""Different addresses of backgrounds among a batch's items: each host is looked up before the answer."""


BATCH_BODIES = IntakeLimits(
    held_bytes=16 * batches.MAX_JSON_BYTES, own_bytes=batches.MAX_JSON_BYTES + 100_000, what="batches"
)
"""Bodies of batches in one process: 32 MB, and one of every account."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The items of a batch: what each became, and the orders of those that can be made."""

    items: tuple[BatchItem, ...]
    orders: tuple[Order, ...]
    look: Look

    @property
    def refused(self) -> tuple[batches.BatchRefusal, ...]:
        """Those that cannot be ordered."""
        return tuple(refusal_of(place, item) for place, item in enumerate(self.items) if not item.job_id)


@dataclass(frozen=True, slots=True)
class BatchOrdering:
    """Handlers.

    Attributes:
        intake: whose bodies are read, and worked on, at a time.
    """

    gate: Gate
    once: Once
    credits: ports.Credits
    jobs: ports.Jobs
    batch_store: ports.Batches
    outside: Outside
    brands: Brands
    ordering: Ordering
    intake: Intake

    @call(
        "POST",
        "/v1/studio/batches",
        name="create_batch",
        tag="batches",
        summary="Order films of many photos at once",
        description="75 credits for each film, and what a larger one costs. All films are charged and queued in one "
        "step, or none is; each film's price comes back if it does not complete. An item that cannot be ordered costs "
        "nothing and holds up no other.",
        body=batches.BatchBody,
        example=examples.BATCH_BODY,
        answer=batches.BatchTicket,
        errors=(*ITEM_ERRORS, InsufficientCredits, TooManyJobs, Overloaded),
        idempotent=True,
        links=links_to("batch_id", "batch", "cancel_batch", "batch_archive", "delete_batch"),
    )
    async def create(self, request: Request) -> Response:
        """POST /v1/studio/batches."""
        key = await self.gate.admit(request)
        async with self.intake.place(key.account_id) as arrival:
            raw = await read_body(request, batches.MAX_JSON_BYTES, arrival)

            async def work(keep: Keep) -> bytes:
                return await self._submit(request, key, schemas.parse_body(batches.BatchBody, raw), keep)

            return await self.once.answer(request, key, schemas.content(batches.BatchBody, raw), work)

    async def _submit(self, request: Request, key: ApiKey, body: batches.BatchBody, keep: Keep) -> bytes:
        webhook_url = await self.outside.webhook(key, body.webhook_url)
        found = await self._sorted(request, key, body, body.items)
        output = found.look.output
        pricing.require_bounded(output)
        price = key.owes(pricing.transform_price(output))
        batch_id = str(uuid.uuid4())
        count = len(found.orders)
        ticket = batches.BatchTicket(
            batch_id=batch_id,
            status=JobStatus.QUEUED,
            jobs=count,
            refused=found.refused,
            credits_used=price * count,
            estimated_seconds=await self.jobs.estimated_seconds(key.account_id, output, jobs=count),
            poll_url=f"/v1/studio/batches/{batch_id}",
        ).encoded()
        choices = batches.BatchOrder(
            background=background_of(found.look.background),
            camera_preset=found.look.camera,
            output=ordered_output(output),
            **({"brand": found.look.branding.name} if found.look.branding else {}),
        )
        new = NewBatch(batch_id, key, found.items, found.orders, choices.as_json(), price, webhook_url)
        await self.batch_store.submit(new, kept=keep(ticket))
        return ticket

    @call(
        "POST",
        "/v1/studio/quote/batch",
        name="quote_batch",
        tag="batches",
        summary="What a batch would cost",
        description="Free. The same body as /batches, checked in the same way; nothing is started. Before anything is "
        "uploaded: photos, their number, in place of items.",
        body=batches.BatchQuoteBody,
        example=examples.BATCH_QUOTE_BODY,
        answer=batches.BatchQuote,
        errors=(*ITEM_ERRORS, Overloaded),
    )
    async def quote(self, request: Request) -> Response:
        """POST /v1/studio/quote/batch."""
        key = await self.gate.admit(request)
        async with self.intake.place(key.account_id) as arrival:
            raw = await read_body(request, batches.MAX_JSON_BYTES, arrival)
            return json_answer(await self._quoted(request, key, schemas.parse_body(batches.BatchQuoteBody, raw)))

    async def _quoted(self, request: Request, key: ApiKey, body: batches.BatchQuoteBody) -> batches.BatchQuote:
        await self.outside.webhook(key, body.webhook_url)
        refused: tuple[batches.BatchRefusal, ...] = ()
        if body.items is None:
            count = body.photos or 0
            look, each = await self.brands.look(key, body.film()), INIT_CREDITS
        else:
            found = await self._sorted(request, key, body, body.items)
            count, refused = len(found.orders), found.refused
            look, each = found.look, 0
        pricing.require_bounded(look.output)
        each += pricing.transform_price(look.output)
        return batches.BatchQuote(
            credits=key.owes(each * count),
            jobs=count,
            refused=refused,
            estimated_seconds=await self.jobs.estimated_seconds(key.account_id, look.output, jobs=count),
            balance=await self.credits.balance(key.account_id),
        )

    async def _sorted(
        self,
        request: Request,
        key: ApiKey,
        body: batches.BatchBody | batches.BatchQuoteBody,
        given: Sequence[batches.BatchItemBody],
    ) -> Sorted:
        """Each item's order, or why it has none. Raises the first one's error where none has one."""
        _require_few_addresses(given)
        of_all = await self.brands.look(key, body.film())
        looks: dict[str, Look] = {}
        known: set[str] = set()
        items: list[BatchItem] = []
        orders: list[Order] = []
        first: InvalidInput | NotFound | None = None
        for name, item in zip(distinct([item.name for item in given]), given, strict=True):
            try:
                film = body.film(item)
                look = of_all
                if item.background is not None:
                    spelled = _spelled(item.background)
                    if spelled not in looks:
                        own = await self.outside.background(key, item.background)
                        looks[spelled] = replace(of_all, background=own)
                    look = looks[spelled]
                orders.append(await self.ordering.order(request, key, film, look=look, known=known))
                items.append(BatchItem(name, item.session_id, job_id=str(uuid.uuid4())))
            except (InvalidInput, NotFound) as error:
                first = first or error
                items.append(BatchItem(name, item.session_id[:64], code=error.code, error=error.message))
        if not orders and first is not None:
            raise first
        return Sorted(tuple(items), tuple(orders), of_all)


def _require_few_addresses(given: Sequence[batches.BatchItemBody]) -> None:
    """Each host is looked up before the answer. Raises InvalidRequest where that are too many."""
    own = [item.background for item in given]
    addresses = {one.url for one in own if isinstance(one, backgrounds.ImageBackground) and one.url is not None}
    if len(addresses) > MOST_ADDRESSES:
        raise InvalidRequest(
            f"items may name at most {MOST_ADDRESSES} different background.url, not {len(addresses)}: upload the "
            "pictures with /v1/studio/backplates.",
            field="items",
        )
    deliveries = [item.deliver_to for item in given if item.deliver_to is not None]
    hosts = {_host(url) for delivery in deliveries for url in delivery.urls.values()}
    if len(hosts) > batches.MOST_HOSTS:
        raise InvalidRequest(
            f"items may be delivered to at most {batches.MOST_HOSTS} different hosts, not {len(hosts)}.", field="items"
        )


def _host(url: str) -> str:
    """Scheme, host and port as they are written; what is no URL is told by its own item."""
    return "/".join(url.split("/", 3)[:3]).lower()


def _spelled(background: backgrounds.AnyBackground) -> str:
    """A background as a key: the same for the same one."""
    return json.dumps(background.model_dump(mode="json"), sort_keys=True)
