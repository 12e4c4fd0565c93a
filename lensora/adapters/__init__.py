"""Adapters to the world outside, each behind one small Protocol.

The packages that run neural networks tell their makers of each process by themselves. A photo service on somebody's own
machines tells nobody, so both are silenced here, before any adapter imports one of them.
"""

import os
import sys

# onnxruntime keeps an id of the machine and sends events with the program's path; 1 says that it must not.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
# OpenVINO sends an event at each import, and goes without where this package of its own cannot be imported.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
