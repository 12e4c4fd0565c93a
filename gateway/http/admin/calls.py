"""``/admin``: the operator's page, and the calls that it makes. Every answer is for one person and one moment."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from gateway.http.admin.bodies import AccountBody, FreezeBody, GrantBody, KeyBody
from gateway.http.admin.door import Door
from gateway.http.plumbing.answers import API_HEADERS, JSON, page_limit, read_body
from gateway.http.plumbing.calls import call
from gateway.http.plumbing.web import POLICY, TYPES, WEB, Page, page_answer
from gateway.jobs import ports
from gateway.jobs.books import LedgerEntry
from gateway.jobs.oversight import MAX_PAGE, MOST_DAYS
from gateway.jobs.records import Account, ApiKey
from lensora.contract.requests import MAX_JSON_BYTES, parse_body
from lensora.core.bounds import whole
from lensora.core.errors import Conflict, InvalidRequest, NotFound
from lensora.core.steps import JobStatus
from lensora.observability import logs

_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Books:
    """What the operator's calls read and change."""

    accounts: ports.Accounts
    keys: ports.Keys
    credits: ports.Credits
    oversight: ports.Oversight


class AdminCalls:
    """Handlers."""

    def __init__(self, door: Door, books: Books, public_url: str) -> None:
        self._door = door
        self._books = books
        self._page = Page.of((WEB / "admin" / "index.html").read_bytes(), TYPES[".html"])
        self._policy = POLICY.format(public=public_url)

    @call("GET", "/admin", keyed=False)
    async def page(self, request: Request) -> Response:
        """GET /admin: the page, which holds nothing and asks for the token."""
        answer = page_answer(request, self._page, self._policy, stored=False)
        answer.headers["X-Robots-Tag"] = "noindex, nofollow"
        return answer

    @call("GET", "/admin/api/overview", keyed=False)
    async def overview(self, request: Request) -> Response:
        """GET /admin/api/overview: the queue, and what was lately refunded and why."""
        self._door.admit(request)
        failures = await self._books.oversight.jobs(status=JobStatus.FAILED, limit=10)
        return _answer({"queue": asdict(await self._books.oversight.queue()), "failures": asdict(failures)["jobs"]})

    @call("GET", "/admin/api/accounts", keyed=False)
    async def accounts(self, request: Request) -> Response:
        """GET /admin/api/accounts."""
        self._door.admit(request)
        return _answer({"accounts": [_account(one) for one in await self._books.accounts.list()]})

    @call("POST", "/admin/api/accounts", keyed=False)
    async def create_account(self, request: Request) -> Response:
        """POST /admin/api/accounts."""
        self._door.admit(request)
        body = parse_body(AccountBody, await read_body(request, MAX_JSON_BYTES))
        if any(one.account_id == body.account_id for one in await self._books.accounts.list()):
            raise Conflict(f"There is an account {body.account_id!r} already.")
        account = await self._books.accounts.create(body.account_id, body.name)
        _log.info("account_created", account=account.account_id, by="admin")
        return _answer(_account(account))

    @call("GET", "/admin/api/accounts/{account_id}", keyed=False)
    async def account(self, request: Request) -> Response:
        """GET /admin/api/accounts/{account_id}: its keys, its newest movements, and its use by day."""
        self._door.admit(request)
        account_id = request.path_params["account_id"]
        days = whole(request.query_params.get("days", "30"), 1, MOST_DAYS)
        if days is None:
            raise InvalidRequest(f"days must be an integer from 1 to {MOST_DAYS}.", field="days")
        account = await self._books.accounts.get(account_id)
        ledger = await self._books.credits.ledger(account_id, limit=50)
        return _answer(
            {
                "account": _account(account),
                "keys": [_key(one) for one in await self._books.keys.list(account_id)],
                "ledger": [_entry(one) for one in ledger.entries],
                "usage": asdict(await self._books.oversight.usage(account_id, days)),
            }
        )

    @call("POST", "/admin/api/accounts/{account_id}/grants", keyed=False)
    async def grant(self, request: Request) -> Response:
        """POST /admin/api/accounts/{account_id}/grants."""
        self._door.admit(request)
        account_id = request.path_params["account_id"]
        body = parse_body(GrantBody, await read_body(request, MAX_JSON_BYTES))
        if body.amount == 0:
            raise InvalidRequest("amount must not be 0.", field="amount")
        balance = await self._books.credits.grant(
            account_id, body.amount, reference=body.reference, memo=body.memo or "by the operator's page"
        )
        _log.info("granted", account=account_id, amount=body.amount, reference=body.reference, by="admin")
        return _answer({"account_id": account_id, "balance": balance})

    @call("POST", "/admin/api/accounts/{account_id}/freeze", keyed=False)
    async def freeze(self, request: Request) -> Response:
        """POST /admin/api/accounts/{account_id}/freeze."""
        self._door.admit(request)
        body = parse_body(FreezeBody, await read_body(request, MAX_JSON_BYTES))
        account = await self._books.accounts.freeze(request.path_params["account_id"], frozen=body.frozen)
        _log.info("account_frozen", account=account.account_id, frozen=account.frozen, by="admin")
        return _answer(_account(account))

    @call("POST", "/admin/api/accounts/{account_id}/keys", keyed=False)
    async def create_key(self, request: Request) -> Response:
        """POST /admin/api/accounts/{account_id}/keys: the one answer that has a whole key."""
        self._door.admit(request)
        body = parse_body(KeyBody, await read_body(request, MAX_JSON_BYTES))
        key, secret = await self._books.keys.create(request.path_params["account_id"], body.name, test=body.test)
        _log.info("key_created", account=key.account_id, key=key.key_id, by="admin")
        return _answer({**_key(key), "api_key": secret})

    @call("POST", "/admin/api/accounts/{account_id}/keys/{key_id}/revoke", keyed=False)
    async def revoke_key(self, request: Request) -> Response:
        """POST /admin/api/accounts/{account_id}/keys/{key_id}/revoke."""
        self._door.admit(request)
        account_id, key_id = request.path_params["account_id"], request.path_params["key_id"]
        if all(one.key_id != key_id for one in await self._books.keys.list(account_id)):
            raise NotFound(f"The account {account_id!r} has no key {key_id[:60]!r}.")
        key = await self._books.keys.revoke(key_id)
        _log.info("key_revoked", account=key.account_id, key=key.key_id, by="admin")
        return _answer(_key(key))

    @call("GET", "/admin/api/jobs", keyed=False)
    async def jobs(self, request: Request) -> Response:
        """GET /admin/api/jobs?status=&account=&refunded=&cursor=&limit="""
        self._door.admit(request)
        query = request.query_params
        status = query.get("status", "")
        if status and status not in tuple(JobStatus):
            raise InvalidRequest(f"status must be one of {', '.join(JobStatus)}, not {status[:40]!r}.", field="status")
        page = await self._books.oversight.jobs(
            account_id=query.get("account", ""),
            status=status,
            refunded=query.get("refunded", "") == "true",
            cursor=query.get("cursor", ""),
            limit=page_limit(request, default=50, most=MAX_PAGE),
        )
        return _answer(asdict(page))


def _answer(value: dict[str, Any]) -> Response:
    return Response(json.dumps(value, ensure_ascii=False), 200, API_HEADERS, JSON)


def _account(account: Account) -> dict[str, Any]:
    return asdict(account)


def _key(key: ApiKey) -> dict[str, Any]:
    """A key by its first characters: its secret is not kept."""
    return {
        "key_id": key.key_id,
        "account_id": key.account_id,
        "name": key.name,
        "hint": key.hint,
        "test": key.test,
        "created_ms": key.created_ms,
        "revoked_ms": key.revoked_ms,
    }


def _entry(entry: LedgerEntry) -> dict[str, Any]:
    return asdict(entry)
