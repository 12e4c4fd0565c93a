"""How steeply each photo looks down, told by all photos of a thing together.

Sides of a thing are photographed from beside it, and one person takes photos from about one height. A network's word of
a pitch is about as far off as it says, or says nothing: some things look like others seen from above.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.mesh.views.evidence import Evidence

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class PitchRules:
    """What is held of pitches before photos are looked at.

    Attributes:
        above: radians, the pitch of a photo from the top.
        beside, beside_spread: the pitch from which sides of a thing are photographed, radians, and its spread.
        between: spread of the pitches of photos that one person takes of a thing about their mean, radians.
        slack: times as far off as it says that a photo's own pitch is ...
        astray: ... and the share of photos whose own pitch says nothing. Front photos of the 40 things of ``tune`` are
            off by 5.2 degrees in the mean, their pitches and the backs' together by 8.9; without this share by 6.4 and
            11.3.
        lowest, highest: pitches that are thought of, radians ...
        step: ... so far apart.
    """

    above: float = math.radians(75.0)
    beside: float = 0.3
    beside_spread: float = 0.2
    between: float = math.radians(6.0)
    slack: float = 1.5
    astray: float = 0.1
    lowest: float = math.radians(-30.0)
    highest: float = math.radians(95.0)
    step: float = math.radians(1.0)


RULES = PitchRules()


def level(evidences: Sequence[Evidence], beside: Sequence[bool]) -> list[Evidence]:
    """The photos' words, with the pitches and spreads that are to be expected from all of them.

    Args:
        evidences: the photos' words.
        beside: for each, whether it is known to show a side. One that is not, and says that it is from the top, is left
            as it is.
    """
    drawn = [side or one.standpoint.pitch < RULES.above for one, side in zip(evidences, beside, strict=True)]
    said = [one for one, taken in zip(evidences, drawn, strict=True) if taken]
    expected = iter(expected_pitches([(one.standpoint.pitch, one.pitch_spread) for one in said]))
    return [_with(one, *next(expected)) if taken else one for one, taken in zip(evidences, drawn, strict=True)]


def _with(evidence: Evidence, pitch: float, spread: float) -> Evidence:
    return replace(evidence, standpoint=replace(evidence.standpoint, pitch=pitch), pitch_spread=spread)


def expected_pitches(said: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Mean and standard deviation of each photo's pitch, radians.

    Args:
        said: pitch and spread of each as it says itself, radians.
    """
    pitches = np.arange(RULES.lowest, RULES.highest, RULES.step)
    own = [_likely(pitches, pitch, RULES.slack * spread) for pitch, spread in said]
    # All photos' mean stands between them: what one says of its own pitch tells of that mean, and so of the others'.
    apart = np.exp(-0.5 * ((pitches[:, None] - pitches) / RULES.between) ** 2)
    of_mean = [apart @ one for one in own]
    usual = np.exp(-0.5 * ((pitches - RULES.beside) / RULES.beside_spread) ** 2)
    out = []
    for number, one in enumerate(own):
        others = [each for other, each in enumerate(of_mean) if other != number]
        mean = usual.copy()
        for other in others:
            # Divided by its most, or many photos would leave nothing of it.
            mean = mean * other / (mean * other).max()
        weight = one * (apart @ mean)
        weight /= weight.sum()
        middle = float((weight * pitches).sum())
        out.append((middle, math.sqrt(float((weight * (pitches - middle) ** 2).sum()))))
    return out


def _likely(pitches: Doubles, said: float, spread: float) -> Doubles:
    """How likely a photo says what it says, at each pitch."""
    near = np.exp(-0.5 * ((pitches - said) / spread) ** 2) / (spread * math.sqrt(2.0 * math.pi))
    return np.asarray((1.0 - RULES.astray) * near + RULES.astray / (RULES.highest - RULES.lowest))
