"""Where the pictures of a film of the thing turning were taken from: all fitted at once.

Its pictures come in order, and one turn goes one way round. So three numbers place them all: where the turn begins, how
far it goes, and which way. Each picture is first held against the photos whose cameras are known, from yaws all around;
the three numbers are then read off these scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.patience import glance
from lensora.core.words import ViewOmission
from services.mesh.views.evidence import Evidence
from services.mesh.views.registration import RULES as SEARCH
from services.mesh.views.registration import Found, Witness, agreements, find
from services.mesh.views.sides import Filmed
from services.mesh.views.starts import standing_at
from services.mesh.views.verdict import objection

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class TurnRules:
    """How a turn is fitted. What is asked of who films decides the usual turn: it begins with the front, and goes
    round once.

    Attributes:
        yaws: all around, from which each picture is held against the photos.
        begins: spread of where a turn begins, radians from the front ...
        begin_most, begin_step: ... and what is tried there.
        whole: spread of how far it goes, radians from once round ...
        least, most, step: ... and what is tried, radians.
        pull: mean score for one spread away from the usual.
        seen: mean score that a film whose pictures all move one way gains for that way.
        clear: lead over the best turn of the other way that is needed.
        kept: pictures of the turn that a model is made with, spread evenly over it. On three things of ``tune`` five
            give more F-score than four, and than all eight.
    """

    yaws: int = 16
    begins: float = math.radians(30.0)
    begin_most: float = math.radians(60.0)
    begin_step: float = math.radians(7.5)
    whole: float = math.radians(60.0)
    least: float = math.radians(150.0)
    most: float = math.radians(480.0)
    step: float = math.radians(15.0)
    pull: float = 0.03
    seen: float = 0.1
    clear: float = 0.05
    kept: int = 5


RULES = TurnRules()


@dataclass(frozen=True)
class Turn:
    """A turn that was fitted.

    Attributes:
        yaws: (pictures,) radians, where each was taken from.
        lead: mean score over the best turn of the other way.
    """

    yaws: Doubles
    lead: float

    @property
    def clear(self) -> bool:
        """Whether it is known which way the film turns."""
        return self.lead >= RULES.clear


def found_in_turn(
    frames: Mapping[int, tuple[Evidence, Filmed]], others: Sequence[Witness]
) -> tuple[dict[int, Found], dict[int, ViewOmission]]:
    """The pictures of a film that the model is made with, and why it is made without others, by their numbers.

    Of those that could be used and are not needed, no reason is given.

    Args:
        frames: the words of the film's pictures, and where in it each is.
        others: photos whose cameras are known, the main one first.
    """
    scores = np.array([_all_around(word, others) for word, _filmed in frames.values()])
    filmed = [one for _word, one in frames.values()]
    turn = fitted(scores, np.array([one.share for one in filmed]), float(np.mean([one.direction for one in filmed])))
    if not turn.clear:
        return {}, dict.fromkeys(frames, ViewOmission.TURN_UNCLEAR)
    found: dict[int, Found] = {}
    omitted: dict[int, ViewOmission] = {}
    for (number, (word, _filmed)), yaw in zip(frames.items(), turn.yaws.tolist(), strict=True):
        one = find(word, [standing_at(word, yaw, others[0])], others, known=True, rounds=SEARCH.rough)
        against = objection(one)
        if against is None:
            found[number] = one
        else:
            omitted[number] = against
    numbers = list(found)
    return {numbers[place]: found[numbers[place]] for place in spread(list(found.values()))}, omitted


def _all_around(word: Evidence, others: Sequence[Witness]) -> list[float]:
    """How well a picture agrees with the photos, from each of ``RULES.yaws`` yaws, the first at the front."""
    glance()
    places = [standing_at(word, 2.0 * math.pi * number / RULES.yaws, others[0]) for number in range(RULES.yaws)]
    return agreements(word, places, others)


def fitted(scores: Doubles, shares: Doubles, direction: float) -> Turn:
    """The turn that the scores of all pictures together say.

    Args:
        scores: (pictures, yaws) of each picture from yaws all around.
        shares: (pictures,) of the turn before each, 0..1.
        direction: see ``Filmed``.
    """
    begins = np.arange(-RULES.begin_most, RULES.begin_most + 1e-9, RULES.begin_step)
    lengths = np.arange(RULES.least, RULES.most + 1e-9, RULES.step)
    best: dict[int, tuple[float, Doubles]] = {}
    for way in (1, -1):
        yaws = begins[:, None, None] + way * lengths[None, :, None] * shares
        usual = (begins[:, None] / RULES.begins) ** 2 + ((lengths - 2.0 * math.pi) / RULES.whole) ** 2
        worth = _between(scores, yaws).mean(axis=-1) - RULES.pull * usual + RULES.seen * way * direction
        begin, length = np.unravel_index(int(worth.argmax()), worth.shape)
        best[way] = (float(worth[begin, length]), yaws[begin, length])
    taken = max(best, key=lambda way: best[way][0])
    return Turn(np.asarray(best[taken][1]), best[taken][0] - best[-taken][0])


def _between(scores: Doubles, yaws: Doubles) -> Doubles:
    """(..., pictures) scores at yaws (..., pictures), between those that were measured weighted."""
    count = scores.shape[1]
    place = np.mod(yaws / (2.0 * math.pi) * count, count)
    low = np.floor(place).astype(np.int64) % count
    part = place - np.floor(place)
    picture = np.arange(len(scores))
    return np.asarray(scores[picture, low] * (1.0 - part) + scores[picture, (low + 1) % count] * part)


def spread(found: Sequence[Found]) -> list[int]:
    """Places of the pictures that the model is made with: those that look from where no other does.

    Takes by turns the one whose camera stands farthest from the front's and from all that are taken; of two that stand
    as far, the one that agrees better.
    """
    if len(found) <= RULES.kept:
        return list(range(len(found)))
    yaws = np.array([one.witness.standpoint.yaw for one in found])
    score = np.array([one.score for one in found])
    far = np.abs(np.angle(np.exp(1j * yaws)))
    taken: list[int] = []
    for _ in range(RULES.kept):
        number = int(np.lexsort((score, np.round(far, 2)))[-1])
        taken.append(number)
        far = np.minimum(far, np.abs(np.angle(np.exp(1j * (yaws - yaws[number])))))
        far[taken] = -1.0
    return sorted(taken)
