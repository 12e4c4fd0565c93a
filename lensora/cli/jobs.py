"""``lensora jobs`` and ``lensora render``: jobs that were sent before, by their ids."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from lensora.cli.options import (
    Address,
    NumberRange,
    check_out,
    gateway_options,
    json_option,
    other_camera_option,
    other_film_options,
    say_json,
)
from lensora.cli.watching import ended, saved, watch
from lensora.client import Client, Result
from lensora.core.steps import JobStatus

MOST_JOBS = 100
"""Jobs that one request lists at most."""

out_option = click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), show_default=True
)


@click.group()
def jobs() -> None:
    """List, show, wait for, cancel, download and delete jobs."""


@jobs.command("list")
@click.option("--status", type=click.Choice([status.value for status in JobStatus]), help="Only these.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="Newest jobs to show.")
@json_option
@gateway_options
def list_jobs(address: Address, status: str | None, limit: int, as_json: bool) -> None:
    """The jobs of this key, newest first."""
    with address.client() as client:
        found = _newest(client, status, limit)
    if as_json:
        say_json([job.as_json() for job in found])
        return
    for job in found:
        created = job.created_at[:19].replace("T", " ")
        click.echo(f"{job.job_id}  {job.status:10} {job.progress:3d}%  {created}  {job.error or ''}".rstrip())


def _newest(client: Client, status: str | None, limit: int) -> list[Result]:
    found: list[Result] = []
    cursor: str | None = None
    while len(found) < limit:
        page = client.jobs(status=status, cursor=cursor, limit=min(MOST_JOBS, limit - len(found)))
        found += page.jobs
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


@jobs.command("show")
@click.argument("job_id")
@json_option
@gateway_options
def show(address: Address, job_id: str, as_json: bool) -> None:
    """JOB_ID as it is now."""
    with address.client() as client:
        _tell(client.result(job_id), as_json)


@jobs.command("wait")
@click.argument("job_id")
@click.option("--timeout", type=NumberRange(min=0), help="Seconds to wait at most.")
@json_option
@gateway_options
def wait(address: Address, job_id: str, timeout: float | None, as_json: bool) -> None:
    """Wait for JOB_ID; exit status 1 unless it completes."""
    with address.client() as client:
        result = watch(client, job_id, Console(stderr=True), timeout_s=timeout)
    _tell(result, as_json)
    ended(result)


@jobs.command("cancel")
@click.argument("job_id")
@json_option
@gateway_options
def cancel(address: Address, job_id: str, as_json: bool) -> None:
    """Stop JOB_ID and get its credits back; one that has ended stays as it is."""
    with address.client() as client:
        canceled = client.cancel(job_id)
    if as_json:
        say_json(canceled.as_json())
    else:
        click.echo(f"The job is {canceled.status}; {canceled.credits_refunded} credits came back.")


@jobs.command("delete")
@click.argument("job_id")
@json_option
@gateway_options
def delete(address: Address, job_id: str, as_json: bool) -> None:
    """Delete JOB_ID, which has ended, and its files."""
    with address.client() as client:
        client.delete(job_id)
    if as_json:
        say_json({"job_id": job_id, "deleted": True})
    else:
        click.echo("The job and its files are deleted.")


@jobs.command("download")
@click.argument("job_id")
@out_option
@json_option
@gateway_options
def download(address: Address, job_id: str, out: Path, as_json: bool) -> None:
    """Save every file of JOB_ID, which has completed."""
    with address.client() as client:
        result = client.result(job_id)
        ended(result)
        files = client.download(result, out)
    if as_json:
        say_json({name: str(path) for name, path in files.items()})
        return
    for name, path in files.items():
        click.echo(f"  {name:16} {path}  ({path.stat().st_size / 1e6:.2f} MB)")


@click.command()
@click.argument("job_id")
@other_camera_option
@click.option(
    "--background",
    help='"remove", a colour as #rrggbb, the URL of a picture, or a scene in words.  [default: as before]',
)
@out_option
@click.option("--no-wait", is_flag=True, help="Only start it.")
@other_film_options
@json_option
@gateway_options
def render(
    address: Address,
    job_id: str,
    camera: str | None,
    background: str | None,
    out: Path,
    no_wait: bool,
    output: dict[str, object],
    as_json: bool,
) -> None:
    """Film the model of JOB_ID again, with another camera, background or size."""
    if not no_wait:
        check_out(out)
    with address.client() as client:
        chosen = {**_film_of(client.result(job_id)), **output} if output else None
        ticket = client.render(job_id, camera_preset=camera, background=background, output=chosen)
        if no_wait:
            if as_json:
                say_json(ticket.as_json())
            else:
                click.echo(ticket.job_id)
            return
        result = watch(client, ticket.job_id, Console(stderr=True))
        ended(result)
        files = saved(client, result, out)
    if as_json:
        say_json({"result": result.as_json(), "files": {name: str(path) for name, path in files.items()}})
        return
    for name, path in files.items():
        click.echo(f"  {name:16} {path}")


def _film_of(result: Result) -> dict[str, object]:
    """The film's choices of a job, which hold where others are not given: the API takes all of them or none."""
    if result.order is None:
        return {}
    names = ("size", "aspect", "fps", "seconds", "formats")
    said = result.order.output.as_json()
    return {name: said[name] for name in names if name in said}


def _tell(result: Result, as_json: bool) -> None:
    if as_json:
        say_json(result.as_json())
        return
    click.echo(f"{result.job_id}  {result.status}  {result.progress}%")
    for stage in result.stages:
        took = "" if stage.ms is None else f"{stage.ms / 1000:6.2f} s"
        click.echo(f"  {stage.name:16} {stage.status:8} {took}".rstrip())
    if result.error is not None:
        click.echo(f"  {result.error}; {result.credits_refunded} credits came back")
    if result.output is not None:
        for name, url in result.output.urls().items():
            click.echo(f"  {name:16} {url}")
