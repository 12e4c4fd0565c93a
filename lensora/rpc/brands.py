"""Protos <-> core types of what a brand puts on still and film."""

from __future__ import annotations

from lensora.api.scene.v1 import scene_pb2
from lensora.core.artifacts import Artifact
from lensora.core.branding import USUAL_LOGO_SHARE, LogoPlace
from lensora.core.errors import InvalidRequest
from lensora.core.words import Corner
from lensora.rpc.messages import artifact_to_proto

CORNERS = {
    scene_pb2.CORNER_UNSPECIFIED: Corner.BOTTOM_RIGHT,
    scene_pb2.CORNER_TOP_LEFT: Corner.TOP_LEFT,
    scene_pb2.CORNER_TOP_RIGHT: Corner.TOP_RIGHT,
    scene_pb2.CORNER_BOTTOM_LEFT: Corner.BOTTOM_LEFT,
    scene_pb2.CORNER_BOTTOM_RIGHT: Corner.BOTTOM_RIGHT,
}


def logo_place(message: scene_pb2.Logo, *, field: str = "logo") -> LogoPlace:
    """Where a logo lies. Raises InvalidRequest naming ``field``."""
    corner = CORNERS.get(message.corner)
    if corner is None:
        raise InvalidRequest(f"{field}.corner must be 0..4, not {message.corner}", field=field)
    try:
        return LogoPlace(corner, message.size or USUAL_LOGO_SHARE)
    except ValueError as error:
        raise InvalidRequest(f"{field}.{error}", field=field) from error


def logo_to_proto(picture: Artifact, place: LogoPlace) -> scene_pb2.Logo:
    """A logo's picture and place, as one message."""
    return scene_pb2.Logo(image=artifact_to_proto(picture), corner=f"CORNER_{place.corner.name}", size=place.size)
