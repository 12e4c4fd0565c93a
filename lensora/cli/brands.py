"""``lensora brands``: choices that are saved under a name, for ``--brand`` and the API's ``brand``."""

from __future__ import annotations

from pathlib import Path

import click

from lensora.cli.options import Address, brand_camera_option, gateway_options, json_option, say_json
from lensora.contract.brands import Brand
from lensora.core.words import Aspect, Corner


@click.group()
def brands() -> None:
    """Save, list and delete brands: background, shape, camera, logo and end colour under one name."""


@brands.command("list")
@json_option
@gateway_options
def list_brands(address: Address, as_json: bool) -> None:
    """The brands of the key."""
    with address.client() as client:
        found = client.brands()
    if as_json:
        say_json(found.as_json())
        return
    for brand in found.brands:
        _show(brand)


@brands.command("save")
@click.argument("name")
@click.option("--background", help='"remove", a colour as #rrggbb, the URL of a picture, or a scene in words.')
@click.option(
    "--aspect", type=click.Choice([shape.value for shape in Aspect]), help="Width to height.  [default: each job's own]"
)
@brand_camera_option
@click.option(
    "--logo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A PNG of at most 2 MB.",
)
@click.option("--corner", type=click.Choice([corner.value for corner in Corner]), help="The logo's corner.")
@click.option("--logo-size", type=float, help="Its longer side, as a share of the frame's shorter side, 0.05 to 0.5.")
@click.option("--end-color", help="#rrggbb, which the film's last second fades to.")
@json_option
@gateway_options
def save_brand(
    address: Address,
    name: str,
    background: str | None,
    aspect: str | None,
    camera: str | None,
    logo: Path | None,
    corner: str | None,
    logo_size: float | None,
    end_color: str | None,
    as_json: bool,
) -> None:
    """Save a brand as NAME, in place of one of that name. Without --logo and its place, the brand has no logo."""
    place = {name: value for name, value in (("corner", corner), ("size", logo_size)) if value is not None}
    with address.client() as client:
        saved = client.save_brand(
            name,
            background=background,
            aspect=aspect,
            camera_preset=camera,
            logo=logo,
            logo_place=place or None,
            end_color=end_color,
        )
    if as_json:
        say_json(saved.as_json())
        return
    _show(saved)


@brands.command("delete")
@click.argument("name")
@json_option
@gateway_options
def delete_brand(address: Address, name: str, as_json: bool) -> None:
    """Delete the brand NAME; jobs that were ordered with it go on."""
    with address.client() as client:
        client.delete_brand(name)
    if as_json:
        say_json({"name": name, "deleted": True})
        return
    click.echo(f"the brand {name} is deleted")


def _show(brand: Brand) -> None:
    says = []
    if brand.background is not None:
        detail = brand.background.prompt or brand.background.value or brand.background.url or ""
        says.append(f"{brand.background.type} {detail}".strip())
    says += [str(word) for word in (brand.aspect, brand.camera_preset) if word]
    if brand.logo is not None:
        says.append(f"logo {brand.logo.corner} {brand.logo.size:g}")
    if brand.end_color:
        says.append(f"ends in {brand.end_color}")
    click.echo(f"{brand.name:20} {', '.join(says)}")
