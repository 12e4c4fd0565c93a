"""What of a film does not change from frame to frame: the shot, and what makes its plate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.core.cameras import HERO, Pose, Rig, frame_poses, turn
from lensora.core.errors import InvalidImage
from lensora.core.scene import Scene
from lensora.core.staging import SQUARE, FrameShape
from lensora.core.words import CameraMove
from lensora.rpc.call import UNWATCHED, Call
from services.render.backplate import Plate, fitted_horizon, make_plate, plain_plate
from services.render.composition import reflects
from services.render.framing import PLAIN_PITCH, fit_rig, pitch_for_horizon, raised_rig
from services.render.glb import read_glb
from services.render.light import Illumination, illuminate
from services.render.model import Model, prepare
from services.render.order import FilmOrder
from services.render.photos import confidence_of, elevation_of, photo_sides, source_view
from services.render.shot import Shot
from services.render.sides import Sides
from services.render.still import RULES, pitch_gap

EXPOSURE_TRIANGLES = 50_000
"""Of each part: enough for a mean."""


LEAST_ASIDE = 0.2
"""Sine of the angle from above up to which a photo shows no side that could face the camera."""

SHARP = replace(HERO, aperture=0.0)
"""The pose of the still: all of the plate is as sharp as it is in the still with the cutout."""


@dataclass(frozen=True)
class StillPlan:
    """A still that the cutout does not fit into.

    Attributes:
        pitch_gap: radians that the photo's camera looked down more than the plate's does; negative: less.
        shot: one frame, of the model from the plate's camera; None where the model is not trusted enough.
        plate: makes its plate.
    """

    pitch_gap: float
    shot: Shot | None
    plate: Callable[[], Plate]


@dataclass(frozen=True)
class Plan:
    """A film's shot, and what is made later.

    Attributes:
        shot: what is drawn.
        plate: makes its plate, which takes longer and is not needed to draw the subject.
        still: the still with the model in it, where one is wanted and the cutout does not fit.
    """

    shot: Shot
    plate: Callable[[], Plate]
    still: StillPlan | None = None


def set_up(order: FilmOrder) -> tuple[Shot, Plate]:
    """Everything of a film that does not change from frame to frame."""
    plan = planned(order)
    return plan.shot, plan.plate()


def planned(order: FilmOrder, call: Call = UNWATCHED) -> Plan:
    """What is filmed, and how."""
    view, scene = source_view(order.glb), order.scene
    model = prepare(
        read_glb(order.glb),
        oriented=view is not None,
        upright=upright_of(view, scene),
        photo_sides=photo_sides(order.glb),
    )
    call.check()
    sides = Sides(model.photo_sides, confidence_of(order.glb))
    photo = None if view is None else elevation_of(view)
    light = hero_illumination(model, scene)

    def shot_of(rig: Rig, poses: tuple[Pose, ...]) -> Shot:
        return Shot(model, light, rig, poses, order.size, reflects(scene, rig), order.shape)

    def poses_from(pitch: float) -> tuple[Pose, ...]:
        return frame_poses(order.move, order.frames, sides.arc(pitch if scene.pitch is None else scene.pitch))

    if scene.plain:
        poses = poses_from(PLAIN_PITCH)
        rig = rig_for(model, order.move, poses, scene, PLAIN_PITCH, photo, None, order.shape)
        return Plan(shot_of(rig, poses), partial(plain_plate, order.size, rig, scene.color))
    picture = decode_picture(order.picture)
    horizon = fitted_horizon(picture, scene.horizon)
    pitch = pitch_for_horizon(horizon)
    poses = poses_from(pitch)
    rig = rig_for(model, order.move, poses, scene, pitch, photo, horizon, order.shape)
    call.check()
    still = None
    if order.still:
        pose = replace(SHARP, subject_yaw=photo_yaw(model))
        facing = replace(model, support=model.support @ turn(pose.subject_yaw).T)
        own = rig_for(facing, CameraMove.TURNTABLE, (SHARP,), scene, pitch, photo, horizon, order.shape)
        if (gap := pitch_gap(scene, own)) is not None:
            drawn = shot_of(own, (pose,)) if RULES.trusted(sides.confidence) else None
            still = StillPlan(gap, drawn, partial(make_plate, picture, horizon, own, (pose,), order.size))
    return Plan(shot_of(rig, poses), partial(make_plate, picture, horizon, rig, poses, order.size), still)


def photo_yaw(model: Model) -> float:
    """How far the subject is turned so that the side of its photo faces the hero camera, radians; 0 where the photo was
    taken from right above, or is not known."""
    if not len(model.photo_sides):
        return 0.0
    x, _, z = (float(value) for value in model.photo_sides[0])
    return 0.0 if math.hypot(x, z) < LEAST_ASIDE else -math.atan2(x, z)


def upright_of(view: NDArray[np.float64] | None, scene: Scene) -> NDArray[np.float64] | None:
    """(3,) unit vector, the file's frame: up, as the photo's camera has it; None where either is not known."""
    if view is None or scene.viewpoint is None:
        return None
    return np.asarray(view.T @ scene.viewpoint.up, np.float64)


def rig_for(
    model: Model,
    move: CameraMove,
    poses: tuple[Pose, ...],
    scene: Scene,
    pitch: float,
    photo: float | None,
    edge: float | None,
    shape: FrameShape = SQUARE,
) -> Rig:
    """The rig of a film: the scene's own camera where it is known, else one that suits ``pitch`` and ``edge``."""
    if scene.pitch is not None:
        return fit_rig(model.support, move, poses, scene.pitch, shape=shape)
    return raised_rig(model.support, move, poses, pitch, photo, edge, shape)


def hero_illumination(model: Model, scene: Scene) -> Illumination:
    """The scene's light, exposed for what of the model faces the hero camera."""
    normals, weights = [], []
    for part in model.parts:
        triangles = part.triangles[:: max(1, len(part.triangles) // EXPOSURE_TRIANGLES)]
        corners = part.positions[triangles].astype(np.float64)
        face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        weights.append(np.maximum(face[:, 2] if model.closed else np.abs(face[:, 2]), 0.0))
        assert part.normals is not None
        mean = part.normals[triangles].mean(axis=1)
        if not model.closed:
            mean = np.where(mean[:, 2:] < 0.0, -mean, mean)
        normals.append(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-6))
    return illuminate(scene.lighting, np.concatenate(normals), np.concatenate(weights))


def decode_picture(data: bytes) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 sRGB. Raises InvalidImage."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as exc:
        raise InvalidImage(f"backplate cannot be decoded: {exc}", field="backplate") from exc
    if pixels is None:
        raise InvalidImage(f"backplate cannot be decoded: {len(data)} bytes that are no picture", field="backplate")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
