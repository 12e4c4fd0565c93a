"""Protos <-> core types that every stage shares, and the keys of outputs."""

from __future__ import annotations

import hashlib

import numpy as np
from google.protobuf.message import Message

from lensora.api.artifact.v1 import artifact_pb2
from lensora.api.progress.v1 import progress_pb2
from lensora.api.scene.v1 import scene_pb2
from lensora.api.segment.v1 import segmenter_pb2
from lensora.core.artifacts import SUFFIX, Artifact, MediaType, ModelUse
from lensora.core.boxes import Box, Point
from lensora.core.errors import InvalidRequest
from lensora.core.scene import SH_COEFFICIENTS, Lighting, Scene
from lensora.core.viewpoint import Viewpoint
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


def scene_from_proto(message: scene_pb2.Backplate, *, field: str = "backplate") -> Scene:
    """What a backplate says of its ground and light. Raises InvalidRequest naming ``field``."""
    light = message.lighting
    try:
        lighting = Lighting(
            sh=np.array(light.sh, np.float32).reshape(SH_COEFFICIENTS, 3),
            key_direction=np.array(light.key_direction, np.float32),
            key_color=np.array(light.key_color, np.float32),
        )
        return Scene(
            horizon=message.horizon,
            plain=message.plain,
            lighting=lighting,
            afloat=message.afloat,
            pitch=message.pitch if message.HasField("pitch") else None,
            viewpoint=viewpoint_from_proto(message.viewpoint) if message.HasField("viewpoint") else None,
            mirror=message.mirror,
            roughness=message.roughness,
        )
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def viewpoint_from_proto(message: scene_pb2.Viewpoint, *, field: str = "viewpoint") -> Viewpoint:
    """The camera of a photo. Raises InvalidRequest naming ``field``."""
    try:
        return Viewpoint(
            message.pitch, message.roll, message.distance, message.contact, message.pitch_doubt, message.roll_doubt
        )
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def viewpoint_to_proto(viewpoint: Viewpoint) -> scene_pb2.Viewpoint:
    """The same camera as a message."""
    return scene_pb2.Viewpoint(
        pitch=viewpoint.pitch,
        roll=viewpoint.roll,
        distance=viewpoint.distance,
        contact=viewpoint.contact,
        pitch_doubt=viewpoint.pitch_doubt,
        roll_doubt=viewpoint.roll_doubt,
    )


def backplate_to_proto(image: Artifact, scene: Scene) -> scene_pb2.Backplate:
    """A backplate's picture and what is known of it, as one message."""
    return scene_pb2.Backplate(
        image=artifact_to_proto(image),
        horizon=scene.horizon,
        plain=scene.plain,
        lighting=scene_pb2.Lighting(
            sh=scene.lighting.sh.reshape(-1).tolist(),
            key_direction=scene.lighting.key_direction.tolist(),
            key_color=scene.lighting.key_color.tolist(),
        ),
        afloat=scene.afloat,
        pitch=scene.pitch,
        viewpoint=None if scene.viewpoint is None else viewpoint_to_proto(scene.viewpoint),
        mirror=scene.mirror,
        roughness=scene.roughness,
    )


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
