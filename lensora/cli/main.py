"""The ``lensora`` command: what it is made of, and how errors reach a person."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import click

from lensora import __version__
from lensora.cli.doctor import doctor
from lensora.cli.models import models
from lensora.cli.plan import plan
from lensora.cli.run import run
from lensora.cli.up import up
from lensora.core.errors import LensoraError

COMMAND_GROUP = "lensora.commands"
"""Entry points under which other packages add commands: the gateway brings ``keys`` and ``credits``."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lensora")
def cli() -> None:
    """One photo in; a cutout, a scene, a textured 3D model and a product film out."""


for command in (up, run, models, doctor, plan):
    cli.add_command(command)
for entry in entry_points(group=COMMAND_GROUP):
    cli.add_command(entry.load(), entry.name)


def main() -> None:
    """Run the command; an error of ours is one sentence on standard error and exit status 1, never a traceback."""
    try:
        cli()
    except LensoraError as error:
        click.echo(f"lensora: {error.message}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
