"""Answers that hang between yes and no are worked out again, all others are taken as they are."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lensora.adapters.patience import while_waiting
from lensora.adapters.rechecked import Rechecked, content_with_quick, doubtful
from lensora.core.artifacts import ModelUse
from lensora.core.errors import Cancelled, ConfigurationError, DeadlineExceeded
from lensora.models.manifest import Doubt, ModelEntry, Precision, load_manifest
from lensora.testing.inference import FakeModel, TensorSpec

USE = ModelUse(name="salience", version="1", sha256="0" * 64, license="MIT", stage="segment")
DOUBT = Doubt("output", ("segment",), share=0.05, reach=0.1)


def net(added: float, seconds: float = 0.0) -> FakeModel:
    """A net that adds something to what it is given."""

    def respond(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        return {"output": inputs["input"] + np.float32(added), "other": inputs["input"] * 0}

    inputs = {"input": TensorSpec(np.float32, (None,))}
    return FakeModel(respond, inputs=inputs, outputs=["output", "other"], use=USE, seconds=seconds)


SURE = np.array([0.0] * 60 + [0.99] * 39 + [0.45], np.float32)
TORN = np.array([0.0] * 60 + [0.99] * 30 + [0.45] * 10, np.float32)


def test_a_sure_answer_is_taken_as_it_is() -> None:
    """The exact net is not even opened."""
    model = Rechecked(net(0.001), lambda: pytest.fail("opened"), DOUBT)
    assert np.allclose(model.infer({"input": SURE})["output"], SURE + 0.001)
    assert set(model.infer({"input": TORN}, outputs=["other"])) == {"other"}


def test_a_doubtful_answer_is_the_exact_nets() -> None:
    """Opened for it, and again for the next one: it takes memory only while it is needed."""
    opened: list[FakeModel] = []

    def exact() -> FakeModel:
        opened.append(net(0.0))
        return opened[-1]

    quick, rooms = net(0.001), []
    model = Rechecked(quick, exact, DOUBT, lambda: rooms.append(len(opened)))
    for _ in range(2):
        assert np.array_equal(model.infer({"input": TORN})["output"], TORN)
    assert [len(each.calls) for each in opened] == [1, 1]
    assert len(quick.calls) == 2
    assert rooms == [0, 1]


def test_who_is_content_with_a_quick_answer_gets_no_other() -> None:
    """However doubtful it is; afterwards, and where that ended in an error, doubt counts again."""
    model = Rechecked(net(0.001), lambda: net(0.0), DOUBT)
    with pytest.raises(RuntimeError), content_with_quick():
        assert np.allclose(model.infer({"input": TORN})["output"], TORN + 0.001)
        raise RuntimeError
    assert np.array_equal(model.infer({"input": TORN})["output"], TORN)


def test_both_runs_share_the_callers_time() -> None:
    """What the quick run has used is gone for the exact one."""
    model = Rechecked(net(0.0, seconds=0.02), lambda: net(0.0, seconds=60.0), DOUBT)
    with pytest.raises(DeadlineExceeded):
        model.infer({"input": TORN}, timeout_s=0.1)


def test_a_caller_that_leaves_is_let_go_while_the_exact_net_is_opened() -> None:
    """What its look raises ends the call at once; the next one waits until that opening is over, and gets its own."""
    gone, open_now, opened = threading.Event(), threading.Event(), []

    def exact() -> FakeModel:
        gone.set()
        assert open_now.wait(30.0)
        opened.append(net(0.0))
        return opened[-1]

    def look() -> None:
        if gone.is_set():
            raise Cancelled("the caller has cancelled the call")

    model = Rechecked(net(0.001), exact, DOUBT)
    with while_waiting(look), pytest.raises(Cancelled):
        model.infer({"input": TORN})
    assert not opened
    with while_waiting(look), pytest.raises(Cancelled):
        model.infer({"input": TORN})
    with pytest.raises(DeadlineExceeded):
        model.infer({"input": TORN}, timeout_s=0.02)
    open_now.set()
    assert np.array_equal(model.infer({"input": TORN})["output"], TORN)
    assert [len(each.calls) for each in opened] == [0, 1]


def test_an_exact_net_that_cannot_be_opened_is_told() -> None:
    """The caller gets what its opening raised, and the next one may try again."""

    def exact() -> FakeModel:
        raise ConfigurationError("cannot load model 'salience'")

    model = Rechecked(net(0.001), exact, DOUBT)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="salience"):
            model.infer({"input": TORN})


def test_nothing_found_is_doubtful_only_near_the_threshold() -> None:
    """An empty picture is a clear answer."""
    assert not doubtful(np.zeros((4, 4), np.float32), DOUBT)
    assert doubtful(np.full((4, 4), 0.49, np.float32), DOUBT)


def test_every_default_net_in_bfloat16_whose_masks_are_promised_is_rechecked() -> None:
    """The cutout's net is the one."""
    entry = load_manifest().entry("isnet-general-use")
    assert isinstance(entry, ModelEntry)
    assert entry.precision is Precision.BFLOAT16
    assert entry.doubt is not None
    assert "segment" in entry.doubt.stages
