"""``Model`` on OpenVINO's CPU plugin, in this process: it uses matrix units (AMX, AVX512-BF16) that onnxruntime leaves.

An optional dependency (``pip install "lensora[openvino]"``): ``lensora.adapters.engines`` says which net runs on it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from lensora.adapters.inference import fits, wanted_outputs
from lensora.adapters.patience import Patience
from lensora.allocator import give_back
from lensora.core.artifacts import ModelUse
from lensora.core.errors import ConfigurationError, InferenceFailed
from lensora.models.manifest import Precision

_HINTS = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16"}

_DTYPES: dict[str, type[np.generic]] = {
    "f32": np.float32,
    "f16": np.float16,
    "f64": np.float64,
    "i8": np.int8,
    "u8": np.uint8,
    "i32": np.int32,
    "i64": np.int64,
    "boolean": np.bool_,
}


class OpenVinoModel:
    """``Model`` on OpenVINO. Runs of several threads follow each other: one alone uses every thread it was given."""

    def __init__(
        self,
        path: Path,
        use: ModelUse,
        *,
        precision: Precision = Precision.FLOAT32,
        half_weights: bool = False,
        threads: int = 0,
    ) -> None:
        """Load the weights.

        Args:
            path: an ONNX file that was verified (``lensora.models.path_of``).
            use: what ``describe`` answers.
            precision: in which it multiplies; bfloat16 is for CPUs that have it, others only pretend to.
            half_weights: keep the weights as floats of 16 bits, in half the memory; for those that are such floats.
            threads: threads of one inference; 0 means one per physical core.

        Raises:
            ConfigurationError: the file cannot be loaded.
        """
        settings: dict[str, Any] = {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": _HINTS[precision],
            # Other processes of the stack use the same cores, and a container may not choose which it gets.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            core = openvino.Core()
            graph = core.read_model(str(path))
            if half_weights:
                _halve(graph)
            self._compiled = core.compile_model(graph, "CPU", settings)
            del graph
        except Exception as error:  # OpenVINO's errors share no base but Exception
            raise ConfigurationError(f"cannot load model {use.name!r} from {path}: {error}") from error
        give_back()
        self._use = use
        self._inputs = {item.get_any_name(): item for item in self._compiled.inputs}
        self._outputs = [item.get_any_name() for item in self._compiled.outputs]
        self._request = self._compiled.create_infer_request()
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        return self._use.name

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        *,
        outputs: Sequence[str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        wanted = wanted_outputs(self.name, self._outputs, outputs)
        self._check(inputs)
        patience = Patience(self.name, timeout_s)
        patience.look()
        while not self._turn.acquire(timeout=patience.pause_s()):
            patience.look()
        try:
            self._run(inputs, patience)
            # The request's own memory is written again by the next run: what is handed out is a copy.
            return {name: np.array(self._request.get_tensor(name).data) for name in wanted}
        finally:
            self._turn.release()

    def ready(self) -> bool:
        return True

    def make_room(self) -> None:
        """Give back the memory that runs have taken; the next one takes it again. 130 MB of IS-Net at 1024 pixels."""
        with self._turn:
            self._compiled.release_memory()

    def describe(self) -> ModelUse:
        return self._use

    def _run(self, inputs: Mapping[str, NDArray[Any]], patience: Patience) -> None:
        try:
            arrays = {name: np.ascontiguousarray(array) for name, array in inputs.items()}
            self._request.start_async(arrays, share_inputs=True)
            try:
                while not self._request.wait_for(patience.pause_ms()):
                    patience.look()
            except BaseException:
                # It looks between two nodes of the graph; the arrays are its own until it has ended.
                self._request.cancel()
                _outwait(self._request)
                raise
        except RuntimeError as error:
            raise InferenceFailed(f"{self.name} failed: {error}") from error

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        if set(inputs) != set(self._inputs):
            raise InferenceFailed(f"{self.name} takes the inputs {sorted(self._inputs)}, not {sorted(inputs)}")
        for name, array in inputs.items():
            taken = self._inputs[name]
            dtype = _DTYPES.get(taken.get_element_type().get_type_name())
            if dtype is not None and array.dtype != dtype:
                raise InferenceFailed(f"{self.name}: input {name} takes {np.dtype(dtype)}, not {array.dtype}")
            sizes = [None if size.is_dynamic else size.get_length() for size in taken.get_partial_shape()]
            if not fits(array.shape, sizes):
                raise InferenceFailed(f"{self.name}: input {name} takes shape {sizes}, not {list(array.shape)}")


def _outwait(request: Any) -> None:
    try:
        request.wait()
    except RuntimeError:
        return  # it says that it was cancelled


def _halve(graph: openvino.Model) -> None:
    """Turn a graph's float32 weights into 16 bits, which are widened again where they are used."""
    try:
        # What OpenVINO's own converter calls; there is no other name for it.
        from openvino._offline_transformations import compress_model_transformation  # noqa: PLC0415
    except ImportError:  # a later version: only memory is lost
        return
    compress_model_transformation(graph)
