"""The mesh stage stops soon after nobody waits any more: counted in work, not in seconds."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.adapters.patience import while_waiting
from lensora.core.errors import Cancelled
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.model import ModelRequest, create_model

HEAVY = frozenset({"splu", "minimize", "simplify", "generate", "covering", "terms_of", "fillConvexPoly"})
"""What costs milliseconds or comes by the thousand, by name: one of each kind at most between two looks."""
BY_THE_THOUSAND = frozenset({"fillConvexPoly"})

MOST_CALLS = 0.1
"""Share of all of a model's calls that may lie between two looks."""


class Counted:
    """A caller that counts the calls of this thread between two looks, and may leave at one of them."""

    def __init__(self, leaves_at: int | None = None) -> None:
        self.looks = 0
        self.calls: list[int] = [0]
        self.heavy: list[Counter[str]] = [Counter()]
        self._leaves_at = leaves_at

    def look(self) -> None:
        """Whether anybody waits."""
        self.looks += 1
        if self.looks == self._leaves_at:
            raise Cancelled("the caller has gone")
        self.calls.append(0)
        self.heavy.append(Counter())

    def count(self, frame: FrameType, event: str, argument: Any) -> None:
        """For ``sys.setprofile``."""
        if event not in ("call", "c_call"):
            return
        self.calls[-1] += 1
        name = frame.f_code.co_name if event == "call" else argument.__name__
        if name in HEAVY:
            self.heavy[-1][name] += 1


def made(rgba: NDArray[np.uint8], caller: Counted) -> None:
    """One model, watched by a caller."""
    before = sys.getprofile()
    with while_waiting(caller.look):
        sys.setprofile(caller.count)
        try:
            create_model(rgba, ModelRequest(), SilhouetteBackend(), lambda _phase, _share: caller.look())
        finally:
            sys.setprofile(before)


@pytest.fixture(scope="module")
def watched(blob_photo: NDArray[np.uint8]) -> Counted:
    """A caller that has waited for a whole model."""
    caller = Counted()
    made(blob_photo, caller)
    return caller


def test_no_two_heavy_steps_lie_between_two_looks(watched: Counted) -> None:
    """Every fit, solve, drawing and simplification has a look before it."""
    worst = {name: max(counted[name] for counted in watched.heavy) for name in sorted(HEAVY - BY_THE_THOUSAND)}
    assert worst == dict.fromkeys(worst, 1)
    assert sum(watched.heavy, Counter()).keys() == HEAVY


def test_a_small_share_of_the_work_lies_between_two_looks(watched: Counted) -> None:
    """So little is done for nobody."""
    assert max(watched.calls) <= MOST_CALLS * sum(watched.calls)


@pytest.mark.parametrize("share", [0.6])
def test_work_ends_with_the_look_that_finds_nobody(
    watched: Counted, blob_photo: NDArray[np.uint8], share: float
) -> None:
    """Nothing catches the end on its way, and nothing is done after it."""
    caller = Counted(leaves_at=round(share * watched.looks))
    with pytest.raises(Cancelled):
        made(blob_photo, caller)
    assert caller.looks == round(share * watched.looks)
