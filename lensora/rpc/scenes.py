"""Protos <-> core types of scenes, light and cameras: what the stages share and the gateway hands on unread."""

from __future__ import annotations

import numpy as np

from lensora.api.scene.v1 import scene_pb2
from lensora.core.artifacts import Artifact
from lensora.core.colours import WHITE, from_number, number_of
from lensora.core.errors import InvalidRequest
from lensora.core.scene import SH_COEFFICIENTS, Lighting, Scene
from lensora.core.viewpoint import Viewpoint
from lensora.rpc.messages import artifact_to_proto

FORMER_DISTANCE = 3.2
"""Written into a field that nothing reads since 2026-11-30: a release from before refuses a camera without it."""


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
            color=from_number(message.color) if message.HasField("color") else WHITE,
        )
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def viewpoint_from_proto(message: scene_pb2.Viewpoint, *, field: str = "viewpoint") -> Viewpoint:
    """The camera of a photo. Raises InvalidRequest naming ``field``."""
    try:
        return Viewpoint(message.pitch, message.roll, message.pitch_doubt, message.roll_doubt)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", field=field) from error


def viewpoint_to_proto(viewpoint: Viewpoint) -> scene_pb2.Viewpoint:
    """The same camera as a message."""
    return scene_pb2.Viewpoint(
        pitch=viewpoint.pitch,
        roll=viewpoint.roll,
        distance=FORMER_DISTANCE,
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
        color=number_of(scene.color) if scene.plain else None,
    )
