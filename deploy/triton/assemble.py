#!/usr/bin/env python3
"""Writes the repository that a Triton server is started on.

    lensora models pull --profile gpu-small
    python deploy/triton/assemble.py --profile gpu-small --out /var/lib/lensora/triton
    tritonserver --model-repository=/var/lib/lensora/triton --rate-limit=execution_count

Weights are verified and linked, not copied: Triton has to see the models folder under the same path.
"""

from __future__ import annotations

from pathlib import Path

import click

from lensora.core.errors import LensoraError
from lensora.models import LicensePolicy, Profile, load_manifest
from lensora.models.repository import assemble

TEMPLATES = Path(__file__).resolve().parent


@click.command(help=__doc__)
@click.argument("names", nargs=-1)
@click.option(
    "--profile", type=click.Choice([p.value for p in Profile]), help="Every model of a profile, beside NAMES."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The repository's folder.")
@click.option(
    "--models-dir",
    type=click.Path(path_type=Path),
    envvar="LENSORA_MODELS_DIR",
    default="~/.cache/lensora/models",
    show_default=True,
)
@click.option(
    "--license-policy",
    type=click.Choice([p.value for p in LicensePolicy]),
    envvar="LENSORA_LICENSE_POLICY",
    default=LicensePolicy.PERMISSIVE.value,
    show_default=True,
)
def main(names: tuple[str, ...], profile: str | None, out: Path, models_dir: Path, license_policy: str) -> None:
    """Assemble, and print the folder of each model."""
    of_profile = [entry.name for entry in load_manifest().profile(Profile(profile))] if profile else []
    if not (names or of_profile):
        raise click.UsageError("name models, or a --profile")
    try:
        folders = assemble(
            [*names, *of_profile],
            templates=TEMPLATES,
            models_dir=models_dir,
            target=out,
            policy=LicensePolicy(license_policy),
        )
    except LensoraError as error:
        raise click.ClickException(str(error)) from error
    for folder in folders:
        click.echo(folder)


if __name__ == "__main__":
    main()
