"""What every command has in common."""

from __future__ import annotations

import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from lensora.cli.main import Deferred, cli


def leaves(command: click.Command, path: str = "lensora") -> dict[str, click.Command]:
    """Every command without commands of its own, by its path."""
    if isinstance(command, Deferred):
        command = command.command()
    if not isinstance(command, click.Group):
        return {path: command}
    return {
        name: leaf for word, child in command.commands.items() for name, leaf in leaves(child, f"{path} {word}").items()
    }


def test_every_command_speaks_json() -> None:
    """Each takes --json, so that a script never reads a table; completion prints a script, mcp is a protocol."""
    found = leaves(cli)
    assert {"lensora run", "lensora jobs download", "lensora models list", "lensora credits grant"} <= set(found)
    for path, command in found.items():
        if path not in ("lensora completion", "lensora mcp"):
            assert "--json" in {text for option in command.params for text in option.opts}, path


def test_every_option_is_explained() -> None:
    """No command and no option is without help, but --out and the folders whose defaults say it."""
    for path, command in leaves(cli).items():
        assert command.help, path
        for option in command.params:
            if isinstance(option, click.Option) and not option.show_default:
                assert option.help, f"{path} {option.opts}"


def test_the_help_says_what_holds_beside_a_brand() -> None:
    """Camera and shape are the brand's unless they are given; a brand may leave both open."""
    found = leaves(cli)
    for path, command in found.items():
        says = {option.name: getattr(option, "help", None) or "" for option in command.params}
        if "brand" in says and "camera" in says:
            assert "the brand's, or turntable" in says["camera"] and "the brand's, or 1:1" in says["aspect"], path
    saved = {option.name: getattr(option, "help", None) or "" for option in found["lensora brands save"].params}
    assert all("each job's own" in saved[name] for name in ("camera", "aspect"))


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [
        ("plan --jobs-per-day 1", "--peak", "nan"),
        ("plan --jobs-per-day 1", "--utilisation", "nan"),
        ("plan --jobs-per-day 1", "--retention-hours", "nan"),
        ("jobs wait x", "--timeout", "nan"),
        ("jobs wait x", "--timeout", "-1.0"),
        ("accounts limit", "--weight", "nan"),
        ("credits show", "--limit", "0"),
        ("credits show", "--limit", "201"),
    ],
)
def test_a_number_out_of_its_range_is_refused(command: str, option: str, value: str) -> None:
    """With its option; NaN is in no range."""
    result = CliRunner().invoke(cli, [*command.split(), option, value])
    assert result.exit_code == 2
    assert f"Invalid value for '{option}': {value} is not in the range" in result.output


def test_a_shell_can_complete() -> None:
    """The script is printed, and what it calls completes commands and their words."""
    for shell in ("bash", "zsh", "fish"):
        script = CliRunner().invoke(cli, ["completion", shell])
        assert script.exit_code == 0 and "_LENSORA_COMPLETE" in script.stdout
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['lensora']; from lensora.cli.main import cli; cli(prog_name='lensora')",
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "_LENSORA_COMPLETE": "bash_complete",
            "COMP_WORDS": "lensora jobs list --status c",
            "COMP_CWORD": "4",
        },
    )
    assert {"plain,completed", "plain,canceled"} == set(answer.stdout.split())
