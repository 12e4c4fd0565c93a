"""A net in few bits whose doubtful answers are worked out again in float32.

Where a net is sure, bfloat16 moves an outline by less than a tenth of a per mille; where its answer hangs between yes
and no over much of what it finds, the last bits decide. Those few pictures pay for both.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lensora.adapters.inference import Model
from lensora.adapters.patience import Patience
from lensora.core.artifacts import ModelUse
from lensora.models.manifest import Doubt
from lensora.observability import logs

_log = logs.get(__name__)

_CONTENT: ContextVar[bool] = ContextVar("content_with_quick", default=False)


@contextmanager
def content_with_quick() -> Iterator[None]:
    """Within it, on this thread, a quick answer is good enough however doubtful: a caller's time has a bound, too."""
    token = _CONTENT.set(True)
    try:
        yield
    finally:
        _CONTENT.reset(token)


class Rechecked:
    """``Model`` over a quick one and an exact one. The exact one is there only while it is needed."""

    def __init__(
        self, quick: Model, open_exact: Callable[[], Model], doubt: Doubt, make_room: Callable[[], None] = lambda: None
    ) -> None:
        """
        Args:
            quick: runs every time.
            open_exact: opens the same net in float32: half a second, and a few hundred megabytes.
            doubt: when the quick answer is not good enough.
            make_room: called before the exact one is opened: the quick one gives back what its runs have taken.
        """
        self._quick = quick
        self._open_exact = open_exact
        self._doubt = doubt
        self._make_room = make_room
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        return self._quick.name

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        *,
        outputs: Sequence[str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        patience = Patience(self.name, timeout_s)
        answer = self._quick.infer(inputs, outputs=outputs, timeout_s=timeout_s)
        found = answer.get(self._doubt.output)
        if found is None or _CONTENT.get() or not doubtful(found, self._doubt):
            return answer
        _log.info("net_rechecked", model=self.name)
        while not self._turn.acquire(timeout=patience.pause_s()):
            patience.look()
        opening = self._opening()
        try:
            while not wait([opening], patience.pause_s()).done:
                patience.look()
            return opening.result().infer(inputs, outputs=outputs, timeout_s=patience.left_s())
        finally:
            # One that nobody waits for any more is opened all the same: until then there is no room for another.
            opening.add_done_callback(lambda _opened: self._turn.release())

    def _opening(self) -> Future[Model]:
        """The exact one, opened on a thread of its own: nothing can stop that, and its caller is to be let go."""
        opening: Future[Model] = Future()

        def run() -> None:
            try:
                self._make_room()
                opening.set_result(self._open_exact())
            except BaseException as error:  # handed to the caller
                opening.set_exception(error)

        threading.Thread(target=run, name="open-exact", daemon=True).start()
        return opening

    def ready(self) -> bool:
        return self._quick.ready()

    def describe(self) -> ModelUse:
        return self._quick.describe()


def doubtful(found: NDArray[Any], doubt: Doubt) -> bool:
    """Whether too much of an answer hangs between yes and no.

    Args:
        found: any shape, 0..1.
        doubt: how much is too much.
    """
    inside = int(np.count_nonzero(found >= 0.5))
    between = int(np.count_nonzero((found > 0.5 - doubt.reach) & (found < 0.5 + doubt.reach)))
    return between > doubt.share * max(inside, 1)
