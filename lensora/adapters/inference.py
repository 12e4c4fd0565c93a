"""Neural nets behind one small Protocol: named arrays in, named arrays out. Here: onnxruntime, in this process.

A stage's backend is handed a ``Model`` and never knows which adapter it has; pre- and post-processing lives with the
stage.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from lensora.adapters.patience import LOOK_INTERVAL_S, Look, current_look
from lensora.allocator import give_back
from lensora.core.artifacts import ModelUse
from lensora.core.errors import ConfigurationError, DeadlineExceeded, InferenceFailed

Device = Literal["cpu", "cuda"]

_PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
_ARENAS: dict[Device, str] = {"cpu": "cpu:0", "cuda": "gpu:0;cpu:0"}

_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(bool)": np.bool_,
}

_ERRORS_ONLY = 3
"""onnxruntime's own log level: its warnings are about graphs, not about us."""


class Model(Protocol):
    """A neural net that is ready to run. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The model's name in the manifest, such as ``isnet-general-use``."""
        ...

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        *,
        outputs: Sequence[str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        """Run the net once.

        Args:
            inputs: every input by name, in the net's own dtype and shape.
            outputs: names of the outputs wanted; None means all. Fewer are cheaper.
            timeout_s: seconds from now after which the run is given up; None means no limit.

        Returns:
            The outputs by name; the arrays belong to the caller.

        Raises:
            InferenceFailed: a wrong name, dtype or shape, or the runtime failed.
            DeadlineExceeded: the time is over.
            Unavailable: the runtime is a server that does not answer.
        """
        ...

    def ready(self) -> bool:
        """True when ``infer`` can be expected to work now."""
        ...

    def describe(self) -> ModelUse:
        """The model's row in a job's bill of models."""
        ...


def wanted_outputs(name: str, there: Sequence[str], asked: Sequence[str] | None) -> list[str]:
    """The outputs to compute: those asked for, or all. Raises InferenceFailed: the model has no such outputs."""
    wanted = list(there if asked is None else asked)
    if not wanted or not set(wanted) <= set(there):
        raise InferenceFailed(f"{name} has the outputs {list(there)}, not {wanted}")
    return wanted


class OnnxModel:
    """``Model`` on onnxruntime in this process."""

    def __init__(self, path: Path, use: ModelUse, *, device: Device = "cpu", threads: int = 0) -> None:
        """Load the weights.

        Args:
            path: an ONNX file that was verified (``lensora.models.path_of``).
            use: what ``describe`` answers.
            device: ``cpu``, or ``cuda`` with the GPU build of onnxruntime.
            threads: threads of one inference; 0 means one per physical core.

        Raises:
            ConfigurationError: the file cannot be loaded, or this onnxruntime has no such device.
        """
        provider = _PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise ConfigurationError(
                f"LENSORA_DEVICE={device}: this onnxruntime has no {provider}; install onnxruntime-gpu for cuda"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Threads that spin while they wait take the cores from the other processes of the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        except Exception as error:  # onnxruntime's errors share no base but Exception
            raise ConfigurationError(f"cannot load model {use.name!r} from {path}: {error}") from error
        if self._session.get_providers()[0] != provider:
            raise ConfigurationError(f"LENSORA_DEVICE={device}: onnxruntime could not start {provider} on this machine")
        give_back()
        self._use = use
        # Without shrinking, the arena keeps what its largest run took: 735 MB for IS-Net at 1024 pixels; without an
        # arena every run pays for fresh pages (a quarter more CPU time). Shrinking after each run has neither cost.
        self._arenas = _ARENAS[device]
        self._inputs = {item.name: item for item in self._session.get_inputs()}
        self._outputs = [item.name for item in self._session.get_outputs()]

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
        options = onnxruntime.RunOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", self._arenas)
        with _ended_early(self.name, options, timeout_s):
            try:
                results = self._session.run(wanted, dict(inputs), options)
            except Exception as error:  # onnxruntime's errors share no base but Exception
                raise InferenceFailed(f"{self.name} failed: {error}") from error
        return dict(zip(wanted, results, strict=True))

    def ready(self) -> bool:
        return True

    def describe(self) -> ModelUse:
        return self._use

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        if set(inputs) != set(self._inputs):
            raise InferenceFailed(f"{self.name} takes the inputs {sorted(self._inputs)}, not {sorted(inputs)}")
        for name, array in inputs.items():
            taken = self._inputs[name]
            dtype = _DTYPES.get(taken.type)
            if dtype is not None and array.dtype != dtype:
                raise InferenceFailed(f"{self.name}: input {name} takes {np.dtype(dtype)}, not {array.dtype}")
            sizes = [size if isinstance(size, int) else None for size in taken.shape]
            if not fits(array.shape, sizes):
                raise InferenceFailed(f"{self.name}: input {name} takes shape {taken.shape}, not {list(array.shape)}")


def fits(shape: Sequence[int], declared: Sequence[int | None]) -> bool:
    """True when an array of ``shape`` may be given where ``declared`` is; None stands for any size."""
    return len(shape) == len(declared) and all(
        want is None or have == want for have, want in zip(shape, declared, strict=True)
    )


@contextmanager
def _ended_early(name: str, options: Any, timeout_s: float | None) -> Iterator[None]:
    """Ask onnxruntime to stop once the time is over or nobody waits any more; it looks between two nodes of the graph.

    Raises:
        DeadlineExceeded: the time is over.
        Exception: what the look of ``patience.while_waiting`` raises.
    """
    look = current_look()
    if timeout_s is None and look is None:
        yield
        return
    if look is not None:
        look()
    watch = _Watch(name, options, timeout_s, look)
    watch.start()
    try:
        yield
    except InferenceFailed as error:
        if watch.reason is not None:
            raise watch.reason from error
        raise
    finally:
        watch.over.set()


class _Watch(threading.Thread):
    """Beside a run: ends it when it has no time left, or when a look says that nobody waits for it."""

    def __init__(self, name: str, options: Any, timeout_s: float | None, look: Look | None) -> None:
        super().__init__(name="watch-run", daemon=True)
        self.over = threading.Event()
        self.reason: Exception | None = None
        self._options = options
        self._look = look
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._late = DeadlineExceeded(f"{name} was not done within {max(timeout_s or 0.0, 0.0):.3g} s")
        if timeout_s is not None and timeout_s <= 0:
            raise self._late

    def run(self) -> None:
        while not self.over.wait(self._pause_s()):
            try:
                if self._until is not None and time.monotonic() >= self._until:
                    raise self._late
                if self._look is not None:
                    self._look()
            except Exception as reason:  # handed to the run's thread, which raises it
                self.reason = reason
                self._options.terminate = True
                return

    def _pause_s(self) -> float:
        left_s = LOOK_INTERVAL_S if self._until is None else max(0.0, self._until - time.monotonic())
        return left_s if self._look is None else min(LOOK_INTERVAL_S, left_s)
