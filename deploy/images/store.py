"""Images built and run without a daemon: buildah with chroot isolation, on a base of Debian's own making.

``docker build`` and a registry's base image do the same where there is a daemon; this way needs root, Debian's packages
``buildah`` and ``debootstrap``, and nothing else.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.images.closure import ROOT
from lensora.testing.triton import LIBRARIES

BASE = "localhost/lensora-base:bookworm"
TRITON_BASE = "localhost/lensora-triton-base:cpu"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Copied into the base, so that the build trusts the package registries that this machine trusts."""


@dataclass(frozen=True, slots=True)
class Image:
    """A built image: its name, its unpacked size, and what it starts."""

    name: str
    size_bytes: int
    entrypoint: tuple[str, ...]
    user: str
    labels: Mapping[str, str]
    environment: Mapping[str, str]


@functools.cache
def buildah() -> tuple[str, ...]:
    """The command, with the storage that this machine allows: overlay shares layers, vfs copies all for each step."""
    overlay = ("buildah", "--storage-driver", "overlay")
    works = subprocess.run([*overlay, "info"], capture_output=True, check=False).returncode == 0  # noqa: S603
    return overlay if works else ("buildah", "--storage-driver", "vfs")


def require() -> None:
    """Raises FileNotFoundError for a tool that is missing, with the command that installs it."""
    missing = [tool for tool in ("buildah", "debootstrap") if shutil.which(tool) is None]
    if missing:
        raise FileNotFoundError(
            f"{' and '.join(missing)} not found; as root: apt-get install --no-install-recommends {' '.join(missing)}"
        )


def make_base(scratch: Path) -> None:
    """Debian bookworm, the smallest variant, as an image; made once."""
    known = subprocess.run([*buildah(), "inspect", BASE], capture_output=True, check=False)  # noqa: S603
    if known.returncode == 0:
        return
    folder = scratch / "base"
    _run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", str(folder))
    shutil.copy(CERTIFICATES, folder / CERTIFICATES.relative_to("/"))
    # What debian:bookworm-slim leaves out too.
    for needless in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(folder / needless)
        (folder / needless).mkdir()
    (folder / "var/cache/apt/archives/partial").mkdir(parents=True)
    (folder / "var/lib/apt/lists/partial").mkdir()
    container = _run(*buildah(), "from", "scratch").strip()
    _run(*buildah(), "add", container, str(folder), "/")
    _run(*buildah(), "config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    _run(*buildah(), "commit", "--rm", container, BASE)
    shutil.rmtree(folder)


def make_triton_base(server: Path) -> None:
    """An image with a Triton for CPUs where NVIDIA's has its own: ``/opt/tritonserver``; made once.

    Args:
        server: what ``deploy/triton/install_server.py`` unpacked.
    """
    known = subprocess.run([*buildah(), "inspect", TRITON_BASE], capture_output=True, check=False)  # noqa: S603
    if known.returncode == 0:
        return
    container = _run(*buildah(), "from", BASE).strip()
    packages = "python3 python3-pip libpython3.11 libgomp1"
    install = f"apt-get update && apt-get install --yes --no-install-recommends {packages}"
    _run(*buildah(), "run", "--isolation", "chroot", container, "--", "sh", "-c", install)
    _run(*buildah(), "add", container, str(server / "pytriton" / "tritonserver"), "/opt/tritonserver")
    _run(*buildah(), "add", container, str(server / LIBRARIES), "/opt/tritonserver/libs")
    path = "/opt/tritonserver/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    _run(*buildah(), "config", "--env", f"PATH={path}", "--env", "LD_LIBRARY_PATH=/opt/tritonserver/libs", container)
    _run(*buildah(), "commit", "--rm", container, TRITON_BASE)


def build(target: str, version: str, revision: str) -> str:
    """Build one target of the Dockerfile; answers the image's name. Steps that have not changed are taken over."""
    name = f"localhost/lensora-{target}:{version}"
    arguments = [f"BASE_IMAGE={BASE}", f"VERSION={version}", f"REVISION={revision}"]
    arguments += [f"TRITON_IMAGE={TRITON_BASE}", "TRITON_LOCK=triton-cpu.lock"] if target == "triton" else []
    _run(
        *buildah(),
        *("build", "--isolation", "chroot", "--layers", "--file", "deploy/Dockerfile", "--target", target),
        *(part for argument in arguments for part in ("--build-arg", argument)),
        *("--tag", name, "."),
    )
    return name


def describe(name: str) -> Image:
    """What the image says of itself."""
    config = json.loads(_run(*buildah(), "inspect", "--type", "image", name))["OCIv1"]["config"]
    listed = json.loads(_run(*buildah(), "images", "--json", name))
    size = listed[0]["size"]
    return Image(
        name=name,
        size_bytes=_bytes(size) if isinstance(size, str) else int(size),
        entrypoint=tuple(config.get("Entrypoint", ())),
        user=config.get("User", ""),
        labels=config.get("Labels", {}),
        environment=dict(entry.partition("=")[::2] for entry in config.get("Env", ())),
    )


class Container:
    """A container of an image; its process runs in this machine's network. Use as a context manager."""

    def __init__(self, image: Image, *, mounts: Mapping[Path, str], environment: Mapping[str, str]) -> None:
        """
        Args:
            image: what to run.
            mounts: folders of this machine and where they lie inside, writable.
            environment: variables beside the image's own.
        """
        self._name = _run(*buildah(), "from", image.name).strip()
        self._options = [
            *("--isolation", "chroot", "--user", image.user or "root"),
            *(part for here, there in mounts.items() for part in ("--volume", f"{here}:{there}")),
            *(part for key, value in environment.items() for part in ("--env", f"{key}={value}")),
        ]

    def __enter__(self) -> Container:
        return self

    def __exit__(self, *_details: object) -> None:
        _run(*buildah(), "rm", self._name)

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The command of this machine that runs ``arguments`` inside."""
        return [*buildah(), "run", *self._options, self._name, "--", *arguments]


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:6])} ... failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _bytes(text: str) -> int:
    number, unit = text.split()
    return round(float(number) * {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}[unit])
