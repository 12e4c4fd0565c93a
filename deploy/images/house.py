"""One job through all images at once: what a library left out or hollow must not break.

Each process listens on a loopback address of its own and knows the others' as the chart would tell it. The gateway's
image runs its own smoke test, as ``helm test`` does; then one film is ordered in every format.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.images.store import Container, Image
from deploy.rehearsal.probes import passes
from gateway.smoke import SMALL_FILM, painted_photo
from lensora.client import Client

STAGES = ("detect", "segment", "mesh", "render")
PROCESSES = (*STAGES, "worker", "gateway")
FORMATS = ["poster", "webm_alpha", "gif", "webp", "usdz", "obj", "stl"]
"""Beside the four files of each job."""

READY_S = 120.0
JOB_S = 240.0
END_S = 40.0


class House:
    """The six servers' containers. Use as a context manager."""

    def __init__(
        self,
        images: Mapping[str, Image],
        mounts: Mapping[Path, str],
        environments: Mapping[str, Mapping[str, str]],
        logs: Path,
    ) -> None:
        """
        Args:
            images: by process.
            mounts: as for a container.
            environments: by process; ``LENSORA_HOST`` says where it listens, ``LENSORA_PORT`` on which port.
            logs: folder for what they print.
        """
        self._environments = environments
        self._logs = logs
        self._stack = contextlib.ExitStack()
        self._images = images
        self._mounts = mounts
        self._containers: dict[str, Container] = {}

    def __enter__(self) -> House:
        with contextlib.ExitStack() as stack:
            for name in PROCESSES:
                container = Container(self._images[name], mounts=self._mounts, environment=self._environments[name])
                self._containers[name] = stack.enter_context(container)
                self._start(name, stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        self._stack.close()

    def smoke(self) -> float:
        """Seconds of the gateway image's own smoke test, and of a film in every format.

        Raises:
            RuntimeError: a job did not end as it should.
        """
        started = time.monotonic()
        self._run("-m", "gateway.smoke", "--base-url", self._url, "--account", "images")
        self._run("-m", "gateway.admin", "credits", "grant", "1000", "--account", "images")
        key = json.loads(self._run("-m", "gateway.admin", "keys", "create", "--account", "images", "--json"))["api_key"]
        with Client(self._url, key) as client:
            session = client.init(painted_photo())
            output = {**SMALL_FILM, "formats": FORMATS}
            ticket = client.transform(session.session_id, "on a marble countertop", output=output)
            result = client.wait(ticket, timeout_s=JOB_S)
        files = result.output.urls() if result.output else {}
        if result.status != "completed" or not {"mp4", "glb", "usdz", "webm_alpha"} <= set(files):
            raise RuntimeError(f"the job is {result.status} with {sorted(files)}: {result.error}\n{self.tail()}")
        return time.monotonic() - started

    def tail(self) -> str:
        """The end of what each process printed."""
        logs = sorted(self._logs.glob("*.log"))
        return "\n".join(f"== {log.stem}\n{log.read_text(errors='replace')[-1500:]}" for log in logs)

    @property
    def _url(self) -> str:
        return f"http://{self._environments['gateway']['LENSORA_HOST']}:8000"

    def _run(self, *arguments: str) -> str:
        command = self._containers["gateway"].command(["python", *arguments])
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise RuntimeError(f"python {' '.join(arguments)}: {done.stdout}{done.stderr}\n{self.tail()}")
        return done.stdout

    def _start(self, name: str, stack: contextlib.ExitStack) -> None:
        command = self._containers[name].command(self._images[name].entrypoint)
        log = stack.enter_context((self._logs / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)  # noqa: S603
        stack.callback(_end, process)
        probe = {"timeoutSeconds": 3} | {
            "gateway": {"httpGet": {"path": "/healthz", "port": 8000}},
            "worker": {"httpGet": {"path": "/metrics", "port": 9090}},
        }.get(name, {"grpc": {"port": 50051}})
        address = self._environments[name]["LENSORA_METRICS_HOST"]
        until = time.monotonic() + READY_S
        while not passes(probe, address=address, ports={}, run=lambda _command, _timeout: 1):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{name} did not become ready:\n{self.tail()}")
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(END_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
