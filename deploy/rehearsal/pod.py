"""One pod as a local process: its container's command with exactly its environment and arguments.

What is mapped: the pod's address is one of 127.0.0.0/8, so that every port stays the manifest's own; ``0.0.0.0``,
``::`` (as each program writes it) and ``localhost`` become that address; mounted paths become folders; names of
Services become addresses. Nothing else is changed.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.rehearsal.chart import Manifest
from deploy.rehearsal.probes import passes, run_command

STACKS_S = 5.0
"""Patience with a process that did not end in time and is asked where its threads stand."""

FASTEST_PROBE_S = 0.25
"""Probes are asked oftener than the manifest says, so that a rehearsal takes seconds; patience is counted in time."""

_VARIABLE = re.compile(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)")

_EVERYWHERE = re.compile(r"(?<![\w.:])(0\.0\.0\.0|localhost|\* -::\*|ipv6:::|\[::\]|::)(?![\w.:])")
"""Every address, as IPv4, Redis, evhtp (Triton's HTTP) and gRPC write it; and a pod's own loopback."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """Text of the manifest and what stands for it here."""

    paths: Mapping[str, Path]
    names: Sequence[tuple[re.Pattern[str], str]]
    address: str

    def apply(self, text: str) -> str:
        """The text with paths, names and the address to listen on replaced."""
        if self.paths:
            # In one pass: what stands for a path may hold another path.
            known = "|".join(re.escape(path) for path in sorted(self.paths, key=len, reverse=True))
            text = re.sub(rf"(?<![\w.-])({known})(?=[/\s\"']|$)", lambda found: str(self.paths[found.group(1)]), text)
        for pattern, replacement in self.names:
            text = pattern.sub(replacement, text)
        # The pod's own loopback is its address here: other pods share this machine's.
        return _EVERYWHERE.sub(self.address, text)


@dataclass(slots=True)
class Pod:
    """A container that runs. ``start`` once, then ``stop`` once."""

    name: str
    component: str
    address: str
    template: Manifest
    environment: dict[str, str]
    mapping: Rehearsed
    folder: Path
    init: Sequence[tuple[Sequence[str], Mapping[str, str]]] = ()
    tools: Path | None = None
    source: Path | None = None
    terminating: bool = False
    killed: bool = False
    unhealthy: list[str] = field(default_factory=list)
    _passing: bool = False
    _process: subprocess.Popen[bytes] | None = None
    _halt: threading.Event = field(default_factory=threading.Event)
    _started: threading.Event = field(default_factory=threading.Event)

    @property
    def container(self) -> Manifest:
        """The pod's only container."""
        (container,) = self.template["spec"]["containers"]
        found: Manifest = container
        return found

    @property
    def ports(self) -> dict[str, int]:
        """Container ports by name."""
        return {port["name"]: port["containerPort"] for port in self.container.get("ports", ())}

    @property
    def ready(self) -> bool:
        """Whether it gets new connections: its readiness probe passes, and it is not on its way out."""
        return self._passing and not self.terminating

    @property
    def log(self) -> Path:
        """Standard output and error."""
        return self.folder / "log"

    def start(self) -> None:
        """Run the init containers, then start the command and the probes.

        Raises:
            RuntimeError: an init container failed; the sentence has what it wrote.
        """
        for init_command, environment in self.init:
            done = subprocess.run(  # noqa: S603 - the chart's own command
                list(init_command), env=self._with_path(environment), capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise RuntimeError(f"{self.name}: init container failed:\n{done.stdout}{done.stderr}")
        command = [*self.container.get("command", ()), *self.container.get("args", ())]
        arguments = [self.mapping.apply(expand(part, self.environment)) for part in command]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the chart's own command
                arguments,
                env=self.process_environment(),
                cwd=self.mapping.paths.get("/tmp", self.folder),  # noqa: S108 - the images' working folder
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        threading.Thread(target=self._probe, name=f"kubelet-{self.name}", daemon=True).start()

    def process_environment(self) -> dict[str, str]:
        """The manifest's variables, a PATH on which ``python`` is the Python that runs this, and stacks on SIGABRT."""
        return {"PYTHONFAULTHANDLER": "1", **self._with_path(self.environment)}

    def _with_path(self, environment: Mapping[str, str]) -> dict[str, str]:
        folders = [str(self.tools)] if self.tools is not None else []
        folders += [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
        # The code of another release goes before what is installed here.
        code = {} if self.source is None else {"PYTHONPATH": str(self.source)}
        return {"PATH": os.pathsep.join(folders), **code, **environment}

    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def wait_ready(self, timeout_s: float) -> None:
        """Wait for the startup and readiness probes. Raises RuntimeError with the end of the log."""
        until = time.monotonic() + timeout_s
        while not self.ready:
            if not self.running():
                raise RuntimeError(f"{self.name} ended before it was ready:\n{self.tail()}")
            if time.monotonic() > until:
                raise RuntimeError(f"{self.name} was not ready within {timeout_s:.0f} s:\n{self.tail()}")
            time.sleep(0.05)

    def stop(self) -> float:
        """End it as the kubelet does: out of the endpoints, preStop, SIGTERM, SIGKILL at the end of the grace.

        Returns:
            Seconds from the beginning to the process's end.
        """
        assert self._process is not None
        begun = time.monotonic()
        self.terminating = True
        self._halt.set()
        grace_s = float(self.template["spec"].get("terminationGracePeriodSeconds", 30))
        hook = self.container.get("lifecycle", {}).get("preStop", {})
        if "sleep" in hook:
            time.sleep(hook["sleep"]["seconds"])
        elif "exec" in hook:
            self.run(hook["exec"]["command"], grace_s)
        self._process.terminate()
        try:
            self._process.wait(max(0.1, begun + grace_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.killed = True
            self._process.send_signal(signal.SIGABRT)  # Python writes to the log where each thread stands
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STACKS_S)
            self.kill()
        return time.monotonic() - begun

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self.terminating = True
            self._halt.set()
            # The whole container: a server's own children end with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def run(self, command: Sequence[str], timeout_s: float) -> int:
        """Exit status of a command inside the container."""
        return self.output(command, timeout_s)[0]

    def output(self, command: Sequence[str], timeout_s: float) -> tuple[int, str]:
        """Exit status and output of a command inside the container."""
        mapped = [self.mapping.apply(expand(part, self.environment)) for part in command]
        return run_command(mapped, self.process_environment(), str(self.folder), timeout_s)

    def ask(self, probe: str) -> bool:
        """Ask one of the container's probes by its name."""
        return self._ask(self.container[probe])

    def tail(self, lines: int = 30) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _probe(self) -> None:
        startup = self.container["startupProbe"]
        until = time.monotonic() + float(startup.get("periodSeconds", 10)) * startup.get("failureThreshold", 3)
        while not self._ask(startup):
            if self._halt.wait(FASTEST_PROBE_S):
                return
            if time.monotonic() > until:
                self.unhealthy.append("startupProbe")
                return
        readiness, liveness = self.container["readinessProbe"], self.container["livenessProbe"]
        last_ready = last_alive = time.monotonic()
        while not self._halt.wait(FASTEST_PROBE_S if not self.ready else 1.0):
            now = time.monotonic()
            if self._ask(readiness):
                last_ready, self._passing = now, True
            elif now - last_ready > _patience_s(readiness):
                self._passing = False
            if self._ask(liveness):
                last_alive = now
            elif now - last_alive > _patience_s(liveness) and not self.terminating:
                self.unhealthy.append("livenessProbe")
                return

    def _ask(self, probe: Manifest) -> bool:
        return passes(probe, address=self.address, ports=self.ports, run=self.run)


def expand(text: str, environment: Mapping[str, str]) -> str:
    """``$(NAME)`` of commands and values, as Kubernetes expands it: unknown names stay."""
    return _VARIABLE.sub(lambda found: environment.get(found.group(1), found.group(0)), text)


def _patience_s(probe: Manifest) -> float:
    return float(probe.get("periodSeconds", 10)) * float(probe.get("failureThreshold", 3))
