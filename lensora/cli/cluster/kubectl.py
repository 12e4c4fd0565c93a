"""kubectl, asked for JSON: the namespace that an installation lives in, as plain dictionaries."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lensora.core.errors import ConfigurationError

TIMEOUT_S = 60.0
"""A slow API server answers within this; kubectl's own time-out for a request is a little less."""

OURS = "app.kubernetes.io/part-of=lensora"
"""The label of everything that the chart makes."""

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kubectl:
    """The kubectl on PATH, held to one namespace and context. It only reads, but for commands inside our own pods."""

    namespace: str
    context: str = ""

    def objects(self, kind: str, selector: str = OURS) -> list[Object]:
        """Every object of a kind with these labels. Raises ConfigurationError: kubectl cannot ask, or may not."""
        arguments = ["get", kind, "--output", "json"]
        arguments += ["--selector", selector] if selector else []
        found: list[Object] = json.loads(self.run(arguments))["items"]
        return found

    def logs(self, pod: str, lines: int, *, previous: bool = False) -> str:
        """The end of a pod's logs, or of those before its last restart; empty where there are none."""
        arguments = ["logs", pod, "--all-containers", "--prefix", f"--tail={lines}"]
        try:
            return self.run([*arguments, "--previous"] if previous else arguments)
        except ConfigurationError:
            return ""

    def inside(self, deployment: str, command: Sequence[str]) -> str:
        """What a command printed in a pod of a Deployment. Raises ConfigurationError where it failed."""
        return self.run(["exec", f"deploy/{deployment}", "--", *command])

    def run(self, arguments: Sequence[str]) -> str:
        """kubectl's standard output. Raises ConfigurationError with what it wrote to standard error."""
        program = shutil.which("kubectl")
        if program is None:
            raise ConfigurationError("kubectl is not installed: https://kubernetes.io/docs/tasks/tools/")
        command = [program, "--namespace", self.namespace, "--request-timeout=50s"]
        command += ["--context", self.context] if self.context else []
        try:
            done = subprocess.run(
                [*command, *arguments], capture_output=True, text=True, check=False, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigurationError(f"kubectl {arguments[0]} did not answer within {TIMEOUT_S:g} s") from error
        if done.returncode != 0:
            raise ConfigurationError(f"kubectl {arguments[0]}: {done.stderr.strip()[-500:]}")
        return done.stdout
