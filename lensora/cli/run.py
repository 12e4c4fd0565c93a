"""``lensora run PHOTO``: the main job through the public API, from a photo's file to the artifacts' files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console

from lensora.cli.home import Home
from lensora.cli.models import models_dir_option
from lensora.cli.options import (
    Address,
    Views,
    camera_option,
    check_out,
    film_options,
    gateway_options,
    json_option,
    say_json,
    size_options,
    view_options,
)
from lensora.cli.photos import check_background
from lensora.cli.watching import ended, saved, watch
from lensora.client import Client, Result, Session, View, requests
from lensora.contract.requests import TransformBody, checked
from lensora.core.errors import ConfigurationError, InvalidInput
from lensora.core.words import MOST_VIEWS, ViewSide

USUAL_BACKGROUND = "on a marble countertop in a sunlit kitchen"


@click.command()
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--object",
    "object_index",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Which of the detected objects.",
)
@click.option(
    "--background",
    help='"remove", a colour as #rrggbb, the URL of a picture, or a scene in words.  '
    f"[default: the brand's, or {USUAL_BACKGROUND}]",
)
@click.option("--brand", help="A brand of lensora brands; what is given here wins over it.")
@camera_option
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("out"), show_default=True)
@view_options
@film_options
@size_options
@json_option
@gateway_options
@models_dir_option
def run(
    address: Address,
    photo: Path,
    object_index: int,
    background: str | None,
    brand: str | None,
    camera: str | None,
    out: Path,
    views: Views,
    output: dict[str, object],
    height_cm: float | None,
    width_cm: float | None,
    depth_cm: float | None,
    models_dir: str,
    as_json: bool,
) -> None:
    """Make cutout, scene, 3D model and film from PHOTO; starts a stack where none runs.

    Further photos make the model true on more sides: --back, --left, --right, --top, --detail, --view, each as often as
    there are photos. So does a film of a turn: --turn.
    """
    console = Console(stderr=True)
    size = requests.size(height_cm, width_cm, depth_cm)
    if background is None and brand is None:
        background = USUAL_BACKGROUND
    _check_before_paying(background, brand, output, size, out, views)
    started = time.monotonic()
    with _gateway(address, Path(models_dir), console) as (url, key), Client(url, key) as client:
        ready = time.monotonic()
        if brand is not None:
            _check_brand(client, brand, background)
        session = _look(client, photo, object_index, console)
        added = [_add(client, session, side, path, object_index, console) for side, path in views.photos]
        if views.turn is not None:
            added.append(_add_turn(client, session, views.turn, object_index, console))
        looked = time.monotonic()
        ticket = client.transform(
            session.session_id,
            background,
            object_index=object_index,
            brand=brand,
            camera_preset=camera,
            output=output or None,
            real_height_cm=height_cm,
            real_width_cm=width_cm,
            real_depth_cm=depth_cm,
        )
        try:
            result = watch(client, ticket.job_id, console)
        except KeyboardInterrupt:
            canceled = client.cancel(ticket.job_id)
            console.print(f"The job is {canceled.status}; {canceled.credits_refunded} credits came back.")
            raise
        ended(result)
        done = time.monotonic()
        files = saved(client, result, out)
    waited_s = {"start": ready - started, "init": looked - ready, "transform": done - looked}
    if as_json:
        say_json(
            {
                "session": session.as_json(),
                **({"views": [view.as_json() for view in added]} if added else {}),
                "result": result.as_json(),
                "files": {name: str(path) for name, path in files.items()},
                "seconds": {name: round(seconds, 3) for name, seconds in waited_s.items()},
            }
        )
    else:
        _report(result, files, waited_s)


def _check_before_paying(
    background: str | None,
    brand: str | None,
    output: Mapping[str, object],
    size: Mapping[str, float],
    out: Path,
    views: Views,
) -> None:
    """Find out what cannot end well while nothing has been charged yet.

    Raises:
        ConfigurationError: the artifacts cannot be written, or the background is a file of this machine.
        InvalidRequest, InvalidBackground: the server would not take the order.
    """
    check_out(out)
    if background is not None:
        check_background(background, "--background")
    if views.count > MOST_VIEWS:
        raise ConfigurationError(f"{views.count} further photos were given; a session may have {MOST_VIEWS} at most")
    order: dict[str, object] = {"session_id": "of the photo", **size}
    if brand is not None:
        order["brand"] = brand
    if background is not None:
        order["background"] = requests.background_of(background)
    checked(TransformBody, {**order, "output": output} if output else order)


def _check_brand(client: Client, name: str, background: str | None) -> None:
    """Look at the brand, for nothing, before the photo is paid.

    Raises:
        NotFound: it is not saved under this key.
        ConfigurationError: nobody says a background.
    """
    if client.brand(name).background is None and background is None:
        raise ConfigurationError(f"--brand {name}: the brand has no background, so --background must say one")


def _look(client: Client, photo: Path, object_index: int, console: Console) -> Session:
    with _about(photo):
        session = client.init(photo)
    console.print(f"In {photo}:", highlight=False)
    for index, found in enumerate(session.objects):
        mark = ">" if index == object_index else " "
        console.print(f" {mark} {index}  {found.label} ({found.category})", highlight=False)
    for action in session.suggested_actions:
        console.print(f"   note: {action.message}", highlight=False)
    return session


def _add(
    client: Client, session: Session, side: ViewSide | None, photo: Path, object_index: int, console: Console
) -> View:
    with _about(photo):
        view = client.add_view(session.session_id, photo, side, object_index=object_index)
    console.print(f"Added {photo} ({side or 'side not named'})", highlight=False)
    for action in view.suggested_actions:
        console.print(f"   note: {action.message}", highlight=False)
    return view


def _add_turn(client: Client, session: Session, film: Path, object_index: int, console: Console) -> View:
    with _about(film):
        view = client.add_turn(session.session_id, film, object_index=object_index)
    console.print(f"Added {film} (a turn: {len(view.frames or ())} of its pictures)", highlight=False)
    return view


@contextmanager
def _about(path: Path) -> Iterator[None]:
    """What is wrong with a file is said with its name: there may be several."""
    try:
        yield
    except InvalidInput as error:
        error.message = f"{path}: {error.message}"
        raise


@contextmanager
def _gateway(address: Address, models_dir: Path, console: Console) -> Iterator[tuple[str, str]]:
    """Base URL and API key of the stack to use: the one named, the one that runs in the home, or one of our own."""
    known = address.known()
    if known is not None:
        yield known
        return
    from lensora.cli.stack import Stack  # noqa: PLC0415 - the client alone can do without

    home = Home.at(address.home)
    console.print(f"Starting Lensora in {home.folder} (logs in {home.logs_folder}) ...")
    stack = Stack(home, host="127.0.0.1", port=0, models_dir=models_dir, say=lambda _name, _line: None)
    try:
        started = stack.start(threading.Event())
        assert started is not None
        yield started.base_url, started.api_key
    finally:
        stack.stop()


def _report(result: Result, files: Mapping[str, Path], waited_s: Mapping[str, float]) -> None:
    click.echo()
    for name, path in files.items():
        click.echo(f"  {name:16} {path}  ({path.stat().st_size / 1e6:.2f} MB)")
    click.echo()
    for stage in result.stages:
        if stage.ms is not None:
            click.echo(f"  {stage.name:16} {stage.ms / 1000:6.2f} s")
    for view in (result.quality and result.quality.views) or ():
        outline = f", outline {view.silhouette_iou:.2f}" if view.used and view.silhouette_iou is not None else ""
        why = f": {view.message}" if view.message else ""
        name = view.side or ("further photo" if view.frames_used is None else "turn")
        of_film = f", {view.frames_used} pictures" if view.used and view.frames_used is not None else ""
        click.echo(f"  {name:16} {'used' if view.used else 'not used'}{of_film}{outline}{why}")
    if result.quality is not None and result.quality.still is not None:
        still = result.quality.still
        click.echo(
            f"  {'still':16} shows the {still.shows}: the photo looks {still.pitch_gap_deg:+.0f} degrees farther down"
        )
    click.echo("  " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in waited_s.items()))
