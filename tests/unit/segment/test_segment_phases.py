"""Work beside its stream: phases in order, and an end when the caller has gone, also in the middle of a net's run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lensora.adapters.patience import current_look
from lensora.core.errors import Cancelled
from services.segment.phases import Phased


def test_phases_come_in_order_and_the_result_last() -> None:
    """What the work reports is what the stream yields."""

    def work(check: Callable[[float, str], None]) -> str:
        check(0.2, "net")
        check(0.9, "encode")
        return "done"

    phased = Phased(work, lambda: None)
    assert list(phased) == [(0.2, "net"), (0.9, "encode")]
    assert phased.result == "done"


def test_a_net_in_mid_run_learns_that_the_caller_has_gone() -> None:
    """The look that an adapter finds on the work's thread raises once the caller has cancelled."""
    gone = False

    def alive() -> None:
        if gone:
            raise Cancelled("the caller has cancelled the call")

    def work(_check: Callable[[float, str], None]) -> None:
        nonlocal gone
        look = current_look()
        assert look is not None
        look()
        gone = True
        look()

    with pytest.raises(Cancelled):
        list(Phased(work, alive))
