"""Films of one thing turning, as people make them: once round about, from about the front, never evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quality.gl import Pose, Renderer, TexturedMesh, random_lighting
from quality.views.photographer import Sloppiness, exposed


@dataclass(frozen=True)
class Unevenness:
    """How far films are off, each a uniform spread about what was meant.

    Attributes:
        begin_deg: of the first picture, from the front.
        turn_deg: of the whole turn, from once round.
        swing_deg: how far the turn runs ahead and falls behind.
        pitch_deg: of the film's pitch, from the photo's.
        exposure: the film's brightness, as a factor up and down.
        cast: the same for each colour.
        pictures: of the film that are looked at.
        length_s: of the film.
    """

    begin_deg: float = 12.0
    turn_deg: float = 40.0
    swing_deg: float = 20.0
    pitch_deg: float = 6.0
    exposure: float = 1.25
    cast: float = 1.05
    pictures: int = 60
    length_s: float = 8.0


@dataclass(frozen=True)
class Film:
    """A film.

    Attributes:
        pictures: (s, s, 4) uint8 each, with straight alpha.
        yaws: radians from the front of each, towards +x.
        seconds: of each.
    """

    pictures: list[NDArray[np.uint8]]
    yaws: NDArray[np.float64]
    seconds: NDArray[np.float64]


def filmed(renderer: Renderer, mesh: TexturedMesh, front: Pose, seed: int, uneven: Unevenness | None = None) -> Film:
    """Film a thing; either way round is as likely.

    Args:
        renderer: its size is the pictures'.
        mesh: in the unit sphere, +Y up.
        front: the photo's camera.
        seed: of all that is drawn by chance.
        uneven: how far it is off.
    """
    how = uneven or Unevenness()
    random = np.random.default_rng(seed + 1)
    # The photo's own light (``photographed``), seen by another camera.
    light = random_lighting(np.random.default_rng(seed))
    gain = math.exp(random.uniform(-1, 1) * math.log(how.exposure)) * np.exp(
        random.uniform(-1, 1, 3) * math.log(how.cast)
    )
    way = 1.0 if random.integers(2) else -1.0
    time = np.linspace(0.0, 1.0, how.pictures)
    phase = random.uniform(0.0, 2.0 * math.pi)
    swing = np.radians(random.uniform(-how.swing_deg, how.swing_deg)) * (
        np.sin(2.0 * math.pi * time + phase) - math.sin(phase)
    )
    whole = math.radians(360.0 + random.uniform(-how.turn_deg, how.turn_deg))
    begin = math.radians(random.uniform(-how.begin_deg, how.begin_deg))
    yaws = begin + way * (whole * time + swing)
    pitch = front.pitch + math.radians(random.uniform(-how.pitch_deg, how.pitch_deg))
    distance = float(np.exp(random.uniform(*np.log(Sloppiness().distance))))
    shown = renderer.upload(mesh)
    pictures = [
        exposed(renderer.draw(shown, Pose(front.azimuth + yaw, pitch, 0.0, distance, 1.3), light).rgba, gain)
        for yaw in yaws.tolist()
    ]
    shown.release()
    return Film(pictures, yaws, time * how.length_s)
