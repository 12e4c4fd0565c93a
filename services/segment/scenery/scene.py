"""A backplate from a wish: the surroundings out of focus, the surface in perspective, one light over both."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.rpc.call import UNWATCHED, Call
from services.segment.scenery.floor import Floor, blur_disc
from services.segment.scenery.interiors import garlands
from services.segment.scenery.lens import bloom, defocus, develop
from services.segment.scenery.light import Mood
from services.segment.scenery.noise import Noise
from services.segment.scenery.painter import Painter
from services.segment.scenery.place import Stage
from services.segment.scenery.plan import Plan, plan
from services.segment.scenery.words import Wish

BACKDROP_PX = 512
"""The surroundings are painted at most this high: the lens hides anything finer."""

GRAIN = 1.1
"""Grain in 8-bit steps: as a camera at ISO 200."""


@dataclass(frozen=True)
class ScenePicture:
    """A finished picture.

    Attributes:
        picture: (h, w, 3) uint8 sRGB.
        horizon: fraction of the height where the surface ends; 0 where it fills the picture.
        pitch: radians that the camera looks down.
        mirror: share of light that the surface mirrors head on; 0 for grass and water.
        roughness: of what it mirrors, 0..1.
        mood: the light that it was lit with.
    """

    picture: NDArray[np.uint8]
    horizon: float
    pitch: float
    mirror: float
    roughness: float
    mood: Mood


def build(
    wish: Wish,
    width: int,
    height: int,
    seed: int,
    call: Call = UNWATCHED,
    pitch: float | None = None,
) -> ScenePicture:
    """Make the picture of a wish. The same arguments give the same pixels.

    Args:
        wish: what to show.
        width: pixels.
        height: pixels.
        seed: of everything that is left to chance.
        call: told of each phase.
        pitch: radians that the camera looks down; None for the usual view.
    """
    noise = Noise(seed)
    scene = plan(wish, noise, pitch)
    call.report("surroundings", 0.05)
    scale = min(1.0, BACKDROP_PX / height)
    painter = Painter(max(16, round(width * scale)), max(16, round(height * scale)))
    stage = Stage(painter, scene.setting, scene.mood, noise, scene.place_tint, scene.season, wish.bare)
    scene.place.paint(stage)
    if scene.season == "christmas" and not scene.place.outdoors and not scene.sweep:
        garlands(stage)
    call.report("lens", 0.35)
    backdrop = _out_of_focus(scene, painter, width, height)
    call.report("surface", 0.5)
    floor = Floor(scene, stage, backdrop)
    picture = floor.laid()
    call.report("film", 0.85)
    glance()
    picture = bloom(picture, scene.mood.bloom)
    return ScenePicture(
        picture=develop(picture, vignette=scene.mood.vignette, grain=GRAIN, seed=seed),
        horizon=scene.ground.first,
        pitch=scene.ground.pitch,
        mirror=floor.finish[0].mirror if floor.finish else 0.0,
        roughness=floor.finish[0].roughness if floor.finish else 1.0,
        mood=scene.mood,
    )


def _out_of_focus(scene: Plan, painter: Painter, width: int, height: int) -> NDArray[np.float32]:
    """(height, width, 3) the surroundings as the lens shows them; a paper wall has nothing to blur."""
    soft = painter.picture
    if not scene.sweep:
        soft = defocus(soft, 0.5 * blur_disc(scene.place.distance_m) * painter.height)
    grown = np.asarray(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.maximum(grown, 0.0)
