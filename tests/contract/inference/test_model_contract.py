"""What every adapter of ``inference.Model`` must do; run over onnxruntime, OpenVINO, a real Triton, and the fake.

The reference net has input ``x`` (n, 3) float32 and outputs ``double`` = 2 x and ``sum`` = the row sums, (n, 1).
Another adapter joins by a row in ``ADAPTERS``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from lensora.adapters.inference import Model, OnnxModel
from lensora.adapters.openvino import OpenVinoModel
from lensora.adapters.patience import while_waiting
from lensora.adapters.rechecked import Rechecked
from lensora.adapters.triton import TritonModel, connect
from lensora.core.artifacts import ModelUse
from lensora.core.errors import Cancelled, ConfigurationError, DeadlineExceeded, InferenceFailed, Unavailable
from lensora.models.manifest import Doubt
from lensora.testing.inference import FakeModel, TensorSpec
from lensora.testing.triton import TritonServer

USE = ModelUse(name="reference", version="1", sha256="0" * 64, license="Apache-2.0", stage="detect")


def write_reference_net(path: Path) -> None:
    """The reference net as an ONNX file."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "two"], ["double"]),
            helper.make_node("ReduceSum", ["x", "axis"], ["sum"], keepdims=1),
        ],
        "reference",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [
            helper.make_tensor_value_info("double", TensorProto.FLOAT, ["n", 3]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["n", 1]),
        ],
        initializer=[
            numpy_helper.from_array(np.float32(2), "two"),
            numpy_helper.from_array(np.array([1], np.int64), "axis"),
        ],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def on_onnxruntime(folder: Path) -> Model:
    """The reference net in this process."""
    write_reference_net(folder / "reference.onnx")
    return OnnxModel(folder / "reference.onnx", USE, threads=1)


def on_openvino(folder: Path) -> Model:
    """The reference net on OpenVINO, in this process."""
    write_reference_net(folder / "reference.onnx")
    return OpenVinoModel(folder / "reference.onnx", USE, threads=1)


def reference(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """The reference net as a function."""
    return {"double": inputs["x"] * 2, "sum": inputs["x"].sum(axis=1, keepdims=True)}


def on_the_fake(_folder: Path) -> Model:
    """The reference net in the shipped fake."""
    return FakeModel(reference, inputs={"x": TensorSpec(np.float32, (None, 3))}, outputs=["double", "sum"], use=USE)


TRITON_TEMPLATES = Path(__file__).resolve().parents[3] / "deploy" / "triton"
TRITON_CONFIG = """
backend: "python"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 3 ] } ]
output [ { name: "double" data_type: TYPE_FP32 dims: [ 3 ] }, { name: "sum" data_type: TYPE_FP32 dims: [ 1 ] } ]
instance_group [ { kind: KIND_CPU count: 1 } ]
dynamic_batching { }
parameters { key: "threads" value { string_value: "1" } }
"""


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TritonServer]:
    """A real Triton server with the reference net in its python backend."""
    folder = tmp_path_factory.mktemp("triton")
    version = folder / "repository" / "reference" / "1"
    version.mkdir(parents=True)
    (version.parent / "config.pbtxt").write_text(TRITON_CONFIG)
    shutil.copy(TRITON_TEMPLATES / "shared" / "onnx_cpu.py", version / "model.py")
    write_reference_net(version / "model.onnx")
    with TritonServer(folder / "repository", log=folder / "triton.log") as server:
        yield server


def rechecked(folder: Path) -> Model:
    """The reference net, every answer of which is worked out again."""
    doubt = Doubt("sum", ("detect",), share=-1.0, reach=0.1)
    return Rechecked(on_the_fake(folder), lambda: on_the_fake(folder), doubt)


ADAPTERS: dict[str, Callable[[Path], Model]] = {
    "onnxruntime": on_onnxruntime,
    "openvino": on_openvino,
    "fake": on_the_fake,
    "rechecked": rechecked,
}


@pytest.fixture(params=[*ADAPTERS, "triton"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Model]:
    """The reference net behind each adapter in turn."""
    if request.param == "triton":
        with connect(request.getfixturevalue("triton").target) as client:
            yield TritonModel(client, USE)
    else:
        yield ADAPTERS[request.param](tmp_path)


X = np.array([[1, 2, 3], [-4, 0, 0.5]], np.float32)


def test_all_outputs_come_back_by_name(model: Model) -> None:
    """Without a choice of outputs every one is returned, in the net's dtype and shape."""
    result = model.infer({"x": X})
    assert set(result) == {"double", "sum"}
    assert result["double"].dtype == np.float32
    np.testing.assert_array_equal(result["double"], X * 2)
    np.testing.assert_array_equal(result["sum"], [[6], [-3.5]])


def test_only_the_wanted_outputs_come_back(model: Model) -> None:
    """A choice of outputs is kept to."""
    assert set(model.infer({"x": X}, outputs=["sum"])) == {"sum"}


def test_a_free_axis_takes_any_size(model: Model) -> None:
    """The batch axis takes one row and many rows."""
    for rows in (1, 7):
        assert model.infer({"x": np.ones((rows, 3), np.float32)})["sum"].shape == (rows, 1)


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ({"y": X}, None, "inputs"),
        ({}, None, "inputs"),
        ({"x": X, "y": X}, None, "inputs"),
        ({"x": X.astype(np.float64)}, None, "float64"),
        ({"x": np.ones((2, 4), np.float32)}, None, "shape"),
        ({"x": np.ones(3, np.float32)}, None, "shape"),
        ({"x": X}, ["triple"], "triple"),
        ({"x": X}, [], "outputs"),
    ],
)
def test_wrong_names_dtypes_and_shapes_are_told(
    model: Model, inputs: dict[str, NDArray[Any]], outputs: list[str] | None, said: str
) -> None:
    """What the net cannot take is refused with a sentence that names it, before anything runs."""
    with pytest.raises(InferenceFailed, match=said):
        model.infer(inputs, outputs=outputs)


def test_a_deadline_that_has_passed_is_told(model: Model) -> None:
    """No time left means DeadlineExceeded, not an answer."""
    for left in (0.0, -1.0):
        with pytest.raises(DeadlineExceeded, match="reference"):
            model.infer({"x": X}, timeout_s=left)


def test_a_generous_deadline_changes_nothing(model: Model) -> None:
    """With time enough the answer is the same."""
    np.testing.assert_array_equal(model.infer({"x": X}, timeout_s=60.0)["double"], X * 2)


def test_threads_may_share_a_model(model: Model) -> None:
    """Runs from several threads do not mix their arrays."""
    with ThreadPoolExecutor(4) as pool:
        rows = [np.full((1, 3), float(i), np.float32) for i in range(32)]
        sums = list(pool.map(lambda row: float(model.infer({"x": row})["sum"][0, 0]), rows))
    assert sums == [3.0 * i for i in range(32)]


def test_it_describes_itself(model: Model) -> None:
    """Name and bill-of-models row are those that it was made with."""
    assert model.name == "reference"
    assert model.describe() == USE
    assert model.ready()


Engine = Callable[..., Model]


@pytest.fixture(params=[OnnxModel, OpenVinoModel])
def engine(request: pytest.FixtureRequest) -> Engine:
    """What runs a net in this process."""
    return cast("Engine", request.param)


def slow_net(folder: Path, engine: Engine) -> Model:
    """A net of 400 large products, which takes many seconds on one thread."""
    side, count = 1024, 400
    nodes = [helper.make_node("MatMul", [f"y{i}", "w"], [f"y{i + 1}"]) for i in range(count)]
    graph = helper.make_graph(
        nodes,
        "slow",
        [helper.make_tensor_value_info("y0", TensorProto.FLOAT, [side, side])],
        [helper.make_tensor_value_info(f"y{count}", TensorProto.FLOAT, [side, side])],
        initializer=[numpy_helper.from_array(np.eye(side, dtype=np.float32), "w")],
    )
    path = folder / "slow.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return engine(path, USE, threads=1)


SLOW_INPUT = {"y0": np.ones((1024, 1024), np.float32)}


def test_a_run_is_stopped_midway(tmp_path: Path, engine: Engine) -> None:
    """A run that takes longer than its deadline is cut off between two nodes."""
    with pytest.raises(DeadlineExceeded, match=r"0\.05 s"):
        slow_net(tmp_path, engine).infer(SLOW_INPUT, timeout_s=0.05)


def test_a_run_is_stopped_when_nobody_waits(tmp_path: Path, engine: Engine) -> None:
    """A run whose caller has gone ends with what the look raised, long before it would be done; a further run works."""
    slow = slow_net(tmp_path, engine)
    looks: list[float] = []

    def look() -> None:
        looks.append(time.process_time())
        if len(looks) == 2:
            raise Cancelled("the caller has cancelled the call")

    with while_waiting(look), pytest.raises(Cancelled):
        slow.infer(SLOW_INPUT, timeout_s=600.0)
    assert len(looks) == 2
    assert time.process_time() - looks[-1] < 1.0
    with pytest.raises(DeadlineExceeded):
        slow.infer(SLOW_INPUT, timeout_s=0.05)
    assert len(looks) == 2, "the look was for the first run alone"


def test_a_file_that_cannot_be_loaded_is_told(tmp_path: Path, engine: Engine) -> None:
    """A file that is no ONNX model stops the process with a sentence."""
    (tmp_path / "broken.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigurationError, match="cannot load model 'reference'"):
        engine(tmp_path / "broken.onnx", USE)


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A GPU that this onnxruntime cannot use stops the process with the setting's name."""
    write_reference_net(tmp_path / "good.onnx")
    try:
        on_gpu = OnnxModel(tmp_path / "good.onnx", USE, device="cuda")
    except ConfigurationError as error:
        assert "LENSORA_DEVICE=cuda" in str(error)
    else:
        np.testing.assert_array_equal(on_gpu.infer({"x": X})["double"], X * 2)


def test_the_fake_fails_when_told_to_and_remembers() -> None:
    """A fake can play a server that is away, and comes back; what it was asked is kept."""
    fake = FakeModel(
        reference, inputs={"x": TensorSpec(np.float32, (None, 3))}, outputs=["double", "sum"], use=USE, seconds=0.01
    )
    fake.fail_with(Unavailable("away"))
    assert not fake.ready()
    with pytest.raises(Unavailable):
        fake.infer({"x": X})
    fake.fail_with(None)
    fake.infer({"x": X})
    with pytest.raises(DeadlineExceeded):
        fake.infer({"x": X}, timeout_s=0.005)
    assert fake.ready()
    assert [call["x"].shape for call in fake.calls] == [(2, 3), (2, 3)]


def test_halved_weights_change_nothing_where_they_are_halves(tmp_path: Path) -> None:
    """Weights that are floats of 16 bits give the same answers whether they are kept as 16 bits or as 32."""
    weights = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float16).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "halves",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 64])],
        initializer=[numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "halves.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    x = np.random.default_rng(1).random((3, 64), np.float32)
    whole, half = (
        OpenVinoModel(path, USE, half_weights=half, threads=1).infer({"x": x})["y"] for half in (False, True)
    )
    assert np.array_equal(whole, half)
    assert np.allclose(whole, x @ weights, atol=1e-4)
