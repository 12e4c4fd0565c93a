"""``lensora models``: fetch and list the neural nets' weights."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn
from rich.table import Table

from lensora.cli.home import expanded
from lensora.cli.options import json_option, say_json
from lensora.models.manifest import Profile, SnapshotEntry, load_manifest
from lensora.models.policy import LicensePolicy
from lensora.models.snapshot import record
from lensora.models.store import Phase, PullProgress, installed, pull

DEFAULT_MODELS_DIR = "~/.cache/lensora/models"

WIDE = 160
"""Columns of a table that goes to a file or a pipe."""

models_dir_option = click.option(
    "--models-dir",
    envvar="LENSORA_MODELS_DIR",
    default=DEFAULT_MODELS_DIR,
    show_default=True,
    callback=lambda _context, _parameter, value: str(expanded(value)),
    help="Folder of the weights.",
)


@click.group()
def models() -> None:
    """Fetch and list neural nets' weights; checksums and licences are checked."""


@models.command("pull")
@click.argument("names", nargs=-1)
@click.option(
    "--profile",
    type=click.Choice([profile.value for profile in Profile]),
    default=Profile.EMBEDDED.value,
    show_default=True,
    help="Set of models to fetch when no names are given.",
)
@click.option(
    "--license-policy",
    type=click.Choice([policy.value for policy in LicensePolicy]),
    envvar="LENSORA_LICENSE_POLICY",
    default=LicensePolicy.PERMISSIVE.value,
    show_default=True,
    help="Licences that are allowed.",
)
@click.option("--hub-token", envvar="HF_TOKEN", default="", help="Token of a model hub account, for gated models.")
@json_option
@models_dir_option
def pull_command(
    names: tuple[str, ...], profile: str, license_policy: str, hub_token: str, models_dir: str, as_json: bool
) -> None:
    """Fetch models by NAMES, or all of a profile; what is there and whole is left as it is."""
    manifest = load_manifest()
    wanted = names or tuple(entry.name for entry in manifest.profile(Profile(profile)))
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console, transient=True
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def show(progress: PullProgress) -> None:
            if progress.phase is Phase.PRESENT:
                return
            task = tasks.setdefault(progress.model, bars.add_task(progress.model, total=None))
            bars.update(
                task,
                description=f"{progress.model} ({progress.phase})",
                completed=progress.done_bytes,
                total=progress.total_bytes or None,
            )

        paths = pull(
            wanted,
            Path(models_dir),
            show,
            policy=LicensePolicy(license_policy),
            manifest=manifest,
            hub_token=hub_token,
        )
    if as_json:
        say_json({name: str(path) for name, path in zip(dict.fromkeys(wanted), paths, strict=True)})
        return
    for name, path in zip(dict.fromkeys(wanted), paths, strict=True):
        click.echo(f"{name}: {path}")


@models.command("list")
@json_option
@models_dir_option
def list_command(as_json: bool, models_dir: str) -> None:
    """Every model that Lensora knows, and whether it is here."""
    manifest = load_manifest()
    here = {entry.name for entry in installed(Path(models_dir), manifest=manifest)}
    if as_json:
        rows = [
            {
                "name": entry.name,
                "version": entry.version,
                "stages": list(entry.stages),
                "license": entry.license,
                "commercial_use": entry.commercial_use,
                "profiles": list(entry.profiles),
                "installed": entry.name in here,
            }
            for entry in manifest.entries
        ]
        say_json(rows)
        return
    table = Table(box=None, header_style="bold")
    for heading in ("model", "stages", "profiles", "licence", "commercial", "here"):
        table.add_column(heading, no_wrap=True)
    for entry in manifest.entries:
        table.add_row(
            entry.name,
            ", ".join(entry.stages),
            ", ".join(entry.profiles),
            entry.license,
            "yes" if entry.commercial_use else "no",
            "yes" if entry.name in here else "no",
        )
    Console(width=None if sys.stdout.isatty() else WIDE).print(table)


@models.command("lock")
@click.argument("names", nargs=-1, required=True)
@json_option
@models_dir_option
def lock_command(names: tuple[str, ...], models_dir: str, as_json: bool) -> None:
    """Vouch for the files of NAMES that lie in the models folder: record their digests, as a first pull would."""
    manifest = load_manifest()
    folder = Path(models_dir)
    locks = {}
    for name in names:
        entry = manifest.entry(name)
        if not isinstance(entry, SnapshotEntry):
            raise click.UsageError(f"{name} is one file whose digest is in the manifest; there is nothing to lock")
        lock = locks[name] = record(entry, folder)
        if not as_json:
            click.echo(f"{name}: {len(lock.files)} files, {lock.size_bytes} bytes, sha256 {lock.digest}")
    if as_json:
        say_json(
            {
                name: {"files": len(lock.files), "bytes": lock.size_bytes, "sha256": lock.digest}
                for name, lock in locks.items()
            }
        )
