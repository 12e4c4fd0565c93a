"""What runs neural networks tells nobody of it, and keeps no id of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from lensora.models.store import path_of

_PROGRAM = """
import os, sys

def told(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect", "urllib.Request"):
        print(event, arguments[0])

sys.addaudithook(told)
from lensora.adapters.inference import OnnxModel
from lensora.adapters.openvino import OpenVinoModel
from lensora.core.artifacts import ModelUse
from pathlib import Path

for kind in (OnnxModel, OpenVinoModel):
    kind(Path(sys.argv[1]), ModelUse("net", "1", "", "MIT", "mesh"))
print(*sorted(str(path) for path in Path.home().rglob("*")))
"""


def test_engines_tell_nobody_that_they_run(tmp_path: Path) -> None:
    """A process that loads a net on onnxruntime and on OpenVINO looks up no host and leaves nothing in its home."""
    net = path_of("lensora-shape", tmp_path / "models")
    unset = ("CI", "ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME")
    home = tmp_path / "home"
    home.mkdir()
    environ = {key: value for key, value in os.environ.items() if key not in unset} | {"HOME": str(home)}
    command = [sys.executable, "-c", _PROGRAM, str(net)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [], done.stderr
