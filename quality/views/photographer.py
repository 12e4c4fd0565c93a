"""Photos of one thing from several sides, as people take them: about where they say, never exactly."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.gl import Lighting, Pose, Renderer, TexturedMesh, random_lighting

YAWS_DEG = {"front": 0.0, "right": 90.0, "back": 180.0, "left": -90.0}
"""Where the camera stands for each side, about +y from the front towards +x."""


@dataclass(frozen=True)
class Sloppiness:
    """How far photos are off, each a uniform spread about what was meant.

    Attributes:
        yaw_deg: of a further photo, from its side.
        pitch_deg: of a further photo, from the front's pitch.
        roll_deg: of every photo.
        pitches_deg: between which the front's pitch lies.
        distance: between which each photo's distance lies, radii of the thing: its focal length.
        exposure: each photo's brightness, as a factor up and down.
        cast: the same for each colour.
        margin: the crop's half side over half the thing's longer side.
    """

    yaw_deg: float = 12.0
    pitch_deg: float = 8.0
    roll_deg: float = 2.0
    pitches_deg: tuple[float, float] = (4.0, 30.0)
    distance: tuple[float, float] = (2.6, 5.0)
    exposure: float = 1.25
    cast: float = 1.05
    margin: tuple[float, float] = (1.05, 1.4)


@dataclass(frozen=True)
class Session:
    """A thing's photos.

    Attributes:
        photos: by side, (s, s, 4) uint8 with straight alpha; ``front`` among them.
        poses: the camera of each.
        behind: exactly behind the front's camera, the thing framed to nine tenths of the picture.
        back: (s, s, 4) uint8, what the thing looks like from there, exposed as the front is.
        light: that all are taken in, fixed to the camera.
        gain: (3,) of linear light, the front's exposure and cast.
    """

    photos: dict[str, NDArray[np.uint8]]
    poses: dict[str, Pose]
    behind: Pose
    back: NDArray[np.uint8]
    light: Lighting
    gain: NDArray[np.float64]


def seed_of(name: str) -> int:
    """The seed of an object's photos."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)


def photographed(
    renderer: Renderer, mesh: TexturedMesh, seed: int, sides: Sequence[str], sloppy: Sloppiness | None = None
) -> Session:
    """Take the photos: the thing is turned on the spot, so that the light stays with the camera.

    Args:
        renderer: its size is the photos'.
        mesh: in the unit sphere, +Y up.
        seed: of all that is drawn by chance.
        sides: of ``YAWS_DEG``, beside the front.
        sloppy: how far they are off.
    """
    how = sloppy or Sloppiness()
    random = np.random.default_rng(seed)
    light = random_lighting(random)
    wide, deep = np.ptp(mesh.vertices[:, 0]), np.ptp(mesh.vertices[:, 2])
    # Meshes have no front: the wider of two sides is taken for one.
    front = (0.0 if wide >= deep else math.pi / 2) + math.pi * int(random.integers(2))
    pitch = math.radians(random.uniform(*how.pitches_deg))
    shown = renderer.upload(mesh)
    photos, poses, gains = {}, {}, {}
    # Every side is drawn from chance in one order, so that a photo is the same whatever others are asked for.
    for side, yaw_deg in YAWS_DEG.items():
        off = 0.0 if side == "front" else random.uniform(-how.yaw_deg, how.yaw_deg)
        tilt = 0.0 if side == "front" else random.uniform(-how.pitch_deg, how.pitch_deg)
        pose = Pose(
            azimuth=front + math.radians(yaw_deg + off),
            pitch=pitch + math.radians(tilt),
            roll=math.radians(random.uniform(-how.roll_deg, how.roll_deg)),
            distance=float(np.exp(random.uniform(*np.log(how.distance)))),
            margin=float(random.uniform(*how.margin)),
        )
        exposure = np.exp(random.uniform(-1, 1) * np.log(how.exposure))
        gains[side] = exposure * np.exp(random.uniform(-1, 1, 3) * np.log(how.cast))
        if side == "front" or side in sides:
            photos[side] = exposed(renderer.draw(shown, pose, light).rgba, gains[side])
            poses[side] = pose
    behind = Pose(poses["front"].azimuth + math.pi, pitch, poses["front"].roll, poses["front"].distance, 1.0 / 0.9)
    back = exposed(renderer.draw(shown, behind, light).rgba, gains["front"])
    shown.release()
    return Session(photos, poses, behind, back, light, gains["front"])


def exposed(rgba: NDArray[np.uint8], gain: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The picture with more or less light, and its cast; the gain is of linear light."""
    color = rgba[..., :3].astype(np.float64) * gain ** (1.0 / 2.2)
    return np.dstack([np.clip(np.round(color), 0, 255), rgba[..., 3:]]).astype(np.uint8)
