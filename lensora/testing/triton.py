"""A real Triton Inference Server on this machine's CPU, started and stopped by tests.

``deploy/triton/install_server.py`` installs it; this module only knows where it lies. The models run in Triton's python
backend, in a virtual environment of their own (numpy < 2, onnxruntime, torch, transformers, diffusers).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import grpc

from lensora.adapters.redis_server import free_port
from lensora.core.errors import ConfigurationError

PACKAGE_VERSION = "0.7.0"
"""Of nvidia-pytriton, which carries a CPU build of Triton 2.51."""

LIBRARIES = "nvidia_pytriton.libs"
"""Folder of the libraries that the server links to, beside the package in the wheel."""

_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

READY_TIMEOUT_S = 200.0
"""Importing torch and diffusers in several model processes at once takes half a minute on two busy cores, minutes on
overloaded ones."""

STOP_TIMEOUT_S = 30.0
"""What Triton itself allows requests that are running when it is told to stop."""


def home() -> Path:
    """Where server and environment are kept: LENSORA_TRITON_HOME, or a folder in the user's cache."""
    return Path(os.environ.get("LENSORA_TRITON_HOME", "~/.cache/lensora/triton")).expanduser()


def server_folder() -> Path:
    """The unpacked server, for this version of Python: the python backend's stub is built for one."""
    return home() / f"server-{PACKAGE_VERSION}-py{_PYTHON}"


def environment_folder() -> Path:
    """The python backend's virtual environment."""
    return home() / f"nets-py{_PYTHON}"


def library_path(server: Path) -> str:
    """LD_LIBRARY_PATH under which the server and its python stub find what they link to."""
    return os.pathsep.join([str(sysconfig.get_config_var("LIBDIR")), str(server / LIBRARIES)])


class TritonServer:
    """One Triton process over a model repository. Keeps its port when it is stopped and started again."""

    def __init__(
        self,
        repository: Path,
        *,
        log: Path,
        models: Sequence[str] = (),
        model_config_name: str = "",
        extra: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        """
        Args:
            repository: folder with one folder per model.
            log: file that gets the server's and the models' output.
            models: models to load; empty loads all.
            model_config_name: name of the custom configurations (``configs/<name>.pbtxt``) to prefer, such as ``cpu``.
            extra: further arguments of ``tritonserver``.
            environment: further environment variables, seen by the models too.

        Raises:
            ConfigurationError: the server is not installed; the message says what to run.
        """
        binary = server_folder() / "pytriton" / "tritonserver" / "bin" / "tritonserver"
        python = environment_folder() / "bin" / "python"
        for needed in (binary, python):
            if not needed.exists():
                raise ConfigurationError(f"{needed} is missing; run: python deploy/triton/install_server.py")
        self._log = log
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [
            str(binary),
            f"--model-repository={repository}",
            f"--backend-directory={server_folder() / 'pytriton' / 'tritonserver' / 'backends'}",
            # Regions of shared memory left by a killed server must not meet those of another one.
            f"--backend-config=python,shm-region-prefix-name=lensora-{os.getpid()}-{self._port}-",
            "--grpc-address=127.0.0.1",
            f"--grpc-port={self._port}",
            "--allow-http=false",
            "--allow-metrics=false",
            "--disable-auto-complete-config",
            *([f"--model-config-name={model_config_name}"] if model_config_name else []),
            *(["--model-control-mode=explicit", *(f"--load-model={m}" for m in models)] if models else []),
            *extra,
        ]
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PYTHON")},
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")]),
            "LD_LIBRARY_PATH": library_path(server_folder()),
            # Nothing is fetched by a model: weights are on the disk or the model does not load.
            "HF_HUB_OFFLINE": "1",
            # Several torch processes share two cores: threads that spin for each other cost more than they bring.
            "OMP_NUM_THREADS": "1",
            **(environment or {}),
        }

    @property
    def target(self) -> str:
        """``host:port`` of the gRPC endpoint."""
        return f"127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start, and wait until every model is ready.

        Raises:
            RuntimeError: the server ended or was not ready in time; the message holds the end of its log.
        """
        with self._log.open("ab") as output:
            # A session of its own: the models are further processes, and a test ends all of them together.
            self._process = subprocess.Popen(  # noqa: S603 (our own arguments)
                self._command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + READY_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"Triton ended with {self._process.returncode}:\n{self.log_tail()}")
            if self._answers_ready():
                return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"Triton was not ready within {READY_TIMEOUT_S:.0f} s:\n{self.log_tail()}")

    def stop(self) -> None:
        """SIGTERM: requests that run are finished first."""
        if self._process is None:
            return
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S + 5)
        self.kill()

    def kill(self) -> None:
        """SIGKILL the server and its models, as a machine that dies."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        for leftover in Path("/dev/shm").glob(f"lensora-{os.getpid()}-{self._port}-*"):  # noqa: S108 (POSIX shm)
            leftover.unlink(missing_ok=True)

    def log_tail(self, lines: int = 40) -> str:
        """The end of the server's output."""
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-lines:])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()

    def _answers_ready(self) -> bool:
        # ServerReady of the KServe v2 protocol; an empty request, and field 1 of the response is a bool.
        with grpc.insecure_channel(self.target) as channel:
            try:
                ready = channel.unary_unary("/inference.GRPCInferenceService/ServerReady")(b"", timeout=2.0)
            except grpc.RpcError:
                return False
        return bool(ready == b"\x08\x01")
