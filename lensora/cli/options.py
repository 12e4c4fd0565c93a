"""Options that several commands share: which gateway, which film, and how the answer is written."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from lensora.cli.home import DEFAULT_HOME, Home
from lensora.client import Client
from lensora.core.errors import ConfigurationError
from lensora.core.words import Aspect, CameraMove, OutputFormat, ViewSide

F = TypeVar("F", bound=Callable[..., Any])


class NumberRange(click.FloatRange):
    """Numbers of a range. NaN is in none, though it is neither below nor above."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value on standard output.")

AS_BEFORE = "as before"


def _camera(default: str) -> Callable[[F], F]:
    moves = click.Choice([move.value for move in CameraMove])
    return click.option("--camera", type=moves, help=f"The camera's move.  [default: {default}]")


camera_option = _camera("the brand's, or turntable")
other_camera_option = _camera(AS_BEFORE)
"""Of a film that was made before."""
brand_camera_option = _camera("each job's own")
"""Of a brand, which may leave it open."""


@dataclass(frozen=True, slots=True)
class Address:
    """What says which gateway is meant.

    Attributes:
        home: folder of a stack that may run here.
        base_url: a gateway that runs elsewhere; None for the stack of the home.
        api_key: for ``base_url``.
    """

    home: str
    base_url: str | None
    api_key: str | None

    def known(self) -> tuple[str, str] | None:
        """Base URL and API key of the gateway that is named, or that runs in the home; None when there is none.

        Raises:
            ConfigurationError: a URL without a key.
        """
        if self.base_url:
            if not self.api_key:
                raise ConfigurationError("--base-url needs --api-key (or LENSORA_API_KEY)")
            return self.base_url, self.api_key
        running = Home.at(self.home).running()
        return None if running is None else (running.base_url, running.api_key)

    def client(self) -> Client:
        """A client of that gateway. Raises ConfigurationError when there is none."""
        known = self.known()
        if known is None:
            raise ConfigurationError(
                "no stack runs here: start one with lensora up, or name a gateway with --base-url and --api-key"
            )
        return Client(*known)


def gateway_options(command: F) -> F:
    """Adds ``--home``, ``--base-url`` and ``--api-key``; the command is handed one ``address``."""

    @click.option("--home", envvar="LENSORA_HOME", default=DEFAULT_HOME, show_default=True, help="Folder of the stack.")
    @click.option("--base-url", envvar="LENSORA_BASE_URL", help="A gateway that runs elsewhere; needs --api-key.")
    @click.option("--api-key", envvar="LENSORA_API_KEY", help="API key for --base-url.")
    def with_address(*given: Any, home: str, base_url: str | None, api_key: str | None, **named: Any) -> Any:
        return command(*given, address=Address(home, base_url, api_key), **named)

    return _named_as(with_address, command)


def size_options(command: F) -> F:
    """Adds the thing's true size; the command is handed ``height_cm``, ``width_cm`` and ``depth_cm``."""
    depth = click.option("--depth-cm", type=float, help="Its true depth, in place of its height.")
    width = click.option("--width-cm", type=float, help="Its true width from the front, in place of its height.")
    height = click.option("--height-cm", type=float, help="The thing's true height, for AR and 3D printing.")
    return height(width(depth(command)))


@dataclass(frozen=True)
class Views:
    """What is given beside the photo.

    Attributes:
        photos: the side that each shows, None where nobody says.
        turn: a film of the subject turning.
    """

    photos: tuple[tuple[ViewSide | None, Path], ...] = ()
    turn: Path | None = None

    @property
    def count(self) -> int:
        """Views of the session."""
        return len(self.photos) + (self.turn is not None)


def view_options(command: F) -> F:
    """Adds further photos of the subject, one option for each side, and a film; the command is handed one ``views``."""

    def with_views(*given: Any, view: tuple[Path, ...], turn: Path | None, **named: Any) -> Any:
        sides = [(side, path) for side in ViewSide for path in named.pop(side.value)]
        return command(*given, views=Views((*sides, *((None, path) for path in view)), turn), **named)

    photo = click.Path(exists=True, dir_okay=False, path_type=Path)
    decorated: Any = with_views
    decorated = click.option(
        "--turn", type=photo, help="A film of it turning once, 3 to 15 s, MP4 or MOV, from the front on; 10 credits."
    )(decorated)
    decorated = click.option("--view", multiple=True, type=photo, help="Of a side that you do not name: seldom used.")(
        decorated
    )
    for side in reversed(ViewSide):
        decorated = click.option(f"--{side}", multiple=True, type=photo, help=_SIDE_HELP[side])(decorated)
    return _named_as(decorated, command)


_SIDE_HELP = {
    ViewSide.FRONT: "A second photo of the front.",
    ViewSide.BACK: "A photo of the back; 2 credits each, five at most.",
    ViewSide.LEFT: "Of the side at your left hand, as you see the front.",
    ViewSide.RIGHT: "Of the side at your right hand.",
    ViewSide.TOP: "From above.",
    ViewSide.DETAIL: "Of a part, closer.",
}


def film_options(command: F) -> F:
    """Adds the choices of ``output``; the command is handed one ``output``, with what was given."""
    return _with_output(command, size="768", aspect="the brand's, or 1:1", fps="24", seconds="4")


def other_film_options(command: F) -> F:
    """The same of a film that was made before."""
    return _with_output(command, size=AS_BEFORE, aspect=AS_BEFORE, fps=AS_BEFORE, seconds=AS_BEFORE)


def _with_output(command: F, **default: str) -> F:
    @click.option("--size", type=int, help=f"Longer side of the film, pixels, even.  [default: {default['size']}]")
    @click.option(
        "--aspect",
        type=click.Choice([shape.value for shape in Aspect]),
        help=f"Width to height of film and still.  [default: {default['aspect']}]",
    )
    @click.option("--fps", type=int, help=f"Frames per second.  [default: {default['fps']}]")
    @click.option("--seconds", type=float, help=f"Length of the film.  [default: {default['seconds']}]")
    @click.option(
        "--format",
        "formats",
        multiple=True,
        type=click.Choice([kind.value for kind in OutputFormat]),
        help="A file to make beside MP4 and GLB; may be given more than once.",
    )
    def with_output(
        *given: Any,
        size: int | None,
        aspect: str | None,
        fps: int | None,
        seconds: float | None,
        formats: tuple[str, ...],
        **named: Any,
    ) -> Any:
        chosen = {"size": size, "aspect": aspect, "fps": fps, "seconds": seconds, "formats": list(formats) or None}
        return command(*given, output={name: value for name, value in chosen.items() if value is not None}, **named)

    return _named_as(with_output, command)


def check_out(out: Path) -> None:
    """Make the folder of ``--out``, before anything is paid. Raises ConfigurationError: nothing can be saved there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"--out {out}: {error.strerror or error}") from error
    if not os.access(out, os.W_OK | os.X_OK):
        raise ConfigurationError(f"--out {out}: the folder is not writable")


def say_json(value: Mapping[str, Any] | list[Any]) -> None:
    """One JSON value on standard output."""
    click.echo(json_line(value))


def json_line(value: Mapping[str, Any] | list[Any]) -> str:
    """A JSON value for standard output: in plain characters where its encoding does not have those of the value."""
    line = json.dumps(value, ensure_ascii=False)
    try:
        line.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        return json.dumps(value)
    return line


def _named_as(outer: Callable[..., Any], inner: F) -> F:
    """The outer function with the inner one's name, help and options, as ``click`` reads them."""
    outer.__name__, outer.__doc__ = inner.__name__, inner.__doc__
    outer.__dict__.setdefault("__click_params__", [])
    outer.__dict__["__click_params__"] = getattr(inner, "__click_params__", []) + outer.__dict__["__click_params__"]
    return outer  # type: ignore[return-value]
