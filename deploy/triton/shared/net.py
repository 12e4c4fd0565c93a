"""What the python-backend models of this repository share: where the weights are, the device, tensors in and out.

Runs in Triton's python backend alone, in the environment of ``requirements.txt``.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

# Both before torch and the hub's client are imported. A file that is not a plain state dict is never unpickled, also
# where upstream code asks for it; and nothing is fetched while a server runs: weights are verified before it starts.
os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import triton_python_backend_utils as pb_utils

OLDEST_TORCH = (2, 6)
"""Before, torch's restricted loader could be escaped (CVE-2025-32434)."""


class Net:
    """Base of a ``TritonPythonModel``: a subclass has ``load`` and ``answer``."""

    def initialize(self, args):
        version = tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2])
        if version < OLDEST_TORCH:
            raise pb_utils.TritonModelException(f"torch {torch.__version__} is older than 2.6, and is refused")
        # pb_utils' logger writes into Triton's own log.
        logging.getLogger().setLevel(logging.WARNING)
        self.config = json.loads(args["model_config"])
        gpu = args["model_instance_kind"] == "GPU"
        self.device = f"cuda:{args['model_instance_device_id']}" if gpu else "cpu"
        self.dtype = torch.bfloat16 if gpu else torch.float32
        self.weights = Path(self.parameter("weights"))
        if not self.weights.exists():
            raise pb_utils.TritonModelException(
                f"there are no weights at {self.weights}; assemble the repository again"
            )
        torch.set_grad_enabled(False)
        self.load()

    def load(self):
        """Load the weights from ``self.weights`` onto ``self.device``."""
        raise pb_utils.TritonModelException(f"{type(self).__name__} has no load")

    def answer(self, request):
        """The named arrays that answer one request."""
        raise pb_utils.TritonModelException(f"{type(self).__name__} has no answer")

    def execute(self, requests):
        return [self.guarded(request, self.answer) for request in requests]

    def guarded(self, request, answer):
        """One request's response; its own failure fails no other's."""
        if request.is_cancelled():
            return refusal("the caller has gone", pb_utils.TritonError.CANCELLED)
        try:
            arrays = answer(request)
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            return refusal(f"out of GPU memory: {error}", pb_utils.TritonError.UNAVAILABLE)
        except Exception as error:  # any failure of a net is its request's answer, with its text
            pb_utils.Logger.log_warn(f"{type(error).__name__}: {error}")
            return refusal(f"{type(error).__name__}: {error}", pb_utils.TritonError.INTERNAL)
        return response(request, arrays)

    def parameter(self, key, default=None):
        """A parameter of ``config.pbtxt``."""
        value = self.config["parameters"].get(key, {}).get("string_value", default)
        if value is None:
            raise pb_utils.TritonModelException(f"config.pbtxt has no parameter {key!r}")
        return value


def response(request, arrays):
    """Arrays by name as Triton's answer; only those that were asked for."""
    wanted = set(request.requested_output_names())
    tensors = [pb_utils.Tensor(name, np.ascontiguousarray(a)) for name, a in arrays.items() if name in wanted]
    return pb_utils.InferenceResponse(output_tensors=tensors)


def refusal(message, code):
    """An error as Triton's answer."""
    return pb_utils.InferenceResponse(error=pb_utils.TritonError(message[:2000], code))


def array(request, name):
    """An input as a numpy array."""
    return pb_utils.get_input_tensor_by_name(request, name).as_numpy()


def text(request, name):
    """An input of one string."""
    return array(request, name).reshape(-1)[0].decode("utf-8")


def number(request, name):
    """An input of one whole number."""
    return int(array(request, name).reshape(-1)[0])
