"""``lensora up``: the whole service on this machine."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import click

from lensora.cli.home import DEFAULT_HOME, Home
from lensora.cli.models import models_dir_option
from lensora.cli.stack import Stack, unused_variables
from lensora.core.errors import ConfigurationError
from lensora.termination import Stop, Termination

COLORS = ("cyan", "green", "yellow", "blue", "magenta", "bright_cyan", "bright_green", "bright_yellow")
"""One for each process's name before its lines."""


def called() -> str:
    """How to call this command: by its name where PATH leads to it, else by its place, as after ``make up``."""
    here = Path(sys.executable).with_name("lensora")
    found = shutil.which("lensora")
    by_name = not here.exists() or (found is not None and here.samefile(found))
    return "lensora" if by_name else shlex.quote(str(here))


@click.command()
@click.option("--home", envvar="LENSORA_HOME", default=DEFAULT_HOME, show_default=True, help="Folder for all its data.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of the REST API.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port of the REST API; 0 takes a free one.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with base URL and API key when ready.")
@click.option("--quiet", is_flag=True, help="Keep the processes' logs in files only.")
@models_dir_option
def up(home: str, host: str, port: int, as_json: bool, quiet: bool, models_dir: str) -> None:
    """Start redis-server, the four services, the worker and the gateway; Ctrl-C stops all."""
    place = Home.at(home)
    other = place.running()
    if other is not None:
        raise ConfigurationError(f"a stack runs already in {place.folder}: {other.base_url} (process {other.pid})")
    unused = unused_variables(os.environ)
    if unused:
        click.echo(
            f"lensora up does not use {', '.join(unused)}: it has a Redis, a store and addresses of its own "
            "(--home, --host, --port)",
            err=True,
        )
    say = _quiet if quiet else _Lines()
    stack = Stack(place, host=host, port=port, models_dir=Path(models_dir), say=say)
    with Termination() as stop:
        _run(stack, place, stop, as_json=as_json)


def _run(stack: Stack, place: Home, stop: Stop, *, as_json: bool) -> None:
    """Start, say so, and wait for the end. Raises ConfigurationError."""
    announced = False
    try:
        running = stack.start(stop)
        if running is None:
            return
        place.announce(running)
        announced = True
        if as_json:
            click.echo(json.dumps({**asdict(running), "home": str(place.folder), "pid": os.getpid()}))
        else:
            click.secho(f"\nLensora Studio is ready: {running.base_url}", bold=True)
            click.echo(f"  in the browser   {running.base_url}/#key={running.api_key}")
            click.echo(f"  API key          {running.api_key}")
            click.echo(f"  try it           {called()} run photo.jpg --home {shlex.quote(str(place.folder))}")
            click.echo("  Ctrl-C stops it\n")
        sys.stdout.flush()
        while not stop.wait(1.0):
            lost = stack.lost()
            if lost:
                raise ConfigurationError(f"{lost} keeps dying; its log is {place.logs_folder / lost}.log")
    finally:
        if announced:  # else the note may be another stack's
            place.withdraw()
        stack.stop()


def _quiet(_name: str, _line: str) -> None:
    return


class _Lines:
    """Writes every process's lines to standard error, its name before each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._colors: dict[str, str] = {}

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            color = self._colors.setdefault(name, COLORS[len(self._colors) % len(COLORS)])
            click.echo(f"{click.style(f'{name:8}', fg=color)} {line}", err=True)
