"""Manifests of the chart, rendered by the real helm."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parent.parent / "helm" / "lensora"
EXAMPLES = tuple(sorted((CHART / "examples").glob("*.yaml")))

Manifest = dict[str, Any]
"""One Kubernetes object, as parsed YAML."""


class ChartRefused(Exception):
    """Helm would not render or lint the chart with these values; ``str()`` is what it said."""


@cache
def helm() -> str:
    """The helm binary: the one that ``deploy/helm/install_helm.py`` puts into the environment, else the one on PATH.

    Raises:
        FileNotFoundError: says how to install it.
    """
    installed = Path(sys.prefix) / "tools" / "helm"
    found = str(installed) if installed.is_file() else shutil.which("helm")
    if found is None:
        raise FileNotFoundError("helm is not installed; run: python deploy/helm/install_helm.py")
    return found


def render(
    *values: Path,
    sets: Sequence[str] = (),
    release: str = "studio",
    namespace: str = "lensora",
    kube_version: str = "1.33",
    chart: Path = CHART,
) -> list[Manifest]:
    """What ``helm template`` makes of the chart, hooks included. Who asks for the same values shares one run.

    Args:
        values: values files, later ones win.
        sets: ``key=value`` as for ``--set``; they win over the files.
        release: the release's name.
        namespace: the release's namespace.
        kube_version: the Kubernetes version that helm believes it talks to.
        chart: its folder.

    Returns:
        The objects; callers share them and change none.

    Raises:
        ChartRefused: a value is wrong, or a template failed.
    """
    files = tuple((path, path.read_text()) for path in values)
    return list(_render(chart, files, tuple(sets), release, namespace, kube_version))


@cache
def _render(
    chart: Path,
    values: tuple[tuple[Path, str], ...],
    sets: tuple[str, ...],
    release: str,
    namespace: str,
    kube_version: str,
) -> tuple[Manifest, ...]:
    arguments = ["template", release, str(chart), "--namespace", namespace, "--kube-version", kube_version]
    text = _helm([*arguments, *_values([path for path, _ in values], sets)])
    return tuple(manifest for manifest in yaml.load_all(text, yaml.CSafeLoader) if manifest)


def render_text(*values: Path, sets: Sequence[str] = ()) -> str:
    """What ``helm template`` prints, for what YAML's readers forgive. Raises ChartRefused."""
    return _helm(["template", "studio", str(CHART), *_values(values, sets)])


def notes(*values: Path, sets: Sequence[str] = (), release: str = "studio", namespace: str = "lensora") -> str:
    """What ``helm install`` prints at its end. Raises ChartRefused."""
    arguments = ["install", release, str(CHART), "--namespace", namespace, "--dry-run=client"]
    return _helm([*arguments, *_values(values, sets)]).partition("NOTES:\n")[2]


def lint(*values: Path, sets: Sequence[str] = ()) -> str:
    """``helm lint --strict``; answers what it printed. Raises ChartRefused."""
    return _helm(["lint", "--strict", str(CHART), *_values(values, sets)])


def named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The object of this kind and name. Raises KeyError."""
    for manifest in manifests:
        if manifest["kind"] == kind and manifest["metadata"]["name"] == name:
            return manifest
    raise KeyError(f"the chart rendered no {kind} {name}")


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    """The objects of these kinds, in the order rendered."""
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def pod_templates(manifests: Sequence[Manifest]) -> list[tuple[str, Manifest]]:
    """``(kind/name, pod template)`` of everything that makes pods, bare pods included."""
    found = []
    for manifest in manifests:
        name = f"{manifest['kind']}/{manifest['metadata']['name']}"
        if manifest["kind"] == "Pod":
            found.append((name, manifest))
        elif manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            found.append((name, manifest["spec"]["template"]))
    return found


def _values(values: Sequence[Path], sets: Sequence[str]) -> list[str]:
    arguments = []
    for path in values:
        arguments += ["--values", str(path)]
    for one in sets:
        arguments += ["--set-json" if one.partition("=")[2][:1] in ("{", "[", '"') else "--set", one]
    return arguments


def _helm(arguments: Sequence[str]) -> str:
    done = subprocess.run([helm(), *arguments], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise ChartRefused((done.stderr + done.stdout).strip())
    return done.stdout
