"""The ``lensora`` command: what it is made of, and how errors reach a person."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Callable
from importlib.metadata import entry_points

import click

from lensora import __version__
from lensora.core.errors import ConfigurationError, LensoraError

COMMAND_GROUP = "lensora.commands"
"""Entry points under which other packages add commands: the gateway brings ``accounts``, ``keys`` and ``credits``."""

COMMANDS = {
    "up": "lensora.cli.up:up",
    "run": "lensora.cli.run:run",
    "batch": "lensora.cli.batch:batch",
    "batches": "lensora.cli.batches:batches",
    "brands": "lensora.cli.brands:brands",
    "jobs": "lensora.cli.jobs:jobs",
    "render": "lensora.cli.jobs:render",
    "account": "lensora.cli.account:account",
    "models": "lensora.cli.models:models",
    "doctor": "lensora.cli.doctor:doctor",
    "plan": "lensora.cli.plan:plan",
    "mcp": "lensora.cli.mcp:mcp",
    "completion": "lensora.cli.completion:completion",
}
"""Our own commands: where each lies. None is imported before it is needed, so that the client alone can run."""

EXTRAS = {"mcp": "mcp"}
"""The extra that brings what a command needs, where it is not ``server``."""


class Deferred(click.Command):
    """A command that is imported when it is used."""

    def __init__(self, name: str, load: Callable[[], click.Command]) -> None:
        super().__init__(name)
        self._load = load

    @property
    def extra(self) -> str:
        """The extra of our package that brings what it needs."""
        return EXTRAS.get(self.name or "", "server")

    def command(self) -> click.Command:
        """The command itself.

        Raises:
            ConfigurationError: it needs a package that is not installed.
        """
        try:
            return self._load()
        except ImportError as error:
            raise ConfigurationError(
                f"lensora {self.name} needs the package {error.name}: pip install 'lensora[{self.extra}]'"
            ) from error

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        return self.command().make_context(info_name, args, parent, **extra)

    def get_short_help_str(self, limit: int = 45) -> str:
        try:
            return self.command().get_short_help_str(limit)
        except ConfigurationError:
            return f"(Not here: it needs lensora[{self.extra}].)"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="lensora")
def cli() -> None:
    """One photo in; a cutout, a scene, a textured 3D model and a product film out."""


def _loader(target: str) -> Callable[[], click.Command]:
    def load() -> click.Command:
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    return load


for _name, _target in COMMANDS.items():
    cli.add_command(Deferred(_name, _loader(_target)))
for _entry in entry_points(group=COMMAND_GROUP):
    cli.add_command(Deferred(_entry.name, _loader(_entry.value)))


def main() -> None:
    """Run the command; what went wrong is one sentence on standard error and exit status 1, never a traceback.

    That is an error of ours, or of a file that cannot be read or written. A character that standard output's encoding
    does not have is written as an escape.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        cli()
    except LensoraError as error:
        wrong = error.message
    except OSError as error:
        wrong = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    else:
        return
    click.echo(f"lensora: {wrong}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
