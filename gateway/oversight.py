"""What the operator's page shows, as commands: ``lensora accounts usage``, ``accounts jobs`` and ``accounts queue``."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import click

from gateway.admin_store import account_option, home_option, redis_url_option, with_store
from gateway.jobs.oversight import MAX_PAGE, MOST_DAYS, JobRow, JobRows
from gateway.jobs.store import Store
from lensora.cli.options import json_option
from lensora.core.steps import JobStatus


@click.command("usage")
@account_option
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, MOST_DAYS), help="How far back.")
@json_option
@redis_url_option
@home_option
def usage(account: str, days: int, as_json: bool, redis_url: str | None, home: str) -> None:
    """What an account was charged, paid back and granted, day by day (UTC), newest first."""
    found = with_store(redis_url, home, lambda store: store.oversight.usage(account, days))
    if as_json:
        click.echo(json.dumps({"account_id": account, **asdict(found)}))
        return
    click.echo(f"{'day':10} {'charged':>9} {'charges':>8} {'paid back':>10} {'refunds':>8} {'granted':>9}")
    for day in found.days:
        click.echo(
            f"{day.day:10} {day.charged:>9} {day.charges:>8} {day.refunded:>10} {day.refunds:>8} {day.granted:>9}"
        )
    if not found.whole:
        click.echo("there were too many movements to add them all up", err=True)


@click.command("jobs")
@click.option("--account", default="", help="One account's alone; default: every account's.")
@click.option("--status", type=click.Choice([status.value for status in JobStatus]), help="Jobs in this state alone.")
@click.option("--refunded", is_flag=True, help="Jobs whose price came back alone.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, MAX_PAGE), help="Newest jobs to show.")
@json_option
@redis_url_option
@home_option
def jobs(
    account: str, status: str | None, refunded: bool, limit: int, as_json: bool, redis_url: str | None, home: str
) -> None:
    """Jobs of every account, newest first, with why those that failed did."""

    async def work(store: Store) -> JobRows:
        if account:
            await store.accounts.get(account)
        return await store.oversight.jobs(account_id=account, status=status or "", refunded=refunded, limit=limit)

    found = with_store(redis_url, home, work)
    if as_json:
        click.echo(json.dumps(asdict(found)))
        return
    for row in found.jobs:
        click.echo(_line(row))


@click.command("queue")
@json_option
@redis_url_option
@home_option
def queue(as_json: bool, redis_url: str | None, home: str) -> None:
    """What waits, what runs, and whose it is."""
    state = with_store(redis_url, home, lambda store: store.oversight.queue())
    if as_json:
        click.echo(json.dumps(asdict(state)))
        return
    click.echo(f"{state.waiting} waiting, {state.running} running; a job takes {state.median_s:.1f} s")
    for each in state.accounts:
        click.echo(f"  {each.account_id:24} {each.waiting:>6} waiting {each.running:>6} running")


def _line(row: JobRow) -> str:
    at = datetime.fromtimestamp(row.created_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    money = f"{row.price} credits" + (f", {row.refunded} came back" if row.refunded else "")
    why = f"  {row.error_message} ({row.error_code} in {row.error_stage})" if row.error_code else ""
    return f"{at}  {row.job_id}  {row.account_id:16} {row.status:10} {money}{why}"
