"""``lensora doctor``: is everything here that the embedded stack needs, and what to do where it is not."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path

import click
import httpx

from lensora.adapters.redis_server import best_program, require_readable
from lensora.cli.cluster.bundle import write as write_bundle
from lensora.cli.cluster.checks import look as look_at_cluster
from lensora.cli.cluster.kubectl import Kubectl
from lensora.cli.findings import Finding
from lensora.cli.home import DEFAULT_HOME, Home, RunningStack
from lensora.cli.models import models_dir_option
from lensora.cli.options import json_option, say_json
from lensora.core.errors import ConfigurationError
from lensora.models.manifest import Profile, load_manifest
from lensora.models.store import installed

MIN_FREE_BYTES = 2 * 1024**3
"""A few hundred jobs' artifacts and the weights."""

MIN_MEMORY_BYTES = 4 * 1024**3
"""The whole stack peaks at about 3 GiB."""

READY_PATIENCE_S = 5.0
"""For the answer of a stack that runs: longer than it waits for each of its services."""

GL_PROBE = "import moderngl; c = moderngl.create_context(standalone=True, backend='egl'); print(c.info['GL_RENDERER'])"

SERVERS = "pip install 'lensora[server]'"
"""Where the client alone is installed, no library of the system is what is missing."""


def look(home: Home, port: int, models_dir: Path) -> list[Finding]:
    """Look at everything; nothing is changed, nothing is left running."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _redis,
        _opengl,
        _video,
        lambda: _weights(models_dir),
        lambda: _home(home),
        lambda: _disk(home),
        _memory,
        lambda: _port(home, port),
    ]
    return [check() for check in checks]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    return Finding("Python", sys.version_info >= (3, 11), version, "install Python 3.11 or newer")


def _redis() -> Finding:
    try:
        program = best_program()
    except ConfigurationError as error:
        return Finding("Job store", False, error.message, "apt-get install redis-server")
    advice = "; apt-get install redis-server gets security fixes" if program.bundled else ""
    return Finding("Job store", True, f"{program}{advice}")


def _opengl() -> Finding:
    """In a process of its own: a broken driver may crash."""
    if find_spec("moderngl") is None:
        return Finding("OpenGL over EGL", False, "the package moderngl is not installed", SERVERS)
    remedy = "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri libgl1 (or NVIDIA's driver)"
    try:
        done = subprocess.run([sys.executable, "-c", GL_PROBE], capture_output=True, text=True, check=False, timeout=30)
    except subprocess.TimeoutExpired:
        return Finding("OpenGL over EGL", False, "no answer within 30 s", remedy)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it crashed"])[-1]
        return Finding("OpenGL over EGL", False, last, remedy)
    return Finding("OpenGL over EGL", True, done.stdout.strip())


def _video() -> Finding:
    if find_spec("av") is None:
        return Finding("H.264 encoder", False, "the package av is not installed", SERVERS)
    try:
        av = importlib.import_module("av")
        av.codec.Codec("libx264", "w")
    except Exception as error:
        return Finding("H.264 encoder", False, f"{type(error).__name__}: {error}", "pip install --force-reinstall av")
    return Finding("H.264 encoder", True, f"libx264 in PyAV {av.__version__}")


def _weights(models_dir: Path) -> Finding:
    wanted = {entry.name for entry in load_manifest().profile(Profile.EMBEDDED)}
    here = {entry.name for entry in installed(models_dir)}
    missing = sorted(wanted - here)
    if missing:
        return Finding("Weights", False, f"missing: {', '.join(missing)}", "lensora models pull")
    return Finding("Weights", True, f"{len(wanted)} models in {models_dir.expanduser()}")


def _home(home: Home) -> Finding:
    """Only a look: a folder that `lensora up` could make is well."""
    folder = home.folder
    if not os.path.lexists(folder):
        folder = _nearest(folder)
    remedy = "another folder, by --home or LENSORA_HOME"
    if not folder.is_dir():
        return Finding("Home", False, f"{folder} is no folder", remedy)
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        return Finding("Home", False, f"{folder} cannot be written", f"let this user write there, or {remedy}")
    try:
        require_readable(home.redis_folder, best_program())
    except ConfigurationError as error:
        return Finding("Home", False, error.message, "apt-get install redis-server")
    return Finding("Home", True, str(home.folder))


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that is there."""
    while not os.path.exists(folder):  # noqa: PTH110 - Path's raises where it may not look
        folder = folder.parent
    return folder


def _disk(home: Home) -> Finding:
    folder = _nearest(home.folder)
    free = shutil.disk_usage(folder).free
    return Finding(
        "Disk", free >= MIN_FREE_BYTES, f"{free / 1024**3:.1f} GiB free at {home.folder}", "free 2 GiB there"
    )


def _memory() -> Finding:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        available = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return Finding("Memory", True, "not known on this system")
    return Finding(
        "Memory", available >= MIN_MEMORY_BYTES, f"{available / 1024**3:.1f} GiB available", "4 GiB are needed"
    )


def _port(home: Home, port: int) -> Finding:
    stack = home.running()
    if stack is not None:
        return _stack(home, stack)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return Finding("Port", False, f"{port} is taken", "take a free one: lensora up --port 0")
    return Finding("Port", True, f"{port} is free")


def _stack(home: Home, stack: RunningStack) -> Finding:
    """A process that is kept up may be away all the same, while it starts again or hangs."""
    running = f"running at {stack.base_url} (process {stack.pid})"
    try:
        answer = httpx.get(f"{stack.base_url}/readyz", timeout=READY_PATIENCE_S, trust_env=False)
        checks = answer.json()["checks"]
        away = ", ".join(f"{name} {state}" for name, state in checks.items() if state != "ok")
    except (httpx.HTTPError, ValueError, KeyError, AttributeError):
        answer, away = None, "the gateway does not answer"
    if answer is not None and answer.is_success:
        return Finding("Stack", True, running)
    return Finding("Stack", False, f"{running}, but not ready: {away or 'it ends'}", f"look at {home.logs_folder}")


@click.command()
@click.option("--home", envvar="LENSORA_HOME", default=DEFAULT_HOME, show_default=True, help="Folder of the stack.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="Port that `lensora up` would take.",
)
@models_dir_option
@click.option("--cluster", is_flag=True, help="Look at an installation on Kubernetes instead, through kubectl.")
@click.option("--namespace", default="studio", show_default=True, help="Namespace of the installation (--cluster).")
@click.option("--context", default="", help="kubectl's context; its present one where none is named (--cluster).")
@click.option(
    "--bundle",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write what someone needs to help, without secrets, to this .tar.gz (--cluster).",
)
@json_option
def doctor(
    home: str,
    port: int,
    models_dir: str,
    cluster: bool,
    namespace: str,
    context: str,
    bundle: Path | None,
    as_json: bool,
) -> None:
    """Check that this machine has what the stack needs, or that an installation on Kubernetes is well (--cluster).

    Exit status 1 where something is not.
    """
    if bundle is not None and not cluster:
        raise click.UsageError("--bundle needs --cluster")
    if cluster:
        kubectl = Kubectl(namespace, context)
        findings = look_at_cluster(kubectl)
    else:
        findings = look(Home.at(home), port, Path(models_dir))
    if as_json:
        say_json([asdict(finding) for finding in findings])
    for finding in () if as_json else findings:
        mark = click.style("ok  ", fg="green") if finding.well else click.style("FAIL", fg="red")
        click.echo(f"{mark}  {finding.name}: {finding.seen}")
        if not finding.well:
            click.echo(f"      -> {finding.remedy}")
    if bundle is not None:
        names = write_bundle(kubectl, findings, bundle)
        click.echo(f"{bundle}: {len(names)} files, secrets hidden; look through it before you send it", err=True)
    if not all(finding.well for finding in findings):
        raise SystemExit(1)
