"""``lensora doctor``: is everything here that the embedded stack needs, and what to do where it is not."""

from __future__ import annotations

import importlib
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import click

from lensora.adapters.redis_server import best_program
from lensora.cli.cluster.bundle import write as write_bundle
from lensora.cli.cluster.checks import look as look_at_cluster
from lensora.cli.cluster.kubectl import Kubectl
from lensora.cli.findings import Finding
from lensora.cli.home import DEFAULT_HOME, Home
from lensora.cli.models import models_dir_option
from lensora.cli.options import json_option, say_json
from lensora.core.errors import ConfigurationError
from lensora.models.manifest import Profile, load_manifest
from lensora.models.store import installed

MIN_FREE_BYTES = 2 * 1024**3
"""A few hundred jobs' artifacts and the weights."""

MIN_MEMORY_BYTES = 4 * 1024**3
"""The whole stack peaks at about 3 GiB."""

GL_PROBE = "import moderngl; c = moderngl.create_context(standalone=True, backend='egl'); print(c.info['GL_RENDERER'])"


def look(home: Home, port: int, models_dir: Path) -> list[Finding]:
    """Look at everything; nothing is changed, nothing is left running."""
    checks: list[Callable[[], Finding]] = [
        _python,
        _redis,
        _opengl,
        _video,
        lambda: _weights(models_dir),
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


def _disk(home: Home) -> Finding:
    folder = home.folder
    while not folder.exists():
        folder = folder.parent
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
        return Finding("Stack", True, f"running at {stack.base_url} (process {stack.pid})")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return Finding("Port", False, f"{port} is taken", "take a free one: lensora up --port 0")
    return Finding("Port", True, f"{port} is free")


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
