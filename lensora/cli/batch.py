"""``lensora batch``: films of many photos with the same choices, ordered at once, each into a folder of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from lensora.cli.options import (
    Address,
    camera_option,
    check_out,
    film_options,
    gateway_options,
    json_line,
    json_option,
)
from lensora.cli.photos import NAMELESS, ListedPhoto, check_background, chosen, listed, named_apart
from lensora.client import Batch, BatchTicket, Client
from lensora.contract.batches import MOST_ITEMS
from lensora.contract.folders import folder_of
from lensora.core.errors import InsufficientCredits, LensoraError
from lensora.core.steps import JobStatus


@dataclass(frozen=True, slots=True)
class Made:
    """What became of one photo: the folder of its files, why there are none, or the batch where it is only ordered."""

    photo: str
    batch_id: str = ""
    job_id: str = ""
    folder: Path | None = None
    error: str = ""

    def line(self, as_json: bool) -> str:
        """As one line of standard output."""
        if not as_json:
            return f"{self.photo}: {self.error or self.folder or f'batch {self.batch_id}'}"
        told = {
            "photo": self.photo,
            "batch_id": self.batch_id or None,
            "job_id": self.job_id or None,
            "folder": None if self.folder is None else str(self.folder),
            "error": self.error or None,
        }
        return json_line(told)


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen for all films."""

    background: str | None
    brand: str | None
    camera: str | None
    output: Mapping[str, object]

    def named(self) -> dict[str, Any]:
        """As the client's arguments."""
        return {
            "background": self.background,
            "brand": self.brand,
            "camera_preset": self.camera,
            "output": self.output or None,
        }


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--csv",
    "table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Only the photos of its column photo, with name, object, background, height_cm, width_cm, depth_cm.",
)
@click.option(
    "--background", help='"remove", a colour, a URL, or a scene in words.  [default: the brand\'s, or remove]'
)
@click.option("--brand", help="A brand of lensora brands; what is given here wins over it.")
@camera_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), show_default=True)
@click.option("--at-once", default=4, show_default=True, type=click.IntRange(1, 64), help="Files under way at a time.")
@click.option("--yes", is_flag=True, help="Do not ask about the price; without a terminal nobody is asked.")
@click.option("--no-wait", is_flag=True, help="Only order: print the batch's id. lensora batches has the rest.")
@film_options
@json_option
@gateway_options
def batch(
    address: Address,
    paths: tuple[Path, ...],
    table: Path | None,
    background: str | None,
    brand: str | None,
    camera: str | None,
    out: Path,
    at_once: int,
    yes: bool,
    no_wait: bool,
    output: dict[str, object],
    as_json: bool,
) -> None:
    """Make films of many photos with the same choices: PATHS are photos, folders and .zip files.

    The price is said before. Each photo's files go to OUT/its name. With --json one line for each photo, as it ends.
    Exit status 1 when one could not be made; the others are kept.
    """
    if background is None and brand is None:
        background = "remove"
    if background is not None:
        check_background(background, "--background")
    console = Console(stderr=True)
    photos = listed(paths)
    if table is not None:
        photos = chosen(photos, table)
    photos = named_apart(photos)
    if not no_wait:
        check_out(out)
    choices = Choices(background, brand, camera, output)
    failed: list[Made] = []

    def tell(made: Made) -> None:
        click.echo(made.line(as_json))
        if made.error:
            failed.append(made)

    with address.client() as client, ThreadPoolExecutor(at_once) as pool:
        _agree(client, photos, choices, console, ask=sys.stdin.isatty() and not yes)
        for start in range(0, len(photos), MOST_ITEMS):
            some = photos[start : start + MOST_ITEMS]
            _Batch(client, pool, console, choices, None if no_wait else out, tell).make(some)
    if failed:
        raise SystemExit(1)


def _agree(client: Client, photos: Sequence[ListedPhoto], choices: Choices, console: Console, *, ask: bool) -> None:
    """Say the price before anything is paid. Raises InsufficientCredits; click.Abort where the person says no."""
    counts = [min(MOST_ITEMS, len(photos) - start) for start in range(0, len(photos), MOST_ITEMS)]
    quotes = [client.batches.quote(count, **choices.named()) for count in counts]
    price, balance = sum(quote.credits for quote in quotes), quotes[0].balance
    number, verb = ("1 photo", "costs") if len(photos) == 1 else (f"{len(photos)} photos", "cost")
    console.print(f"{number}: {price:,} credits; the account has {balance:,}.", highlight=False)
    if price > balance:
        raise InsufficientCredits(f"{number} {verb} {price} credits; the account has {balance}.")
    if ask and not click.confirm("Go on?", default=True, err=True):
        raise click.Abort


@dataclass(frozen=True, slots=True)
class _Batch:
    """Makes one batch.

    Attributes:
        pool: uploads and saves.
        out: where films are saved; None where they are only ordered.
        tell: is told of each photo once, as it ends.
    """

    client: Client
    pool: ThreadPoolExecutor
    console: Console
    choices: Choices
    out: Path | None
    tell: Callable[[Made], None]

    def make(self, photos: Sequence[ListedPhoto]) -> None:
        """Upload, order and, where ``out`` is given, wait and save."""
        columns = (TextColumn("{task.description:12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as bar:
            sessions = self._looked_at(photos, bar)
            if not sessions:
                return
            by_name = {photo.name: photo for photo in photos if photo.name in sessions}
            items = [{"session_id": sessions[name], "name": name, **photo.fields} for name, photo in by_name.items()]
            try:
                ticket = self.client.batches.create(items, **self.choices.named())
            except LensoraError as error:
                for photo in by_name.values():
                    self.tell(Made(photo.path, error=error.message))
                return
            for refused in ticket.refused:
                self.tell(Made(by_name.pop(refused.name).path, ticket.batch_id, error=refused.error))
            if self.out is None:
                for photo in by_name.values():
                    self.tell(Made(photo.path, ticket.batch_id))
                return
            try:
                self._films(ticket, by_name, self.out, bar)
            except KeyboardInterrupt:
                canceled = self.client.batches.cancel(ticket)
                self.console.print(f"The batch is {canceled.status}; {canceled.credits_refunded} credits came back.")
                raise

    def _looked_at(self, photos: Sequence[ListedPhoto], bar: Progress) -> dict[str, str]:
        """Sessions by the names of their photos; one that cannot be opened is told."""

        def look(photo: ListedPhoto) -> str:
            return self.client.init(photo.read()).session_id

        task = bar.add_task("Looking", total=len(photos))
        under_way = {self.pool.submit(look, photo): photo for photo in photos}
        sessions = {}
        try:
            for future in as_completed(under_way):
                bar.advance(task)
                photo = under_way[future]
                try:
                    sessions[photo.name] = future.result()
                except LensoraError as error:
                    self.tell(Made(photo.path, error=error.message))
                except OSError as error:
                    self.tell(Made(photo.path, error=str(error)))
        except KeyboardInterrupt:
            self.pool.shutdown(cancel_futures=True)
            raise
        return sessions

    def _films(self, ticket: BatchTicket, photos: Mapping[str, ListedPhoto], out: Path, bar: Progress) -> None:
        """Save each film as it is ready. Where the batch cannot be followed to its end, each that is left is told."""
        task = bar.add_task("Filming", total=ticket.jobs)
        left = dict(photos)
        saving: set[Future[Made]] = set()

        def told(*, all_of_them: bool) -> None:
            done, _ = wait(saving, timeout=None if all_of_them else 0)
            saving.difference_update(done)
            for future in done:
                self.tell(future.result())

        def note(state: Batch) -> None:
            for item in state.items or ():
                if item.job_id is None or item.name not in left or not item.status.terminal:
                    continue
                bar.advance(task)
                made = Made(left.pop(item.name).path, ticket.batch_id, item.job_id)
                if item.status is JobStatus.COMPLETED:
                    folder = out / folder_of(item.name, NAMELESS)
                    saving.add(self.pool.submit(_saved, self.client, replace(made, folder=folder)))
                else:
                    error = f"{item.error or item.status}; {item.credits_refunded} credits came back"
                    self.tell(replace(made, error=error))
            told(all_of_them=False)

        try:
            self.client.batches.wait(ticket, note)
        except LensoraError as error:
            later = f"{error.message}; lensora batches download {ticket.batch_id} has the film when it is made"
            for photo in left.values():
                self.tell(Made(photo.path, ticket.batch_id, error=later))
        told(all_of_them=True)


def _saved(client: Client, made: Made) -> Made:
    assert made.folder is not None
    try:
        client.download(made.job_id, made.folder)
    except (LensoraError, OSError, ValueError) as error:
        return replace(made, folder=None, error=f"made, but not saved: {error}")
    return made
