"""``lensora batches``: batches that were ordered before, by their ids."""

from __future__ import annotations

from pathlib import Path

import click

from lensora.cli.options import Address, gateway_options, json_option, say_json
from lensora.client import Batch
from lensora.core.steps import JobStatus

MOST_BATCHES = 50
"""Batches that one request lists at most."""


@click.group()
def batches() -> None:
    """List, show, cancel, download and delete batches."""


@batches.command("list")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, MOST_BATCHES), help="Newest to show.")
@json_option
@gateway_options
def list_batches(address: Address, limit: int, as_json: bool) -> None:
    """The batches of this key, newest first."""
    with address.client() as client:
        found = client.batches.list(limit=limit).batches
    if as_json:
        say_json([batch.as_json() for batch in found])
        return
    for batch in found:
        click.echo(_line(batch))


@batches.command("show")
@click.argument("batch_id")
@json_option
@gateway_options
def show(address: Address, batch_id: str, as_json: bool) -> None:
    """BATCH_ID with each of its photos."""
    with address.client() as client:
        batch = client.batches.get(batch_id)
    if as_json:
        say_json(batch.as_json())
        return
    click.echo(_line(batch))
    for item in batch.items or ():
        click.echo(f"  {item.name:24} {item.status:10} {item.progress:3d}%  {item.error or item.job_id}")


@batches.command("cancel")
@click.argument("batch_id")
@json_option
@gateway_options
def cancel(address: Address, batch_id: str, as_json: bool) -> None:
    """Stop every film of BATCH_ID that has not ended, and get their credits back."""
    with address.client() as client:
        canceled = client.batches.cancel(batch_id)
    if as_json:
        say_json(canceled.as_json())
    else:
        click.echo(f"Films canceled: {canceled.canceled}. {canceled.credits_refunded} credits came back in all.")


@batches.command("download")
@click.argument("batch_id")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("films.zip"), show_default=True)
@json_option
@gateway_options
def download(address: Address, batch_id: str, out: Path, as_json: bool) -> None:
    """Save every film of BATCH_ID that is ready, as one ZIP."""
    with address.client() as client:
        path = client.batches.archive(batch_id, out)
    if as_json:
        say_json({"archive": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(f"{path}  ({path.stat().st_size / 1e6:.2f} MB)")


@batches.command("delete")
@click.argument("batch_id")
@json_option
@gateway_options
def delete(address: Address, batch_id: str, as_json: bool) -> None:
    """Delete BATCH_ID, which has ended, with all its films."""
    with address.client() as client:
        client.batches.delete(batch_id)
    if as_json:
        say_json({"batch_id": batch_id, "deleted": True})
    else:
        click.echo("The batch and its films are deleted.")


def _line(batch: Batch) -> str:
    counts = batch.counts
    created = batch.created_at[:19].replace("T", " ")
    told = f"{counts.completed} of {counts.total} ready"
    # All films of a canceled batch have ended, which is 100; nobody would read it so.
    unmade = batch.status in (JobStatus.CANCELED, JobStatus.FAILED)
    progress = " " * 4 if unmade else f"{batch.progress:3d}%"
    return f"{batch.batch_id}  {batch.status:10} {progress}  {created}  {told}"
