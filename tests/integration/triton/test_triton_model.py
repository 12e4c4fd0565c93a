"""TritonModel against a real Triton server that is slow, broken, away and back again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from prometheus_client import REGISTRY

from lensora.adapters.patience import while_waiting
from lensora.adapters.readiness import ReadinessWatch
from lensora.adapters.triton import TritonModel, connect
from lensora.core.artifacts import ModelUse
from lensora.core.errors import Cancelled, ConfigurationError, DeadlineExceeded, InferenceFailed, Unavailable
from lensora.testing.triton import TritonServer

CONFIG = """
backend: "python"
max_batch_size: 4
input [ { name: "seconds" data_type: TYPE_FP32 dims: [ 1 ] }, { name: "text" data_type: TYPE_STRING dims: [ 1 ] } ]
output [ { name: "echo" data_type: TYPE_STRING dims: [ 1 ] }, { name: "together" data_type: TYPE_INT32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching {
  max_queue_delay_microseconds: 200000
  default_queue_policy { timeout_action: REJECT allow_timeout_override: true max_queue_size: 8 }
}
parameters { key: "weights_sha256" value { string_value: "aa" } }
"""

MODEL = """
import time
import numpy as np
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    def execute(self, requests):
        answers = []
        for request in requests:
            seconds = float(pb_utils.get_input_tensor_by_name(request, "seconds").as_numpy()[0, 0])
            text = pb_utils.get_input_tensor_by_name(request, "text").as_numpy()
            if seconds < 0:
                answers.append(pb_utils.InferenceResponse(error=pb_utils.TritonError("the net has no answer")))
                continue
            until = time.monotonic() + seconds
            while time.monotonic() < until and not request.is_cancelled():
                time.sleep(0.01)
            answers.append(pb_utils.InferenceResponse(output_tensors=[
                pb_utils.Tensor("echo", text.astype(object)),
                pb_utils.Tensor("together", np.array([[len(requests)]], np.int32)),
            ]))
        return answers
"""


def use(sha256: str = "") -> ModelUse:
    """A row for the bill of models."""
    return ModelUse(name="patient", version="1", sha256=sha256, license="MIT", stage="mesh")


def ask(model: TritonModel, seconds: float, timeout_s: float | None = None, text: str = "x") -> str:
    """One call; the text that came back."""
    inputs = {"seconds": np.array([[seconds]], np.float32), "text": np.array([[text.encode()]], object)}
    return str(model.infer(inputs, outputs=["echo"], timeout_s=timeout_s)["echo"][0, 0].decode())


def eventually(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """True when the condition came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A server with one model that takes as long as it is told."""
    folder = tmp_path_factory.mktemp("patient")
    version = folder / "repository" / "patient" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(CONFIG)
    (version / "model.py").write_text(MODEL)
    with TritonServer(folder / "repository", log=folder / "triton.log") as running:
        yield running


@pytest.fixture
def model(server: TritonServer) -> Iterator[TritonModel]:
    """The model, over a connection of its own."""
    with connect(server.target) as client:
        yield TritonModel(client, use())


def test_text_goes_both_ways(model: TritonModel) -> None:
    """Strings of any script arrive as they were sent."""
    assert ask(model, 0.0, text="a cup on Götterspeise 大理石") == "a cup on Götterspeise 大理石"


def test_a_late_answer_is_a_deadline(model: TritonModel) -> None:
    """The call ends when its time is over, not when the net is done."""
    ask(model, 0.0)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"patient was not done within 0\.3 s"):
        ask(model, 1.5, timeout_s=0.3)
    assert time.monotonic() - started < 1.0


def test_a_caller_that_leaves_ends_the_call(model: TritonModel) -> None:
    """A look that raises ends the waiting at once, and tells the server so: its next request need not wait long."""
    ask(model, 0.0)
    started = time.monotonic()

    def look() -> None:
        if time.monotonic() - started > 0.4:
            raise Cancelled("the caller has gone")

    with while_waiting(look), pytest.raises(Cancelled, match="gone"):
        ask(model, 20.0)
    assert time.monotonic() - started < 2.0
    assert ask(model, 0.0, timeout_s=10.0) == "x"


def test_the_net_s_own_error_is_told(model: TritonModel) -> None:
    """What the model says about its failure is in the sentence."""
    with pytest.raises(InferenceFailed, match="patient failed on Triton: the net has no answer"):
        ask(model, -1.0)


def test_a_model_that_is_not_served_is_unavailable(server: TritonServer) -> None:
    """A name that Triton does not know is told as a model that may come, naming both."""
    with connect(server.target) as client:
        missing = TritonModel(client, use(), served_as="nobody")
        assert not missing.ready()
        with pytest.raises(Unavailable, match=r"Triton.*patient"):
            ask(missing, 0.0)


def test_other_weights_than_the_manifest_s_are_refused(server: TritonServer) -> None:
    """A server that runs other weights than the bill of models would say is refused."""
    with connect(server.target) as client:
        with pytest.raises(ConfigurationError, match="assemble the model repository again"):
            ask(TritonModel(client, use(sha256="bb")), 0.0)
        assert ask(TritonModel(client, use(sha256="aa")), 0.0) == "x"


def test_the_served_digest_fills_an_unknown_one(model: TritonModel) -> None:
    """Where the manifest knows no digest, the bill of models has the one that the server runs."""
    ask(model, 0.0)
    assert model.describe() == use(sha256="aa")


def test_requests_of_several_clients_meet_in_a_batch(model: TritonModel) -> None:
    """Dynamic batching is Triton's: calls that come together run together."""
    ask(model, 0.0)
    together: list[int] = []

    def call() -> None:
        inputs = {"seconds": np.array([[0.0]], np.float32), "text": np.array([[b"x"]], object)}
        together.append(int(model.infer(inputs, outputs=["together"])["together"][0, 0]))

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(together) > 1


def test_calls_are_counted_by_outcome(model: TritonModel) -> None:
    """The metrics tell answers from failures."""

    def count(outcome: str) -> float:
        labels = {"model": "patient", "outcome": outcome}
        return REGISTRY.get_sample_value("lensora_triton_calls_total", labels) or 0.0

    before = count("ok"), count("inference_failed")
    ask(model, 0.0)
    with pytest.raises(InferenceFailed):
        ask(model, -1.0)
    assert (count("ok"), count("inference_failed")) == (before[0] + 1, before[1] + 1)


def test_a_server_that_dies_and_comes_back(server: TritonServer) -> None:
    """A killed server fails the running call at once, with Triton and the model named; the same object works again."""
    health: list[bool] = []
    with connect(server.target) as client:
        model = TritonModel(client, use())
        watch = ReadinessWatch(
            [model], lambda ready: None if health[-1:] == [ready] else health.append(ready), interval_s=0.1
        )
        watch.start()
        try:
            assert eventually(lambda: health == [True])
            killer = threading.Timer(0.5, server.kill)
            killer.start()
            with pytest.raises(Unavailable, match=r"inference server \(Triton\).*patient"):
                ask(model, 20.0, timeout_s=30.0)
            killer.join()
            assert not model.ready()
            with pytest.raises(Unavailable, match="Triton"):
                ask(model, 0.0, timeout_s=5.0)
            assert eventually(lambda: health == [True, False])
            server.start()
            assert eventually(model.ready)
            assert ask(model, 0.0, timeout_s=10.0) == "x"
            assert eventually(lambda: health == [True, False, True])
        finally:
            watch.stop()
