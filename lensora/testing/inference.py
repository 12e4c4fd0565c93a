"""A neural net that is a Python function: for tests of stages, and for trying one without weights."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from lensora.adapters.inference import fits, wanted_outputs
from lensora.core.artifacts import ModelUse
from lensora.core.errors import DeadlineExceeded, InferenceFailed, LensoraError

Respond = Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]
"""All inputs in, all outputs out."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What an input takes: a dtype, and a shape in which None stands for any size."""

    dtype: DTypeLike
    shape: tuple[int | None, ...]


class FakeModel:
    """``Model`` that answers with a function, fails when told to, and remembers what it was asked."""

    def __init__(
        self,
        respond: Respond,
        *,
        inputs: Mapping[str, TensorSpec],
        outputs: Sequence[str],
        use: ModelUse,
        seconds: float = 0.0,
    ) -> None:
        """
        Args:
            respond: the net.
            inputs: what each input takes.
            outputs: every output's name, as ``respond`` gives them.
            use: what ``describe`` answers.
            seconds: how long a run takes.
        """
        self._respond = respond
        self._inputs = dict(inputs)
        self._outputs = list(outputs)
        self._use = use
        self._seconds = seconds
        self._failure: LensoraError | None = None
        self._lock = threading.Lock()
        self._calls: list[dict[str, NDArray[Any]]] = []

    @property
    def name(self) -> str:
        return self._use.name

    @property
    def calls(self) -> list[dict[str, NDArray[Any]]]:
        """The inputs of every run so far, oldest first."""
        with self._lock:
            return list(self._calls)

    def fail_with(self, failure: LensoraError | None) -> None:
        """Raise this from now on, and say not ready; None works again."""
        with self._lock:
            self._failure = failure

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        *,
        outputs: Sequence[str] | None = None,
        timeout_s: float | None = None,
    ) -> dict[str, NDArray[Any]]:
        wanted = wanted_outputs(self.name, self._outputs, outputs)
        self._check(inputs)
        with self._lock:
            if self._failure is not None:
                raise self._failure
            self._calls.append({name: np.array(array) for name, array in inputs.items()})
        if timeout_s is not None and timeout_s <= self._seconds:
            time.sleep(max(timeout_s, 0.0))
            raise DeadlineExceeded(f"{self.name} was not done within {max(timeout_s, 0.0):.3g} s")
        time.sleep(self._seconds)
        results = self._respond(inputs)
        return {name: results[name] for name in wanted}

    def ready(self) -> bool:
        with self._lock:
            return self._failure is None

    def describe(self) -> ModelUse:
        return self._use

    def _check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        if set(inputs) != set(self._inputs):
            raise InferenceFailed(f"{self.name} takes the inputs {sorted(self._inputs)}, not {sorted(inputs)}")
        for name, array in inputs.items():
            taken = self._inputs[name]
            if array.dtype != taken.dtype:
                raise InferenceFailed(f"{self.name}: input {name} takes {np.dtype(taken.dtype)}, not {array.dtype}")
            if not fits(array.shape, taken.shape):
                raise InferenceFailed(f"{self.name}: input {name} takes shape {taken.shape}, not {list(array.shape)}")
