"""What a job makes, and which of its ends are told: from a body's choices. Pure."""

from __future__ import annotations

from dataclasses import replace

from gateway.jobs.records import OutputChoices
from lensora.contract import requests as schemas
from lensora.core.errors import InvalidRequest
from lensora.core.words import OutputFormat, WebhookEvent

FILM_FORMATS = (
    OutputFormat.MP4,
    OutputFormat.GLB,
    OutputFormat.WEBM_ALPHA,
    OutputFormat.GIF,
    OutputFormat.WEBP,
    OutputFormat.POSTER,
)
"""What a second film of a kept mesh can have; the mesh's own further formats were made with the mesh."""


def output_of(body: schemas.OutputBody) -> OutputChoices:
    """The choices of a first film."""
    formats = dict.fromkeys([OutputFormat.MP4, OutputFormat.GLB, *body.formats])
    return OutputChoices(body.size, body.fps, body.seconds, tuple(formats), body.max_glb_bytes or 0, body.aspect)


def film_of(before: OutputChoices, body: schemas.OutputBody | None) -> OutputChoices:
    """Choices of a second film: those given, the model's own from before. Raises InvalidRequest."""
    if body is None:
        return before
    for place, name in enumerate(body.formats):
        if name not in FILM_FORMATS and name not in before.formats:
            raise InvalidRequest(
                f"output.formats.{place} must be one of {', '.join(FILM_FORMATS)}, not {name.value!r}: "
                "the model is kept.",
                field="output.formats",
            )
    if body.max_glb_bytes not in (None, before.max_glb_bytes):
        raise InvalidRequest(
            f"output.max_glb_bytes must be left out, not {body.max_glb_bytes}: the model is kept.",
            field="output.max_glb_bytes",
        )
    return replace(output_of(body), max_glb_bytes=before.max_glb_bytes)


def events_of(url: str | None, names: list[WebhookEvent] | None) -> tuple[WebhookEvent, ...]:
    """The ends that a webhook is told of; all where none are named. Raises InvalidRequest."""
    if url is None:
        if names is not None:
            raise InvalidRequest("webhook_events needs webhook_url.", field="webhook_events")
        return ()
    return tuple(WebhookEvent) if names is None else tuple(dict.fromkeys(names))
