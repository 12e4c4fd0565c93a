"""What a film costs beside its base price, how long it may take, and how much of a worker it is.

The base prices are for what the public page describes: 96 frames of 768 x 768 pixels, and everything below that. A film
with more frames or pixels costs more, in proportion to the frames x pixels above the base, for each film that is
encoded. All of it is known before the job is accepted.
"""

from __future__ import annotations

import math

from gateway.jobs.records import RENDER_CREDITS, TRANSFORM_CREDITS, OutputChoices
from lensora.core.errors import InvalidRequest
from lensora.core.words import OutputFormat

BASE_PIXELS = 768 * 768 * 96
"""Frames x pixels of the public page's film, which the base price pays for."""

FILM_CREDITS = 25
"""Price of one base film's worth of frames x pixels: what filming a kept mesh again costs."""

FILMS = (OutputFormat.MP4, OutputFormat.WEBM_ALPHA, OutputFormat.GIF, OutputFormat.WEBP)
"""Formats that are films: each is encoded by itself."""

MOST_UNITS = 40.0
"""Largest film: 2160 x 2160 at 24 frames a second for 20 s. About three minutes of a core, at the 4.3 s that a base
film was measured to take; more than that is a film to cut from several."""

UNHURRIED_UNITS = 10.0
"""Up to here a job's deadline is the installation's own; above, it grows in proportion."""

LONGEST = MOST_UNITS / UNHURRIED_UNITS
"""The longest deadline of a job, as a multiple of the installation's own."""


def film_units(output: OutputChoices) -> float:
    """Frames x pixels of one film, in base films."""
    width, height = output.frame
    return width * height * round(output.fps * output.seconds) / BASE_PIXELS


def units(output: OutputChoices) -> float:
    """Work of a job in ordinary jobs, at least 1: its films' frames x pixels in base films."""
    return max(1.0, film_units(output) * _films(output))


def surcharge(output: OutputChoices) -> int:
    """Credits above the base price."""
    return math.ceil(FILM_CREDITS * max(0.0, film_units(output) - 1.0) * _films(output))


def film_price(output: OutputChoices) -> int:
    """Most that one further film, encoded from the same frames, adds to a job's price."""
    return math.ceil(FILM_CREDITS * max(0.0, film_units(output) - 1.0))


def transform_price(output: OutputChoices) -> int:
    """Credits of a job."""
    return TRANSFORM_CREDITS + surcharge(output)


def render_price(output: OutputChoices) -> int:
    """Credits of filming a kept mesh again."""
    return RENDER_CREDITS + surcharge(output)


def patience(output: OutputChoices) -> float:
    """The job's deadline as a multiple of the installation's own, at least 1."""
    return min(LONGEST, max(1.0, units(output) / UNHURRIED_UNITS))


def require_bounded(output: OutputChoices) -> None:
    """Raises InvalidRequest for a film of more work than one job may be."""
    wanted = units(output)
    if wanted > MOST_UNITS:
        frames = round(output.fps * output.seconds)
        width, height = output.frame
        raise InvalidRequest(
            f"output asks for {_films(output)} film(s) of {frames} frames of {width} x {height} pixels, "
            f"{math.ceil(wanted)} times the ordinary film's; a job may have at most {MOST_UNITS:.0f} times that.",
            field="output",
        )


def _films(output: OutputChoices) -> int:
    return len(set(FILMS) & {OutputFormat.MP4, *output.formats})
