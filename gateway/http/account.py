"""The account behind a key: balance, limits, ledger, and the secret that signs its webhooks."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.plumbing.answers import json_answer, page_limit
from gateway.http.plumbing.calls import CURSOR, call, page_size
from gateway.http.plumbing.gate import Gate
from gateway.jobs import ports, records
from gateway.jobs.books import LedgerPage
from lensora.contract import answers
from lensora.contract.shapes import moment
from lensora.core.errors import InvalidRequest

MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class AccountCalls:
    """Handlers."""

    gate: Gate
    accounts: ports.Accounts
    credits: ports.Credits
    webhook_secrets: ports.WebhookSecrets

    @call("GET", "/v1/account", name="account", tag="account", summary="Balance and limits", answer=answers.Account)
    async def show(self, request: Request) -> Response:
        """GET /v1/account."""
        key = await self.gate.admit(request)
        return json_answer(_account(await self.accounts.get(key.account_id)))

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
        key = await self.gate.admit(request)
        page = await self.credits.ledger(
            key.account_id,
            cursor=request.query_params.get("cursor", ""),
            limit=page_limit(request, default=50, most=MAX_PAGE),
        )
        return json_answer(_ledger(page))

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
        key = await self.gate.admit(request)
        return json_answer(answers.WebhookSecret(secret=await self.webhook_secrets.current(key.account_id)))

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
        key = await self.gate.admit(request)
        return json_answer(answers.WebhookSecret(secret=await self.webhook_secrets.rotate(key.account_id)))


def _account(account: records.Account) -> answers.Account:
    limits = answers.AccountLimits(
        live_jobs=account.limits.live_jobs,
        requests_per_minute=account.limits.requests_per_minute,
        running_jobs=account.limits.running_jobs,
        weight=account.limits.weight,
    )
    return answers.Account(balance=account.balance, frozen=account.frozen, limits=limits)


def _ledger(page: LedgerPage) -> answers.LedgerPage:
    entries = tuple(
        answers.LedgerEntry(
            id=entry.entry_id,
            at=moment(entry.at_ms),
            kind=entry.kind,
            amount=entry.amount,
            balance=entry.balance,
            reference=entry.reference,
            memo=entry.memo,
        )
        for entry in page.entries
    )
    return answers.LedgerPage(entries=entries, next_cursor=page.next_cursor or None)
