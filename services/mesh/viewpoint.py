"""Where the photo of a cutout was taken from, told before there is a mesh.

Several witnesses look at the cutout: a box that lies or stands, the rim of a vessel, the thing's name, and a network
where one is at hand. Each says how sure it is, and the surest is believed. Where none speaks, a thing on little
footing was probably seen from above; a network that is hardly sure is drawn towards that guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lensora.core.viewpoint import Viewpoint
from lensora.observability import logs
from services.mesh.cutout import Cutout
from services.mesh.explanation import Explained, explain
from services.mesh.network import ShapePrediction
from services.mesh.shape.turned import find_turned
from services.mesh.view import View

_log = logs.get(__name__)


@dataclass(frozen=True)
class ViewpointRules:
    """How far each witness is off, radians: rounded by hand from what ``bench.staging`` once printed of
    objects that are not reserved.

    Attributes:
        box: of a box whose inner edges or outline are clear.
        rim: of a vessel's rim that shows all around.
        tiers: of a vessel on its saucer, whose discs both tell it.
        flat: the pitch from which things are photographed that lie by nature ...
        flat_doubt: ... and how far that is off.
        nothing: where no witness speaks.
        usual: the pitch where no witness speaks and the thing stands broadly.
        footing: how much steeper the camera looks for all of the width that does not touch the ground.
        broad: share of the width from which on a footing is a broad one.
        diagonal: how much steeper for a long thing that runs across the picture from corner to corner.
        roll: of a box's roll.
        level: of the roll, where nothing tells it.
        shallowest, steepest: photos of products are taken from between these.
    """

    box: float = math.radians(4.0)
    rim: float = math.radians(8.0)
    tiers: float = math.radians(5.0)
    flat: float = math.radians(68.0)
    flat_doubt: float = math.radians(12.0)
    nothing: float = math.radians(17.0)
    usual: float = math.radians(17.0)
    footing: float = math.radians(13.0)
    broad: float = 0.6
    diagonal: float = math.radians(16.0)
    roll: float = math.radians(1.5)
    level: float = math.radians(2.5)
    shallowest: float = math.radians(-12.0)
    steepest: float = math.radians(89.0)


RULES = ViewpointRules()


LIES = frozenset(
    {
        "scissor",
        "shear",
        "knife",
        "fork",
        "spoon",
        "chopstick",
        "spatula",
        "ladle",
        "pen",
        "pencil",
        "crayon",
        "marker",
        "brush",
        "paintbrush",
        "toothbrush",
        "comb",
        "ruler",
        "key",
        "keyboard",
        "remote",
        "wrench",
        "spanner",
        "screwdriver",
        "plier",
        "hammer",
        "chisel",
        "coin",
        "card",
        "envelope",
        "letter",
        "watch",
        "wristwatch",
        "necklace",
        "bracelet",
        "ring",
        "glasses",
        "sunglasses",
        "eyeglasses",
        "spectacles",
        "tie",
        "belt",
        "glove",
        "sock",
        "pizza",
        "pancake",
        "omelette",
    }
)
"""Things, without their plural's s, that lie on a table: they cannot stand, and are photographed from above."""


def lies(name: str) -> bool:
    """Whether a thing of this name, such as ``remote control``, lies by nature."""
    words = re.findall(r"[a-z]+", name.lower())
    return any(word in LIES or word.removesuffix("s") in LIES for word in words)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one witness says: pitch and roll, and the standard deviation of each, radians."""

    pitch: float
    pitch_doubt: float
    roll: float
    roll_doubt: float


@dataclass(frozen=True)
class NetworkTrust:
    """How far a network's own doubt is believed.

    Attributes:
        half: radians that it says it is off by, at which the pitch lies half-way between its word and the guess of the
            rules. Chosen by ``quality.fit_staging`` on reserved objects that are in no part ``unseen``.
        slack: times as far off as it says that it is. With 0.7, 1, 1.3 and 1.8 the median error on 80 pictures of made
            objects that the network has not seen was 5.5, 5.7, 6.9 and 8.1 degrees (``bench.staging --fit``): it is
            taken at its word.
        least: radians; it is never surer than this.
    """

    half: float = math.radians(35.0)
    slack: float = 1.0
    least: float = math.radians(2.5)


TRUST = NetworkTrust()


def sighting_of(said: ShapePrediction, trust: NetworkTrust = TRUST) -> Sighting:
    """What the shape network says of the camera."""
    return Sighting(
        said.pitch,
        max(trust.least, trust.slack * said.pitch_spread),
        -said.roll,  # the network's leans clockwise
        max(trust.least, trust.slack * said.roll_spread),
    )


def estimate_camera(
    cutout: Cutout,
    name: str = "",
    rules: ViewpointRules = RULES,
    explained: Explained | None = None,
) -> Viewpoint:
    """Where the photo was taken from.

    Args:
        cutout: the subject.
        name: what it is called, such as ``scissors``; empty if not known.
        rules: how far each kind of evidence is off.
        explained: what explains the cutout and what the network said of it; None explains it by the rules alone.
    """
    if explained is None:
        view = View(cutout)
        explained = Explained(view, explain(view))
    return believed(witnesses_of(explained, name, rules))


@dataclass(frozen=True, slots=True)
class Witnesses:
    """All that is said of a photo's camera.

    Attributes:
        told: by the shape that explains the photo, and by the thing's name.
        network: by the shape network; None where there is none.
        guess: by the outline alone, which speaks always.
    """

    told: tuple[Sighting, ...]
    network: Sighting | None
    guess: Sighting


def witnesses_of(explained: Explained, name: str = "", rules: ViewpointRules = RULES) -> Witnesses:
    """What is said of the camera of a photo; arguments as for ``estimate_camera``."""
    told = list(_from_shape(explained, rules))
    if lies(name):
        told.append(Sighting(rules.flat, rules.flat_doubt, 0.0, rules.level))
    prediction = explained.view.prediction
    return Witnesses(
        tuple(told), None if prediction is None else sighting_of(prediction), guessed(explained.view.cutout, rules)
    )


def believed(said: Witnesses, rules: ViewpointRules = RULES, trust: NetworkTrust = TRUST) -> Viewpoint:
    """The camera that comes of what is said of it."""
    told, guess = list(said.told), said.guess
    if said.network is not None:
        sighting = said.network
        weight = 1.0 / (1.0 + (sighting.pitch_doubt / trust.half) ** 2)
        pitch = guess.pitch + weight * (sighting.pitch - guess.pitch)
        told.append(replace(sighting, pitch=pitch, pitch_doubt=min(sighting.pitch_doubt, guess.pitch_doubt)))
    surest = min(told, key=lambda each: each.pitch_doubt, default=guess)
    level = min([*told, guess], key=lambda each: each.roll_doubt)
    return Viewpoint(
        pitch=min(rules.steepest, max(rules.shallowest, surest.pitch)),
        roll=level.roll,
        pitch_doubt=surest.pitch_doubt,
        roll_doubt=level.roll_doubt,
    )


def _from_shape(explained: Explained, rules: ViewpointRules) -> Iterator[Sighting]:
    """What the shape that explains the photo says of its camera, where it does."""
    view, best = explained.view, explained.verdict.best
    doubts = {"box": (rules.box, rules.roll), "tiered": (rules.tiers, rules.level)}
    if best.kind == "turned" and view.measured(find_turned).mouth is not None:
        doubts["turned"] = (rules.rim, rules.level)
    if best.kind in doubts:
        pitch, roll = best.camera.pitch(), best.camera.roll() if best.kind == "box" else 0.0
        yield Sighting(pitch, doubts[best.kind][0], roll, doubts[best.kind][1])


def guessed(cutout: Cutout, rules: ViewpointRules = RULES) -> Sighting:
    """What the outline alone lets expect."""
    narrow = max(0.0, 1.0 - footing(cutout) / rules.broad)
    pitch = rules.usual + rules.footing * narrow + rules.diagonal * diagonality(cutout)
    return Sighting(pitch, rules.nothing, 0.0, rules.level)


def footing(cutout: Cutout) -> float:
    """Share of the silhouette's width over which its lowest twenty-fifth spreads, 0..1."""
    rows, columns = np.nonzero(cutout.mask)
    lowest = columns[rows >= rows.max() - 0.04 * (np.ptp(rows) + 1)]
    return float(np.ptp(lowest) / (np.ptp(columns) + 1))


def diagonality(cutout: Cutout) -> float:
    """0 for what is upright, level or as wide as long, up to 1 for a thin thing that runs from corner to corner."""
    rows, columns = np.nonzero(cutout.mask)
    spread, axes = np.linalg.eigh(np.cov(np.stack([columns, rows]).astype(np.float64)))
    long = axes[:, 1]
    slender = 1.0 - math.sqrt(max(float(spread[0]), 0.0) / max(float(spread[1]), 1e-9))
    return abs(2.0 * float(long[0]) * float(long[1])) * slender
