"""``lensora account``: the balance, the limits and the newest movements of credits."""

from __future__ import annotations

import click

from lensora.cli.options import Address, gateway_options, json_option, say_json


@click.command()
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 500), help="Newest movements to show.")
@json_option
@gateway_options
def account(address: Address, limit: int, as_json: bool) -> None:
    """Credits, limits and the newest movements of the account behind the key."""
    with address.client() as client:
        found, ledger = client.account(), client.ledger(limit=limit)
    if as_json:
        say_json({**found.as_json(), "ledger": [entry.as_json() for entry in ledger.entries]})
        return
    click.echo(f"{found.balance} credits" + (", frozen" if found.frozen else ""))
    click.echo(f"{found.limits.live_jobs} live jobs, {found.limits.requests_per_minute} requests a minute")
    for entry in ledger.entries:
        click.echo(f"  {entry.at[:19]}  {entry.kind:7} {entry.amount:+7d} {entry.balance:8d}  {entry.reference}")
