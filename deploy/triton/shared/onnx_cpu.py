"""An ONNX file in Triton's python backend, on the CPU: for tests, and for a Triton without the onnxruntime backend.

On a GPU the same file runs in Triton's own onnxruntime backend, and this module is not used.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

# Before onnxruntime is imported: it sends events of each process to its makers.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """Runs ``model.onnx`` beside this file."""

    def initialize(self, args):
        config = json.loads(args["model_config"])
        threads = config["parameters"].get("threads", {}).get("string_value", "0")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = int(threads)
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        weights = Path(args["model_repository"]) / args["model_version"] / "model.onnx"
        self._session = onnxruntime.InferenceSession(os.fspath(weights), options, providers=["CPUExecutionProvider"])
        self._run_options = onnxruntime.RunOptions()
        self._run_options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        self._inputs = [item["name"] for item in config["input"]]

    def execute(self, requests):
        # One run per request: a CPU gains nothing from a larger batch and pays for it in memory.
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        inputs = {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self._inputs}
        wanted = list(request.requested_output_names())
        try:
            results = self._session.run(wanted, inputs, self._run_options)
        except Exception as error:  # onnxruntime's errors share no base but Exception
            return pb_utils.InferenceResponse(error=pb_utils.TritonError(f"onnxruntime: {error}"))
        tensors = [pb_utils.Tensor(n, np.ascontiguousarray(r)) for n, r in zip(wanted, results, strict=True)]
        return pb_utils.InferenceResponse(output_tensors=tensors)
