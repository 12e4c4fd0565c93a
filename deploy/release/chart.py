"""The chart of a release: the images' registry and digests written in, packaged by helm."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.rehearsal.chart import helm
from deploy.release.plan import CHART, PLATFORMS, ReleaseRefused, registry

_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$")


def package(digests: Mapping[str, str], folder: Path) -> Path:
    """Write the digests into a copy of the chart and package it.

    Args:
        digests: ``sha256:...`` by image; every image of the chart.
        folder: for the copy and the archive.

    Raises:
        ReleaseRefused: an image has no digest, or one that is none.
    """
    wrong = sorted(name for name in PLATFORMS if not _DIGEST.match(digests.get(name, "")))
    if wrong or set(digests) - set(PLATFORMS):
        raise ReleaseRefused(
            f"digests are missing or wrong: {', '.join(wrong) or sorted(set(digests) - set(PLATFORMS))}"
        )
    copy = folder / "lensora"
    shutil.copytree(CHART, copy)
    values = copy / "values.yaml"
    values.write_text(pinned(values.read_text(), digests))
    for arguments in (["lint", "--strict", str(copy)], ["package", str(copy), "--destination", str(folder)]):
        done = subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise ReleaseRefused(f"helm {arguments[0]}: {done.stdout}{done.stderr}")
    (archive,) = folder.glob("lensora-*.tgz")
    return archive


def pinned(values: str, digests: Mapping[str, str]) -> str:
    """values.yaml with the release's registry and digests, its comments kept. Raises ReleaseRefused."""
    lines = "\n".join(f"    {name}: {digest}" for name, digest in sorted(digests.items()))
    text, named = re.subn(r"(?m)^  registry: .*$", f"  registry: {registry()}", values, count=1)
    text, written = re.subn(r"(?m)^  digests: \{\}$", f"  digests:\n{lines}", text, count=1)
    image = yaml.safe_load(text)["image"]
    if not (named and written) or image["digests"] != dict(digests) or image["registry"] != registry():
        raise ReleaseRefused("values.yaml has no image.registry or no empty image.digests to write to")
    return text
