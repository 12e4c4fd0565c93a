"""The operator's commands on accounts, keys and credits: ``lensora accounts``, ``lensora keys``, ``lensora credits``.

Redis is found by ``--redis-url``, by ``LENSORA_REDIS_URL``, or in the home of a running ``lensora up``.
"""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from gateway import oversight
from gateway.admin_store import account_option, home_option, redis_url_option, with_store
from gateway.jobs.ledger import MAX_PAGE
from gateway.jobs.records import Account, ApiKey
from gateway.jobs.store import Store
from lensora.cli.options import NumberRange, json_option
from lensora.core.errors import LensoraError, Unauthorized, Unavailable

WAIT_FOR_REDIS_S = 60.0
"""How long ``bootstrap`` waits for a Redis that is being started: loading a large append-only file takes a while."""


@click.group()
def keys() -> None:
    """Create, revoke and list API keys."""


@keys.command("create")
@account_option
@click.option("--name", default="", help="What the key is for.")
@click.option("--test", is_flag=True, help="A test key: it charges nothing, and what it makes bears a mark.")
@json_option
@redis_url_option
@home_option
def create_key(account: str, name: str, test: bool, as_json: bool, redis_url: str | None, home: str) -> None:
    """Make an API key; its secret is shown this once. The account is made where it does not exist."""

    async def work(store: Store) -> tuple[ApiKey, str]:
        await store.accounts.create(account)
        return await store.keys.create(account, name, test=test)

    key, secret = with_store(redis_url, home, work)
    if as_json:
        click.echo(json.dumps({"key_id": key.key_id, "account_id": key.account_id, "api_key": secret}))
    else:
        click.echo(secret)
        click.echo(f"key {key.key_id} of account {key.account_id}; the secret is not shown again", err=True)


@keys.command("revoke")
@click.argument("key_id")
@json_option
@redis_url_option
@home_option
def revoke_key(key_id: str, as_json: bool, redis_url: str | None, home: str) -> None:
    """Make the key KEY_ID stop working, at once."""
    key = with_store(redis_url, home, lambda store: store.keys.revoke(key_id))
    if as_json:
        click.echo(json.dumps({"key_id": key.key_id, "account_id": key.account_id, "revoked": True}))
        return
    click.echo(f"key {key.key_id} of account {key.account_id} is revoked")


@keys.command("list")
@account_option
@json_option
@redis_url_option
@home_option
def list_keys(account: str, as_json: bool, redis_url: str | None, home: str) -> None:
    """The account's keys, revoked ones too."""

    async def work(store: Store) -> list[ApiKey]:
        await store.accounts.get(account)
        return await store.keys.list(account)

    found = with_store(redis_url, home, work)
    if as_json:
        rows = [
            {"key_id": key.key_id, "name": key.name, "hint": key.hint, "revoked": bool(key.revoked_ms)} for key in found
        ]
        click.echo(json.dumps(rows))
        return
    for key in found:
        click.echo(f"{key.key_id}  {key.hint}...  {'revoked' if key.revoked_ms else 'works':7}  {key.name}")


@click.group()
def accounts() -> None:
    """List accounts, set what each may do, freeze one; see the queue, jobs, and what each account used."""


def _account(found: Account, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_account_row(found)))
        return
    limits = found.limits
    click.echo(
        f"{found.account_id:24} {found.balance:>9} credits  weight {limits.weight:g}  {limits.running_jobs} running, "
        f"{limits.live_jobs} live jobs, {limits.requests_per_minute} requests a minute"
        + ("  frozen" if found.frozen else "")
    )


def _account_row(found: Account) -> dict[str, object]:
    return {
        "account_id": found.account_id,
        "name": found.name,
        "balance": found.balance,
        "frozen": found.frozen,
        "limits": asdict(found.limits),
    }


@accounts.command("list")
@json_option
@redis_url_option
@home_option
def list_accounts(as_json: bool, redis_url: str | None, home: str) -> None:
    """Every account, with its balance and limits."""
    found = with_store(redis_url, home, lambda store: store.accounts.list())
    if as_json:
        click.echo(json.dumps([_account_row(one) for one in found]))
        return
    for one in found:
        _account(one, as_json=False)


@accounts.command("limit")
@account_option
@click.option("--weight", type=NumberRange(0.01, 1_000), help="Its turns beside other accounts' (1: as theirs).")
@click.option("--running-jobs", type=click.IntRange(1, 1_000_000), help="Jobs that may run at a time; others wait.")
@click.option("--live-jobs", type=click.IntRange(1, 1_000_000), help="Jobs that may be queued or running.")
@click.option("--requests-per-minute", type=click.IntRange(1, 10_000_000), help="Calls of its keys together.")
@json_option
@redis_url_option
@home_option
def limit_account(
    account: str,
    weight: float | None,
    running_jobs: int | None,
    live_jobs: int | None,
    requests_per_minute: int | None,
    as_json: bool,
    redis_url: str | None,
    home: str,
) -> None:
    """Set limits of one account; what is not given stays. Without any, show them. Holds at once."""

    async def work(store: Store) -> Account:
        return await store.accounts.limit(
            account,
            weight=weight,
            running_jobs=running_jobs,
            live_jobs=live_jobs,
            requests_per_minute=requests_per_minute,
        )

    _account(with_store(redis_url, home, work), as_json)


@accounts.command("freeze")
@account_option
@click.option("--off", is_flag=True, help="Let it spend again.")
@json_option
@redis_url_option
@home_option
def freeze_account(account: str, off: bool, as_json: bool, redis_url: str | None, home: str) -> None:
    """Let an account read but not spend."""
    _account(with_store(redis_url, home, lambda store: store.accounts.freeze(account, frozen=not off)), as_json)


accounts.add_command(oversight.usage)
accounts.add_command(oversight.jobs)
accounts.add_command(oversight.queue)


@click.group()
def credits() -> None:  # noqa: A001 (the command's public name)
    """Grant and show credits, and verify the ledger."""


@credits.command("grant")
@click.argument("amount", type=int)
@account_option
@click.option("--reference", help="Granted once per reference; default: a fresh one.")
@click.option("--memo", default="", help="A note in the ledger.")
@json_option
@redis_url_option
@home_option
def grant(
    amount: int, account: str, reference: str | None, memo: str, as_json: bool, redis_url: str | None, home: str
) -> None:
    """Add AMOUNT credits to the account."""

    async def work(store: Store) -> int:
        await store.accounts.create(account)
        return await store.credits.grant(account, amount, reference=reference or os.urandom(12).hex(), memo=memo)

    balance = with_store(redis_url, home, work)
    if as_json:
        click.echo(json.dumps({"account_id": account, "balance": balance}))
        return
    click.echo(f"account {account} has {balance} credits")


@credits.command("show")
@account_option
@click.option(
    "--limit", default=10, show_default=True, type=click.IntRange(1, MAX_PAGE), help="Newest ledger entries to show."
)
@json_option
@redis_url_option
@home_option
def show(account: str, limit: int, as_json: bool, redis_url: str | None, home: str) -> None:
    """The account's balance and its newest ledger entries."""

    async def work(store: Store) -> tuple[int, list[dict[str, object]]]:
        page = await store.credits.ledger(account, limit=limit)
        rows: list[dict[str, object]] = [
            {"id": e.entry_id, "kind": str(e.kind), "amount": e.amount, "balance": e.balance, "reference": e.reference}
            for e in page.entries
        ]
        return await store.credits.balance(account), rows

    balance, rows = with_store(redis_url, home, work)
    if as_json:
        click.echo(json.dumps({"account_id": account, "balance": balance, "ledger": rows}))
        return
    click.echo(f"account {account} has {balance} credits")
    for row in rows:
        click.echo(f"  {row['id']:>18}  {row['kind']:7} {row['amount']:>+8}  = {row['balance']:>8}  {row['reference']}")


@credits.command("verify")
@json_option
@redis_url_option
@home_option
def verify(as_json: bool, redis_url: str | None, home: str) -> None:
    """Recompute every balance and every job's money from the ledgers; exit status 1 where they do not agree."""
    audit = with_store(redis_url, home, lambda store: store.credits.verify())
    problems = [f"{mismatch.account_id}: {mismatch.problem}" for mismatch in audit.mismatches]
    if as_json:
        figures = {"accounts": audit.accounts, "entries": audit.entries, "drift": audit.drift, "mismatches": problems}
        click.echo(json.dumps(figures))
    else:
        for problem in problems:
            click.secho(problem, fg="red")
        verdict = f"{len(problems)} mismatches, drift {audit.drift}" if problems else "every balance and job agrees"
        click.echo(f"{audit.accounts} accounts, {audit.entries} ledger entries: {verdict}")
    if problems:
        raise SystemExit(1)


@click.group()
def admin() -> None:
    """Accounts, keys, credits, and what an installation needs once; also where there is no ``lensora`` command."""


admin.add_command(accounts)
admin.add_command(keys)
admin.add_command(credits)


@admin.command()
@account_option
@click.option("--credits", "amount", type=int, required=True, help="Credits of a new account.")
@click.option("--key-file", type=click.Path(path_type=Path), required=True, help="Keeps the key between starts.")
@redis_url_option
@home_option
def bootstrap(account: str, amount: int, key_file: Path, redis_url: str | None, home: str) -> None:
    """Make the account with its credits and a key, where they are not there yet; print the key as JSON."""

    async def work(store: Store) -> str:
        await _wait_for_redis(store)
        await store.accounts.create(account)
        await store.credits.grant(account, amount, reference=f"bootstrap-{account}", memo="first credits")
        if key_file.exists():
            kept = key_file.read_text().strip()
            try:
                await store.keys.authenticate(kept)
            except Unauthorized:
                click.echo(f"the key in {key_file} does not work any more; a new one is made", err=True)
            else:
                return kept
        _, secret = await store.keys.create(account, "made by lensora up")
        key_file.unlink(missing_ok=True)
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        return secret

    click.echo(json.dumps({"api_key": with_store(redis_url, home, work), "account_id": account}))


async def _wait_for_redis(store: Store) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + WAIT_FOR_REDIS_S
    while True:
        try:
            await store.health.ping()
        except Unavailable:
            if loop.time() > until:
                raise
            await asyncio.sleep(0.1)
        else:
            return


def main() -> None:
    """``python -m gateway.admin``: one sentence on standard error and status 1 when it cannot be done."""
    try:
        admin()
    except LensoraError as error:
        click.echo(f"gateway admin: {error.message}", err=True)
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
