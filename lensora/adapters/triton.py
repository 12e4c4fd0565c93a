"""Neural nets on an NVIDIA Triton Inference Server: ``Model`` over Triton's gRPC protocol.

Batching is Triton's (dynamic batching in each model's ``config.pbtxt``): a client sends one request at a time, and
requests of several clients meet in the server's queue. The services' threads wait for a call that runs by itself: every
one has a deadline, which also bounds the time in Triton's queue, and is cancelled over there when its caller leaves
(``lensora.adapters.patience``).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from prometheus_client import Counter, Gauge, Histogram
from tritonclient.grpc import InferenceServerClient, InferInput, InferRequestedOutput, InferResult
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, triton_to_np_dtype

from lensora.adapters.inference import fits
from lensora.adapters.patience import LOOK_INTERVAL_S, current_look
from lensora.adapters.triton_memory import SharedInputs
from lensora.core.artifacts import ModelUse
from lensora.core.errors import (
    ConfigurationError,
    DeadlineExceeded,
    InferenceFailed,
    LensoraError,
    Overloaded,
    Unavailable,
)
from lensora.observability import logs, traces
from lensora.observability.metrics import STAGE_BUCKETS_S

_log = logs.get(__name__)

TRITON_CALLS = Counter("lensora_triton_calls_total", "Inferences asked of Triton.", ["model", "outcome"])
TRITON_SECONDS = Histogram(
    "lensora_triton_duration_seconds", "Time of inferences on Triton, queue and transport included.", ["model"],
    buckets=STAGE_BUCKETS_S,
)  # fmt: skip
TRITON_READY = Gauge("lensora_triton_model_ready", "1 while Triton serves the model, as far as was seen.", ["model"])
TRITON_BYTES = Counter("lensora_triton_tensor_bytes_total", "Tensor bytes sent to and read from Triton.", ["direction"])

DEFAULT_TIMEOUT_S = 120.0
"""Limit of a call whose caller has none: no call waits for ever. The slowest net of the repository takes half of it."""

PROBE_TIMEOUT_S = 2.0
"""A server that does not answer a question about itself within this is not ready."""

DIGEST_PARAMETER = "weights_sha256"
"""Parameter of an assembled model's configuration: which weights the server runs (``lensora.models.repository``)."""

RETRY_AFTER_S = 2.0
"""A restarted Triton loads its first model in about this."""

_CHANNEL_OPTIONS = [
    # Tensors are the payload here: a picture of 1024 x 1024 in float32 has 12 MB, three times gRPC's default limit.
    ("grpc.max_send_message_length", 2**31 - 1),
    ("grpc.max_receive_message_length", 2**31 - 1),
    # Found again within a second of its restart. No keep-alive pings: Triton's default counts them as an attack when
    # they come oftener than every five minutes; the deadline of each call is what notices a dead server.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    ("grpc.enable_http_proxy", 0),
]


def connect(target: str) -> InferenceServerClient:
    """A lazy connection to a Triton server; safe to share between threads and models.

    Args:
        target: ``host:port`` of Triton's gRPC endpoint, or ``dns:///name:port`` for every pod of a headless Service.
    """
    return InferenceServerClient(target, channel_args=_CHANNEL_OPTIONS)


@dataclass(frozen=True, slots=True)
class _Tensor:
    datatype: str
    shape: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Signature:
    """What the served model takes and gives."""

    inputs: dict[str, _Tensor]
    outputs: tuple[str, ...]
    sha256: str


class _Answer:
    """What a running call will have given: written by gRPC's thread, waited for by the caller's."""

    def __init__(self) -> None:
        self._here = threading.Event()
        self._result: InferResult | None = None
        self._error: InferenceServerException | None = None

    def put(self, result: InferResult | None, error: InferenceServerException | None) -> None:
        """tritonclient's callback."""
        self._result, self._error = result, error
        self._here.set()

    def get(self) -> InferResult:
        """Wait, looking from time to time whether it is worth it. Raises the call's error, or what the look raises."""
        look = current_look()
        while not self._here.wait(LOOK_INTERVAL_S if look is not None else None):
            if look is not None:
                look()
        if self._error is not None:
            raise self._error
        return self._result


class TritonModel:
    """``Model`` on a Triton server. Making one does not call the server, so a service starts while Triton is away."""

    def __init__(
        self,
        client: InferenceServerClient,
        use: ModelUse,
        *,
        served_as: str = "",
        timeout_s: float = DEFAULT_TIMEOUT_S,
        shared_memory: bool = False,
    ) -> None:
        """
        Args:
            client: what ``connect`` gave.
            use: what ``describe`` answers; where it has a sha256, the server must run those weights, and where it has
                none, the one that the server names takes its place after the first call.
            served_as: the model's name in Triton's repository; empty means ``use.name``.
            timeout_s: seconds that a call may take whose caller sets no limit.
            shared_memory: hand large inputs over in memory: the server is on this host, and runs as the same user.
        """
        self._client = client
        self._use = use
        self._served_as = served_as or use.name
        self._timeout_s = timeout_s
        self._memory = SharedInputs(client) if shared_memory else None
        self._lock = threading.Lock()
        self._known: _Signature | None = None

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
        started = time.perf_counter()
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        if limit_s <= 0:
            raise DeadlineExceeded(self._late(limit_s))
        with self._counted(started), traces.span("triton", kind="client", attributes={"model": self._served_as}):
            signature = self._signature(limit_s)
            wanted = list(signature.outputs if outputs is None else outputs)
            if not wanted or not set(wanted) <= set(signature.outputs):
                raise InferenceFailed(f"{self.name} has the outputs {list(signature.outputs)}, not {wanted}")
            self._check(inputs, signature)
            left_s = limit_s - (time.perf_counter() - started)
            if left_s <= 0:
                raise DeadlineExceeded(self._late(limit_s))
            with self._translated(limit_s), self._tensors(inputs) as tensors:
                answer = _Answer()
                call = self._client.async_infer(
                    self._served_as,
                    tensors,
                    callback=answer.put,
                    outputs=[InferRequestedOutput(name) for name in wanted],
                    # Triton's queue drops the request once nobody waits for it; whole microseconds, at least one.
                    timeout=max(1, int(left_s * 1e6)),
                    client_timeout=left_s,
                    headers=traces.carrier(),
                )
                try:
                    result = answer.get()
                except BaseException:
                    call.cancel()
                    raise
            arrays = {name: self._output(result, name) for name in wanted}
        TRITON_READY.labels(model=self.name).set(1)
        TRITON_BYTES.labels(direction="sent").inc(sum(array.nbytes for array in inputs.values()))
        TRITON_BYTES.labels(direction="received").inc(sum(array.nbytes for array in arrays.values()))
        return arrays

    def ready(self) -> bool:
        try:
            is_ready = bool(self._client.is_model_ready(self._served_as, client_timeout=PROBE_TIMEOUT_S))
        except InferenceServerException:
            is_ready = False
        TRITON_READY.labels(model=self.name).set(is_ready)
        return is_ready

    def release(self) -> None:
        """Give back what was kept for further calls: regions of shared memory. Otherwise the process's end does."""
        if self._memory is not None:
            self._memory.forget()

    def describe(self) -> ModelUse:
        with self._lock:
            served = self._known.sha256 if self._known is not None else ""
        return self._use if self._use.sha256 else replace(self._use, sha256=served)

    def _signature(self, limit_s: float) -> _Signature:
        """Names, types and shapes, asked once; asked again after the server was away: it may serve another version."""
        with self._lock:
            known = self._known
        if known is not None:
            return known
        probe_s = min(limit_s, PROBE_TIMEOUT_S)
        with self._translated(probe_s):
            metadata = self._client.get_model_metadata(self._served_as, client_timeout=probe_s)
            config = self._client.get_model_config(self._served_as, client_timeout=probe_s).config
        served = config.parameters[DIGEST_PARAMETER].string_value if DIGEST_PARAMETER in config.parameters else ""
        if self._use.sha256 and served and served != self._use.sha256:
            raise ConfigurationError(
                f"Triton serves model {self._served_as!r} with weights {served}, and the manifest of this version of "
                f"Lensora has {self._use.sha256}; assemble the model repository again"
            )
        signature = _Signature(
            inputs={item.name: _Tensor(item.datatype, _free_axes(item.shape)) for item in metadata.inputs},
            outputs=tuple(item.name for item in metadata.outputs),
            sha256=served,
        )
        with self._lock:
            self._known = signature
        return signature

    def _check(self, inputs: Mapping[str, NDArray[Any]], signature: _Signature) -> None:
        if set(inputs) != set(signature.inputs):
            raise InferenceFailed(f"{self.name} takes the inputs {sorted(signature.inputs)}, not {sorted(inputs)}")
        for name, array in inputs.items():
            taken = signature.inputs[name]
            if np_to_triton_dtype(array.dtype) != taken.datatype:
                dtype = np.dtype(triton_to_np_dtype(taken.datatype))
                raise InferenceFailed(f"{self.name}: input {name} takes {dtype}, not {array.dtype}")
            if not fits(array.shape, taken.shape):
                raise InferenceFailed(
                    f"{self.name}: input {name} takes shape {list(taken.shape)}, not {list(array.shape)}"
                )

    @contextmanager
    def _tensors(self, inputs: Mapping[str, NDArray[Any]]) -> Iterator[list[InferInput]]:
        if self._memory is None:
            yield [_input(name, array) for name, array in inputs.items()]
            return
        with self._memory.tensors(inputs) as tensors:
            yield tensors

    def _output(self, result: InferResult, name: str) -> NDArray[Any]:
        try:
            array = result.as_numpy(name)
        except ValueError as error:
            # A python backend that runs with numpy 2 under a Triton built for numpy 1 sends shapes without bytes.
            raise InferenceFailed(f"{self.name}: Triton sent output {name} without all of its bytes") from error
        if array is None:
            raise InferenceFailed(f"{self.name}: Triton sent no output {name}")
        return np.array(array)

    def _late(self, limit_s: float) -> str:
        return f"{self.name} was not done within {max(limit_s, 0.0):.3g} s"

    @contextmanager
    def _counted(self, started: float) -> Iterator[None]:
        outcome = "ok"
        try:
            yield
        except LensoraError as error:
            outcome = error.code
            raise
        finally:
            TRITON_CALLS.labels(model=self.name, outcome=outcome).inc()
            TRITON_SECONDS.labels(model=self.name).observe(time.perf_counter() - started)

    @contextmanager
    def _translated(self, limit_s: float) -> Iterator[None]:
        """tritonclient's one exception, told apart by its gRPC status."""
        try:
            yield
        except InferenceServerException as error:
            translated = self._translate(error, limit_s)
            if isinstance(translated, Unavailable):
                with self._lock:
                    self._known = None
                if self._memory is not None:
                    self._memory.forget()
                TRITON_READY.labels(model=self.name).set(0)
                _log.warning("triton_unavailable", model=self._served_as, status=error.status(), error=error.message())
            raise translated from error

    def _translate(self, error: InferenceServerException, limit_s: float) -> LensoraError:
        status = str(error.status() or "").removeprefix("StatusCode.")
        message = " ".join(str(error.message() or "").split())
        if status == grpc.StatusCode.DEADLINE_EXCEEDED.name or "timeout expired" in message:
            return DeadlineExceeded(self._late(limit_s))
        if status == grpc.StatusCode.RESOURCE_EXHAUSTED.name or "maximum queue size" in message:
            return Overloaded(f"Triton has as many requests for {self.name} waiting as it may hold.", retry_after_s=5.0)
        if status == grpc.StatusCode.NOT_FOUND.name or "unknown model" in message:
            return Unavailable(
                f"The inference server (Triton) does not serve the model {self.name}.", retry_after_s=RETRY_AFTER_S
            )
        # A server that was restarted between two calls has forgotten the regions of shared memory.
        forgotten = "shared memory region" in message
        if forgotten or status in (grpc.StatusCode.UNAVAILABLE.name, grpc.StatusCode.CANCELLED.name):
            return Unavailable(
                f"The inference server (Triton) is not available for the model {self.name}.",
                retry_after_s=RETRY_AFTER_S,
            )
        return InferenceFailed(f"{self.name} failed on Triton: {message}")


def _free_axes(shape: Sequence[int]) -> tuple[int | None, ...]:
    return tuple(None if size < 0 else int(size) for size in shape)


def _input(name: str, array: NDArray[Any]) -> InferInput:
    tensor = InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
    # tobytes() of a view in another order is right, but numpy's own contiguous copy is four times faster.
    tensor.set_data_from_numpy(array if array.dtype == object else np.ascontiguousarray(array))
    return tensor
