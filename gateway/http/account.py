"""The account behind a key: balance, limits, ledger, and the secret that signs its webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http import views
from gateway.http.answers import json_answer, page_limit
from gateway.http.auth import admit
from gateway.http.calls import CURSOR, call, page_size
from gateway.http.surface import Surface
from lensora.contract import answers
from lensora.core.errors import InvalidRequest

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class AccountPages:
    """Handlers."""

    surface: Surface

    @call("GET", "/v1/account", name="account", tag="account", summary="Balance and limits", answer=answers.Account)
    async def show(self, request: Request) -> Response:
        """GET /v1/account."""
        key = await admit(request, self.surface)
        return json_answer(views.account_view(await self.surface.accounts.get(key.account_id)))

    @call(
        "GET",
        "/v1/account/ledger",
        name="ledger",
        tag="account",
        summary="Movements of credits, newest first",
        parameters=(CURSOR, page_size(50, MAX_PAGE)),
        answer=answers.LedgerPage,
        errors=(InvalidRequest,),
    )
    async def ledger(self, request: Request) -> Response:
        """GET /v1/account/ledger."""
        key = await admit(request, self.surface)
        page = await self.surface.credits.ledger(
            key.account_id,
            cursor=request.query_params.get("cursor", ""),
            limit=page_limit(request, default=50, most=MAX_PAGE),
        )
        return json_answer(views.ledger_view(page))

    @call(
        "GET",
        "/v1/account/webhook-secret",
        name="webhook_secret",
        tag="account",
        summary="The webhook secret",
        answer=answers.WebhookSecret,
    )
    async def webhook_secret(self, request: Request) -> Response:
        """GET /v1/account/webhook-secret."""
        key = await admit(request, self.surface)
        return json_answer({"secret": await self.surface.webhook_secrets.current(key.account_id)})

    @call(
        "POST",
        "/v1/account/webhook-secret/rotate",
        name="rotate_webhook_secret",
        tag="account",
        summary="A new webhook secret",
        description="The one before still signs beside it for 24 h.",
        answer=answers.WebhookSecret,
    )
    async def rotate_webhook_secret(self, request: Request) -> Response:
        """POST /v1/account/webhook-secret/rotate."""
        key = await admit(request, self.surface)
        return json_answer({"secret": await self.surface.webhook_secrets.rotate(key.account_id)})
