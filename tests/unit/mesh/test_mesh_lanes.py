"""Work beside a call: what it did and what it raised comes back, and nothing goes on for a caller who has gone."""

from __future__ import annotations

import threading

import pytest

from lensora.adapters.patience import current_look, while_waiting
from lensora.core.errors import Cancelled
from services.mesh.lanes import begun, in_lanes


def test_work_that_was_begun_comes_back() -> None:
    """Its result, or what it raised, as often as it is asked for."""
    wait = begun(lambda: 3)
    assert (wait(), wait()) == (3, 3)

    def failing() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        begun(failing)()


def test_the_caller_s_look_goes_along_only_where_it_is_wanted() -> None:
    """A network's wait looks for the caller; what is short does not."""

    def look() -> None:
        """Somebody waits."""

    with while_waiting(look):
        assert begun(current_look)() is None
        assert begun(current_look, looks=True)() is look


def test_parts_come_back_in_order_whichever_lane_did_them() -> None:
    """All of them, once each."""
    done: list[int] = []
    assert in_lanes(lambda part: (done.append(part), part * part)[1], range(50)) == [part * part for part in range(50)]
    assert sorted(done) == list(range(50))
    assert in_lanes(lambda part: part, []) == []


def test_what_a_part_raises_is_raised() -> None:
    """Whichever lane had it."""

    def work(part: int) -> int:
        if part == 7:
            raise ValueError("seven")
        return part

    with pytest.raises(ValueError, match="seven"):
        in_lanes(work, range(20))


def test_no_part_is_begun_for_a_caller_who_has_gone() -> None:
    """The look that finds nobody ends both lanes."""
    begun_parts: list[int] = []
    gone = threading.Event()

    def look() -> None:
        if begun_parts:
            gone.set()
            raise Cancelled("the caller has gone")

    def work(part: int) -> None:
        begun_parts.append(part)
        gone.wait(5.0 if threading.current_thread() is not threading.main_thread() else 0.0)

    with while_waiting(look), pytest.raises(Cancelled):
        in_lanes(work, range(1000))
    assert len(begun_parts) < 10
