"""Inputs handed to a real Triton through shared memory: same answers, nothing left behind, no harm by a late call."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from lensora.adapters.triton import TritonModel, connect
from lensora.core.artifacts import ModelUse
from lensora.core.errors import DeadlineExceeded, Unavailable
from lensora.testing.triton import TritonServer

CONFIG = """
backend: "python"
max_batch_size: 0
input [ { name: "x" data_type: TYPE_FP32 dims: [ -1 ] }, { name: "seconds" data_type: TYPE_FP32 dims: [ 1 ] } ]
output [ { name: "double" data_type: TYPE_FP32 dims: [ -1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
"""

MODEL = """
import time
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            x = pb_utils.get_input_tensor_by_name(request, "x").as_numpy()
            time.sleep(float(pb_utils.get_input_tensor_by_name(request, "seconds").as_numpy()[0]))
            answers.append(pb_utils.InferenceResponse(output_tensors=[pb_utils.Tensor("double", x * 2)]))
        return answers
"""

LARGE = 1_000_000
"""Numbers of four bytes: well over what goes through the socket."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A server with one model that doubles, after a while."""
    folder = tmp_path_factory.mktemp("memory")
    version = folder / "repository" / "doubler" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(CONFIG)
    (version / "model.py").write_text(MODEL)
    with TritonServer(folder / "repository", log=folder / "triton.log") as running:
        yield running


@pytest.fixture
def model(server: TritonServer) -> Iterator[TritonModel]:
    """The model, its large inputs in shared memory; nothing of it is left when it has gone."""
    use = ModelUse(name="doubler", version="1", sha256="", license="MIT", stage="mesh")
    with connect(server.target) as client:
        made = TritonModel(client, use, shared_memory=True)
        yield made
        made.release()
    assert not regions()


def ask(model: TritonModel, x: np.ndarray, seconds: float = 0.0, timeout_s: float = 20.0) -> np.ndarray:
    """One call."""
    return model.infer({"x": x, "seconds": np.array([seconds], np.float32)}, timeout_s=timeout_s)["double"]


def regions() -> set[str]:
    """This process's regions of shared memory."""
    return {path.name for path in Path("/dev/shm").glob(f"lensora-in-{os.getpid()}-*")}


@pytest.mark.parametrize("count", [7, LARGE])
def test_small_and_large_inputs_give_the_same_answer(model: TritonModel, count: int) -> None:
    """Large inputs go through memory, small ones through the socket; a view in another order is read right."""
    x = np.random.default_rng(0).random(2 * count, dtype=np.float32)[::2]
    for _ in range(3):
        np.testing.assert_array_equal(ask(model, x), x * 2)
    # One call at a time: its region is used again by the next.
    assert len(regions()) == (1 if count == LARGE else 0)


def test_a_late_call_leaves_nothing_behind_and_harms_no_other(model: TritonModel) -> None:
    """The region goes while the server still works on it; the next calls are answered right."""
    x = np.ones(LARGE, np.float32)
    ask(model, x)
    with pytest.raises(DeadlineExceeded):
        ask(model, x, seconds=1.0, timeout_s=0.3)
    assert not regions()
    for value in (3, 4):
        np.testing.assert_array_equal(ask(model, x * value), x * value * 2)


def test_a_restarted_server_is_given_new_regions(model: TritonModel, server: TritonServer) -> None:
    """A server that has forgotten the regions is told as away once, and the next call works."""
    x = np.ones(LARGE, np.float32)
    ask(model, x)
    server.kill()
    server.start()
    end = time.monotonic() + 10
    while not model.ready() and time.monotonic() < end:
        time.sleep(0.05)
    # It is told as away at most once: then its regions are made anew.
    with suppress(Unavailable):
        ask(model, x)
    np.testing.assert_array_equal(ask(model, x), x * 2)
