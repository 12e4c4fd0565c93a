"""The engine: one thread, retries, cancellation, and no harm to the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from lensora.core.cameras import frame_poses
from lensora.core.errors import Cancelled, RenderFailed
from lensora.core.words import CameraMove
from lensora.testing.meshes import box, glb
from services.render.engine import Engine
from services.render.framing import fit_rig
from services.render.glb import read_glb
from services.render.light import even_illumination
from services.render.model import prepare
from services.render.shot import Layer, Shot


@cache
def _shot(frames: int = 12) -> Shot:
    model = prepare(read_glb(glb(box())))
    poses = frame_poses(CameraMove.TURNTABLE, frames)
    rig = fit_rig(model.support, CameraMove.TURNTABLE, poses, 0.1)
    return Shot(model, even_illumination(1.0, 0.0, (0, 1, 0)), rig, poses, 64)


class Draughtsman:
    """A renderer that draws blank layers and fails where it is told to."""

    device = "pencil"

    def __init__(self, fail_at: int | None = None, problem: BaseException | None = None, pause_s: float = 0.0) -> None:
        self.thread = threading.current_thread()
        self.closed = False
        self._fail_at, self._problem, self._pause_s = fail_at, problem, pause_s

    def layers(self, shot: Shot, start: int) -> Iterator[Layer]:
        for index in range(start, len(shot.poses)):
            if index == self._fail_at and self._problem is not None:
                raise self._problem
            time.sleep(self._pause_s)
            window = shot.window(index)
            yield Layer(index, window, np.zeros((window.height, window.width, 4), np.uint8))

    def close(self) -> None:
        self.closed = True


def _nothing() -> None:
    return


def test_layers_arrive_in_order_from_one_thread() -> None:
    """Every frame once, in order, drawn on a thread that is not the caller's, shot after shot."""
    made: list[Draughtsman] = []

    def make() -> Draughtsman:
        made.append(Draughtsman())
        return made[-1]

    engine = Engine(make)
    engine.start()
    for _ in range(2):
        assert [layer.index for layer in engine.layers(_shot(), _nothing)] == list(range(12))
    assert len(made) == 1
    assert made[0].thread is not threading.current_thread()
    assert engine.device == "pencil"
    engine.close()
    assert made[0].closed


@pytest.mark.parametrize("problem", [RenderFailed("context lost"), RuntimeError("driver"), MemoryError()])
def test_one_failure_costs_one_retry(problem: Exception) -> None:
    """A renderer that fails is replaced, and drawing goes on at the frame that was not delivered."""
    made: list[Draughtsman] = []

    def make() -> Draughtsman:
        made.append(Draughtsman(5, problem) if not made else Draughtsman())
        return made[-1]

    engine = Engine(make)
    assert [layer.index for layer in engine.layers(_shot(), _nothing)] == list(range(12))
    assert len(made) == 2
    assert made[0].closed
    engine.close()


def test_second_failure_is_the_callers_typed_error() -> None:
    """Twice is enough: RenderFailed, and the engine still serves the next shot."""
    faults: list[Exception] = [RuntimeError("first"), RuntimeError("second")]

    def make() -> Draughtsman:
        return Draughtsman(3, faults.pop(0)) if faults else Draughtsman()

    engine = Engine(make)
    with pytest.raises(RenderFailed, match="second"):
        list(engine.layers(_shot(), _nothing))
    assert len(list(engine.layers(_shot(), _nothing))) == 12
    engine.close()


def _dying_first() -> tuple[Engine, list[Draughtsman]]:
    """An engine whose first thread dies at its fifth frame, and who has drawn for it so far."""
    made: list[Draughtsman] = []

    def make() -> Draughtsman:
        made.append(Draughtsman(4, SystemExit()) if not made else Draughtsman())
        return made[-1]

    return Engine(make), made


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_death_of_the_drawing_thread_costs_one_retry() -> None:
    """Even when the thread itself ends, the film goes on with a new one."""
    engine, made = _dying_first()
    assert [layer.index for layer in engine.layers(_shot(), _nothing)] == list(range(12))
    assert made[0].thread is not made[1].thread
    engine.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_death_of_the_drawing_thread_is_told_although_another_shot_has_a_new_one() -> None:
    """The film whose thread died goes on, whoever else has the engine draw again first."""
    engine, made = _dying_first()
    engine.start()

    def other() -> None:
        made[0].thread.join()
        assert len(list(engine.layers(_shot(2), _nothing))) == 2

    beside = threading.Thread(target=other)
    beside.start()
    until = time.monotonic() + 5.0

    def check() -> None:
        if time.monotonic() > until:
            raise Cancelled("nothing came")

    assert [layer.index for layer in engine.layers(_shot(), check)] == list(range(12))
    beside.join()
    engine.close()


def test_missing_device_is_told_at_the_start() -> None:
    """Opening the renderer at the start finds a missing driver before the first film."""

    def make() -> Draughtsman:
        raise RenderFailed("no OpenGL device")

    engine = Engine(make)
    with pytest.raises(RenderFailed, match="no OpenGL device"):
        engine.start()
    engine.close()


def test_cancelled_shot_frees_the_engine_at_once() -> None:
    """A caller that gives up is answered within 2 s, and the next shot is drawn whole."""
    engine = Engine(lambda: Draughtsman(pause_s=0.05))
    wanted = True

    def check() -> None:
        if not wanted:
            raise Cancelled("no longer wanted")

    layers = engine.layers(_shot(200), check)
    next(layers)
    wanted = False
    before = time.perf_counter()
    with pytest.raises(Cancelled):
        for _ in layers:
            pass
    wanted = True
    assert next(engine.layers(_shot(), check)).index == 0
    assert time.perf_counter() - before < 2.0
    engine.close()


def test_abandoned_iterator_does_not_block_the_engine() -> None:
    """An iterator that is dropped half-way stops its drawing."""
    engine = Engine(Draughtsman)
    layers = engine.layers(_shot(200), _nothing)
    next(layers)
    layers.close()  # type: ignore[attr-defined]
    assert len(list(engine.layers(_shot(), _nothing))) == 12
    engine.close()


def test_closed_engine_refuses_work() -> None:
    """After close there is an error, not a wait for ever."""
    engine = Engine(Draughtsman)
    engine.start()
    engine.close()
    with pytest.raises(RenderFailed, match="closed"):
        next(engine.layers(_shot(), _nothing))
