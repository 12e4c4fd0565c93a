"""The encoder's thread: what fails there is told, typed, to the thread that feeds it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from lensora.core.errors import Cancelled, EncodeFailed
from services.render.encode import FRAMES_WAITING, Encoding

FRAME = np.zeros((2, 2, 3), np.uint8)


class Ledger:
    """A sink that counts frames, and fails or stalls where it is told to."""

    def __init__(self, fail_at: int = -1, problem: Exception | None = None, pause_s: float = 0.0) -> None:
        self.frames = 0
        self.aborted = False
        self._fail_at, self._problem, self._pause_s = fail_at, problem, pause_s

    def write(self, frame: np.ndarray) -> None:
        time.sleep(self._pause_s)
        if self.frames == self._fail_at and self._problem is not None:
            raise self._problem
        self.frames += 1

    def finish(self) -> bytes:
        return bytes(self.frames)

    def abort(self) -> None:
        self.aborted = True


def _nothing() -> None:
    return


def test_every_frame_reaches_the_sink() -> None:
    """All frames are written before the file is asked for."""
    encoding = Encoding(Ledger())
    for _ in range(50):
        encoding.write(FRAME, _nothing)
    assert len(encoding.finish(_nothing)) == 50


@pytest.mark.parametrize("problem", [EncodeFailed("frame 3 could not be encoded"), RuntimeError("codec bug")])
def test_faults_of_the_encoder_are_typed(problem: Exception) -> None:
    """Whatever a codec raises becomes EncodeFailed in the feeding thread, and the sink is given up."""
    sink = Ledger(3, problem)
    encoding = Encoding(sink)
    with pytest.raises(EncodeFailed):
        for _ in range(50):
            encoding.write(FRAME, _nothing)
    encoding.abort()
    assert sink.aborted


def test_feeding_a_slow_encoder_can_be_cancelled() -> None:
    """A full queue does not hold a cancelled film."""
    sink = Ledger(pause_s=0.2)
    encoding = Encoding(sink)

    def gone() -> None:
        raise Cancelled("no longer wanted")

    for _ in range(FRAMES_WAITING):
        encoding.write(FRAME, _nothing)
    before = time.perf_counter()
    with pytest.raises(Cancelled):
        encoding.write(FRAME, gone)
    encoding.abort()
    assert time.perf_counter() - before < 2.0
    assert sink.aborted
