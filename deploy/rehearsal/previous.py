"""The previous release's tree, for rehearsing an upgrade: any git reference, unpacked beside this one."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

from deploy.images.closure import ROOT

REFERENCE_VARIABLE = "LENSORA_UPGRADE_FROM"
"""A git reference to upgrade from, instead of the newest tag."""

RECORDED = Path(__file__).with_name("PREVIOUS")
"""The commit that stands for the previous release as long as there is no tag."""


def reference() -> str:
    """What to upgrade from: the variable, else the newest tag before HEAD, else the recorded commit."""
    asked = os.environ.get(REFERENCE_VARIABLE, "")
    if asked:
        return asked
    tag = _git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", "HEAD^", check=False).strip()
    return tag or RECORDED.read_text().split()[0]


def unpack(folder: Path) -> Path:
    """Put the tree of ``reference()`` into a folder, with its gRPC stubs generated.

    Raises:
        RuntimeError: git does not know the reference (a shallow clone has no history: fetch it all).
    """
    extract(folder)
    done = subprocess.run([sys.executable, "build_protos.py"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the stubs of {reference()} could not be generated: {done.stderr}")
    return folder


def extract(folder: Path, *paths: str) -> None:
    """Put ``paths`` of the tree of ``reference()`` into a new folder; all of it where none is named.

    Raises:
        RuntimeError: as ``unpack``.
    """
    folder.mkdir(parents=True)
    archive = folder.with_suffix(".tar")
    _git("archive", "--format=tar", "--output", str(archive), reference(), *paths)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()


def _git(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603, S607
    if check and done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip()}; a shallow clone needs: git fetch --unshallow")
    return done.stdout if done.returncode == 0 else ""
