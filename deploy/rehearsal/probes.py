"""The kubelet's four kinds of probe, against a pod of the rehearsal."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.rehearsal.chart import Manifest

DEFAULT_TIMEOUT_S = 1.0
"""Kubernetes's own default."""

Exec = Callable[[Sequence[str], float], int]
"""Runs a command in the container; its exit status."""


def passes(probe: Manifest, *, address: str, ports: Mapping[str, int], run: Exec) -> bool:
    """Ask once.

    Args:
        probe: a startupProbe, readinessProbe or livenessProbe.
        address: the pod's.
        ports: the container's ports by name.
        run: for exec probes.
    """
    timeout_s = float(probe.get("timeoutSeconds", DEFAULT_TIMEOUT_S))
    if "httpGet" in probe:
        ask = probe["httpGet"]
        port = ports[ask["port"]] if isinstance(ask["port"], str) else ask["port"]
        return _http(address, port, ask["path"], timeout_s)
    if "grpc" in probe:
        return _grpc(f"{address}:{probe['grpc']['port']}", probe["grpc"].get("service", ""), timeout_s)
    if "tcpSocket" in probe:
        port = probe["tcpSocket"]["port"]
        return _tcp(address, ports[port] if isinstance(port, str) else port, timeout_s)
    return run(probe["exec"]["command"], timeout_s) == 0


def _http(address: str, port: int, path: str, timeout_s: float) -> bool:
    connection = HTTPConnection(address, port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return 200 <= connection.getresponse().status < 400
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _grpc(target: str, service: str, timeout_s: float) -> bool:
    with grpc.insecure_channel(target) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=timeout_s
            )
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _tcp(address: str, port: int, timeout_s: float) -> bool:
    try:
        with socket.create_connection((address, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def run_command(
    command: Sequence[str], environment: Mapping[str, str], folder: str, timeout_s: float
) -> tuple[int, str]:
    """Exit status and standard output of a command, standard error after it; 124 when it took too long."""
    try:
        done = subprocess.run(  # noqa: S603 - the chart's own command
            list(command),
            env=dict(environment),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return 124, f"not done within {timeout_s:g} s"
    return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr
