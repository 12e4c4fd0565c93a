"""Protos <-> core types that every stage shares, and the keys of outputs."""

from __future__ import annotations

import hashlib

from google.protobuf.message import Message

from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.progress.v1 import progress_pb2
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2
from lensora.core.artifacts import SUFFIX, Artifact, MediaType, ModelUse
from lensora.core.boxes import Box, Point
from lensora.core.errors import InvalidRequest
from lensora.rpc.call import Progress

KEY_DIGEST_CHARACTERS = 16
"""64 bits of SHA-256: enough to keep the few outputs of one job apart."""


def artifact_from_proto(message: artifact_pb2.Artifact, *, field: str) -> Artifact:
    """Raises InvalidRequest naming ``field`` when the reference is malformed."""
    try:
        return Artifact(
            uri=message.uri, sha256=message.sha256, size_bytes=message.size_bytes, media_type=message.media_type
        )
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def artifact_to_proto(artifact: Artifact) -> artifact_pb2.Artifact:
    """The same reference as a message."""
    return artifact_pb2.Artifact(
        uri=artifact.uri, sha256=artifact.sha256, size_bytes=artifact.size_bytes, media_type=artifact.media_type
    )


def model_use_to_proto(use: ModelUse) -> artifact_pb2.ModelUse:
    """The same row as a message."""
    return artifact_pb2.ModelUse(
        name=use.name, version=use.version, sha256=use.sha256, license=use.license, stage=use.stage
    )


def model_use_from_proto(message: artifact_pb2.ModelUse) -> ModelUse:
    """The same row as a core type."""
    return ModelUse(
        name=message.name,
        version=message.version,
        sha256=message.sha256,
        license=message.license,
        stage=message.stage,
    )


def box_from_proto(message: scene_pb2.Box, *, field: str) -> Box:
    """Raises InvalidRequest naming ``field`` when the corners are out of order or out of range."""
    try:
        return Box(message.x1, message.y1, message.x2, message.y2)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def box_to_proto(box: Box) -> scene_pb2.Box:
    """The same box as a message."""
    return scene_pb2.Box(x1=box.x1, y1=box.y1, x2=box.x2, y2=box.y2)


def point_from_proto(message: segmenter_pb2.Point, *, field: str) -> Point:
    """Raises InvalidRequest naming ``field`` when it lies outside of the photo."""
    try:
        return Point(message.x, message.y, message.keep)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def point_to_proto(point: Point) -> segmenter_pb2.Point:
    """The same point as a message."""
    return segmenter_pb2.Point(x=point.x, y=point.y, keep=point.keep)


def progress_to_proto(progress: Progress) -> progress_pb2.Progress:
    """The same report as a message."""
    return progress_pb2.Progress(fraction=progress.fraction, phase=progress.phase)


def output_key(prefix: str, name: str, request: Message, media_type: MediaType) -> str:
    """The key of a stage's output: derived from the job's prefix and the stage's inputs, so a repeat rewrites it.

    Args:
        prefix: the request's ``output_prefix``, such as ``jobs/<id>/``.
        name: the output's name for people, such as ``cutout``.
        request: the stage's whole request.
        media_type: gives the key its suffix.
    """
    digest = hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:KEY_DIGEST_CHARACTERS]
    return f"{prefix.rstrip('/')}/{name}-{digest}{SUFFIX[media_type]}"
