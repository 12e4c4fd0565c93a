"""Costly work that several ask for at once is done once, and one that fails or leaves takes nobody with it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from lensora.adapters.patience import while_waiting
from lensora.core.errors import Cancelled
from services.mesh.backends.silhouette import SilhouetteBackend
from services.mesh.cutout import read_cutout
from services.mesh.explanation import Explainer
from services.mesh.kinds.registry import KINDS
from services.mesh.memory import Memory
from services.mesh.model import ModelRequest
from services.mesh.modeller import Modeller
from services.mesh.view import View
from services.mesh.viewpoint import estimate_camera


def test_it_is_made_once_for_all_who_ask() -> None:
    """Of many threads that ask at the same time one makes it, and all have the same."""
    memory: Memory[str, object] = Memory(2)
    begun, may_end = threading.Event(), threading.Event()
    made: list[int] = []

    def make() -> object:
        made.append(1)
        begun.set()
        assert may_end.wait(10)
        return object()

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(memory.get, "a", make) for _ in range(4)]
        assert begun.wait(10)
        may_end.set()
        assert len({id(future.result(10)) for future in asked}) == 1
    assert made == [1]


def test_the_oldest_go_first() -> None:
    """No more are kept than allowed, and asking for one keeps it."""
    memory: Memory[str, list[str]] = Memory(2)
    first = memory.get("a", lambda: ["a"])
    memory.get("b", lambda: ["b"])
    assert memory.get("a", lambda: ["again"]) is first
    memory.get("c", lambda: ["c"])
    assert memory.get("a", lambda: ["again"]) is first
    assert memory.get("b", lambda: ["again"]) == ["again"]


def test_a_maker_that_is_cancelled_takes_nobody_with_it() -> None:
    """Who waited for it makes it anew; who waits himself may be cancelled too."""
    memory: Memory[str, str] = Memory(2)
    begun, may_end = threading.Event(), threading.Event()

    def leave() -> str:
        begun.set()
        assert may_end.wait(10)
        raise Cancelled("gone")

    def gone() -> None:
        raise Cancelled("gone too")

    with ThreadPoolExecutor(2) as pool:
        leaving = pool.submit(memory.get, "a", leave)
        assert begun.wait(10)
        with pytest.raises(Cancelled, match="gone too"):
            memory.get("a", lambda: "mine", gone)
        waiting = pool.submit(memory.get, "a", lambda: "mine")
        may_end.set()
        assert waiting.result(10) == "mine"
        with pytest.raises(Cancelled):
            leaving.result(10)


class Counting:
    """A kind that counts how often it is asked."""

    waits = False

    def __init__(self) -> None:
        self.name = KINDS[0].name
        self.asked = 0

    def propose(self, view: View) -> list[object]:
        self.asked += 1
        return list(KINDS[0].propose(view))


def test_model_and_camera_of_one_cutout_share_their_explanation() -> None:
    """The two calls of one job explain the photo once, and the camera is what it is alone."""
    rgba = np.zeros((120, 120, 4), np.uint8)
    cv2.ellipse(rgba, (60, 60), (40, 30), 0, 0, 360, (90, 120, 160, 255), -1)
    png = bytes(cv2.imencode(".png", rgba)[1])
    counting = Counting()
    backend = SilhouetteBackend(kinds=[counting, *KINDS[1:]])  # type: ignore[list-item]
    modeller = Modeller(backend, backend.explainer)
    viewpoint = modeller.camera(png, "")
    assert modeller.make(png, ModelRequest()).glb
    assert counting.asked == 1
    assert viewpoint == estimate_camera(read_cutout(cv2.cvtColor(rgba, cv2.COLOR_BGRA2RGBA)))
    assert Modeller(backend, Explainer()).camera(png, "") == viewpoint
    assert counting.asked == 1


def test_a_cancelled_call_takes_no_later_one_of_its_photo_with_it() -> None:
    """What a call was measuring when it was cancelled is measured anew for the next one."""
    rgba = np.zeros((120, 120, 4), np.uint8)
    cv2.ellipse(rgba, (60, 60), (40, 30), 0, 0, 360, (90, 120, 160, 255), -1)
    cutout = read_cutout(rgba)
    backend = SilhouetteBackend(kinds=KINDS[:1])
    backend.explainer.explain(cutout)

    def gone() -> None:
        raise Cancelled("gone")

    with while_waiting(gone), pytest.raises(Cancelled):
        backend.reconstruct(cutout, lambda _phase, _share: None)
    assert backend.reconstruct(cutout, lambda _phase, _share: None).solid.is_closed()
